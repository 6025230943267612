"""The rule ``gateway-host-hides-routes``."""

from color_mesh.model import RouteMatch
from tests.support.analysis import entered, texts
from tests.support.builders import gateway_route

ID = "gateway-host-hides-routes"


def test_route_without_a_host_is_found_if_another_names_one() -> None:
    mesh = entered(
        gateway_route("shop", match=RouteMatch(prefix="/shop")),
        gateway_route("admin", match=RouteMatch(prefix="/admin", hostname="admin.example.com")),
    )
    assert texts(ID, mesh) == [
        (
            "gateway route 'shop' of virtual gateway 'gateway' Spec.HttpRoute.Match.Hostname: requests for "
            "'admin.example.com' are answered with 404 instead of this route, because 'admin' names that host"
        )
    ]


def test_route_of_a_suffix_is_found_if_another_names_a_host_with_it() -> None:
    mesh = entered(
        gateway_route("any", match=RouteMatch(prefix="/shop", hostname_suffix=".example.com")),
        gateway_route("one", match=RouteMatch(prefix="/admin", hostname="admin.example.com")),
    )
    assert "gateway route 'any'" in texts(ID, mesh)[0]


def test_host_with_a_route_for_all_requests_is_not_found() -> None:
    mesh = entered(
        gateway_route("shop", match=RouteMatch(prefix="/shop")),
        gateway_route("admin", match=RouteMatch(hostname="admin.example.com")),
    )
    assert texts(ID, mesh) == []


def test_routes_of_different_hosts_are_not_found() -> None:
    mesh = entered(
        gateway_route("one", match=RouteMatch(hostname="one.example.com")),
        gateway_route("two", match=RouteMatch(hostname_suffix=".example.org")),
    )
    assert texts(ID, mesh) == []
