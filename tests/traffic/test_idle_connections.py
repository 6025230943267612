"""Idle connections between Envoys end, first at the caller. The timeouts are two orders of magnitude shorter here."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from color_mesh.envoy.idle_timeouts import CLIENT_IDLE_MILLIS, SERVER_IDLE_MILLIS
from color_mesh.envoy.typed import duration
from color_mesh.model import Listener
from tests.support.builders import gateway, gateway_route, mesh, node, service, to
from tests.support.loopback_mesh import LoopbackMesh, connect, loopback_mesh, wait_until

PORT, TCP_PORT = 80, 83
LISTENERS = (Listener(port=PORT), Listener(port=TCP_PORT, protocol="tcp"))
MESH = mesh(
    nodes=(
        node("caller", listeners=(), backends=(to("red.colors.local"),)),
        node("red", listeners=LISTENERS),
    ),
    services=(service("red.colors.local", virtual_node="red"),),
    gateways=(gateway("gateway", routes=(gateway_route(target_port=PORT),)),),
)
CLIENT_SECONDS, SERVER_SECONDS = 1.2, 3
CLUSTER = "cluster.cds_egress_colors_red_http_80"


def shorten(content: Any) -> Any:
    """Return a configuration with the idle timeouts of the test."""
    shorter = {duration(CLIENT_IDLE_MILLIS): f"{CLIENT_SECONDS}s", duration(SERVER_IDLE_MILLIS): f"{SERVER_SECONDS}s"}
    if isinstance(content, dict):
        return {
            key: shorter.get(value, value) if key == "idle_timeout" else shorten(value)
            for key, value in content.items()
        }
    return [shorten(value) for value in content] if isinstance(content, list | tuple) else content


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    with loopback_mesh(MESH, tmp_path_factory.mktemp("idle"), adjust=shorten) as mesh:
        yield mesh


def test_caller_ends_an_idle_http_connection_before_the_other_end(running: LoopbackMesh) -> None:
    caller, red = running.task("caller"), running.task("red")
    assert running.call("caller", "red.colors.local", PORT).status == 200
    assert caller.stat(f"{CLUSTER}.upstream_cx_active") == 1
    wait_until(lambda: caller.stat(f"{CLUSTER}.upstream_cx_active") == 0, "the connection ends")
    assert caller.stat(f"{CLUSTER}.upstream_cx_idle_timeout") == 1
    wait_until(lambda: red.stat("http.ingress.http.80.downstream_cx_active") == 0, "the other end has closed it too")
    assert red.stat("http.ingress.http.80.downstream_cx_idle_timeout") == 0


def test_gateway_ends_an_idle_connection_to_a_node(running: LoopbackMesh) -> None:
    entry = running.task("gateway")
    assert running.enter("gateway", PORT).status == 200
    wait_until(lambda: entry.stat(f"{CLUSTER}.upstream_cx_idle_timeout") == 1, "the connection ends")


def test_requests_keep_a_connection(running: LoopbackMesh) -> None:
    caller = running.task("caller")
    before = caller.stat(f"{CLUSTER}.upstream_cx_total")
    end = time.monotonic() + 2 * CLIENT_SECONDS
    while time.monotonic() < end:
        assert running.call("caller", "red.colors.local", PORT).status == 200
    assert caller.stat(f"{CLUSTER}.upstream_cx_total") <= before + 1


def test_caller_ends_an_idle_tcp_connection(running: LoopbackMesh) -> None:
    caller, red = running.task("caller"), running.task("red")
    with connect(caller.backend_address("red.colors.local"), TCP_PORT) as connection:
        assert connection.recv(100) == b"red\n"
        assert connection.recv(100) == b""
    assert caller.stat("tcp.egress.idle_timeout") == 1
    assert red.stat("tcp.ingress.tcp.83.idle_timeout") == 0


@pytest.mark.parametrize(("number", "greeting"), [(0, b""), (1, b"red\n")], ids=["http", "tcp"])
def test_node_ends_an_idle_connection_of_a_load_balancer(running: LoopbackMesh, number: int, greeting: bytes) -> None:
    """A load balancer in front of a node's Envoy knows nothing of the timeouts of callers."""
    red = running.task("red")
    instance = red.instance(LISTENERS[number])
    with connect(str(instance.ipv4), instance.port) as connection:
        if greeting:
            assert connection.recv(100) == greeting
        assert connection.recv(100) == b""
