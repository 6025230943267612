"""The rule ``request-timeout-cut-short``."""

import pytest

from color_mesh.model import Listener, Milliseconds, Protocol, RouteMatch, Timeout
from tests.support.analysis import provided, routed, texts
from tests.support.builders import node, route

ID = "request-timeout-cut-short"
LONG = Timeout(per_request=Milliseconds(60000))


@pytest.mark.parametrize("protocol", ["http", "http2", "grpc"])
def test_route_with_a_longer_timeout_than_its_listener_is_found(protocol: Protocol) -> None:
    mesh = routed(route(timeout=LONG, protocol=protocol, match=RouteMatch()), red=Listener(port=80, protocol=protocol))
    path = {"http": "Http", "http2": "Http2", "grpc": "Grpc"}[protocol]
    assert texts(ID, mesh) == [
        (
            f"route 'all' of virtual router 'router' Spec.{path}Route.Timeout.PerRequest: the request timeout "
            "is 60 s, but the listener of virtual node 'red' ends requests after 15 s"
        )
    ]


def test_route_without_a_limit_is_found_if_its_listener_has_one() -> None:
    (text,) = texts(ID, routed(route(timeout=Timeout(per_request=Milliseconds(0)))))
    assert "the request timeout is unlimited, but the listener of virtual node 'red' ends requests after 15 s" in text


def test_listener_with_a_longer_timeout_than_its_route_is_found() -> None:
    assert texts(ID, routed(red=Listener(port=80, timeout=LONG))) == [
        (
            "virtual node 'red' Spec.Listeners[0].Timeout.HTTP.PerRequest: the request timeout is 60 s, but "
            "callers end requests after 15 s"
        )
    ]


def test_listener_of_a_service_without_a_router_is_found() -> None:
    red = node(listeners=(Listener(port=80, timeout=LONG),))
    assert "callers end requests after 15 s" in texts(ID, provided(red))[0]


@pytest.mark.parametrize("millis", [60000, 0])
def test_equal_timeouts_and_no_limit_are_not_found(millis: int) -> None:
    both = Timeout(per_request=Milliseconds(millis))
    assert texts(ID, routed(route(timeout=both), red=Listener(port=80, timeout=both))) == []
    assert texts(ID, routed()) == []


def test_shorter_timeout_of_a_route_is_not_found() -> None:
    assert texts(ID, routed(route(timeout=Timeout(per_request=Milliseconds(5000))))) == []
