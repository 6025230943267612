"""The rule ``caller-timeout-cut-short``."""

from color_mesh.model import Listener, Milliseconds, Timeout
from tests.support.analysis import routed, texts
from tests.support.builders import route

ID = "caller-timeout-cut-short"
LONG = Timeout(per_request=Milliseconds(60000))


def test_caller_whose_listener_ends_requests_before_its_backend_is_found() -> None:
    assert texts(ID, routed(route(timeout=LONG), red=Listener(port=80, timeout=LONG))) == [
        (
            "virtual node 'blue' Spec.Listeners[0].Timeout: its listener ends requests after 15 s, but it "
            "may wait 60 s for route 'all' of virtual router 'router'"
        )
    ]


def test_caller_with_the_same_timeout_is_not_found() -> None:
    mesh = routed(route(timeout=LONG), blue={"listeners": (Listener(port=80, timeout=LONG),)})
    assert texts(ID, mesh) == []


def test_caller_without_a_listener_is_not_found() -> None:
    assert texts(ID, routed(route(timeout=LONG), blue={"listeners": ()})) == []
