"""Paths that gateways reject, prefixes that match more than whole segments, and configurations that Envoy accepts."""

from pathlib import Path

import pytest

from color_mesh.envoy import configure
from color_mesh.envoy.edge import has_dot_segment
from color_mesh.envoy.gateway import prefix_warnings
from color_mesh.model import (
    CloudMapDiscovery,
    GatewayRoute,
    Listener,
    Mesh,
    Rewrite,
    RouteMatch,
    VirtualGateway,
    VirtualNode,
    VirtualService,
)
from tests.support.envoy import validate


@pytest.mark.parametrize(
    "path",
    [
        *("/..", "/.", "/a/..", "/a/../b", "/a/./b", "/a/..;x/b", "/a/.;", "/a\\..\\b", "/a/%2e%2e/b", "/a/.%2E/b"),
        *("/a/%252e%252e/b", "/a/..%3bx", "/a/..%252fb", "/a%2f..", "/a%255C../b", "/a/%25252e/b"),
    ],
)
def test_dot_segment_is_found_in_every_spelling(path: str) -> None:
    assert has_dot_segment(path)


@pytest.mark.parametrize(
    "path",
    ["/", "/a..", "/..a", "/...", "/.a/b.", "/a/.well-known", "/a;..", "/%2ea", "/a/%25", "/v1.2/x", "/a%2c../b"],
)
def test_name_with_dots_is_no_dot_segment(path: str) -> None:
    assert not has_dot_segment(path)


def route(start: str, **rewrite: str | bool) -> GatewayRoute:
    return GatewayRoute(
        name="shop",
        match=RouteMatch(prefix=start),
        virtual_service="stock.shop.local",
        rewrite=Rewrite(**rewrite),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("shop", "replacement"),
    [
        pytest.param(route("/shop", prefix="/public"), "/public", id="rewrite"),
        pytest.param(route("/shop/", prefix="/public"), "/public", id="prefix-with-a-slash"),
        pytest.param(route("/shop", keep_prefix=True), "/shop", id="no-rewrite"),
    ],
)
def test_prefix_that_requests_can_leave_is_a_warning(shop: GatewayRoute, replacement: str) -> None:
    (warning,) = prefix_warnings(shop)
    assert warning == (
        f"gateway route 'shop': a request for '{shop.match.prefix}-x' reaches the service outside of '{replacement}', "
        f"got '{replacement}-x' (end the prefix and its replacement with '/')"
    )


@pytest.mark.parametrize(
    "shop",
    [
        pytest.param(route("/shop"), id="default-rewrite"),
        pytest.param(route("/shop", prefix="/public/"), id="replacement-with-a-slash"),
        pytest.param(route("/shop/", keep_prefix=True), id="prefix-with-a-slash"),
        pytest.param(route("/", keep_prefix=True), id="all-paths"),
        pytest.param(
            GatewayRoute(name="shop", match=RouteMatch(path="/a"), virtual_service="stock.shop.local"), id="path"
        ),
    ],
)
def test_prefix_that_requests_cannot_leave_is_no_warning(shop: GatewayRoute) -> None:
    assert list(prefix_warnings(shop)) == []


@pytest.mark.envoy
@pytest.mark.parametrize("as_in_app_mesh", [True, False])
def test_envoy_accepts_every_prefix(tls: Path, tmp_path: Path, as_in_app_mesh: bool) -> None:
    prefixes = ("/" + 899 * ".", "/a?b", "/a#", "/", "/(a|b)*[\\", "/" + 400 * "\u00e9", "/a b")
    gateway = VirtualGateway(
        name="door",
        listeners=(Listener(port=80),),
        routes=tuple(
            GatewayRoute(name=f"r{number}", match=RouteMatch(prefix=prefix), virtual_service="stock.shop.local")
            for number, prefix in enumerate(prefixes)
        ),
    )
    stock = VirtualNode(
        name="stock",
        listeners=(Listener(port=80),),
        discovery=CloudMapDiscovery(namespace="shop.local", service="stock"),
    )
    mesh = Mesh(
        name="shop",
        nodes=(stock,),
        services=(VirtualService(name="stock.shop.local", virtual_node="stock"),),
        gateways=(gateway,),
    )
    validate(configure(mesh, gateway, as_in_app_mesh=as_in_app_mesh), tmp_path, tls)
