"""The rule ``idle-timeout-cut-short``."""

from dataclasses import replace

from color_mesh.model import Listener, Milliseconds, RouteMatch, Timeout
from tests.support.analysis import provided, routed, texts
from tests.support.builders import node, route

ID = "idle-timeout-cut-short"
LONG = Timeout(idle=Milliseconds(7200000))


def test_idle_timeout_of_a_route_is_found_if_its_listener_has_a_shorter_one() -> None:
    assert texts(ID, routed(route(timeout=LONG))) == [
        (
            "route 'all' of virtual router 'router' Spec.HttpRoute.Timeout.Idle: the idle timeout is 7200 s, "
            "but that of virtual node 'red' is 300 s"
        )
    ]


def test_idle_timeout_of_tcp_is_compared_with_an_hour() -> None:
    tcp = Listener(port=80, protocol="tcp")
    mesh = routed(route(protocol="tcp", match=RouteMatch(), timeout=LONG), red=tcp)
    assert "is 7200 s, but that of virtual node 'red' is 3600 s" in texts(ID, mesh)[0]
    short = Timeout(idle=Milliseconds(3000000))
    assert texts(ID, routed(route(protocol="tcp", match=RouteMatch(), timeout=short), red=tcp)) == []


def test_idle_timeout_of_tcp_is_compared_with_the_defaults_of_the_data_plane() -> None:
    tcp = Listener(port=80, protocol="tcp")
    half_an_hour = Timeout(idle=Milliseconds(1_800_000))
    mesh = routed(route(protocol="tcp", match=RouteMatch(), timeout=half_an_hour), red=tcp)
    assert texts(ID, mesh) == []
    (text,) = texts(ID, mesh, tcp_idle_millis=(240_000, 300_000))
    assert text.endswith("the idle timeout is 1800 s, but that of virtual node 'red' is 300 s")
    long_listener = routed(route(protocol="tcp", match=RouteMatch()), red=replace(tcp, timeout=half_an_hour))
    (text,) = texts(ID, long_listener, tcp_idle_millis=(240_000, 300_000))
    assert text.endswith("the idle timeout is 1800 s, but that of its callers is 240 s")


def test_idle_timeout_of_a_listener_is_found_if_no_caller_has_it() -> None:
    red = node(listeners=(Listener(port=80, timeout=LONG),))
    assert texts(ID, provided(red)) == [
        (
            "virtual node 'red' Spec.Listeners[0].Timeout.HTTP.Idle: the idle timeout is 7200 s, but that of "
            "its callers is 300 s"
        )
    ]


def test_equal_idle_timeouts_are_not_found() -> None:
    assert texts(ID, routed(route(timeout=LONG), red=Listener(port=80, timeout=LONG))) == []
