"""The rule ``path-never-matches``."""

import pytest

from color_mesh.model import RouteMatch
from tests.support.analysis import entered, texts
from tests.support.builders import gateway_route, route, routing

ID = "path-never-matches"


@pytest.mark.parametrize(
    "match",
    [
        RouteMatch(prefix="/a//b"),
        RouteMatch(path="/a/../b"),
        RouteMatch(path="/a/./b"),
        RouteMatch(path="/a/.."),
        RouteMatch(prefix="/a?b=c"),
        RouteMatch(path="/a#b"),
        RouteMatch(prefix="/a\\b"),
        RouteMatch(path="/käse"),
        RouteMatch(path="/a b"),
        RouteMatch(path_regex="/search\\?q=.*"),
    ],
)
def test_path_that_no_request_has_is_found(match: RouteMatch) -> None:
    assert texts(ID, routing(route(match=match)))[0].startswith(
        "route 'all' of virtual router 'router' Spec.HttpRoute.Match: no request matches: "
    )
    assert len(texts(ID, entered(gateway_route(match=match)))) == 1


@pytest.mark.parametrize(
    "match",
    [
        RouteMatch(),
        RouteMatch(prefix="/a/"),
        RouteMatch(prefix="/.well-known"),
        RouteMatch(path="/a..b/c."),
        RouteMatch(path="/k%C3%A4se"),
        RouteMatch(path_regex="/a(\\?.*)?"),
        RouteMatch(path_regex="/a/?b?"),
    ],
)
def test_path_of_a_request_is_not_found(match: RouteMatch) -> None:
    assert texts(ID, routing(route(match=match))) == []
    assert texts(ID, entered(gateway_route(match=match))) == []
