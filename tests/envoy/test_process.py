"""Shutdown of Envoy's container: open connections are kept after SIGTERM."""

import os
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from color_mesh.cdk.envoy_process import run_envoy
from color_mesh.envoy import Loopback, configure
from color_mesh.envoy.document import compressed, document, shortest
from color_mesh.envoy.placement import INBOUND_PORT
from color_mesh.model import Listener
from tests.support.builders import HTTP_8080, mesh, node, service, to
from tests.support.envoy import ENVOY, WORKER_ADDRESS
from tests.support.loopback_mesh import connect, wait_until
from tests.support.servers import App, tcp_server

DRAIN_SECONDS = 1
BACKEND = "blue.colors.local"


@contextmanager
def running_envoy(
    folder: Path, write: Callable[[Any], list[str]] = document, app_ports: Sequence[int] = ()
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the container's entry point for a node with a tcp listener and a backend, on one loopback address."""
    listener = Listener(port=9000, protocol="tcp")
    of = mesh(
        nodes=[node("red", listeners=(listener,), backends=(to(BACKEND),)), node("blue", listeners=(HTTP_8080,))],
        services=[service(BACKEND, virtual_node="blue")],
    )
    placement = Loopback(
        task_address=WORKER_ADDRESS,
        app_address=WORKER_ADDRESS,
        envoy_address=WORKER_ADDRESS,
        backend_addresses={BACKEND: WORKER_ADDRESS},
    )
    configuration = write(configure(of, of.node("red"), interception=placement).bootstrap)
    command = run_envoy(DRAIN_SECONDS, workers=1, app_ports=app_ports, region="eu-west-1", url_suffix="amazonaws.com")
    words = [word.replace("127.0.0.1", WORKER_ADDRESS) for word in command]
    environment = {**os.environ, "PATH": f"{Path(ENVOY).parent}:{os.environ['PATH']}"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*words, *configuration], env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_until(accepts_connections, "Envoy accepts connections")
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def accepts_connections() -> bool:
    try:
        socket.create_connection((WORKER_ADDRESS, INBOUND_PORT), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def is_connected_to_the_backend() -> bool:
    url = f"http://{WORKER_ADDRESS}:9901/stats?filter=http.egress.downstream_cx_active"
    with urllib.request.urlopen(url, timeout=5) as response:
        return bool(response.read() == b"http.egress.downstream_cx_active: 1\n")


def test_tcp_connections_are_kept_until_they_are_closed(tmp_path: Path) -> None:
    with tcp_server(App("red"), WORKER_ADDRESS, 9000), running_envoy(tmp_path) as process:
        with connect(WORKER_ADDRESS, INBOUND_PORT) as connection:
            assert connection.recv(100) == b"red\n"
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: not accepts_connections(), "Envoy accepts no more connections")
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1)
            connection.sendall(b"still there")
            assert connection.recv(100) == b"still there"
        assert process.wait(10) == 0


def test_envoy_ends_without_connections(tmp_path: Path) -> None:
    with tcp_server(App("red"), WORKER_ADDRESS, 9000), running_envoy(tmp_path) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_envoy_answers_until_the_application_has_ended(tmp_path: Path) -> None:
    """As if ECS sent SIGTERM to all containers at once, and the application took its time."""
    with (
        tcp_server(App("red"), WORKER_ADDRESS, 9000),
        socket.create_server(("127.0.0.1", 0)) as application,
        running_envoy(tmp_path, app_ports=(1, application.getsockname()[1])) as process,
    ):
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(DRAIN_SECONDS + 2)
        with connect(WORKER_ADDRESS, INBOUND_PORT) as connection:
            assert connection.recv(100) == b"red\n"
        application.close()
        assert process.wait(10) == 0


def test_envoy_stays_while_an_application_without_ports_is_connected(tmp_path: Path) -> None:
    with tcp_server(App("red"), WORKER_ADDRESS, 9000), running_envoy(tmp_path) as process:
        with connect(WORKER_ADDRESS, HTTP_8080.port):
            wait_until(is_connected_to_the_backend, "Envoy has accepted the connection")
            process.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(DRAIN_SECONDS + 2)
            assert accepts_connections()
        assert process.wait(10) == 0


@pytest.mark.parametrize("length", [0, 128 * 1024], ids=["short", "longer-than-an-argument"])
def test_envoy_runs_with_a_compressed_configuration(tmp_path: Path, length: int) -> None:
    def write(bootstrap: Any) -> list[str]:
        return compressed({**bootstrap, "node": {**bootstrap["node"], "metadata": {"long": "x" * length}}})

    with (
        tcp_server(App("red"), WORKER_ADDRESS, 9000),
        running_envoy(tmp_path, write),
        connect(WORKER_ADDRESS, INBOUND_PORT) as connection,
    ):
        assert connection.recv(100) == b"red\n"


@pytest.mark.root
def test_long_compressed_configuration_needs_no_writable_file_system(tmp_path: Path) -> None:
    """Bash writes the text of a here-string to a file if it does not fit into a pipe, 64 KiB."""
    fake = tmp_path / "envoy"
    fake.write_text('#!/bin/sh\nwc -c <"$2"\n')
    fake.chmod(0o755)
    value = {"random": os.urandom(60_000).hex()}
    read_only = (
        'for mount in $(awk "{print \\$5}" /proc/self/mountinfo | sort -r); do mount -o remount,bind,ro "$mount"; done'
    )
    done = subprocess.run(
        [
            *("unshare", "--mount", "sh", "-c", f'({read_only}) 2>/dev/null; ! touch "$0" && "$@"'),
            str(tmp_path / "written"),
            *run_envoy(DRAIN_SECONDS, workers=1, app_ports=(), region="eu-west-1", url_suffix="amazonaws.com"),
            *compressed(value),
        ],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.split() == [str(len(shortest(value)))], done.stderr
