"""HTTP/2, gRPC and TCP through real Envoys."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import grpc
import pytest

from color_mesh.model import (
    CloudMapDiscovery,
    GatewayRoute,
    HeaderMatch,
    Listener,
    Mesh,
    Milliseconds,
    RetryPolicy,
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
from tests.support.http2_client import ask_http2
from tests.support.loopback_mesh import LoopbackMesh, connect, loopback_mesh

LISTENERS = (
    Listener(port=8082, protocol="http2"),
    Listener(port=8083, protocol="grpc"),
    Listener(port=8084, protocol="tcp"),
    Listener(port=8085, protocol="tcp"),
)
ROUTER_PORTS: dict[Protocol, int] = {"http2": 9082, "grpc": 9083, "tcp": 9084}


def node(name: str) -> VirtualNode:
    discovery = CloudMapDiscovery(namespace="colors.local", service=name)
    return VirtualNode(name=name, listeners=LISTENERS, discovery=discovery)


def to(port: int, **weights: int) -> tuple[WeightedTarget, ...]:
    return tuple(WeightedTarget(virtual_node=name, weight=weight, port=port) for name, weight in weights.items())


def grpc_route(name: str, match: dict[str, Any], **changes: Any) -> Route:
    return Route(
        name=name,
        protocol="grpc",
        match=RouteMatch(port=9083, **match),
        **{"targets": to(8083, green=1), **changes},
    )


UNAVAILABLE = RetryPolicy(max_retries=1, per_retry_timeout=Milliseconds(0), grpc_events=("resource-exhausted",))
ROUTES = (
    Route(
        name="put", protocol="http2", match=RouteMatch(port=9082, method="PUT"), targets=to(8082, green=1), priority=1
    ),
    Route(
        name="plain",
        protocol="http2",
        match=RouteMatch(port=9082, scheme="http"),
        targets=to(8082, yellow=1),
        priority=2,
    ),
    grpc_route("method", {"service_name": "colors.Teller", "method_name": "Tell"}),
    grpc_route("service", {"service_name": "colors.Teller"}, targets=to(8083, yellow=1)),
    grpc_route(
        "metadata",
        {"service_name": "colors.Meta", "metadata": (HeaderMatch(name="color", exact="red"),)},
        priority=1,
    ),
    grpc_route("retried", {"service_name": "colors.Retried"}, retry_policy=UNAVAILABLE),
    grpc_route("default", {"service_name": "colors.Default"}),
    Route(name="tcp", protocol="tcp", match=RouteMatch(port=9084), targets=to(8084, green=1, yellow=0)),
)
GATEWAY_ROUTES = (
    GatewayRoute(
        name="grpc",
        protocol="grpc",
        match=RouteMatch(service_name="colors.Teller", port=8003),
        virtual_service="router.colors.local",
        target_port=9083,
    ),
    GatewayRoute(
        name="http2",
        protocol="http2",
        match=RouteMatch(prefix="/", port=8002),
        virtual_service="router.colors.local",
        target_port=9082,
    ),
)
MESH = Mesh(
    name="colors",
    nodes=(
        VirtualNode(
            name="caller",
            backends=(
                VirtualServiceBackend(virtual_service="router.colors.local"),
                VirtualServiceBackend(virtual_service="split.colors.local"),
                VirtualServiceBackend(virtual_service="green.colors.local"),
            ),
        ),
        node("green"),
        node("yellow"),
    ),
    routers=(
        VirtualRouter(
            name="router",
            listeners=tuple(Listener(port=port, protocol=protocol) for protocol, port in ROUTER_PORTS.items()),
            routes=ROUTES,
        ),
        VirtualRouter(
            name="split",
            listeners=(Listener(port=9084, protocol="tcp"),),
            routes=(
                Route(
                    name="tcp",
                    protocol="tcp",
                    match=RouteMatch(),
                    targets=to(8084, green=1, yellow=1),
                    timeout=Timeout(idle=Milliseconds(300)),
                ),
            ),
        ),
    ),
    services=(
        VirtualService(name="router.colors.local", virtual_router="router"),
        VirtualService(name="split.colors.local", virtual_router="split"),
        VirtualService(name="green.colors.local", virtual_node="green"),
    ),
    gateways=(
        VirtualGateway(
            name="gateway",
            listeners=(Listener(port=8002, protocol="http2"), Listener(port=8003, protocol="grpc")),
            routes=GATEWAY_ROUTES,
        ),
    ),
)


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    with loopback_mesh(MESH, tmp_path_factory.mktemp("protocols")) as mesh:
        yield mesh


def call(address: str, port: int, method: str, authority: str, metadata: Mapping[str, str] | None = None) -> Any:
    """Call a unary gRPC method, and return the response or the name of the status."""
    with grpc.insecure_channel(f"{address}:{port}", options=[("grpc.default_authority", authority)]) as channel:
        stub: Any = channel.unary_unary(method)
        try:
            response: bytes = stub(b"hello", metadata=tuple((metadata or {}).items()), timeout=5)
        except grpc.RpcError as error:
            status: Any = error
            return status.code().name
        return json.loads(response)


def tell(mesh: LoopbackMesh, method: str, **metadata: str) -> Any:
    name = "router.colors.local"
    results = {key.replace("_", "-"): value for key, value in metadata.items()}
    return call(mesh.task("caller").backend_address(name), 9083, method, name, results)


@pytest.mark.parametrize(
    ("method", "node_name"), [pytest.param("PUT", "green", id="method"), pytest.param("GET", "yellow", id="scheme")]
)
def test_http2_request_is_routed_as_http2(mesh: LoopbackMesh, method: str, node_name: str) -> None:
    address = mesh.task("caller").backend_address("router.colors.local")
    status, received = ask_http2(address, 9082, "router.colors.local", method, "/some/path?a=b")
    assert (status, received["node"], received["method"], received["path"]) == (
        200,
        node_name,
        method,
        "/some/path?a=b",
    )


def test_service_of_a_node_has_all_ports_of_the_node(mesh: LoopbackMesh) -> None:
    address = mesh.task("caller").backend_address("green.colors.local")
    assert ask_http2(address, 8082, "green.colors.local")[1]["node"] == "green"


@pytest.mark.parametrize(
    ("method", "node_name"),
    [
        pytest.param("/colors.Teller/Tell", "green", id="service-and-method"),
        pytest.param("/colors.Teller/Other", "yellow", id="service"),
    ],
)
def test_grpc_is_routed_by_service_and_method(mesh: LoopbackMesh, method: str, node_name: str) -> None:
    assert tell(mesh, method) == {"node": node_name, "method": method, "sent": "hello"}


def test_grpc_is_routed_by_metadata(mesh: LoopbackMesh) -> None:
    assert tell(mesh, "/colors.Meta/Tell", color="red")["node"] == "green"


@pytest.mark.parametrize(
    ("method", "metadata"),
    [
        pytest.param("/colors.Meta/Tell", {"color": "blue"}, id="other-metadata"),
        pytest.param("/colors.Meta/Tell", {}, id="no-metadata"),
        pytest.param("/colors.Tellers/Tell", {}, id="another-service"),
    ],
)
def test_grpc_call_without_a_matching_route_is_unimplemented(
    mesh: LoopbackMesh, method: str, metadata: dict[str, str]
) -> None:
    assert tell(mesh, method, **metadata) == "UNIMPLEMENTED"


def test_grpc_statuses_reach_the_client(mesh: LoopbackMesh) -> None:
    assert tell(mesh, "/colors.Teller/Tell", x_codes="NOT_FOUND") == "NOT_FOUND"


@pytest.mark.parametrize(
    ("method", "codes", "expected", "tries"),
    [
        pytest.param("/colors.Default/Tell", "UNAVAILABLE", "UNAVAILABLE", 3, id="by-default-unavailable-twice-more"),
        pytest.param("/colors.Default/Tell", "INTERNAL", "INTERNAL", 1, id="by-default-no-other-status"),
        pytest.param("/colors.Retried/Tell", "RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED", 2, id="a-policys-event"),
        pytest.param("/colors.Retried/Tell", "INTERNAL", "INTERNAL", 1, id="not-another-event"),
    ],
)
def test_grpc_call_is_retried(mesh: LoopbackMesh, method: str, codes: str, expected: str, tries: int) -> None:
    key = f"{method}{codes}"
    assert (tell(mesh, method, x_codes=codes, x_key=key), mesh.app("green").request_counts[key]) == (expected, tries)


def test_gateway_routes_grpc(mesh: LoopbackMesh) -> None:
    address = mesh.task("gateway").address(1)
    results = [
        call(address, 8003, method, "any.example.com") for method in ("/colors.Teller/Tell", "/colors.Meta/Tell")
    ]
    assert results == [{"node": "green", "method": "/colors.Teller/Tell", "sent": "hello"}, "UNIMPLEMENTED"]


def test_gateway_routes_http2(mesh: LoopbackMesh) -> None:
    status, received = ask_http2(mesh.task("gateway").address(1), 8002, "any.example.com", "PUT", "/path")
    assert (status, received["node"], received["path"]) == (200, "green", "/path")


def conversation(address: str, port: int) -> bytes:
    """Receive the greeting of the server, send data, and receive its echo."""
    with connect(address, port) as client:
        banner = client.recv(100)
        client.sendall(b"hello")
        return banner + client.recv(100)


def test_tcp_works_in_both_directions_and_the_server_may_send_first(mesh: LoopbackMesh) -> None:
    address = mesh.task("caller").backend_address("green.colors.local")
    assert conversation(address, 8084) == b"green\nhello"


def test_tcp_backends_may_share_a_port(mesh: LoopbackMesh) -> None:
    address = mesh.task("caller").backend_address("router.colors.local")
    assert {conversation(address, 9084) for _ in range(20)} == {b"green\nhello"}


def test_tcp_connections_are_distributed_by_weight(mesh: LoopbackMesh) -> None:
    address = mesh.task("caller").backend_address("split.colors.local")
    responses = Counter(conversation(address, 9084) for _ in range(100))
    assert set(responses) == {b"green\nhello", b"yellow\nhello"}


def test_idle_tcp_connection_is_closed(mesh: LoopbackMesh) -> None:
    with connect(mesh.task("caller").backend_address("split.colors.local"), 9084) as client:
        assert client.recv(100).endswith(b"\n")
        assert client.recv(100) == b""
