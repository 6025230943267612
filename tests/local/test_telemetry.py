"""Spans and metrics that a run receives, as Envoy sends them."""

from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from color_mesh.local.run.aws.telemetry import TelemetryStore

SECOND = 1_000_000_000


def traces(service: str, *spans: dict[str, Any]) -> bytes:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    add(resource.resource, "service.name", service)
    scope = resource.scope_spans.add()
    for fields in spans:
        span = scope.spans.add(
            trace_id=bytes([fields["trace"]]) * 16,
            start_time_unix_nano=fields["start"],
            end_time_unix_nano=fields["end"],
        )
        span.status.code = fields.get("code", 0)
        add(span, "url.path", fields.get("path", "/"))
    return bytes(request.SerializeToString())


def metrics(service: str, task: str, seconds: int, requests: dict[str, int], buckets: list[int]) -> bytes:
    """Render the metrics of the requests from a service to `green`."""
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    add(resource.resource, "service.name", service)
    add(resource.resource, "service.instance.id", task)
    scope = resource.scope_metrics.add()
    counts = scope.metrics.add(name="http.client.request.count")
    for status, count in requests.items():
        point = counts.sum.data_points.add(as_int=count, time_unix_nano=seconds * SECOND)
        add(point, "http.response.status_code", status)
        add(point, "peer.service", "green")
    durations = scope.metrics.add(name="http.client.duration")
    point = durations.histogram.data_points.add(time_unix_nano=seconds * SECOND)
    point.explicit_bounds.extend([1, 10, 100])
    point.bucket_counts.extend(buckets)
    add(point, "peer.service", "green")
    scope.metrics.add(name="other").sum.data_points.add(as_int=1)
    return bytes(request.SerializeToString())


def add(message: Any, key: str, value: str) -> None:
    attribute = message.attributes.add(key=key)
    attribute.value.string_value = value


def test_traces_are_those_that_ended_last() -> None:
    store = TelemetryStore()
    store.receive_traces("1", traces("a", {"trace": 1, "start": 1, "end": 9}, {"trace": 2, "start": 2, "end": 5}))
    store.receive_traces(
        "1", traces("b", {"trace": 2, "start": 3, "end": 4}, {"trace": 3, "start": 3, "end": 6, "code": 2})
    )
    found = store.traces(2)
    assert [[(span["service"], span["failed"]) for span in trace] for trace in found] == [[("b", True)], [("a", False)]]


def test_old_spans_are_forgotten_and_long_values_are_cut() -> None:
    store = TelemetryStore()
    for _ in range(11):
        store.receive_traces("1", traces("a", *({"trace": 1, "start": 1, "end": 2, "path": "x" * 300},) * 1000))
    (spans,) = store.traces(5)
    assert (len(spans), len(spans[0]["path"])) == (10_000, 200)


def test_rates_are_those_between_the_last_two_readings_of_all_tasks() -> None:
    store = TelemetryStore()
    store.receive_metrics("1", metrics("red", "1", 0, {"2xx": 1000}, [1000, 0, 0, 0]))
    store.receive_metrics("1", metrics("red", "1", 10, {"2xx": 1000}, [1000, 0, 0, 0]))
    assert store.rates()[0]["p50"] is None
    store.receive_metrics("1", metrics("red", "1", 20, {"2xx": 1098, "5xx": 1}, [1098, 0, 1, 0]))
    store.receive_metrics("2", metrics("red", "2", 10, {}, [0, 0, 0, 0]))
    store.receive_metrics("2", metrics("red", "2", 20, {"2xx": 1}, [0, 0, 1, 0]))
    assert store.rates() == [
        {"service": "red", "peer": "green", "seconds": 10, "requests": 100, "failed": 1, "p50": 1, "p99": 100}
    ]


def test_task_that_sends_no_metrics_any_more_has_no_rate() -> None:
    now = [0.0]
    store = TelemetryStore(lambda: now[0])
    for seconds in (0, 10):
        store.receive_metrics("1", metrics("red", "1", seconds, {"2xx": seconds}, [seconds, 0, 0, 0]))
        store.receive_metrics("2", metrics("red", "2", seconds, {"2xx": seconds}, [seconds, 0, 0, 0]))
    now[0] = 20.0
    store.receive_metrics("2", metrics("red", "2", 20, {"2xx": 25}, [25, 0, 0, 0]))
    assert [rate["requests"] for rate in store.rates()] == [25]
    now[0] = 40.0
    assert [rate["requests"] for rate in store.rates()] == [15]


def test_restarted_envoy_has_no_negative_rate() -> None:
    store = TelemetryStore()
    store.receive_metrics("1", metrics("red", "1", 0, {"2xx": 1000}, [1000, 0, 0, 0]))
    store.receive_metrics("1", metrics("red", "1", 10, {"2xx": 5}, [5, 0, 0, 0]))
    assert store.rates()[0]["requests"] == 0


def test_ids_buckets_and_classes_have_limits() -> None:
    store = TelemetryStore()
    request = ExportTraceServiceRequest()
    long = b"x" * 100_000
    request.resource_spans.add().scope_spans.add().spans.add(trace_id=long, span_id=long, parent_span_id=long)
    store.receive_traces("1", request.SerializeToString())
    ((span,),) = store.traces(1)
    assert [len(span[name]) for name in ("trace", "span", "parent")] == [32, 16, 16]
    for seconds in (0, 10):
        counts = {str(number): seconds for number in range(1000)}
        store.receive_metrics("1", metrics("red", "1", seconds, counts, [seconds] * 100_000))
    ((_, reading),) = store._readings["1"].values()
    assert (len(reading.requests), len(reading.buckets)) == (1, 100)


def test_tasks_beyond_the_limit_push_out_the_oldest() -> None:
    store = TelemetryStore()
    for number in range(1100):
        for seconds in (0, 10):
            store.receive_metrics(str(number), metrics(f"s{number:04}", "1", seconds, {"2xx": 1}, [1, 0, 0, 0]))
    assert [rate["service"] for rate in store.rates()][::999] == ["s0100", "s1099"]


def test_task_that_sends_more_than_all_others_loses_its_own_spans_and_metrics_only() -> None:
    store = TelemetryStore()
    store.receive_traces("red", traces("red", {"trace": 1, "start": 1, "end": 2}))
    noise = traces("noise", *({"trace": 2, "start": 3, "end": 4},) * 5000)
    for _ in range(3):
        store.receive_traces("noise", noise)
    assert [len(trace) for trace in store.traces(9)] == [1, 9999]
    for seconds in (0, 10):
        store.receive_metrics("red", metrics("red", "1", seconds, {"2xx": 1}, [1, 0, 0, 0]))
    for number in range(1100):
        for seconds in (0, 10):
            store.receive_metrics("noise", metrics(f"n{number:04}", "1", seconds, {"2xx": 1}, [1, 0, 0, 0]))
    services = [rate["service"] for rate in store.rates()]
    assert (len(services), services[0], services[-1]) == (1000, "n0101", "red")


@pytest.mark.parametrize("body", [b"\xff", b'{"resourceSpans": []}'])
def test_body_that_is_no_otlp_is_refused(body: bytes) -> None:
    store = TelemetryStore()
    for receive in (store.receive_traces, store.receive_metrics):
        with pytest.raises(ValueError, match="pars"):
            receive("1", body)
    assert (store.traces(1), store.rates()) == ([], [])


def test_numbers_of_resources_spans_and_attributes_in_a_request_are_limited() -> None:
    store = TelemetryStore()
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number in range(6000):
        add(spans.add(trace_id=b"a"), f"key{number}", "")
    for number in range(200):
        add(spans[0], f"other{number}", "")
    add(spans[0], "url.path", "/late")
    for _ in range(20):
        request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"b")
    store.receive_traces("1", request.SerializeToString())
    counts = {trace[0]["trace"]: (len(trace), trace[0]["path"]) for trace in store.traces(2)}
    assert counts == {"61": (5000, ""), "62": (9, "")}


def test_number_of_points_in_a_request_is_limited() -> None:
    store = TelemetryStore()
    request = ExportMetricsServiceRequest()
    points = request.resource_metrics.add().scope_metrics.add().metrics.add(name="http.client.request.count").sum
    for number in range(5001):
        add(points.data_points.add(as_int=1), "peer.service", str(number))
    for _ in range(2):
        store.receive_metrics("1", request.SerializeToString())
    assert {rate["peer"] for rate in store.rates()} <= {str(number) for number in range(5000)}
