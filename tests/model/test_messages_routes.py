"""Complete messages for the problems of routes."""

from typing import Any

import pytest

from color_mesh.model import Listener, RouteMatch, WeightedTarget
from tests.support.builders import (
    GRPC,
    HTTP,
    HTTP2,
    HTTP_8080,
    TCP,
    entering,
    gateway,
    gateway_route,
    mesh,
    refusal,
    route,
    routing,
    target,
)

EVERY = (HTTP, HTTP2, GRPC, TCP)


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
def test_invalid_match_is_rejected(changes: dict[str, Any], wrong: str) -> None:
    assert refusal(routing, route(**changes)) == f"route 'all': {wrong}"
    assert refusal(entering, gateway_route(**changes)) == f"gateway route 'all': {wrong}"


def test_route_without_a_listener_of_its_protocol_is_rejected() -> None:
    wrong = "no listener has its protocol, got 'http2' (listeners: http/80, grpc/82)"
    assert refusal(routing, route(protocol="http2"), on=(HTTP, GRPC), red=(HTTP2,)) == f"route 'all': {wrong}"
    assert refusal(entering, gateway_route(protocol="http2"), on=(HTTP, GRPC)) == f"gateway route 'all': {wrong}"


def test_route_without_a_listener_on_its_port_is_rejected() -> None:
    wrong = "no listener has its port, got 82 (listeners: http/8080, http/80)"
    match = RouteMatch(prefix="/", port=82)
    assert refusal(routing, route(match=match), on=(HTTP_8080, HTTP)) == f"route 'all': {wrong}"
    assert refusal(entering, gateway_route(match=match), on=(HTTP_8080, HTTP)) == f"gateway route 'all': {wrong}"


def test_unknown_protocol_of_a_route_is_rejected() -> None:
    wrong = "unknown protocol, got 'ftp' (one of: http, http2, grpc, tcp)"
    assert refusal(routing, route(protocol="ftp")).splitlines() == [
        f"route 'all': {wrong}",
        "route 'all': target 'red' has no listener for the route, got 'ftp' (listeners of 'red': http/80)",
    ]
    assert refusal(entering, gateway_route(protocol="ftp")) == f"gateway route 'all': {wrong}"


def test_route_of_a_router_without_listeners_is_rejected() -> None:
    match = RouteMatch(prefix="/", port=80)
    wrong = [
        "no listener has its protocol, got 'http' (listeners: none)",
        "no listener has its port, got 80 (listeners: none)",
    ]
    assert refusal(routing, route(match=match), on=()).splitlines() == [
        "virtual router 'router': has no listener, got 0 (one at least)",
        f"route 'all': {wrong[0]}",
        f"route 'all': {wrong[1]}",
    ]
    assert refusal(entering, gateway_route(match=match), on=()).splitlines() == [
        "virtual gateway 'gateway': has no listener, got 0 (one at least)",
        f"gateway route 'all': {wrong[0]}",
        f"gateway route 'all': {wrong[1]}",
    ]


def test_route_is_validated_even_if_the_port_of_a_listener_is_text() -> None:
    on = (Listener(port="80"), HTTP_8080)  # type: ignore[arg-type]
    match = RouteMatch(prefix="/", port=82)
    wrong = "no listener has its port, got 82 (listeners: http/80, http/8080)"
    assert refusal(routing, route(match=match), on=on).splitlines() == [
        "virtual router 'router': listener port out of range, got '80' (1 to 65535)",
        f"route 'all': {wrong}",
    ]
    assert refusal(entering, gateway_route(match=match), on=on).splitlines() == [
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
            "route 'all': duplicate target, got 'red' (occurs 2 times, must be unique)",
            id="duplicate",
        ),
        pytest.param(
            (target(port=80), target(port=80)),
            EVERY,
            "route 'all': duplicate target, got 'red:80' (occurs 2 times, must be unique)",
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
            "route 'all': target 'red' has no listener for the route, got 'http' (listeners of 'red': http2/81)",
            id="other-protocol",
        ),
        pytest.param(
            (target(),),
            (),
            "route 'all': target 'red' has no listener for the route, got 'http' (listeners of 'red': none)",
            id="no-listener",
        ),
        pytest.param(
            (target(port=8080),),
            (HTTP,),
            "route 'all': target 'red' has no listener for the route, got 'http/8080' (listeners of 'red': http/80)",
            id="other-port",
        ),
        pytest.param(
            (target(port=81),),
            EVERY,
            "route 'all': target 'red' has no listener for the route, got 'http/81' "
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
def test_invalid_target_is_rejected(
    targets: tuple[WeightedTarget, ...], red: tuple[Listener, ...], message: str
) -> None:
    assert refusal(routing, route(targets=targets), red=red) == message


def test_two_ports_of_a_node_are_two_targets() -> None:
    colors = routing(route(targets=(target(port=80), target(port=8080))), red=(HTTP, HTTP_8080))
    assert len(colors.router("router").routes[0].targets) == 2


def test_duplicate_route_name_is_rejected() -> None:
    wrong = "duplicate route, got 'all' (occurs 2 times, must be unique)"
    other = RouteMatch(prefix="/other")
    assert refusal(routing, route(), route(match=other)) == f"virtual router 'router': {wrong}"
    assert refusal(entering, gateway_route(), gateway_route(match=other)) == f"virtual gateway 'gateway': {wrong}"


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
def test_routes_that_match_the_same_request_are_rejected(
    first: dict[str, Any], second: dict[str, Any], got: str
) -> None:
    one, two = RouteMatch(**first), RouteMatch(**second)
    wrong = f"duplicate match in route 'two', got '{got}' (also in 'one': change one of them, or give them priorities)"
    assert refusal(routing, route("one", match=one), route("two", match=two)) == f"virtual router 'router': {wrong}"
    gateway_routes = gateway_route("one", match=one), gateway_route("two", match=two)
    assert refusal(entering, *gateway_routes) == f"virtual gateway 'gateway': {wrong}"


def test_routes_of_equal_priority_that_match_the_same_request_are_rejected() -> None:
    assert refusal(entering, gateway_route("one", priority=0), gateway_route("two", priority=0)) == (
        "virtual gateway 'gateway': duplicate match in route 'two', got '/' "
        "(also in 'one': change one of them, or give them priorities)"
    )


def test_tcp_routes_that_match_the_same_connection_are_rejected() -> None:
    tcp = {"protocol": "tcp", "match": RouteMatch()}
    assert refusal(routing, route("one", **tcp), route("two", **tcp), on=(TCP,), red=(TCP,)) == (
        "virtual router 'router': duplicate match in route 'two', got 'any request' "
        "(also in 'one': the first one takes every connection)"
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(
            {"match": RouteMatch(prefix="/", method="GET")},
            {"match": RouteMatch(prefix="/", method="POST")},
            id="other-method",
        ),
        pytest.param({}, {"match": RouteMatch(prefix="/router")}, id="longer-prefix"),
        pytest.param({"priority": 0}, {"priority": 1}, id="other-priority"),
        pytest.param({"priority": 0}, {}, id="one-priority"),
    ],
)
def test_routes_that_match_different_requests_are_accepted(first: dict[str, Any], second: dict[str, Any]) -> None:
    colors = entering(gateway_route("one", **first), gateway_route("two", **second))
    assert len(colors.gateway("gateway").routes) == 2


def test_routes_of_different_ports_may_have_the_same_prefix() -> None:
    at_80, at_8080 = RouteMatch(prefix="/", port=80), RouteMatch(prefix="/", port=8080)
    colors = entering(gateway_route("one", match=at_80), gateway_route("two", match=at_8080), on=(HTTP, HTTP_8080))
    assert len(colors.gateway("gateway").routes) == 2


def test_routes_of_different_protocols_may_have_the_same_prefix() -> None:
    at_80, at_81 = RouteMatch(prefix="/", port=80), RouteMatch(prefix="/", port=81)
    one = route("one", match=at_80, targets=(target(port=80),))
    two = route("two", match=at_81, protocol="http2", targets=(target(port=81),))
    assert routing(one, two, on=(HTTP, HTTP2), red=(HTTP, HTTP2)).router("router").routes == (one, two)
    first, second = gateway_route("one", match=at_80), gateway_route("two", match=at_81, protocol="http2")
    assert entering(first, second, on=(HTTP, HTTP2)).gateway("gateway").routes == (first, second)


def test_two_gateways_may_have_the_same_route() -> None:
    gateways = gateway("one", routes=(gateway_route(),)), gateway("two", routes=(gateway_route(),))
    assert mesh(gateways=gateways, external_services=("red.colors.local",)).gateways == gateways


@pytest.mark.parametrize("prefix", ["/aws-appmesh", "/aws-app-mesh", "/aws-appmesh/health"])
def test_reserved_prefix_of_a_gateway_route_is_rejected(prefix: str) -> None:
    assert refusal(entering, gateway_route(match=RouteMatch(prefix=prefix))) == (
        f"gateway route 'all': prefix is reserved, got '{prefix}' "
        "(App Mesh keeps '/aws-appmesh' and '/aws-app-mesh' for itself)"
    )


def test_route_of_a_router_may_have_a_prefix_that_is_reserved_for_gateways() -> None:
    assert routing(route(match=RouteMatch(prefix="/aws-appmesh"))).name == "colors"


def test_gateway_route_to_an_unknown_service_is_rejected() -> None:
    assert refusal(entering, gateway_route(virtual_service="rad.colors.local")) == (
        "gateway route 'all': unknown virtual service, got 'rad.colors.local' "
        "(known: blue.colors.local, red.colors.local)"
    )
