"""Paths that clients of a gateway choose: no route leads out of its prefix."""

from collections.abc import Iterator
from typing import Any

import pytest

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
from tests.support.loopback_mesh import LoopbackMesh, Response, connect, loopback_mesh

PORT = 8000
SERVICE = "green.colors.local"


def route(start: str, **rewrite: Any) -> GatewayRoute:
    name = start.strip("/").replace(".", "")
    match = RouteMatch(prefix=start)
    return GatewayRoute(name=name, match=match, virtual_service=SERVICE, rewrite=Rewrite(**rewrite))


MESH = Mesh(
    name="colors",
    nodes=(
        VirtualNode(
            name="green",
            listeners=(Listener(port=8080),),
            discovery=CloudMapDiscovery(namespace="colors.local", service="green"),
        ),
    ),
    services=(VirtualService(name=SERVICE, virtual_node="green"),),
    gateways=(
        VirtualGateway(
            name="gateway",
            listeners=(Listener(port=PORT),),
            routes=(
                route("/shop", prefix="/public/"),
                route("/plain", prefix="/public"),
                route("/tree/", prefix="/public"),
                route("/kept", keep_prefix=True),
                route("/a.b", prefix="/\\1/"),
            ),
        ),
    ),
)
# Spellings of `..` and of slashes that reach `/internal` if a gateway, or the server behind it, resolves them late.
ESCAPES = (
    *("/{}../internal", "/{}..", "/{}%2e%2e/internal", "/{}.%2e/internal", "/{}..%2finternal", "/{}..%2Finternal"),
    *("/{}/..%2finternal", "/{}/%2e%2e%2finternal", "/{}/../internal", "/{}/%2e%2e/internal", "/{}//../internal"),
    *("/{}/..;/internal", "/{}/..;a=b/internal", "/{}/%2e%2e;/internal", "/{}/..%3b/internal", "/{}/x/..;/../internal"),
    *("/{}\\..\\internal", "/{}/..\\internal", "/{}..\\internal", "/{}/..%5cinternal", "/{}..%5Cinternal"),
    *("/{}%252e%252e/internal", "/{}/%252e%252e/internal", "/{}/%25252e%25252e/internal", "/{}/..%252finternal"),
    *("/{}/%252e%252e%252finternal", "/{}/..%253binternal", "/{}/..%255cinternal", "/{}/x%252f..%252f..%252finternal"),
    *("/{}..;/internal", "/{}%2e%2e;/internal", "/{}..%3b/internal", "/{}.%252e/internal", "/{}/..%25255cinternal"),
    *("/{}/.;/x", "/{}/%252e/x", "/{}/x/..;", "/{}/x/%252e%252E"),
)


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    with loopback_mesh(MESH, tmp_path_factory.mktemp("segments")) as mesh:
        yield mesh


@pytest.fixture(scope="module")
def app_mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    """The mesh with App Mesh's prefixes."""
    with loopback_mesh(MESH, tmp_path_factory.mktemp("prefixes"), settings={"as_in_app_mesh": True}) as mesh:
        yield mesh


def path_seen(response: Response) -> str:
    """Return the path that the application received, or the status of the gateway's answer."""
    return str(response.request["path"]) if response.status == 200 else str(response.status)


def statuses_of_raw_path(mesh: LoopbackMesh, path: str) -> bytes:
    """Send a path that `http.client` does not accept, and return the status line."""
    with connect(mesh.task("gateway").address(1), PORT) as client:
        client.sendall(b"GET " + path.encode("latin-1") + b" HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
        return client.recv(65536).split(b"\r\n")[0]


@pytest.mark.parametrize("prefix", ["shop", "plain", "tree"])
@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize("prefixes", ["mesh", "app_mesh"])
def test_no_path_leads_out_of_the_rewritten_prefix(
    prefix: str, escape: str, prefixes: str, request: pytest.FixtureRequest
) -> None:
    running: LoopbackMesh = request.getfixturevalue(prefixes)
    path, seen = escape.format(prefix), ""
    for _ in range(3):  # A client follows redirects.
        response = running.enter("gateway", PORT, path)
        seen = path_seen(response)
        if response.status != 307:
            break
        path = response.headers["location"]
        assert path[0] == "/"
        assert path[:2] != "//"
    assert seen in ("400", "404") or (seen.startswith("/public") and ".." not in seen.replace("/public..", "/public"))


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        pytest.param("/shop", "/public/", id="the-prefix"),
        pytest.param("/shop/", "/public/", id="and-a-slash"),
        pytest.param("/shop/x?back=/../y", "/public/x?back=/../y", id="below-it"),
        pytest.param("/shop/..x/.y/z..", "/public/..x/.y/z..", id="names-with-dots"),
        pytest.param("/shop/a;v=1/b;c", "/public/a;v=1/b;c", id="path-parameters"),
        pytest.param("/shop/%3bv/%25", "/public/%3bv/%25", id="escaped-characters"),
        pytest.param("/shopping", "404", id="more-than-the-prefix"),
        pytest.param("/SHOP", "404", id="capitals"),
        pytest.param("/shop;a=b/x", "404", id="path-parameter-of-the-prefix"),
        pytest.param("/plain", "/public", id="replacement-without-a-slash"),
        pytest.param("/plain/", "/public/", id="and-a-slash-after-it"),
        pytest.param("/plain/x", "/public/x", id="and-more-after-it"),
        pytest.param("/plainly", "404", id="more-than-a-prefix-without-a-slash"),
        pytest.param("/tree/x", "/public/x", id="prefix-with-a-slash"),
        pytest.param("/tree/-x", "/public/-x", id="segment-stays-one"),
        pytest.param("/tree", "404", id="prefix-without-its-slash"),
        pytest.param("/kept/x", "/kept/x", id="no-rewrite"),
        pytest.param("/kept-x", "404", id="no-rewrite-and-more-than-the-prefix"),
        pytest.param("/a.b/x", "/1/x", id="backslash-in-the-replacement-is-a-slash"),
        pytest.param("/aXb/x", "404", id="literal-prefix"),
    ],
)
def test_prefix_matches_whole_path_segments(mesh: LoopbackMesh, path: str, seen: str) -> None:
    assert path_seen(mesh.enter("gateway", PORT, path)) == seen


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        pytest.param("/shop", "/public/", id="the-prefix"),
        pytest.param("/shop/", "/public/", id="and-a-slash"),
        pytest.param("/shop/x", "/public/x", id="below-it"),
        pytest.param("/shop1", "/public/1", id="text-after-it"),
        pytest.param("/shopping/x", "/public/ping/x", id="text-and-more-after-it"),
        pytest.param("/shop.x", "/public/.x", id="name-with-a-dot"),
        pytest.param("/shop../x", "400", id="dot-segment"),
        pytest.param("/shop.", "400", id="current-segment"),
        pytest.param("/plain-x", "/public-x", id="replacement-without-a-slash"),
        pytest.param("/tree/-x", "/public-x", id="prefix-with-a-slash"),
        pytest.param("/kept-x", "/kept-x", id="no-rewrite"),
    ],
)
def test_prefixes_of_app_mesh_match_text(app_mesh: LoopbackMesh, path: str, seen: str) -> None:
    assert path_seen(app_mesh.enter("gateway", PORT, path)) == seen


@pytest.mark.parametrize(
    ("path", "location"),
    [
        pytest.param("/shop/a%2fb%2Fc?q=%2f", "/shop/a/b/c?q=%2f", id="slash"),
        pytest.param("/shop/a%5cb", "/shop/a/b", id="backslash"),
        pytest.param("/%2fexample.com/x", "/example.com/x", id="not-to-another-host"),
        pytest.param("/%5cexample.com/x", "/example.com/x", id="not-to-another-host-by-a-backslash"),
    ],
)
def test_path_with_an_escaped_slash_is_redirected_to_the_path_that_it_means(
    mesh: LoopbackMesh, path: str, location: str
) -> None:
    response = mesh.enter("gateway", PORT, path)
    assert (response.status, response.headers["location"]) == (307, location)


@pytest.mark.parametrize("path", ["/shop/x#/../y", "/shop/\xff/..;/x", "/shop/..\\..;\\x"])
def test_path_that_is_not_valid_reaches_no_service(mesh: LoopbackMesh, path: str) -> None:
    assert statuses_of_raw_path(mesh, path).split()[1] in (b"400", b"404")
