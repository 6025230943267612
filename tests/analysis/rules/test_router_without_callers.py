"""The rule ``router-without-callers``."""

from tests.support.analysis import routed, texts

ID = "router-without-callers"


def test_router_that_nobody_calls_is_found() -> None:
    assert texts(ID, routed(blue={"backends": ()})) == [
        (
            "virtual router 'router' : no virtual node has a service of this router as a backend, and no gateway route "
            "leads to one"
        )
    ]


def test_router_with_a_caller_is_not_found() -> None:
    assert texts(ID, routed()) == []
