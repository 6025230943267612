"""The rule ``route-is-shadowed``."""

import pytest

from color_mesh.model import HeaderMatch, Listener, Mesh, QueryParameterMatch, Route, RouteMatch
from tests.support.analysis import entered, texts
from tests.support.builders import GRPC, gateway_route, route, routing

ID = "route-is-shadowed"
HEADER = HeaderMatch(name="x-user", exact="me")


def two(first: Route, second: Route) -> Mesh:
    return routing(first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (RouteMatch(prefix="/"), RouteMatch(prefix="/shop")),
        (RouteMatch(), RouteMatch(path="/shop")),
        (RouteMatch(prefix="/sh"), RouteMatch(prefix="/shop", headers=(HEADER,))),
        (RouteMatch(headers=(HEADER,)), RouteMatch(path_regex="/a.*", headers=(HEADER,), method="GET")),
        (RouteMatch(path_regex=".*"), RouteMatch(path="/shop")),
        (
            RouteMatch(query_parameters=(QueryParameterMatch(name="v"),)),
            RouteMatch(query_parameters=(QueryParameterMatch(name="v", exact="1"),), method="GET"),
        ),
    ],
)
def test_route_after_one_that_matches_all_its_requests_is_found(first: RouteMatch, second: RouteMatch) -> None:
    mesh = two(route("first", match=first, priority=1), route("second", match=second))
    assert texts(ID, mesh) == [
        (
            "route 'second' of virtual router 'router' Spec.HttpRoute.Match: it never gets a request: 'first' "
            "comes before it and matches all its requests"
        )
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (RouteMatch(prefix="/shop"), RouteMatch(prefix="/")),
        (RouteMatch(prefix="/shop/"), RouteMatch(path="/shop")),
        (RouteMatch(prefix="/", method="GET"), RouteMatch(prefix="/shop")),
        (RouteMatch(prefix="/", headers=(HEADER,)), RouteMatch(prefix="/shop")),
        (RouteMatch(path_regex="/a"), RouteMatch(prefix="/shop")),
        (RouteMatch(query_parameters=(QueryParameterMatch(name="v", exact="1"),)), RouteMatch(prefix="/shop")),
    ],
)
def test_route_with_requests_of_its_own_is_not_found(first: RouteMatch, second: RouteMatch) -> None:
    assert texts(ID, two(route("first", match=first, priority=1), route("second", match=second))) == []


def test_longer_prefix_without_a_priority_is_not_found() -> None:
    mesh = two(route("first", match=RouteMatch(prefix="/")), route("second", match=RouteMatch(prefix="/shop")))
    assert texts(ID, mesh) == []


def test_grpc_method_after_its_service_is_found() -> None:
    mesh = routing(
        route("first", protocol="grpc", match=RouteMatch(service_name="a.B"), priority=1),
        route("second", protocol="grpc", match=RouteMatch(service_name="a.B", method_name="C")),
        on=(GRPC,),
        red=(GRPC,),
    )
    assert "route 'second' of virtual router 'router' Spec.GrpcRoute.Match" in texts(ID, mesh)[0]


def test_gateway_route_of_the_same_host_is_found() -> None:
    mesh = entered(
        gateway_route("first", match=RouteMatch(hostname="a.example.com"), priority=1),
        gateway_route("second", match=RouteMatch(hostname="A.example.com", prefix="/shop")),
    )
    assert "gateway route 'second' of virtual gateway 'gateway'" in texts(ID, mesh)[0]


def test_gateway_route_of_another_host_or_port_is_not_found() -> None:
    mesh = entered(
        gateway_route("first", match=RouteMatch(hostname="a.example.com", port=80), priority=1),
        gateway_route("second", match=RouteMatch(hostname="b.example.com", prefix="/shop", port=80)),
        gateway_route("third", match=RouteMatch(hostname="a.example.com", prefix="/shop", port=8080)),
        on=(Listener(port=80), Listener(port=8080)),
    )
    assert texts(ID, mesh) == []
