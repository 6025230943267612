"""The rule ``request-timeout-exceeds-idle-timeout``."""

from color_mesh.model import Listener, Milliseconds, Timeout
from tests.support.analysis import routed, texts
from tests.support.builders import route

ID = "request-timeout-exceeds-idle-timeout"
LONG = Timeout(per_request=Milliseconds(600000))


def test_request_timeout_above_the_idle_timeout_is_found() -> None:
    found = texts(ID, routed(route(timeout=LONG), red=Listener(port=80, timeout=LONG)))
    text = "the request timeout is 600 s, but the idle timeout ends a request without data after 300 s"
    assert found == [
        f"route 'all' of virtual router 'router' Spec.HttpRoute.Timeout.PerRequest: {text}",
        f"virtual node 'red' Spec.Listeners[0].Timeout.HTTP.PerRequest: {text}",
    ]


def test_request_timeout_with_a_longer_idle_timeout_is_not_found() -> None:
    assert texts(ID, routed(route(timeout=Timeout(per_request=Milliseconds(600000), idle=Milliseconds(600000))))) == []
    assert texts(ID, routed(route(timeout=Timeout(per_request=Milliseconds(600000), idle=Milliseconds(0))))) == []
    assert texts(ID, routed(route(timeout=Timeout(per_request=Milliseconds(60000))))) == []
