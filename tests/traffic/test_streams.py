"""Streams through real Envoys: each type of gRPC call, WebSockets, and the limit of concurrent requests."""

import json
import queue
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc
import pytest

from color_mesh.model import (
    CloudMapDiscovery,
    ConnectionPool,
    GatewayRoute,
    HeaderMatch,
    Listener,
    Mesh,
    Milliseconds,
    Route,
    RouteMatch,
    Timeout,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    VirtualServiceBackend,
    WeightedTarget,
)
from color_mesh.model.health_check import Protocol
from tests.support.loopback_mesh import LoopbackMesh, Task, connect, loopback_mesh
from tests.support.servers import SERVERS
from tests.support.streaming_servers import streaming_grpc_server, upgrade_server

PORT = 8083
ENTRY = 8003
SERVICES = ("router", "stream", "one-grpc", "one-http2", "gone", "socket")
ONE = ConnectionPool(max_requests=1)


def node(name: str, protocol: Protocol = "grpc", pool: ConnectionPool | None = None) -> VirtualNode:
    discovery = CloudMapDiscovery(namespace="colors.local", service=name)
    return VirtualNode(
        name=name, listeners=(Listener(port=PORT, protocol=protocol, connection_pool=pool),), discovery=discovery
    )


def metadata_route(name: str, **condition: Any) -> Route:
    """Return a route with its own gRPC service and a condition on the metadata color."""
    metadata = (HeaderMatch(name="color", **condition),)
    match = RouteMatch(service_name=f"metadata.{name}", metadata=metadata)
    return Route(name=name, protocol="grpc", match=match, targets=(WeightedTarget(virtual_node="stream", weight=1),))


ROUTES = (
    metadata_route("Exact", exact="red"),
    metadata_route("Prefix", prefix="re"),
    metadata_route("Suffix", suffix="ed"),
    metadata_route("Regex", regex="r.d"),
    metadata_route("Range", range=(3, 5)),
    metadata_route("Present"),
    metadata_route("Absent", invert=True),
    metadata_route("Other", exact="red", invert=True),
    Route(
        name="hasty",
        protocol="grpc",
        match=RouteMatch(service_name="colors.Hasty"),
        targets=(WeightedTarget(virtual_node="stream", weight=1),),
        timeout=Timeout(per_request=Milliseconds(200)),
    ),
)
MESH = Mesh(
    name="colors",
    nodes=(
        VirtualNode(
            name="caller",
            backends=tuple(VirtualServiceBackend(virtual_service=f"{name}.colors.local") for name in SERVICES),
        ),
        node("stream"),
        node("one-grpc", pool=ONE),
        node("one-http2", "http2", ONE),
        node("gone"),
        node("socket", "http"),
    ),
    routers=(VirtualRouter(name="router", listeners=(Listener(port=PORT, protocol="grpc"),), routes=ROUTES),),
    services=(
        VirtualService(name="router.colors.local", virtual_router="router"),
        *(VirtualService(name=f"{name}.colors.local", virtual_node=name) for name in SERVICES if name != "router"),
    ),
    gateways=(
        VirtualGateway(
            name="gateway",
            listeners=(Listener(port=ENTRY, protocol="grpc"),),
            routes=(
                GatewayRoute(
                    name="host",
                    protocol="grpc",
                    match=RouteMatch(hostname="grpc.example.com"),
                    virtual_service="stream.colors.local",
                ),
            ),
        ),
        VirtualGateway(
            name="sockets",
            listeners=(Listener(port=ENTRY),),
            routes=(GatewayRoute(name="all", match=RouteMatch(prefix="/"), virtual_service="socket.colors.local"),),
        ),
    ),
)


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SERVERS, "http", upgrade_server)
        patch.setitem(SERVERS, "http2", streaming_grpc_server)
        patch.setitem(SERVERS, "grpc", streaming_grpc_server)
        with loopback_mesh(MESH, tmp_path_factory.mktemp("streams"), tasks={"gone": 0}) as mesh:
            yield mesh


@contextmanager
def channel(mesh: LoopbackMesh, service: str) -> Iterator[grpc.Channel]:
    name = f"{service}.colors.local"
    address = f"{mesh.task('caller').backend_address(name)}:{PORT}"
    with grpc.insecure_channel(address, options=[("grpc.default_authority", name)]) as opened:
        yield opened


def code(opened: grpc.Channel, method: str, metadata: Mapping[str, str] | None = None) -> str:
    """Return the name of the status of a unary call."""
    stub: Any = opened.unary_unary(method)
    future = stub.future(b"", metadata=tuple((metadata or {}).items()), timeout=5)
    return str(future.code().name)


def test_server_streaming_call(mesh: LoopbackMesh) -> None:
    with channel(mesh, "stream") as opened:
        stub: Any = opened.unary_stream("/colors.Teller/Count")
        assert list(stub(b"500", timeout=5)) == [str(number).encode() for number in range(500)]


def test_client_streaming_call(mesh: LoopbackMesh) -> None:
    with channel(mesh, "stream") as opened:
        stub: Any = opened.stream_unary("/colors.Teller/Add")
        assert stub(iter([b"1", b"2", b"39"]), timeout=5) == b"42"


def test_bidirectional_streaming_call(mesh: LoopbackMesh) -> None:
    requests: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    with channel(mesh, "stream") as opened:
        stub: Any = opened.stream_stream("/colors.Teller/Chat")
        responses = stub(iter(requests.get, None), timeout=5)
        requests.put(b"red")
        assert next(responses) == b"der"
        requests.put(b"blue")
        assert next(responses) == b"eulb"
        requests.put(None)
        assert list(responses) == []


def test_metadata_is_passed_in_both_directions(mesh: LoopbackMesh) -> None:
    with channel(mesh, "stream") as opened:
        stub: Any = opened.unary_unary("/colors.Teller/Tell")
        response, call = stub.with_call(b"", metadata=(("color", "red"),), timeout=5)
    before, after = dict(call.initial_metadata()), dict(call.trailing_metadata())
    assert json.loads(response)["metadata"]["color"] == "red"
    assert (before["x-before"], after["x-after"], after["x-after-bin"]) == ("said first", "said last", b"\x00\xff")


def test_error_has_its_status_and_details(mesh: LoopbackMesh) -> None:
    with channel(mesh, "stream") as opened:
        stub: Any = opened.unary_unary("/colors.Teller/Tell")
        call = stub.future(b"", metadata=(("x-code", "ALREADY_EXISTS"),), timeout=5)
        assert (call.code(), call.details()) == (grpc.StatusCode.ALREADY_EXISTS, "as stream was asked to")


@pytest.mark.parametrize(
    ("name", "metadata", "matches"),
    [
        pytest.param("Exact", {"color": "red"}, True, id="exact"),
        pytest.param("Exact", {"color": "Red"}, False, id="not-exact"),
        pytest.param("Prefix", {"color": "red"}, True, id="prefix"),
        pytest.param("Prefix", {"color": "are"}, False, id="no-prefix"),
        pytest.param("Suffix", {"color": "red"}, True, id="suffix"),
        pytest.param("Suffix", {"color": "edge"}, False, id="no-suffix"),
        pytest.param("Regex", {"color": "rad"}, True, id="regex"),
        pytest.param("Regex", {"color": "rads"}, False, id="regex-for-a-part"),
        pytest.param("Range", {"color": "3"}, True, id="first-of-range"),
        pytest.param("Range", {"color": "5"}, False, id="end-of-range"),
        pytest.param("Range", {"color": "red"}, False, id="no-number"),
        pytest.param("Present", {"color": "any"}, True, id="present"),
        pytest.param("Present", {}, False, id="not-present"),
        pytest.param("Absent", {}, True, id="absent"),
        pytest.param("Absent", {"color": "red"}, False, id="not-absent"),
        pytest.param("Other", {"color": "blue"}, True, id="inverted"),
        pytest.param("Other", {"color": "red"}, False, id="inverted-and-equal"),
        pytest.param("Other", {}, False, id="inverted-and-not-there"),
    ],
)
def test_call_uses_the_route_of_its_metadata(
    mesh: LoopbackMesh, name: str, metadata: dict[str, str], matches: bool
) -> None:
    with channel(mesh, "router") as opened:
        status = code(opened, f"/metadata.{name}/Tell", metadata)
    assert status == ("OK" if matches else "UNIMPLEMENTED")


@pytest.mark.parametrize(
    ("service", "method", "metadata", "expected"),
    [
        pytest.param("gone", "/colors.Teller/Tell", {}, "UNAVAILABLE", id="no-endpoint"),
        pytest.param("router", "/colors.Hasty/Tell", {"x-delay": "1"}, "UNAVAILABLE", id="a-routes-timeout"),
        pytest.param("router", "/colors.Nobody/Tell", {}, "UNIMPLEMENTED", id="no-route"),
        pytest.param("stream", "/colors.Teller/Nothing", {}, "UNIMPLEMENTED", id="no-method-of-the-application"),
    ],
)
def test_response_of_envoy_has_a_grpc_status(
    mesh: LoopbackMesh, service: str, method: str, metadata: dict[str, str], expected: str
) -> None:
    with channel(mesh, service) as opened:
        assert code(opened, method, metadata) == expected


@pytest.mark.parametrize("protocol", ["grpc", "http2"])
def test_requests_above_the_limit_of_the_pool_are_rejected(mesh: LoopbackMesh, protocol: str) -> None:
    requests: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    overflow = f"cluster.cds_ingress_colors_one-{protocol}_{protocol}_{PORT}.upstream_rq_active_overflow"
    owner = mesh.task(f"one-{protocol}")
    with channel(mesh, f"one-{protocol}") as opened:
        stub: Any = opened.stream_stream("/colors.Teller/Chat")
        responses = stub(iter(requests.get, None), timeout=5)
        requests.put(b"red")
        assert next(responses) == b"der"
        refused = code(opened, "/colors.Teller/Tell")
        requests.put(None)
        assert list(responses) == []
        assert (refused, code(opened, "/colors.Teller/Tell")) == ("UNAVAILABLE", "OK")
    # The caller's Envoy sends the second request three times.
    assert owner.stat(overflow) == 3


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        pytest.param("grpc.example.com", "OK", id="the-host"),
        pytest.param(f"grpc.example.com:{ENTRY}", "OK", id="the-host-with-the-port"),
        pytest.param("grpc.example.com:50051", "OK", id="the-host-with-another-port"),
        pytest.param("other.example.com", "UNIMPLEMENTED", id="another-host"),
        pytest.param(f"other.example.com:{ENTRY}", "UNIMPLEMENTED", id="another-host-with-the-port"),
    ],
)
def test_a_gateway_matches_the_host_of_a_call(mesh: LoopbackMesh, authority: str, expected: str) -> None:
    address = f"{mesh.task('gateway').address(1)}:{ENTRY}"
    with grpc.insecure_channel(address, options=[("grpc.default_authority", authority)]) as opened:
        assert code(opened, "/colors.Teller/Tell") == expected


def conversation(task: Task, address: str, port: int) -> bytes:
    """Upgrade a connection, send data, and return the response."""
    lines = ("GET / HTTP/1.1", "host: socket.colors.local", "connection: upgrade", "upgrade: websocket", "", "")
    with connect(address, port) as client, client.makefile("rb") as stream:
        client.sendall("\r\n".join(lines).encode())
        head = b"".join(iter(stream.readline, b"\r\n"))
        client.sendall(b"hello\n")
        return head.splitlines()[0] + b" " + stream.readline()


def test_node_supports_websockets(mesh: LoopbackMesh) -> None:
    caller = mesh.task("caller")
    response = conversation(caller, caller.backend_address("socket.colors.local"), PORT)
    assert response == b"HTTP/1.1 101 Switching Protocols hello\n"


def test_gateway_supports_websockets(mesh: LoopbackMesh) -> None:
    gateway = mesh.task("sockets")
    assert conversation(gateway, gateway.address(1), ENTRY) == b"HTTP/1.1 101 Switching Protocols hello\n"
