"""Routes of real Envoys: matches, weights, retries and timeouts."""

import http.client
import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from color_mesh.model import (
    CloudMapDiscovery,
    HeaderMatch,
    Listener,
    Mesh,
    Milliseconds,
    QueryParameterMatch,
    RetryPolicy,
    Route,
    RouteMatch,
    Timeout,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    VirtualServiceBackend,
    WeightedTarget,
)
from tests.support.loopback_mesh import LoopbackMesh, loopback_mesh, send_request

PORT = 8080
REQUESTS = 5000
SIGMAS = 5


def node(name: str, **changes: Any) -> VirtualNode:
    discovery = CloudMapDiscovery(namespace="colors.local", service=name)
    return VirtualNode(name=name, discovery=discovery, **{"listeners": (Listener(port=PORT),), **changes})


def to(**weights: int) -> tuple[WeightedTarget, ...]:
    return tuple(WeightedTarget(virtual_node=name, weight=weight) for name, weight in weights.items())


def hit(name: str, match: RouteMatch, **changes: Any) -> Route:
    return Route(name=name, match=match, **{"targets": to(green=1), **changes})


def header(name: str, **condition: Any) -> RouteMatch:
    """Return a match with its own path and a condition on a header."""
    return RouteMatch(prefix=f"/{name}", headers=(HeaderMatch(name="color", **condition),))


MATCHES = (
    hit("prefix", RouteMatch(prefix="/fix")),
    hit("path", RouteMatch(path="/whole")),
    hit("regex", RouteMatch(path_regex="/[0-9]+x?")),
    hit("method", RouteMatch(prefix="/method", method="PUT")),
    hit("scheme", RouteMatch(prefix="/scheme", scheme="http")),
    hit("https", RouteMatch(prefix="/https", scheme="https")),
    hit("exact", header("exact", exact="red")),
    hit("begins", header("begins", prefix="re")),
    hit("ends", header("ends", suffix="ed")),
    hit("pattern", header("pattern", regex="r.d")),
    hit("range", header("range", range=(3, 5))),
    hit("present", header("present")),
    hit("absent", header("absent", invert=True)),
    hit("other", header("other", exact="red", invert=True)),
    hit("query", RouteMatch(prefix="/query", query_parameters=(QueryParameterMatch(name="color", exact="red"),))),
    hit("has-query", RouteMatch(prefix="/has-query", query_parameters=(QueryParameterMatch(name="color"),))),
    hit(
        "everything",
        RouteMatch(prefix="/all", method="PUT", headers=(HeaderMatch(name="color"), HeaderMatch(name="size"))),
    ),
    hit("rest", RouteMatch(prefix="/"), targets=to(yellow=1)),
)
ORDER = (
    hit("long", RouteMatch(prefix="/a/b")),
    hit("short", RouteMatch(prefix="/a"), targets=to(yellow=1)),
    hit("whole", RouteMatch(path="/whole")),
    hit("of-its-length", RouteMatch(prefix="/whole"), targets=to(yellow=1)),
    hit("second", RouteMatch(prefix="/first/b"), targets=to(yellow=1), priority=2),
    hit("first", RouteMatch(prefix="/first"), priority=1),
)
GATEWAY_ERRORS = RetryPolicy(max_retries=3, per_retry_timeout=Milliseconds(0), http_events=("gateway-error",))
RETRIES = (
    hit("given", RouteMatch(prefix="/given"), retry_policy=GATEWAY_ERRORS),
    hit(
        "never",
        RouteMatch(prefix="/never"),
        retry_policy=RetryPolicy(max_retries=0, per_retry_timeout=Milliseconds(0), http_events=("server-error",)),
    ),
    hit(
        "client-error",
        RouteMatch(prefix="/client-error"),
        retry_policy=RetryPolicy(max_retries=1, per_retry_timeout=Milliseconds(0), http_events=("client-error",)),
    ),
    hit(
        "attempts-are-short",
        RouteMatch(prefix="/attempts-are-short"),
        retry_policy=RetryPolicy(max_retries=2, per_retry_timeout=Milliseconds(200), http_events=("server-error",)),
    ),
    hit("default", RouteMatch(prefix="/")),
)
TIMEOUTS = (
    hit("request", RouteMatch(prefix="/request"), timeout=Timeout(per_request=Milliseconds(200))),
    hit("idle", RouteMatch(prefix="/idle"), timeout=Timeout(per_request=Milliseconds(0), idle=Milliseconds(200))),
    hit("callee", RouteMatch(prefix="/"), targets=to(hasty=1), timeout=Timeout(per_request=Milliseconds(0))),
)
ROUTERS: dict[str, tuple[Route, ...]] = {
    "split": (hit("split", RouteMatch(), targets=to(green=4, yellow=1)),),
    "zero": (hit("zero", RouteMatch(), targets=to(green=0, yellow=1)),),
    "matches": MATCHES,
    "order": ORDER,
    "retries": RETRIES,
    "timeouts": TIMEOUTS,
    "gone": (hit("gone", RouteMatch(), targets=to(gone=1)),),
    "empty": (),
    "ports": (
        hit("here", RouteMatch(port=PORT)),
        hit("there", RouteMatch(port=PORT + 1), targets=to(yellow=1)),
    ),
}


def listeners(router: str) -> tuple[Listener, ...]:
    return (Listener(port=PORT), Listener(port=PORT + 1)) if router == "ports" else (Listener(port=PORT),)


MESH = Mesh(
    name="colors",
    nodes=(
        VirtualNode(
            name="caller",
            backends=tuple(
                VirtualServiceBackend(virtual_service=f"{name}.colors.local") for name in (*ROUTERS, "green")
            ),
        ),
        node("green"),
        node("yellow"),
        node("hasty", listeners=(Listener(port=PORT, timeout=Timeout(per_request=Milliseconds(200))),)),
        node("gone"),
    ),
    routers=tuple(
        VirtualRouter(name=name, listeners=listeners(name), routes=routes) for name, routes in ROUTERS.items()
    ),
    services=(
        *(VirtualService(name=f"{name}.colors.local", virtual_router=name) for name in ROUTERS),
        VirtualService(name="green.colors.local", virtual_node="green"),
    ),
)


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    with loopback_mesh(MESH, tmp_path_factory.mktemp("routes"), tasks={"gone": 0}) as mesh:
        yield mesh


def answered_by(mesh: LoopbackMesh, service: str, path: str = "/", **request: Any) -> str:
    response = mesh.call("caller", f"{service}.colors.local", PORT, path, **request)
    assert response.status == 200
    return str(response.request["node"])


def send_and_count_attempts(mesh: LoopbackMesh, path: str, statuses: str, **headers: str) -> tuple[int, int]:
    """Return the status of the response, and the number of requests that the application received."""
    key = f"{path} {statuses}"
    headers = {"x-statuses": statuses, "x-key": key, **headers}
    status = mesh.call("caller", "retries.colors.local", PORT, path, headers=headers).status
    return status, mesh.app("green").request_counts[key]


def test_weights_of_4_and_1_are_distinguished_from_3_and_1(mesh: LoopbackMesh) -> None:
    """Of 5000 requests 4000 ± 141 (5 sigma, by chance missed once in 1.7 million runs); 3:1 gives 3750 ± 31."""
    caller = mesh.task("caller")
    responses = Counter(
        response["node"] for response in stream(caller.backend_address("split.colors.local"), "split.colors.local")
    )
    assert set(responses) == {"green", "yellow"}
    share = 4 / 5
    bound = SIGMAS * math.sqrt(REQUESTS * share * (1 - share))
    assert bound < REQUESTS * (share - 3 / 4)
    assert abs(responses["green"] - REQUESTS * share) < bound


def test_target_with_weight_0_receives_no_requests(mesh: LoopbackMesh) -> None:
    assert {answered_by(mesh, "zero") for _ in range(50)} == {"yellow"}


@pytest.mark.parametrize(
    ("path", "headers", "method", "matches"),
    [
        pytest.param("/fixed", {}, "GET", True, id="prefix-is-only-text"),
        pytest.param("/fax", {}, "GET", False, id="another-prefix"),
        pytest.param("/whole?a=b", {}, "GET", True, id="path-without-its-query"),
        pytest.param("/whole/", {}, "GET", False, id="another-path"),
        pytest.param("/12?a=b", {}, "GET", True, id="regex"),
        pytest.param("/12xy", {}, "GET", False, id="regex-for-a-part"),
        pytest.param("/method", {}, "PUT", True, id="method"),
        pytest.param("/method", {}, "GET", False, id="another-method"),
        pytest.param("/scheme", {}, "GET", True, id="scheme"),
        pytest.param("/https", {}, "GET", False, id="another-scheme"),
        pytest.param("/exact", {"color": "red"}, "GET", True, id="header"),
        pytest.param("/exact", {"color": "Red"}, "GET", False, id="another-header"),
        pytest.param("/exact", {}, "GET", False, id="no-header"),
        pytest.param("/begins", {"color": "red"}, "GET", True, id="header-begins"),
        pytest.param("/begins", {"color": "are"}, "GET", False, id="header-does-not-begin"),
        pytest.param("/ends", {"color": "red"}, "GET", True, id="header-ends"),
        pytest.param("/ends", {"color": "edge"}, "GET", False, id="header-does-not-end"),
        pytest.param("/pattern", {"color": "red"}, "GET", True, id="header-regex"),
        pytest.param("/pattern", {"color": "reds"}, "GET", False, id="header-regex-for-a-part"),
        pytest.param("/range", {"color": "3"}, "GET", True, id="header-in-range"),
        pytest.param("/range", {"color": "5"}, "GET", False, id="header-at-the-end-of-the-range"),
        pytest.param("/present", {"color": ""}, "GET", True, id="header-there"),
        pytest.param("/present", {}, "GET", False, id="header-not-there"),
        pytest.param("/absent", {}, "GET", True, id="header-not-there-inverted"),
        pytest.param("/absent", {"color": "red"}, "GET", False, id="header-there-inverted"),
        pytest.param("/other", {"color": "blue"}, "GET", True, id="header-inverted"),
        pytest.param("/other", {"color": "red"}, "GET", False, id="header-inverted-and-equal"),
        pytest.param("/other", {}, "GET", False, id="no-header-for-an-inverted-value"),
        pytest.param("/query?size=1&color=red", {}, "GET", True, id="query"),
        pytest.param("/query?color=blue", {}, "GET", False, id="another-query"),
        pytest.param("/has-query?color=blue", {}, "GET", True, id="query-there"),
        pytest.param("/has-query?size=1", {}, "GET", False, id="query-not-there"),
        pytest.param("/all", {"color": "red", "size": "1"}, "PUT", True, id="everything"),
        pytest.param("/all", {"color": "red"}, "PUT", False, id="everything-but-one"),
    ],
)
def test_request_uses_the_matching_route(
    mesh: LoopbackMesh, path: str, headers: dict[str, str], method: str, matches: bool
) -> None:
    node_name = answered_by(mesh, "matches", path, headers=headers, method=method)
    assert node_name == ("green" if matches else "yellow")


@pytest.mark.parametrize(
    ("path", "node_name"),
    [
        pytest.param("/a/b/c", "green", id="the-longer-prefix-before-the-shorter"),
        pytest.param("/a/c", "yellow", id="the-shorter-prefix-for-the-rest"),
        pytest.param("/whole", "green", id="the-whole-path-before-the-prefix"),
        pytest.param("/whole/more", "yellow", id="the-prefix-for-the-rest"),
        pytest.param("/first/b", "green", id="the-priority-before-the-length"),
    ],
)
def test_routes_are_matched_in_order_of_precedence(mesh: LoopbackMesh, path: str, node_name: str) -> None:
    assert answered_by(mesh, "order", path) == node_name


@pytest.mark.parametrize(
    ("path", "statuses", "expected"),
    [
        pytest.param("/", "503", (503, 3), id="by-default-503-twice-more"),
        pytest.param("/", "503,503,200", (200, 3), id="by-default-until-it-is-good"),
        pytest.param("/", "500", (500, 1), id="by-default-no-other-error"),
        pytest.param("/", "0,200", (200, 2), id="by-default-a-broken-connection"),
        pytest.param("/given", "502", (502, 4), id="a-policy-with-max-retries"),
        pytest.param("/given", "504,503,200", (200, 3), id="a-policy-for-every-code-of-its-event"),
        pytest.param("/given", "500", (500, 1), id="a-policy-for-no-code-of-another-event"),
        pytest.param("/never", "503", (503, 1), id="not-at-all"),
        pytest.param("/client-error", "409", (409, 2), id="a-conflict"),
        pytest.param("/client-error", "503", (503, 1), id="no-server-error-for-client-error"),
    ],
)
def test_request_is_retried(mesh: LoopbackMesh, path: str, statuses: str, expected: tuple[int, int]) -> None:
    assert send_and_count_attempts(mesh, path, statuses) == expected


def test_attempt_that_exceeds_its_timeout_is_retried(mesh: LoopbackMesh) -> None:
    assert send_and_count_attempts(mesh, "/attempts-are-short", "200", **{"x-delay": "0.5"}) == (504, 3)


def test_request_to_a_service_without_endpoints_is_answered_503(mesh: LoopbackMesh) -> None:
    assert mesh.call("caller", "gone.colors.local", PORT).status == 503


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        pytest.param("/request", {"x-delay": "0.6"}, id="of-the-route"),
        pytest.param("/", {"x-delay": "0.6"}, id="of-the-callees-listener"),
        pytest.param("/idle", {"x-delay": "0.6"}, id="idle"),
    ],
)
def test_request_that_exceeds_its_timeout_is_answered_504(
    mesh: LoopbackMesh, path: str, headers: dict[str, str]
) -> None:
    assert mesh.call("caller", "timeouts.colors.local", PORT, path, headers=headers).status == 504


def test_request_without_a_timeout_is_not_ended(mesh: LoopbackMesh) -> None:
    headers = {"x-delay": "0.1"}
    assert mesh.call("caller", "timeouts.colors.local", PORT, "/idle", headers=headers).status == 200


def test_request_uses_the_route_of_its_port(mesh: LoopbackMesh) -> None:
    node_name = [mesh.call("caller", "ports.colors.local", port).request["node"] for port in (PORT, PORT + 1)]
    assert node_name == ["green", "yellow"]


def test_service_of_a_node_answers(mesh: LoopbackMesh) -> None:
    assert answered_by(mesh, "green", "/any/path") == "green"


def test_request_to_a_router_without_routes_is_answered_404(mesh: LoopbackMesh) -> None:
    response = mesh.call("caller", "empty.colors.local", PORT)
    assert (response.status, response.body, response.headers["server"]) == (404, b"", "envoy")


@pytest.mark.parametrize("host", ["yellow.colors.local", "green.colors.local:9999"])
def test_request_for_another_host_at_the_address_of_a_backend_is_answered_404(mesh: LoopbackMesh, host: str) -> None:
    response = send_request(mesh.task("caller").backend_address("green.colors.local"), PORT, headers={"Host": host})
    assert (response.status, response.body) == (404, b"")


@pytest.mark.parametrize("host", ["GREEN.colors.local", f"green.colors.local:{PORT}"])
def test_host_is_case_insensitive_and_may_have_the_port(mesh: LoopbackMesh, host: str) -> None:
    response = send_request(mesh.task("caller").backend_address("green.colors.local"), PORT, headers={"Host": host})
    assert response.status == 200


def test_service_that_is_not_a_backend_is_unreachable(mesh: LoopbackMesh) -> None:
    with pytest.raises(ConnectionRefusedError):
        send_request(f"127.{mesh.task('caller').machine}.1.200", PORT)


def test_unknown_port_of_a_backend_is_unreachable(mesh: LoopbackMesh) -> None:
    with pytest.raises(ConnectionRefusedError):
        send_request(mesh.task("caller").backend_address("green.colors.local"), PORT + 1)


def stream(address: str, host: str) -> Iterator[Any]:
    """Send requests over one connection."""
    connection = http.client.HTTPConnection(address, PORT, timeout=10)
    for _ in range(REQUESTS):
        connection.request("GET", "/", headers={"Host": host})
        yield json.loads(connection.getresponse().read())
    connection.close()
