"""The rule ``gateway-path-without-route``."""

import pytest

from color_mesh.model import GatewayRoute, Mesh, Rewrite, RouteMatch
from tests.support.analysis import routed, texts
from tests.support.builders import gateway, gateway_route, route

ID = "gateway-path-without-route"
CHAPTER = RouteMatch(prefix="/chapter")


def entered_by(entry: GatewayRoute, match: RouteMatch) -> Mesh:
    """Return a mesh whose gateway leads to a router with one route."""
    return routed(route(match=match), gateways=(gateway(routes=(entry,)),))


@pytest.mark.parametrize(
    ("entry", "match"),
    [
        (gateway_route(match=CHAPTER), CHAPTER),
        (gateway_route(match=CHAPTER), RouteMatch(prefix="/chapter/one")),
        (gateway_route(match=RouteMatch(prefix="/chapter/")), RouteMatch(path="/chapter/one")),
        (gateway_route(match=CHAPTER, rewrite=Rewrite(prefix="/page")), CHAPTER),
        (gateway_route(match=RouteMatch(path="/a"), rewrite=Rewrite(path="/b")), RouteMatch(path="/a")),
        (gateway_route(match=RouteMatch(path="/a")), RouteMatch(prefix="/b")),
    ],
)
def test_rewritten_path_without_a_route_is_found(entry: GatewayRoute, match: RouteMatch) -> None:
    (text,) = texts(ID, entered_by(entry, match))
    assert text.startswith(
        "gateway route 'all' of virtual gateway 'gateway' Spec.HttpRoute.Action.Rewrite: its requests"
    )
    assert text.endswith("which no route of virtual router 'router' matches")


@pytest.mark.parametrize(
    ("entry", "match"),
    [
        (gateway_route(match=CHAPTER), RouteMatch(prefix="/")),
        (gateway_route(match=CHAPTER), RouteMatch(prefix="/one")),
        (gateway_route(match=CHAPTER, rewrite=Rewrite(keep_prefix=True)), CHAPTER),
        (gateway_route(match=CHAPTER, rewrite=Rewrite(keep_prefix=True)), RouteMatch(prefix="/chapter/one")),
        (gateway_route(match=RouteMatch(prefix="/")), CHAPTER),
        (gateway_route(match=RouteMatch(path="/a")), RouteMatch(path="/a")),
        (gateway_route(match=CHAPTER), RouteMatch(path_regex="/chapter/.*")),
    ],
)
def test_path_that_a_route_matches_is_not_found(entry: GatewayRoute, match: RouteMatch) -> None:
    assert texts(ID, entered_by(entry, match)) == []
