"""Requests through real gateways: their virtual service, and the request that it receives."""

from collections.abc import Iterator
from typing import Any

import pytest

from color_mesh.model import (
    CloudMapDiscovery,
    GatewayRoute,
    HeaderMatch,
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
    WeightedTarget,
)
from tests.support.loopback_mesh import LoopbackMesh, loopback_mesh

APP_PORT = 8080
ROUTER_PORT = 9090
PORT = 8000


def route(name: str, match: RouteMatch, service: str = "green", **changes: Any) -> GatewayRoute:
    return GatewayRoute(name=name, match=match, virtual_service=f"{service}.colors.local", **changes)


def gateway(name: str, *routes: GatewayRoute) -> VirtualGateway:
    return VirtualGateway(name=name, listeners=(Listener(port=PORT),), routes=routes)


def node(name: str) -> VirtualNode:
    return VirtualNode(
        name=name,
        listeners=(Listener(port=APP_PORT),),
        discovery=CloudMapDiscovery(namespace="colors.local", service=name),
    )


def to(name: str) -> tuple[WeightedTarget, ...]:
    return (WeightedTarget(virtual_node=name, weight=1),)


PATHS = gateway(
    "paths",
    route("red", RouteMatch(prefix="/red")),
    route("slash", RouteMatch(prefix="/slash/")),
    route("kept", RouteMatch(prefix="/kept"), rewrite=Rewrite(keep_prefix=True)),
    route("other", RouteMatch(prefix="/other"), rewrite=Rewrite(prefix="/new/")),
    route("whole", RouteMatch(path="/whole")),
    route("moved", RouteMatch(path="/moved"), rewrite=Rewrite(path="/elsewhere")),
    route("regex", RouteMatch(path_regex="/[0-9]+"), rewrite=Rewrite(path="/num\\1ber")),
    route("router", RouteMatch(prefix="/router"), "router"),
    route("get", RouteMatch(prefix="/get", method="GET"), "yellow"),
    route("slow", RouteMatch(prefix="/slow"), "slow"),
    route("header", RouteMatch(prefix="/by", headers=(HeaderMatch(name="color", exact="yellow"),)), "yellow"),
)
HOSTS = gateway(
    "hosts",
    route("exact", RouteMatch(hostname="www.example.com")),
    route("suffix", RouteMatch(hostname_suffix=".example.com"), "yellow"),
    route(
        "kept",
        RouteMatch(prefix="/kept", hostname="kept.example.org"),
        "yellow",
        rewrite=Rewrite(keep_hostname=True, keep_prefix=True),
    ),
    route("rest", RouteMatch(prefix="/rest")),
)
MESH = Mesh(
    name="colors",
    nodes=(node("green"), node("yellow")),
    routers=(
        VirtualRouter(
            name="router",
            listeners=(Listener(port=ROUTER_PORT),),
            routes=(
                Route(name="exact", match=RouteMatch(path="/"), targets=to("yellow")),
                Route(name="rest", match=RouteMatch(prefix="/tell"), targets=to("green")),
            ),
        ),
        VirtualRouter(
            name="slow",
            listeners=(Listener(port=ROUTER_PORT),),
            routes=(
                Route(
                    name="all", match=RouteMatch(), targets=to("green"), timeout=Timeout(per_request=Milliseconds(200))
                ),
            ),
        ),
    ),
    services=(
        VirtualService(name="green.colors.local", virtual_node="green"),
        VirtualService(name="yellow.colors.local", virtual_node="yellow"),
        VirtualService(name="router.colors.local", virtual_router="router"),
        VirtualService(name="slow.colors.local", virtual_router="slow"),
    ),
    gateways=(PATHS, HOSTS),
)


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    with loopback_mesh(MESH, tmp_path_factory.mktemp("gateways")) as mesh:
        yield mesh


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        pytest.param("/red/tell?q=1", "/tell?q=1", id="below-the-prefix"),
        pytest.param("/red", "/", id="the-prefix"),
        pytest.param("/red/", "/", id="the-prefix-and-a-slash"),
        pytest.param("/slash/tell", "/tell", id="a-prefix-with-a-slash"),
        pytest.param("/kept/tell", "/kept/tell", id="a-prefix-that-is-kept"),
        pytest.param("/other/tell", "/new/tell", id="a-prefix-for-another"),
        pytest.param("/whole?q=1", "/whole?q=1", id="a-path-stays"),
        pytest.param("/moved?q=1", "/elsewhere?q=1", id="a-path-for-another"),
        pytest.param("/42?q=1", "/num/1ber?q=1", id="a-pattern-for-a-path-in-which-a-backslash-is-a-slash"),
    ],
)
def test_service_receives_the_rewritten_path(mesh: LoopbackMesh, path: str, seen: str) -> None:
    response = mesh.enter("paths", PORT, path)
    assert (response.request["path"], response.request["headers"]["host"]) == (seen, "green.colors.local")


@pytest.mark.parametrize(
    ("path", "node_name"),
    [
        pytest.param("/router", "yellow", id="of-the-prefix-alone"),
        pytest.param("/router/tell", "green", id="of-what-is-below-it"),
    ],
)
def test_routes_of_the_service_match_the_rewritten_path(mesh: LoopbackMesh, path: str, node_name: str) -> None:
    assert mesh.enter("paths", PORT, path).request["node"] == node_name


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/nothing", id="no-route-of-the-gateway"),
        pytest.param("/router/other", id="no-route-of-the-service"),
        pytest.param("/slash", id="less-than-the-prefix"),
        pytest.param("/red1", id="text-after-the-prefix"),
        pytest.param("/RED", id="the-prefix-in-capitals"),
    ],
)
def test_request_without_a_matching_route_is_answered_404(mesh: LoopbackMesh, path: str) -> None:
    response = mesh.enter("paths", PORT, path)
    assert (response.status, response.body) == (404, b"")


def test_a_gateway_matches_on_methods(mesh: LoopbackMesh) -> None:
    statuses = [mesh.enter("paths", PORT, "/get", method=method).status for method in ("GET", "POST")]
    assert statuses == [200, 404]


def test_a_gateway_matches_on_headers(mesh: LoopbackMesh) -> None:
    statuses = [mesh.enter("paths", PORT, "/by", headers={"color": color}).status for color in ("yellow", "red")]
    assert statuses == [200, 404]


def test_first_hop_has_the_timeout_of_the_services_route(mesh: LoopbackMesh) -> None:
    assert mesh.enter("paths", PORT, "/slow", headers={"x-delay": "0.6"}).status == 504


@pytest.mark.parametrize(
    ("host", "node_name"),
    [
        pytest.param("www.example.com", "green", id="exact"),
        pytest.param("WWW.example.com", "green", id="in-capitals"),
        pytest.param(f"www.example.com:{PORT}", "green", id="with-the-port"),
        pytest.param("www.example.com:8443", "green", id="with-the-port-of-a-load-balancer"),
        pytest.param("any.example.com", "yellow", id="suffix"),
        pytest.param("any.example.com:8443", "yellow", id="suffix-with-the-port-of-a-load-balancer"),
        pytest.param(f"any.example.com:{PORT}", "yellow", id="suffix-with-the-port"),
    ],
)
def test_a_gateway_matches_on_hosts(mesh: LoopbackMesh, host: str, node_name: str) -> None:
    assert mesh.enter("hosts", PORT, "/", headers={"Host": host}).request["node"] == node_name


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        pytest.param("other.net", "/rest", 200, id="a-host-that-no-route-names"),
        pytest.param("www.example.com", "/rest", 200, id="a-route-of-the-host"),
        pytest.param("kept.example.org", "/rest", 404, id="no-route-of-the-host"),
        pytest.param("example.com", "/", 404, id="less-than-the-suffix"),
    ],
)
def test_host_of_a_route_matches_its_own_routes_only(mesh: LoopbackMesh, host: str, path: str, status: int) -> None:
    assert mesh.enter("hosts", PORT, path, headers={"Host": host}).status == status


def test_host_without_rewrite_reaches_the_application(mesh: LoopbackMesh) -> None:
    received = mesh.enter("hosts", PORT, "/kept", headers={"Host": "kept.example.org"}).request
    assert (received["node"], received["headers"]["host"], received["path"]) == ("yellow", "kept.example.org", "/kept")


@pytest.mark.parametrize("chosen", ["green.colors.local", f"green.colors.local:{APP_PORT}"])
def test_header_of_a_client_does_not_select_the_service(mesh: LoopbackMesh, chosen: str) -> None:
    headers = {"Host": "kept.example.org", "x-app-mesh-virtual-service": chosen}
    received = mesh.enter("hosts", PORT, "/kept", headers=headers).request
    assert (received["node"], "x-app-mesh-virtual-service" in received["headers"]) == ("yellow", False)


def test_second_hop_is_reachable_in_the_task_only(mesh: LoopbackMesh) -> None:
    addresses = [
        listener["address"]["socket_address"]["address"]
        for listener in mesh.task("hosts").configuration.listeners
        if listener["address"]["socket_address"]["port_value"] == 15001
    ]
    assert addresses == [mesh.task("hosts").address(3)]
