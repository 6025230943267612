"""Spans and metrics of real Envoys, as a collector receives them."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from color_mesh.model import (
    AccessLog,
    CloudMapDiscovery,
    GatewayRoute,
    Listener,
    Mesh,
    Route,
    RouteMatch,
    Telemetry,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    VirtualServiceBackend,
    WeightedTarget,
)
from tests.support.collector import Collector, attributes, collector
from tests.support.loopback_mesh import LoopbackMesh, loopback_mesh, wait_until

APP_PORT, ROUTER_PORT, PORT = 8080, 9090, 8000
ROUTER = "router.colors.local"
TRACE = "0af7651916cd43dd8448eb211c80319c"
SAMPLED = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
SERVER, CLIENT = 2, 3
STATUS_CODE = "http.response.status_code"


def node(name: str, **changes: Any) -> VirtualNode:
    discovery = CloudMapDiscovery(namespace="colors.local", service=name)
    return VirtualNode(name=name, listeners=(Listener(port=APP_PORT),), discovery=discovery, **changes)


MESH = Mesh(
    name="colors",
    nodes=(
        node("red", backends=(VirtualServiceBackend(virtual_service=ROUTER),)),
        node("green", access_log=AccessLog(path="access.log", text="%TRACE_ID%\n")),
    ),
    routers=(
        VirtualRouter(
            name="router",
            listeners=(Listener(port=ROUTER_PORT),),
            routes=(
                Route(
                    name="all",
                    match=RouteMatch(prefix="/"),
                    targets=(WeightedTarget(virtual_node="green", weight=1, port=APP_PORT),),
                ),
            ),
        ),
    ),
    services=(VirtualService(name=ROUTER, virtual_router="router"),),
    gateways=(
        VirtualGateway(
            name="gateway",
            listeners=(Listener(port=PORT),),
            routes=tuple(
                GatewayRoute(name=prefix.strip("/"), match=RouteMatch(prefix=prefix), virtual_service=ROUTER)
                for prefix in ("/all", "/moved")
            ),
        ),
    ),
)


@pytest.fixture(scope="module")
def received() -> Iterator[Collector]:
    with collector() as running:
        yield running


@pytest.fixture(scope="module")
def running(received: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackMesh]:
    telemetry = Telemetry(collector=received.url, sampling_percent=100)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_RESOURCE_ATTRIBUTES", "cloud.availability_zone=eu-west-1a")
        with loopback_mesh(MESH, tmp_path_factory.mktemp("mesh"), settings={"telemetry": telemetry}) as mesh:
            yield mesh


def spans_of(received: Collector, request_id: str, count: int) -> list[tuple[dict[str, str], Any]]:
    """Return the spans of a request, when there are as many as expected."""

    def spans() -> list[tuple[dict[str, str], Any]]:
        return [each for each in received.spans if attributes(each[1])["guid:x-request-id"] == request_id]

    wait_until(lambda: len(spans()) >= count, f"{count} spans of request {request_id}")
    return spans()


def test_request_through_a_gateway_is_one_trace_with_the_right_parents(
    running: LoopbackMesh, received: Collector
) -> None:
    request = running.enter("gateway", PORT, "/all/shop").request
    spans = spans_of(received, request["headers"]["x-request-id"], 3)
    by_place = {(resource["service.name"], span.kind): span for resource, span in spans}
    entry, call, callee = (by_place[key] for key in (("gateway", SERVER), ("gateway", CLIENT), ("green", SERVER)))
    assert len({span.trace_id for _, span in spans}) == 1
    assert (entry.parent_span_id, call.parent_span_id, callee.parent_span_id) == (b"", entry.span_id, call.span_id)
    assert request["headers"]["traceparent"] == f"00-{entry.trace_id.hex()}-{callee.span_id.hex()}-01"


def test_resource_and_attributes_have_the_names_of_the_semantic_conventions(
    running: LoopbackMesh, received: Collector
) -> None:
    request = running.enter("gateway", PORT, "/all/shop?size=5").request
    spans = spans_of(received, request["headers"]["x-request-id"], 3)
    (resource, span) = next(each for each in spans if each[0]["service.name"] == "green")
    assert {key: resource[key] for key in ("service.namespace", "cloud.availability_zone")} == {
        "service.namespace": "colors",
        "cloud.availability_zone": "eu-west-1a",
    }
    names = ("http.request.method", "http.response.status_code", "server.address", "url.path")
    values = attributes(span)
    assert (span.name, [values[name] for name in names]) == ("GET", ["GET", "200", ROUTER, "/shop"])


def test_path_of_a_gateway_is_the_one_that_a_client_requested(running: LoopbackMesh, received: Collector) -> None:
    request = running.enter("gateway", PORT, "/moved/x").request
    spans = spans_of(received, request["headers"]["x-request-id"], 3)
    paths = {(resource["service.name"], span.kind): attributes(span)["url.path"] for resource, span in spans}
    assert paths == {("gateway", SERVER): "/moved/x", ("gateway", CLIENT): "/x", ("green", SERVER): "/x"}


def test_trace_context_of_an_application_is_passed_on(running: LoopbackMesh, received: Collector) -> None:
    headers = running.call("red", ROUTER, ROUTER_PORT, headers=SAMPLED).request["headers"]
    assert headers["traceparent"].split("-")[1] == TRACE
    spans = spans_of(received, headers["x-request-id"], 2)
    call = next(span for resource, span in spans if resource["service.name"] == "red")
    assert (call.trace_id.hex(), call.parent_span_id.hex()) == (TRACE, "b7ad6b7169203331")


def test_trace_context_of_a_client_of_a_gateway_is_not_believed(running: LoopbackMesh) -> None:
    headers = running.enter("gateway", PORT, "/all", headers={**SAMPLED, "tracestate": "vendor=1"}).request["headers"]
    assert headers["traceparent"].split("-")[1] != TRACE
    assert "vendor" not in headers.get("tracestate", "")


def test_health_check_of_a_load_balancer_begins_no_trace(running: LoopbackMesh, received: Collector) -> None:
    assert running.enter("gateway", PORT, "/.well-known/gateway-health").status == 200
    request = running.enter("gateway", PORT, "/all").request
    spans_of(received, request["headers"]["x-request-id"], 3)
    assert not [span for _, span in received.spans if attributes(span)["url.path"].startswith("/.well-known")]


def test_access_log_has_the_id_of_the_trace(running: LoopbackMesh) -> None:
    trace = running.enter("gateway", PORT, "/all").request["headers"]["traceparent"].split("-")[1]
    log = running.task("green").folder / "access.log"
    wait_until(lambda: trace in log.read_text().splitlines(), "the trace in the access log")


def test_metrics_are_requests_and_durations_by_service_and_caller(running: LoopbackMesh, received: Collector) -> None:
    running.call("red", ROUTER, ROUTER_PORT)
    running.call("red", ROUTER, ROUTER_PORT, headers={"x-statuses": "500"})

    def points() -> set[tuple[str, str, str, str]]:
        return {
            (service, metric.name, *(attributes(point).get(key, "") for key in ("peer.service", STATUS_CODE)))
            for service, (_, metrics) in received.metrics.items()
            for metric in metrics
            for point in (*metric.sum.data_points, *metric.histogram.data_points)
        }

    expected = {
        ("green", "http.server.request.count", "", "2xx"),
        ("green", "http.server.request.count", "", "5xx"),
        ("green", "http.server.duration", "", ""),
        ("red", "http.client.request.count", "green", "2xx"),
        ("red", "http.client.request.count", "green", "5xx"),
        ("red", "http.client.duration", "green", ""),
    }
    wait_until(lambda: expected <= points(), "metrics of green and red")
    assert {each for each in points() if each[0] in ("green", "red")} == expected


def test_without_sampling_there_is_a_context_but_no_span(tmp_path_factory: pytest.TempPathFactory) -> None:
    with (
        collector() as received,
        loopback_mesh(
            MESH,
            tmp_path_factory.mktemp("mesh"),
            settings={"telemetry": Telemetry(collector=received.url, sampling_percent=0)},
        ) as running,
    ):
        headers = running.enter("gateway", PORT, "/all").request["headers"]
        assert headers["traceparent"].endswith("-00")
        # Spans of an application that decided by itself are sent.
        sampled = running.call("red", ROUTER, ROUTER_PORT, headers=SAMPLED).request["headers"]
        spans_of(received, sampled["x-request-id"], 2)
        assert {span.trace_id.hex() for _, span in received.spans} == {TRACE}


@pytest.mark.parametrize("failure", ["slow", "gone"])
def test_requests_do_not_wait_for_an_endpoint(failure: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    with collector() as received:
        received.delay_seconds = 60
        url = received.url if failure == "slow" else "http://127.0.0.1:1"
        settings = {"telemetry": Telemetry(collector=url, sampling_percent=100)}
        with loopback_mesh(MESH, tmp_path_factory.mktemp("mesh"), settings=settings) as running:
            began = time.monotonic()
            # More spans than Envoy has room for, so that a queue that blocks would show.
            statuses = {running.enter("gateway", PORT, "/all").status for _ in range(1500)}
            seconds = time.monotonic() - began
            gateway = running.task("gateway")
            wait_until(lambda: gateway.stat("cluster.telemetry_traces.upstream_cx_total") > 0, "spans are sent")
            assert gateway.stat("cluster.telemetry_traces.upstream_rq_active") <= 8
        assert statuses == {200}
        # An endpoint that answers after a minute would have to be waited for at least once.
        assert seconds < 30
