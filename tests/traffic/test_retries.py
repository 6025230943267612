"""Retries of real Envoys: the events, the number of attempts and the selected tasks."""

import http.client
from collections.abc import Iterator
from typing import Any

import pytest

from color_mesh.envoy.clusters import endpoint
from color_mesh.envoy.placement import INBOUND_PORT
from color_mesh.model import (
    CloudMapDiscovery,
    GatewayRoute,
    Listener,
    Mesh,
    Milliseconds,
    RetryPolicy,
    Route,
    RouteMatch,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    VirtualServiceBackend,
    WeightedTarget,
)
from color_mesh.model.route import HttpRetryEvent
from tests.support.loopback_mesh import LoopbackMesh, loopback_mesh, send_request

PORT = 8080
ENTRY = 8000
NOBODY = "127.254.254.254"
ROUTER = "router.colors.local"
PAIR = "pair.colors.local"
GONE = "gone.colors.local"


def node(name: str) -> VirtualNode:
    discovery = CloudMapDiscovery(namespace="colors.local", service=name)
    return VirtualNode(name=name, listeners=(Listener(port=PORT),), discovery=discovery)


def policy(*events: HttpRetryEvent, retries: int = 2) -> RetryPolicy:
    return RetryPolicy(max_retries=retries, per_retry_timeout=Milliseconds(0), http_events=events)


CONNECTIONS = RetryPolicy(max_retries=4, per_retry_timeout=Milliseconds(0), tcp_events=("connection-error",))


def route(name: str, retry_policy: RetryPolicy | None, target: str = "green") -> Route:
    targets = (WeightedTarget(virtual_node=target, weight=1),)
    return Route(name=name, match=RouteMatch(prefix=f"/{name}"), targets=targets, retry_policy=retry_policy)


def service(name: str) -> VirtualServiceBackend:
    return VirtualServiceBackend(virtual_service=name)


MESH = Mesh(
    name="colors",
    nodes=(
        VirtualNode(name="caller", backends=(service(ROUTER), service(PAIR), service(GONE))),
        node("green"),
        node("pair"),
        node("gone"),
    ),
    routers=(
        VirtualRouter(
            name="router",
            listeners=(Listener(port=PORT),),
            routes=(
                route("default", None),
                route("server", policy("server-error")),
                route("gateway", policy("gateway-error")),
                route("client", policy("client-error")),
                route("stream", policy("stream-error")),
                route("connection", CONNECTIONS),
                route("once", policy("server-error", retries=1)),
                route("both", policy("client-error", "gateway-error", retries=1)),
            ),
        ),
        VirtualRouter(
            name="gone",
            listeners=(Listener(port=PORT),),
            routes=(
                route("default", None, "gone"),
                route("connection", CONNECTIONS, "gone"),
                route("client", policy("client-error"), "gone"),
                route("stream", policy("stream-error"), "gone"),
                route("never", policy("server-error", retries=0), "gone"),
            ),
        ),
    ),
    services=(
        VirtualService(name=ROUTER, virtual_router="router"),
        VirtualService(name=GONE, virtual_router="gone"),
        VirtualService(name=PAIR, virtual_node="pair"),
    ),
    gateways=(
        VirtualGateway(
            name="gateway",
            listeners=(Listener(port=ENTRY),),
            routes=(GatewayRoute(name="router", match=RouteMatch(prefix="/in"), virtual_service=ROUTER),),
        ),
    ),
)


def with_dead_endpoint(content: dict[str, Any]) -> dict[str, Any]:
    """Replace the endpoint of a node by one without a listener."""
    for cluster in content["static_resources"]["clusters"]:
        if cluster["name"] == "cds_egress_colors_gone_http_8080":
            (place,) = cluster["load_assignment"]["endpoints"]
            place["lb_endpoints"] = [endpoint(NOBODY, INBOUND_PORT)]
    return content


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    tasks = {"pair": 2, "gone": 0}
    with loopback_mesh(MESH, tmp_path_factory.mktemp("retries"), tasks=tasks, adjust=with_dead_endpoint) as mesh:
        yield mesh


@pytest.mark.parametrize(
    ("path", "status", "tries"),
    [
        pytest.param("/default", 503, 3, id="default-503"),
        *(pytest.param("/default", code, 1, id=f"default-{code}") for code in (409, 429, 500, 502, 504)),
        *(
            pytest.param("/server", code, 3, id=f"server-error-{code}")
            for code in (500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511)
        ),
        *(pytest.param("/server", code, 1, id=f"server-error-{code}") for code in (404, 409, 509)),
        *(pytest.param("/gateway", code, 3, id=f"gateway-error-{code}") for code in (502, 503, 504)),
        *(pytest.param("/gateway", code, 1, id=f"gateway-error-{code}") for code in (409, 500, 501, 505)),
        pytest.param("/client", 409, 3, id="client-error-409"),
        *(pytest.param("/client", code, 1, id=f"client-error-{code}") for code in (400, 404, 408, 429, 503)),
        *(pytest.param("/stream", code, 1, id=f"stream-error-{code}") for code in (409, 500, 503)),
        pytest.param("/connection", 503, 1, id="connection-error-503"),
        pytest.param("/once", 500, 2, id="one-retry"),
        pytest.param("/both", 409, 2, id="two-events-409"),
        pytest.param("/both", 502, 2, id="two-events-502"),
        pytest.param("/both", 500, 1, id="two-events-500"),
    ],
)
def test_status_is_retried_as_often_as_the_policy_allows(
    mesh: LoopbackMesh, path: str, status: int, tries: int
) -> None:
    key = f"{path} {status}"
    headers = {"x-statuses": str(status), "x-key": key}
    final_status = mesh.call("caller", ROUTER, PORT, path, headers=headers).status
    assert (final_status, mesh.app("green").request_counts[key]) == (status, tries)


@pytest.mark.parametrize(
    ("path", "retries"),
    [
        pytest.param("/default", 2, id="default"),
        pytest.param("/connection", 4, id="connection-error"),
        pytest.param("/client", 0, id="client-error"),
        pytest.param("/stream", 0, id="stream-error"),
        pytest.param("/never", 0, id="no-retries"),
    ],
)
def test_refused_connection_is_retried_as_often_as_the_policy_allows(
    mesh: LoopbackMesh, path: str, retries: int
) -> None:
    stat = "cluster.cds_egress_colors_gone_http_8080.upstream_rq_retry"
    before = mesh.task("caller").stat(stat)
    response = mesh.call("caller", GONE, PORT, path)
    assert (response.status, mesh.task("caller").stat(stat) - before) == (503, retries)


def test_retry_selects_another_task(mesh: LoopbackMesh) -> None:
    apps = [mesh.task("pair", number).app for number in (0, 1)]
    keys = [f"pair {number}" for number in range(10)]
    responses = [mesh.call("caller", PAIR, PORT, headers={"x-statuses": "503,200", "x-key": key}) for key in keys]
    assert {response.status for response in responses} == {200}
    assert {tuple(sorted(app.request_counts[key] for app in apps)) for key in keys} == {(1, 2)}


def test_request_is_retried_with_its_body(mesh: LoopbackMesh) -> None:
    connection = http.client.HTTPConnection(mesh.task("caller").backend_address(ROUTER), PORT, timeout=10)
    headers = {"Host": ROUTER, "x-statuses": "503,200", "x-key": "body"}
    connection.request("POST", "/default", body=b"x" * 1000, headers=headers)
    response = connection.getresponse()
    body = response.read().lower()
    connection.close()
    assert (response.status, mesh.app("green").request_counts["body"], b'"content-length": "1000"' in body) == (
        200,
        2,
        True,
    )


def test_gateway_does_not_multiply_the_retries(mesh: LoopbackMesh) -> None:
    headers = {"x-statuses": "503", "x-key": "through the gateway"}
    response = send_request(mesh.task("gateway").address(1), ENTRY, "/in/default", headers=headers)
    assert (response.status, mesh.app("green").request_counts["through the gateway"]) == (503, 3)
