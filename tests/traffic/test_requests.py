"""Requests through real Envoys: changed headers, paths and timeouts, and everything that is not changed."""

import http.client
from collections.abc import Iterator
from typing import Any

import pytest

from color_mesh.model import (
    CloudMapDiscovery,
    GatewayRoute,
    Listener,
    Mesh,
    Milliseconds,
    Rewrite,
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
from tests.support.loopback_mesh import LoopbackMesh, connect, loopback_mesh

PORT = 8080
ENTRY = 8000
GREEN = "green.colors.local"
ROUTER = "router.colors.local"
IDLE = "quiet.colors.local"
TCP = "talk.colors.local"
EXPECTED = "x-envoy-expected-rq-timeout-ms"


def node(name: str, port: int = PORT, timeout: Timeout | None = None) -> VirtualNode:
    discovery = CloudMapDiscovery(namespace="colors.local", service=name)
    return VirtualNode(name=name, listeners=(Listener(port=port, timeout=timeout),), discovery=discovery)


def tcp_node(name: str, timeout: Timeout | None) -> VirtualNode:
    discovery = CloudMapDiscovery(namespace="colors.local", service=name)
    listener = Listener(port=PORT, protocol="tcp", timeout=timeout)
    return VirtualNode(name=name, listeners=(listener,), discovery=discovery)


def route(name: str, match: RouteMatch, node_name: str, timeout: Timeout | None = None) -> Route:
    return Route(name=name, match=match, targets=(WeightedTarget(virtual_node=node_name, weight=1),), timeout=timeout)


ROUTES = (
    route("exact", RouteMatch(path="/a/b"), "yellow"),
    route("slow", RouteMatch(prefix="/slow"), "slow", Timeout(per_request=Milliseconds(30000))),
    route("endless", RouteMatch(prefix="/endless"), "endless", Timeout(per_request=Milliseconds(0))),
    route("idle", RouteMatch(prefix="/idle"), "idle", Timeout(per_request=Milliseconds(0))),
    route("short", RouteMatch(prefix="/short"), "green", Timeout(per_request=Milliseconds(500))),
    route("rest", RouteMatch(prefix="/"), "green"),
)
MESH = Mesh(
    name="colors",
    nodes=(
        VirtualNode(
            name="caller",
            backends=tuple(VirtualServiceBackend(virtual_service=name) for name in (GREEN, ROUTER, IDLE, TCP)),
        ),
        node("green"),
        node("yellow"),
        node("slow", timeout=Timeout(per_request=Milliseconds(40000))),
        node("idle", timeout=Timeout(per_request=Milliseconds(0), idle=Milliseconds(200))),
        tcp_node("quiet", Timeout(idle=Milliseconds(200))),
        tcp_node("talk", None),
        node("endless", timeout=Timeout(per_request=Milliseconds(0))),
    ),
    routers=(VirtualRouter(name="router", listeners=(Listener(port=PORT),), routes=ROUTES),),
    services=(
        VirtualService(name=GREEN, virtual_node="green"),
        VirtualService(name=ROUTER, virtual_router="router"),
        VirtualService(name=IDLE, virtual_node="quiet"),
        VirtualService(name=TCP, virtual_node="talk"),
    ),
    gateways=(
        VirtualGateway(
            name="gateway",
            listeners=(Listener(port=ENTRY),),
            routes=(
                GatewayRoute(name="green", match=RouteMatch(prefix="/green"), virtual_service=GREEN),
                GatewayRoute(name="router", match=RouteMatch(prefix="/router"), virtual_service=ROUTER),
                GatewayRoute(
                    name="kept",
                    match=RouteMatch(prefix="/kept"),
                    virtual_service=GREEN,
                    rewrite=Rewrite(keep_prefix=True, keep_hostname=True),
                ),
                GatewayRoute(name="all", match=RouteMatch(prefix="/"), virtual_service=ROUTER),
            ),
        ),
    ),
)


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    with loopback_mesh(MESH, tmp_path_factory.mktemp("requests")) as mesh:
        yield mesh


def received_headers(mesh: LoopbackMesh, path: str, service: str = ROUTER, **request: Any) -> dict[str, str]:
    """Return the headers that the application received."""
    response = mesh.call("caller", service, PORT, path, **request)
    assert response.status == 200
    return {name.lower(): value for name, value in response.request["headers"].items()}


@pytest.mark.parametrize(
    ("path", "millis"),
    [
        pytest.param("/", "15000", id="by-default"),
        pytest.param("/slow", "40000", id="of-the-listener"),
        pytest.param("/endless", None, id="not-at-all"),
    ],
)
def test_application_receives_the_expected_timeout(mesh: LoopbackMesh, path: str, millis: str | None) -> None:
    assert received_headers(mesh, path).get(EXPECTED) == millis


def test_service_of_a_node_has_the_default_timeout(mesh: LoopbackMesh) -> None:
    assert received_headers(mesh, "/", GREEN)[EXPECTED] == "15000"


def test_idle_timeout_of_a_listener_ends_a_request(mesh: LoopbackMesh) -> None:
    statuses = [mesh.call("caller", ROUTER, PORT, path, headers={"x-delay": "0.5"}).status for path in ("/idle", "/")]
    assert statuses == [504, 200]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"x-envoy-upstream-rq-timeout-ms": "100", "x-delay": "0.3"}, 200, id="the-timeout"),
        pytest.param(
            {"x-envoy-max-retries": "5", "x-envoy-retry-on": "5xx", "x-statuses": "500,200"}, 500, id="retries"
        ),
    ],
)
def test_headers_of_the_application_do_not_configure_its_envoy(
    mesh: LoopbackMesh, headers: dict[str, str], status: int
) -> None:
    assert mesh.call("caller", ROUTER, PORT, headers={**headers, "x-key": str(headers)}).status == status


def test_idle_timeout_of_a_tcp_listener_closes_a_connection(mesh: LoopbackMesh) -> None:
    caller = mesh.task("caller")
    with connect(caller.backend_address(TCP), PORT) as other, connect(caller.backend_address(IDLE), PORT) as client:
        assert (other.recv(100), client.recv(100)) == (b"talk\n", b"quiet\n")
        assert client.recv(100) == b""
        other.sendall(b"still there")
        assert other.recv(100) == b"still there"


def test_request_has_an_id_and_a_scheme_and_no_client_address(mesh: LoopbackMesh) -> None:
    headers = received_headers(mesh, "/", GREEN)
    assert (headers["x-forwarded-proto"], len(headers["x-request-id"]), "x-forwarded-for" in headers) == (
        "http",
        36,
        False,
    )


def test_forwarding_headers_of_a_client_are_kept(mesh: LoopbackMesh) -> None:
    assert (
        received_headers(mesh, "/", GREEN, headers={"x-forwarded-for": "192.0.2.1"})["x-forwarded-for"] == "192.0.2.1"
    )


def test_response_has_the_server_and_the_upstream_time(mesh: LoopbackMesh) -> None:
    headers = mesh.call("caller", GREEN, PORT).headers
    assert (headers["server"], headers["x-envoy-upstream-service-time"].isdigit()) == ("envoy", True)


@pytest.mark.parametrize(
    ("path", "seen_path", "node_name"),
    [
        pytest.param("/a/./b", "/a/b", "yellow", id="a-dot"),
        pytest.param("/a/c/../b", "/a/b", "yellow", id="two-dots"),
        pytest.param("/a//b", "/a/b", "yellow", id="two-slashes"),
        pytest.param("/a%2Fb", "/a%2Fb", "green", id="an-escaped-slash-stays"),
        pytest.param("/%61/b", "/a/b", "yellow", id="an-escaped-letter"),
    ],
)
def test_routes_match_the_normalized_path(mesh: LoopbackMesh, path: str, seen_path: str, node_name: str) -> None:
    received = mesh.call("caller", ROUTER, PORT, path).request
    assert (received["path"], received["node"]) == (seen_path, node_name)


def test_body_arrives_complete(mesh: LoopbackMesh) -> None:
    body = b"x" * 300_000
    connection = http.client.HTTPConnection(mesh.task("caller").backend_address(GREEN), PORT, timeout=10)
    connection.request("POST", "/", body=body, headers={"Host": GREEN})
    response = connection.getresponse()
    assert (response.status, b'"content-length": "300000"' in response.read().lower()) == (200, True)
    connection.close()


def test_gateway_adds_the_original_path_and_host(mesh: LoopbackMesh) -> None:
    headers = mesh.enter("gateway", ENTRY, "/green/tell?q=1", headers={"Host": "www.example.com"}).request["headers"]
    received_by_name = {name.lower(): value for name, value in headers.items()}
    assert (
        received_by_name["x-envoy-original-path"],
        received_by_name["x-envoy-original-host"],
        received_by_name["host"],
    ) == (
        "/green/tell?q=1",
        "www.example.com",
        GREEN,
    )


def test_internal_header_of_a_gateway_reaches_neither_side(mesh: LoopbackMesh) -> None:
    response = mesh.enter("gateway", ENTRY, "/kept")
    names = {name.lower() for name in (*response.headers, *response.request["headers"])}
    assert "x-app-mesh-virtual-service" not in names


def test_gateway_route_with_the_prefix_slash_keeps_the_path(mesh: LoopbackMesh) -> None:
    received = mesh.enter("gateway", ENTRY, "/a/b?q=1").request
    assert (received["path"], received["node"]) == ("/a/b?q=1", "yellow")


def test_second_hop_matches_the_rewritten_path(mesh: LoopbackMesh) -> None:
    received = mesh.enter("gateway", ENTRY, "/router/a/b").request
    assert (received["path"], received["node"]) == ("/a/b", "yellow")


def test_gateway_has_the_longest_timeout_of_the_services_routes(mesh: LoopbackMesh) -> None:
    headers = {name.lower(): value for name, value in mesh.enter("gateway", ENTRY, "/slow").request["headers"].items()}
    assert headers[EXPECTED] == "40000"


def test_request_that_exceeds_the_timeout_of_a_gateway_is_answered_504(mesh: LoopbackMesh) -> None:
    assert mesh.enter("gateway", ENTRY, "/router/short", headers={"x-delay": "1"}).status == 504
