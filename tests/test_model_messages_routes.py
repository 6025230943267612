"""What is said of each kind of problem in a route, word by word."""

from dataclasses import replace
from typing import Any

import pytest

from color_mesh.model import (
    CloudMapDiscovery,
    GatewayRoute,
    Listener,
    Mesh,
    MeshError,
    Route,
    RouteMatch,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    WeightedTarget,
)

HTTP = Listener(port=80)
HTTP_8080 = Listener(port=8080)
HTTP2 = Listener(port=81, protocol="http2")
GRPC = Listener(port=82, protocol="grpc")
TCP = Listener(port=83, protocol="tcp")
EVERY = (HTTP, HTTP2, GRPC, TCP)


def target(virtual_node: str = "red", **changes: Any) -> WeightedTarget:
    return replace(WeightedTarget(virtual_node=virtual_node, weight=1), **changes)


def route(name: str = "all", **changes: Any) -> Route:
    """A route that takes every http request to red."""
    return replace(Route(name=name, match=RouteMatch(prefix="/"), targets=(target(),)), **changes)


def gateway_route(name: str = "all", **changes: Any) -> GatewayRoute:
    """A gateway route that takes every http request to red."""
    return replace(GatewayRoute(name=name, match=RouteMatch(prefix="/"), virtual_service="red.colors.local"), **changes)


def routing(*routes: Route, on: tuple[Listener, ...] = (HTTP,), red: tuple[Listener, ...] = (HTTP,)) -> Mesh:
    """A mesh whose router has these listeners and routes, and whose one node, red, listens on ``red``."""
    node = VirtualNode(name="red", listeners=red, discovery=CloudMapDiscovery(namespace="colors.local", service="red"))
    return Mesh(name="colors", nodes=(node,), routers=(VirtualRouter(name="router", listeners=on, routes=routes),))


def entering(*routes: GatewayRoute, on: tuple[Listener, ...] = (HTTP,)) -> Mesh:
    """A mesh whose gateway has these listeners and routes."""
    gateway = VirtualGateway(name="gateway", listeners=on, routes=routes)
    return Mesh(name="colors", gateways=(gateway,), external_services=("red.colors.local", "blue.colors.local"))


def refusal(*routes: Route, on: tuple[Listener, ...] = (HTTP,), red: tuple[Listener, ...] = (HTTP,)) -> str:
    """The message that refuses routes in a router."""
    with pytest.raises(MeshError) as error:
        routing(*routes, on=on, red=red)
    return str(error.value)


def gateway_refusal(*routes: GatewayRoute, on: tuple[Listener, ...] = (HTTP,)) -> str:
    """The message that refuses routes in a gateway."""
    with pytest.raises(MeshError) as error:
        entering(*routes, on=on)
    return str(error.value)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        pytest.param(
            {"match": RouteMatch(prefix="orders")},
            "prefix does not start with '/', got 'orders' (such as '/' or '/orders')",
            id="prefix-not-rooted",
        ),
        pytest.param(
            {"match": RouteMatch(prefix="")},
            "prefix does not start with '/', got '' (such as '/' or '/orders')",
            id="prefix-empty",
        ),
        pytest.param(
            {"match": RouteMatch(prefix=7)},  # type: ignore[arg-type]
            "prefix does not start with '/', got 7 (such as '/' or '/orders')",
            id="prefix-number",
        ),
        pytest.param(
            {"match": RouteMatch()},
            "prefix does not start with '/', got None (such as '/' or '/orders')",
            id="prefix-missing",
        ),
        pytest.param(
            {"match": RouteMatch(prefix="/", method="get")},  # type: ignore[arg-type]
            "unknown method, got 'get' (one of: GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE, PATCH)",
            id="method",
        ),
        pytest.param(
            {"match": RouteMatch(prefix="/", port=8080)},
            "no listener has its port, got 8080 (listeners: http/80)",
            id="port",
        ),
        pytest.param({"priority": 1001}, "priority out of range, got 1001 (0 to 1000)", id="priority"),
    ],
)
def test_a_match_that_cannot_be_is_refused(changes: dict[str, Any], wrong: str) -> None:
    assert refusal(route(**changes)) == f"route 'all': {wrong}"
    assert gateway_refusal(gateway_route(**changes)) == f"gateway route 'all': {wrong}"


@pytest.mark.parametrize(
    ("changes", "on", "message"),
    [
        pytest.param(
            {"protocol": "grpc", "match": RouteMatch(prefix="/")},
            GRPC,
            "route 'all': a grpc route has no path or method, got '/' (leave prefix and method out)",
            id="grpc-prefix",
        ),
        pytest.param(
            {"protocol": "grpc", "match": RouteMatch(method="GET")},
            GRPC,
            "route 'all': a grpc route has no path or method, got 'GET' (leave prefix and method out)",
            id="grpc-method",
        ),
        pytest.param(
            {"protocol": "tcp", "match": RouteMatch(prefix="/")},
            TCP,
            "route 'all': a tcp route has no path or method, got '/' (leave prefix and method out)",
            id="tcp-prefix",
        ),
    ],
)
def test_a_route_of_a_protocol_without_paths_has_none(changes: dict[str, Any], on: Listener, message: str) -> None:
    assert refusal(route(**changes), on=(on,), red=(on,)) == message


def test_a_route_has_the_protocol_of_a_listener() -> None:
    wrong = "no listener speaks its protocol, got 'http2' (listeners: http/80, grpc/82)"
    assert refusal(route(protocol="http2"), on=(HTTP, GRPC), red=(HTTP2,)) == f"route 'all': {wrong}"
    assert gateway_refusal(gateway_route(protocol="http2"), on=(HTTP, GRPC)) == f"gateway route 'all': {wrong}"


def test_a_route_has_the_port_of_a_listener() -> None:
    wrong = "no listener has its port, got 82 (listeners: http/8080, http/80)"
    match = RouteMatch(prefix="/", port=82)
    assert refusal(route(match=match), on=(HTTP_8080, HTTP)) == f"route 'all': {wrong}"
    assert gateway_refusal(gateway_route(match=match), on=(HTTP_8080, HTTP)) == f"gateway route 'all': {wrong}"


def test_a_route_has_a_protocol_that_is_one() -> None:
    wrong = "unknown protocol, got 'ftp' (one of: http, http2, grpc, tcp)"
    assert refusal(route(protocol="ftp")).splitlines() == [
        f"route 'all': {wrong}",
        "route 'all': target 'red' does not listen for its requests, got 'ftp' (listeners of 'red': http/80)",
    ]
    assert gateway_refusal(gateway_route(protocol="ftp")) == f"gateway route 'all': {wrong}"


def test_a_route_without_any_listener_is_told_so() -> None:
    match = RouteMatch(prefix="/", port=80)
    wrong = [
        "no listener speaks its protocol, got 'http' (listeners: none)",
        "no listener has its port, got 80 (listeners: none)",
    ]
    assert refusal(route(match=match), on=()).splitlines() == [
        "virtual router 'router': has no listener, got 0 (one at least)",
        f"route 'all': {wrong[0]}",
        f"route 'all': {wrong[1]}",
    ]
    assert gateway_refusal(gateway_route(match=match), on=()).splitlines() == [
        "virtual gateway 'gateway': has no listener, got 0 (one at least)",
        f"gateway route 'all': {wrong[0]}",
        f"gateway route 'all': {wrong[1]}",
    ]


def test_a_route_beside_a_listener_whose_port_is_text_is_checked_too() -> None:
    on = (Listener(port="80"), HTTP_8080)  # type: ignore[arg-type]
    match = RouteMatch(prefix="/", port=82)
    wrong = "no listener has its port, got 82 (listeners: http/80, http/8080)"
    assert refusal(route(match=match), on=on).splitlines() == [
        "virtual router 'router': listener port out of range, got '80' (1 to 65535)",
        f"route 'all': {wrong}",
    ]
    assert gateway_refusal(gateway_route(match=match), on=on).splitlines() == [
        "virtual gateway 'gateway': listener port out of range, got '80' (1 to 65535)",
        f"gateway route 'all': {wrong}",
    ]


@pytest.mark.parametrize(
    ("targets", "red", "message"),
    [
        pytest.param((target("rad"),), (HTTP,), "route 'all': unknown target, got 'rad' (known: red)", id="unknown"),
        pytest.param(
            (target(), target()),
            (HTTP,),
            "route 'all': duplicate target, got 'red' (found 2 times, each may be there once)",
            id="duplicate",
        ),
        pytest.param(
            (target(port=80), target(port=80)),
            EVERY,
            "route 'all': duplicate target, got 'red:80' (found 2 times, each may be there once)",
            id="duplicate-port",
        ),
        pytest.param(
            (target(),),
            (HTTP, HTTP_8080),
            "route 'all': target 'red' needs a port, got None (listeners of 'red': http/80, http/8080)",
            id="needs-a-port",
        ),
        pytest.param(
            (target(),),
            (HTTP2,),
            "route 'all': target 'red' does not listen for its requests, got 'http' (listeners of 'red': http2/81)",
            id="other-protocol",
        ),
        pytest.param(
            (target(),),
            (),
            "route 'all': target 'red' does not listen for its requests, got 'http' (listeners of 'red': none)",
            id="no-listener",
        ),
        pytest.param(
            (target(port=8080),),
            (HTTP,),
            "route 'all': target 'red' does not listen for its requests, got 'http/8080' (listeners of 'red': http/80)",
            id="other-port",
        ),
        pytest.param(
            (target(port=81),),
            EVERY,
            "route 'all': target 'red' does not listen for its requests, got 'http/81' "
            "(listeners of 'red': http/80, http2/81, grpc/82, tcp/83)",
            id="other-protocol-on-its-port",
        ),
        pytest.param(
            (target(weight=0),),
            (HTTP,),
            "route 'all': every weight is 0, got (0,) (at least one must be 1 to 100)",
            id="no-weight",
        ),
    ],
)
def test_a_target_that_cannot_be_is_refused(
    targets: tuple[WeightedTarget, ...], red: tuple[Listener, ...], message: str
) -> None:
    assert refusal(route(targets=targets), red=red) == message


def test_two_ports_of_a_node_are_two_targets() -> None:
    mesh = routing(route(targets=(target(port=80), target(port=8080))), red=(HTTP, HTTP_8080))
    assert len(mesh.router("router").routes[0].targets) == 2


def test_a_route_name_is_there_once() -> None:
    wrong = "duplicate route, got 'all' (found 2 times, each may be there once)"
    other = RouteMatch(prefix="/other")
    assert refusal(route(), route(match=other)) == f"virtual router 'router': {wrong}"
    assert gateway_refusal(gateway_route(), gateway_route(match=other)) == f"virtual gateway 'gateway': {wrong}"


@pytest.mark.parametrize(
    ("first", "second", "got"),
    [
        pytest.param({"prefix": "/"}, {"prefix": "/"}, "/", id="same-prefix"),
        pytest.param({"prefix": "/", "method": "GET"}, {"prefix": "/", "method": "GET"}, "GET /", id="same-method"),
        pytest.param({"prefix": "/"}, {"prefix": "/", "method": "GET"}, "GET /", id="any-method-and-one"),
        pytest.param({"prefix": "/", "method": "GET"}, {"prefix": "/"}, "/", id="one-method-and-any"),
        pytest.param({"prefix": "/", "port": 80}, {"prefix": "/", "port": 80}, "/ port 80", id="same-port"),
        pytest.param({"prefix": "/", "port": 80}, {"prefix": "/"}, "/", id="one-port-and-any"),
        pytest.param(
            {"prefix": "/", "method": "GET"}, {"prefix": "/", "port": 80}, "/ port 80", id="a-method-and-a-port"
        ),
    ],
)
def test_routes_that_would_take_the_same_request_are_refused(
    first: dict[str, Any], second: dict[str, Any], got: str
) -> None:
    one, two = RouteMatch(**first), RouteMatch(**second)
    wrong = f"duplicate match in route 'two', got '{got}' (also in 'one': change one of them, or give them priorities)"
    assert refusal(route("one", match=one), route("two", match=two)) == f"virtual router 'router': {wrong}"
    gateway_routes = gateway_route("one", match=one), gateway_route("two", match=two)
    assert gateway_refusal(*gateway_routes) == f"virtual gateway 'gateway': {wrong}"


def test_routes_of_one_priority_that_would_take_the_same_request_are_refused() -> None:
    assert gateway_refusal(gateway_route("one", priority=0), gateway_route("two", priority=0)) == (
        "virtual gateway 'gateway': duplicate match in route 'two', got '/' "
        "(also in 'one': change one of them, or give them priorities)"
    )


def test_tcp_routes_that_would_take_the_same_connection_are_refused() -> None:
    tcp = {"protocol": "tcp", "match": RouteMatch()}
    assert refusal(route("one", **tcp), route("two", **tcp), on=(TCP,), red=(TCP,)) == (
        "virtual router 'router': duplicate match in route 'two', got 'any request' "
        "(also in 'one': change one of them, or give them priorities)"
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(
            {"match": RouteMatch(prefix="/", method="GET")},
            {"match": RouteMatch(prefix="/", method="POST")},
            id="other-method",
        ),
        pytest.param(
            {"match": RouteMatch(prefix="/", port=80)}, {"match": RouteMatch(prefix="/", port=8080)}, id="other-port"
        ),
        pytest.param({}, {"match": RouteMatch(prefix="/router")}, id="longer-prefix"),
        pytest.param({"priority": 0}, {"priority": 1}, id="other-priority"),
        pytest.param({"priority": 0}, {}, id="one-priority"),
    ],
)
def test_routes_that_take_different_requests_are_accepted(first: dict[str, Any], second: dict[str, Any]) -> None:
    mesh = entering(gateway_route("one", **first), gateway_route("two", **second), on=(HTTP, HTTP_8080))
    assert len(mesh.gateway("gateway").routes) == 2


def test_routes_of_different_protocols_may_have_the_same_prefix() -> None:
    one = route("one", targets=(target(port=80),))
    two = route("two", protocol="http2", targets=(target(port=81),))
    assert routing(one, two, on=(HTTP, HTTP2), red=(HTTP, HTTP2)).router("router").routes == (one, two)
    first, second = gateway_route("one"), gateway_route("two", protocol="http2")
    assert entering(first, second, on=(HTTP, HTTP2)).gateway("gateway").routes == (first, second)


def test_two_gateways_may_have_the_same_route() -> None:
    one = VirtualGateway(name="one", listeners=(HTTP,), routes=(gateway_route(),))
    two = VirtualGateway(name="two", listeners=(HTTP,), routes=(gateway_route(),))
    assert Mesh(name="colors", gateways=(one, two), external_services=("red.colors.local",)).gateways == (one, two)


@pytest.mark.parametrize("prefix", ["/aws-appmesh", "/aws-app-mesh", "/aws-appmesh/health"])
def test_a_gateway_route_leaves_reserved_prefixes_alone(prefix: str) -> None:
    assert gateway_refusal(gateway_route(match=RouteMatch(prefix=prefix))) == (
        f"gateway route 'all': prefix is reserved, got '{prefix}' "
        "(App Mesh keeps '/aws-appmesh' and '/aws-app-mesh' for itself)"
    )


def test_a_route_of_a_router_may_have_a_prefix_that_gateways_may_not() -> None:
    assert routing(route(match=RouteMatch(prefix="/aws-appmesh"))).name == "colors"


def test_a_gateway_route_to_no_service_is_refused() -> None:
    assert gateway_refusal(gateway_route(virtual_service="rad.colors.local")) == (
        "gateway route 'all': unknown virtual service, got 'rad.colors.local' "
        "(known: blue.colors.local, red.colors.local)"
    )
