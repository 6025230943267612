"""The rule ``routes-are-missing``."""

from color_mesh.model import Listener
from tests.support.analysis import routed, texts
from tests.support.builders import gateway, router

ID = "routes-are-missing"


def test_router_and_gateway_without_routes_are_found() -> None:
    found = texts(ID, routed(routers=(router("router", Listener(port=80)),), gateways=(gateway(),)))
    assert found == [
        "virtual router 'router' : it has no route, so each request is answered with 404",
        "virtual gateway 'gateway' : it has no route, so each request is answered with 404",
    ]


def test_router_with_a_route_is_not_found() -> None:
    assert texts(ID, routed()) == []
