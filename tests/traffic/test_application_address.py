"""Addresses of an application behind a real Envoy: it cannot take those of services that are not backends."""

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from color_mesh.envoy import Loopback, configure, loopback_address
from color_mesh.envoy.placement import GUARD_ADDRESS, INBOUND_PORT
from color_mesh.model import Listener, Mesh
from tests.support.builders import mesh, node, service
from tests.support.envoy import ENVOY, WORKER_ADDRESS
from tests.support.loopback_mesh import DEADLINE_SECONDS, connect, wait_until
from tests.support.servers import App, tcp_server


def free_port() -> int:
    with socket.create_server(("0.0.0.0", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def two_nodes(port: int) -> Mesh:
    """Return a mesh of red and blue with the same port. Neither is a backend of the other."""
    listeners = (Listener(port=port, protocol="tcp"),)
    return mesh(
        nodes=(node("red", listeners=listeners), node("blue", listeners=listeners)),
        services=(service("red.colors.local", virtual_node="red"), service("blue.colors.local", virtual_node="blue")),
    )


@contextmanager
def envoy_of_red(folder: Path, port: int) -> Iterator[None]:
    of = two_nodes(port)
    placement = Loopback(task_address=WORKER_ADDRESS, envoy_address=WORKER_ADDRESS)
    configuration = configure(of, of.node("red"), interception=placement)
    (folder / "bootstrap.json").write_text(json.dumps(configuration.bootstrap))
    process = subprocess.Popen(
        [ENVOY, "--config-path", str(folder / "bootstrap.json"), "--disable-hot-restart", "--log-level", "error"]
    )
    try:
        wait_until(lambda: listens(GUARD_ADDRESS, port), "Envoy listens")
        yield
    finally:
        process.kill()
        process.wait()


def listens(address: str, port: int) -> bool:
    with socket.socket() as connection:
        connection.settimeout(DEADLINE_SECONDS)
        return connection.connect_ex((address, port)) == 0


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of the application of red, whose Envoy runs."""
    number = free_port()
    with envoy_of_red(tmp_path_factory.mktemp("red"), number):
        yield number


@pytest.mark.parametrize("reuse_port", [False, True])
@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")])
def test_application_cannot_listen_on_all_addresses(
    port: int, family: socket.AddressFamily, address: str, reuse_port: bool
) -> None:
    with pytest.raises(OSError, match="Address already in use"):
        socket.create_server(
            (address, port),
            family=family,
            reuse_port=reuse_port,
            dualstack_ipv6=family == socket.AF_INET6,
        )


def test_application_on_the_loopback_interface_is_called(port: int) -> None:
    with tcp_server(App("red"), "127.0.0.1", port), connect(WORKER_ADDRESS, INBOUND_PORT) as connection:
        assert connection.recv(100) == b"red\n"


def test_service_that_is_not_a_backend_answers_nothing(port: int) -> None:
    with tcp_server(App("red"), "127.0.0.1", port):
        assert not listens(loopback_address("blue.colors.local"), port)


def test_envoy_closes_connections_to_the_address_that_it_occupies(port: int) -> None:
    with connect(GUARD_ADDRESS, port) as connection:
        assert connection.recv(100) == b""
