"""Gateway routes: each match condition, with real Envoys."""

from collections.abc import Iterator
from typing import Any

import h2.connection
import h2.events
import pytest

from color_mesh.model import (
    CloudMapDiscovery,
    GatewayRoute,
    HeaderMatch,
    Listener,
    Mesh,
    QueryParameterMatch,
    Route,
    RouteMatch,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    VirtualServiceBackend,
    WeightedTarget,
)
from tests.support.loopback_mesh import LoopbackMesh, connect, loopback_mesh

PORT = 8080
HTTP2 = 8082
ENTRY = 8000
OTHER_ENTRY = 8001
SCHEMES = "schemes.colors.local"


def node(name: str, *listeners: Listener) -> VirtualNode:
    discovery = CloudMapDiscovery(namespace="colors.local", service=name)
    return VirtualNode(name=name, listeners=listeners or (Listener(port=PORT),), discovery=discovery)


def route(name: str, match: RouteMatch, service: str = "green", **changes: Any) -> GatewayRoute:
    return GatewayRoute(name=name, match=match, virtual_service=f"{service}.colors.local", **changes)


def header(name: str, **condition: Any) -> GatewayRoute:
    """Return a route with its own path and a condition on the header color."""
    return route(name, RouteMatch(prefix=f"/{name}", headers=(HeaderMatch(name="color", **condition),)))


def query(name: str, *parameters: QueryParameterMatch) -> GatewayRoute:
    return route(name, RouteMatch(prefix=f"/{name}", query_parameters=parameters))


MATCHES = (
    route("path", RouteMatch(path="/path")),
    route("regex", RouteMatch(path_regex="/[a-z]{3}/[0-9]+")),
    route("method", RouteMatch(prefix="/method", method="DELETE")),
    header("exact", exact="red"),
    header("begins", prefix="re"),
    header("ends", suffix="ed"),
    header("pattern", regex="r[aeiou]d"),
    header("range", range=(-1, 2)),
    header("present"),
    header("absent", invert=True),
    header("other", exact="red", invert=True),
    query("query", QueryParameterMatch(name="color", exact="red")),
    query("queries", QueryParameterMatch(name="color", exact="red"), QueryParameterMatch(name="size")),
    route("rest", RouteMatch(prefix="/"), "yellow"),
)
ORDER = (
    route("short", RouteMatch(prefix="/a"), "yellow"),
    route("long", RouteMatch(prefix="/a/b")),
    route("last", RouteMatch(prefix="/c/d/e"), "yellow", priority=7),
    route("first", RouteMatch(prefix="/c"), priority=3),
    route("wide", RouteMatch(hostname_suffix=".example.com"), "yellow"),
    route("narrow", RouteMatch(hostname_suffix=".red.example.com")),
    route("named", RouteMatch(hostname="www.red.example.com"), "yellow"),
    route("nobody", RouteMatch(prefix="/nobody"), "nobody"),
    route("gone", RouteMatch(prefix="/gone"), "gone"),
)
PORTS = (
    route("here", RouteMatch(prefix="/", port=ENTRY), "both", target_port=PORT),
    route("there", RouteMatch(prefix="/", port=OTHER_ENTRY), "both", target_port=PORT + 1),
)


def to(name: str, port: int) -> tuple[WeightedTarget, ...]:
    return (WeightedTarget(virtual_node=name, weight=1, port=port),)


def scheme(name: str, match: RouteMatch, target: str) -> Route:
    return Route(name=name, protocol="http2", match=match, targets=to(target, HTTP2))


def gateway(name: str, routes: tuple[GatewayRoute, ...], *ports: int) -> VirtualGateway:
    return VirtualGateway(name=name, listeners=tuple(Listener(port=port) for port in ports), routes=routes)


BOTH = (Listener(port=PORT), Listener(port=HTTP2, protocol="http2"))
MESH = Mesh(
    name="colors",
    nodes=(
        VirtualNode(name="caller", backends=(VirtualServiceBackend(virtual_service=SCHEMES),)),
        node("green", *BOTH),
        node("yellow", *BOTH),
        node("gone"),
    ),
    routers=(
        VirtualRouter(
            name="both",
            listeners=(Listener(port=PORT), Listener(port=PORT + 1)),
            routes=(
                Route(name="here", match=RouteMatch(port=PORT), targets=to("green", PORT)),
                Route(name="there", match=RouteMatch(port=PORT + 1), targets=to("yellow", PORT)),
            ),
        ),
        VirtualRouter(
            name="schemes",
            listeners=(Listener(port=HTTP2, protocol="http2"),),
            routes=(
                scheme("plain", RouteMatch(prefix="/", scheme="http"), "green"),
                scheme("secure", RouteMatch(prefix="/s", scheme="https"), "yellow"),
            ),
        ),
        VirtualRouter(
            name="color",
            listeners=(Listener(port=PORT),),
            routes=tuple(
                Route(
                    name=name,
                    match=RouteMatch(prefix="/", headers=(HeaderMatch(name="host", prefix=name),)),
                    targets=to(name, PORT),
                )
                for name in ("green", "yellow")
            ),
        ),
    ),
    services=(
        VirtualService(name="green.colors.local", virtual_router="color"),
        VirtualService(name="yellow.colors.local", virtual_router="color"),
        VirtualService(name="both.colors.local", virtual_router="both"),
        VirtualService(name=SCHEMES, virtual_router="schemes"),
        VirtualService(name="nobody.colors.local"),
        VirtualService(name="gone.colors.local", virtual_node="gone"),
    ),
    gateways=(
        gateway("matches", MATCHES, ENTRY),
        gateway("order", ORDER, ENTRY),
        gateway("ports", PORTS, ENTRY, OTHER_ENTRY),
    ),
)


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    with loopback_mesh(MESH, tmp_path_factory.mktemp("gateways"), tasks={"gone": 0}) as mesh:
        yield mesh


@pytest.mark.parametrize(
    ("path", "color", "node_name"),
    [
        pytest.param("/path?a=b", None, "green", id="path-without-its-query"),
        pytest.param("/path/more", None, "yellow", id="another-path"),
        pytest.param("/abc/42?a=b", None, "green", id="regex"),
        pytest.param("/abc/42/", None, "yellow", id="regex-for-a-part"),
        pytest.param("/method", None, "yellow", id="another-method"),
        pytest.param("/exact", "red", "green", id="header"),
        pytest.param("/exact", "redder", "yellow", id="another-header"),
        pytest.param("/begins", "redder", "green", id="header-begins"),
        pytest.param("/begins", "fred", "yellow", id="header-does-not-begin"),
        pytest.param("/ends", "fred", "green", id="header-ends"),
        pytest.param("/ends", "redder", "yellow", id="header-does-not-end"),
        pytest.param("/pattern", "rid", "green", id="header-regex"),
        pytest.param("/pattern", "grid", "yellow", id="header-regex-for-a-part"),
        pytest.param("/range", "-1", "green", id="header-at-the-start-of-the-range"),
        pytest.param("/range", "2", "yellow", id="header-at-the-end-of-the-range"),
        pytest.param("/range", "red", "yellow", id="header-is-no-number"),
        pytest.param("/present", "any", "green", id="header-there"),
        pytest.param("/present", None, "yellow", id="header-not-there"),
        pytest.param("/absent", None, "green", id="header-not-there-inverted"),
        pytest.param("/absent", "any", "yellow", id="header-there-inverted"),
        pytest.param("/other", "blue", "green", id="header-inverted"),
        pytest.param("/other", None, "yellow", id="no-header-for-an-inverted-value"),
        pytest.param("/query?color=red", None, "green", id="query"),
        pytest.param("/query?color=reds", None, "yellow", id="another-query"),
        pytest.param("/query?color=blue&color=red", None, "yellow", id="the-first-of-two"),
        pytest.param("/queries?size=&color=red", None, "green", id="two-queries"),
        pytest.param("/queries?color=red", None, "yellow", id="one-of-two-queries"),
    ],
)
def test_request_uses_the_matching_gateway_route(
    mesh: LoopbackMesh, path: str, color: str | None, node_name: str
) -> None:
    headers = {"color": color} if color is not None else {}
    assert mesh.enter("matches", ENTRY, path, headers=headers).request["node"] == node_name


def test_request_uses_the_gateway_route_of_its_method(mesh: LoopbackMesh) -> None:
    assert mesh.enter("matches", ENTRY, "/method", method="DELETE").request["node"] == "green"


@pytest.mark.parametrize(
    ("host", "path", "node_name"),
    [
        pytest.param("any", "/a/b", "green", id="the-longer-prefix"),
        pytest.param("any", "/a/c", "yellow", id="the-shorter-prefix"),
        pytest.param("any", "/c/d/e", "green", id="the-priority-before-the-length"),
        pytest.param("any.red.example.com", "/a/c", "green", id="the-longer-suffix"),
        pytest.param("any.example.com", "/a/b", "yellow", id="the-shorter-suffix"),
        pytest.param("www.red.example.com", "/a/b", "yellow", id="the-host-before-the-suffix"),
        pytest.param("WWW.RED.example.com", "/a/b", "yellow", id="the-host-in-capitals"),
    ],
)
def test_gateway_routes_are_matched_in_order_of_precedence(
    mesh: LoopbackMesh, host: str, path: str, node_name: str
) -> None:
    assert mesh.enter("order", ENTRY, path, headers={"Host": host}).request["node"] == node_name


@pytest.mark.parametrize(
    ("path", "status"), [pytest.param("/nobody", 404, id="no-provider"), pytest.param("/gone", 503, id="no-endpoint")]
)
def test_request_without_a_matching_gateway_route_is_answered_404(mesh: LoopbackMesh, path: str, status: int) -> None:
    assert mesh.enter("order", ENTRY, path, headers={"Host": "any"}).status == status


@pytest.mark.parametrize(
    ("port", "node_name"), [pytest.param(ENTRY, "green", id="one"), pytest.param(OTHER_ENTRY, "yellow", id="other")]
)
def test_gateway_route_of_a_port_uses_the_target_port(mesh: LoopbackMesh, port: int, node_name: str) -> None:
    assert mesh.enter("ports", port, "/").request["node"] == node_name


def answered_by(mesh: LoopbackMesh, scheme: str, path: str) -> tuple[bytes, bytes]:
    """Return the status and the body of the response to a request over HTTP/2."""
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    headers = [(":method", "GET"), (":path", path), (":scheme", scheme), (":authority", SCHEMES)]
    connection.send_headers(1, headers, end_stream=True)
    status, body = b"", b""
    with connect(mesh.task("caller").backend_address(SCHEMES), HTTP2) as client:
        while True:
            client.sendall(connection.data_to_send())
            for event in connection.receive_data(client.recv(65536)):
                if isinstance(event, h2.events.ResponseReceived):
                    status = dict(event.headers or ())[b":status"]
                if isinstance(event, h2.events.DataReceived):
                    body += event.data or b""
                if isinstance(event, h2.events.StreamEnded):
                    return status, body


@pytest.mark.parametrize(
    ("scheme", "path", "node_name"),
    [pytest.param("http", "/s", b"green", id="http"), pytest.param("https", "/s", b"yellow", id="https")],
)
def test_http2_request_uses_the_route_of_its_scheme(
    mesh: LoopbackMesh, scheme: str, path: str, node_name: bytes
) -> None:
    status, body = answered_by(mesh, scheme, path)
    assert (status, b'"node": "' + node_name + b'"' in body) == (b"200", True)


def test_http2_request_without_a_route_of_its_scheme_is_answered_404(mesh: LoopbackMesh) -> None:
    assert answered_by(mesh, "https", "/") == (b"404", b"")
