"""Spans and metrics that a run has received, in place of AWS X-Ray and Amazon CloudWatch."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from typing import Any, TypeVar

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from color_mesh.envoy.telemetry import (
    CLIENT_DURATION,
    CLIENT_REQUESTS,
    PEER,
    SERVER_DURATION,
    SERVER_REQUESTS,
    STATUS_CLASSES,
)
from color_mesh.envoy.telemetry import STATUS_CODE as STATUS_CLASS

# Programs of containers may send anything, as much as they like. These are limits for all tasks together. Beyond them,
# the oldest items of the task with the most items are dropped.
_MAX_SPANS = 10_000
_MAX_SOURCES = 1_000
_MAX_LENGTH = 200
_MAX_BUCKETS = 100
# Envoys send metrics every 10 s. One that has sent none for longer has stopped, and has no rate.
_RECENT_SECONDS = 30.0
# Envoy sends one resource in a request, and a few hundred spans or points. A request of a million empty ones would keep
# the run busy for seconds.
_MAX_RESOURCES, _MAX_ITEMS = 10, 5_000
_MAX_ATTRIBUTES = 128  # OpenTelemetry Specification, Attribute Limits.
# Lengths of ids (OpenTelemetry Protocol, *Trace*).
_TRACE_ID, _SPAN_ID = 16, 8
_KINDS = {Span.SPAN_KIND_SERVER: "server", Span.SPAN_KIND_CLIENT: "client"}
_METRICS = {
    SERVER_REQUESTS: "requests",
    SERVER_DURATION: "duration",
    CLIENT_REQUESTS: "requests",
    CLIENT_DURATION: "duration",
}


_SizedT = TypeVar("_SizedT", bound=Sized)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reading:
    """Metrics of the requests to a service, or from one service to another, at one time.

    Attributes:
        received: Time at which they were received, in seconds of the monotonic clock.
        nanoseconds: Time since 1970.
        requests: Requests by the class of their status codes, since Envoy started.
        buckets: Requests of each bucket of the durations.
        bounds: Upper bounds of the buckets in milliseconds. The last bucket has none.
    """

    received: float
    nanoseconds: int
    requests: Mapping[str, int]
    buckets: tuple[int, ...]
    bounds: tuple[float, ...]


class TelemetryStore:
    """Recent spans, and the last two readings of each Envoy's metrics.

    Args:
        clock: Returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._spans: dict[str, deque[Mapping[str, Any]]] = {}
        self._readings: dict[str, dict[tuple[str, str, str], tuple[_Reading, ...]]] = {}

    def receive_traces(self, task: str, body: bytes) -> None:
        """Take the spans of an OTLP request.

        Args:
            task: Id of the task that sent it.
            body: Body of the request.

        Raises:
            ValueError: If the body is no such request.
        """
        received = [_span(resource, span) for resource, spans in _spans(body) for span in spans]
        self._spans.setdefault(task, deque()).extend(received)
        for spans in _beyond(_MAX_SPANS, self._spans):
            spans.popleft()

    def receive_metrics(self, task: str, body: bytes) -> None:
        """Take the metrics of an OTLP request.

        Args:
            task: Id of the task that sent it.
            body: Body of the request.

        Raises:
            ValueError: If the body is no such request.
        """
        of_task = self._readings.setdefault(task, {})
        for resource, metrics in _metrics(body):
            source = resource.get("service.name", ""), resource.get("service.instance.id", "")
            for peer, reading in _readings(metrics, self._clock()).items():
                key = (*source, peer)
                before = of_task.pop(key, ())
                of_task[key] = (*before[-1:], reading)
        for readings in _beyond(_MAX_SOURCES, self._readings):
            del readings[next(iter(readings))]

    def traces(self, count: int) -> list[list[Mapping[str, Any]]]:
        """Return the spans of the traces that ended last, the last trace at the end."""
        by_trace: dict[str, list[Mapping[str, Any]]] = {}
        for span in chain.from_iterable(self._spans.values()):
            by_trace.setdefault(span["trace"], []).append(span)
        ordered = sorted(by_trace.values(), key=lambda spans: max(int(span["end"]) for span in spans))
        return ordered[-count:]

    def rates(self) -> list[Mapping[str, Any]]:
        """Return rates and latencies of requests between the last two readings of each Envoy, by caller and service."""
        oldest = self._clock() - _RECENT_SECONDS
        totals: dict[tuple[str, str], list[tuple[_Reading, _Reading]]] = {}
        for (service, _, peer), readings in chain.from_iterable(each.items() for each in self._readings.values()):
            for before, after in pairwise(readings):
                if after.received >= oldest:
                    totals.setdefault((service, peer), []).append((before, after))
        return [_rate(service, peer, readings) for (service, peer), readings in sorted(totals.items())]


def _beyond(limit: int, by_task: dict[str, _SizedT]) -> Iterator[_SizedT]:
    """Yield the items of the task with the most items, once for each item beyond the limit of all tasks."""
    for _ in range(sum(map(len, by_task.values())) - limit):
        task = max(by_task, key=lambda each: len(by_task[each]))
        yield by_task[task]
        if not by_task[task]:
            del by_task[task]


def _spans(body: bytes) -> Iterator[tuple[Mapping[str, str], Iterable[Any]]]:
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise ValueError(str(error)) from None
    for each in request.resource_spans[:_MAX_RESOURCES]:
        spans = (span for scope in each.scope_spans for span in scope.spans)
        yield _attributes(each.resource), islice(spans, _MAX_ITEMS)


def _metrics(body: bytes) -> Iterator[tuple[Mapping[str, str], Iterable[Any]]]:
    try:
        request = ExportMetricsServiceRequest.FromString(body)
    except DecodeError as error:
        raise ValueError(str(error)) from None
    for each in request.resource_metrics[:_MAX_RESOURCES]:
        metrics = (metric for scope in each.scope_metrics for metric in scope.metrics)
        yield _attributes(each.resource), islice(metrics, _MAX_ITEMS)


def _span(resource: Mapping[str, str], span: Any) -> Mapping[str, Any]:
    attributes = _attributes(span)
    return {
        "trace": span.trace_id[:_TRACE_ID].hex(),
        "span": span.span_id[:_SPAN_ID].hex(),
        "parent": span.parent_span_id[:_SPAN_ID].hex(),
        "service": resource.get("service.name", ""),
        "kind": _KINDS.get(span.kind, ""),
        "name": span.name[:_MAX_LENGTH],
        "path": attributes.get("url.path", ""),
        "status": attributes.get("http.response.status_code", ""),
        "failed": span.status.code == Status.STATUS_CODE_ERROR,
        "start": span.start_time_unix_nano,
        "end": span.end_time_unix_nano,
    }


def _readings(metrics: Iterable[Any], received: float) -> dict[str, _Reading]:
    """Return the readings of a request's metrics by called service; empty text is the sender itself."""
    requests: dict[str, dict[str, int]] = {}
    durations: dict[str, Any] = {}
    times: dict[str, int] = {}
    points = (
        (_METRICS[metric.name], point)
        for metric in metrics
        if metric.name in _METRICS
        for point in chain(metric.sum.data_points, metric.histogram.data_points)
    )
    for kind, point in islice(points, _MAX_ITEMS):
        attributes = _attributes(point)
        peer = attributes.get(PEER, "")
        times[peer] = point.time_unix_nano
        if kind == "requests":
            status = attributes.get(STATUS_CLASS)
            requests.setdefault(peer, {})[status if status in STATUS_CLASSES else ""] = point.as_int
        else:
            durations[peer] = point
    return {
        peer: _Reading(
            received=received,
            nanoseconds=nanoseconds,
            requests=requests.get(peer, {}),
            buckets=tuple(durations[peer].bucket_counts[:_MAX_BUCKETS]) if peer in durations else (),
            bounds=tuple(durations[peer].explicit_bounds[: _MAX_BUCKETS - 1]) if peer in durations else (),
        )
        for peer, nanoseconds in times.items()
    }


def _rate(service: str, peer: str, readings: Sequence[tuple[_Reading, _Reading]]) -> Mapping[str, Any]:
    seconds = max((after.nanoseconds - before.nanoseconds) / 1e9 for before, after in readings)
    counts: dict[str, int] = {}
    for before, after in readings:
        for status, count in after.requests.items():
            counts[status] = counts.get(status, 0) + max(0, count - before.requests.get(status, 0))
    bounds, buckets = _durations(readings)
    return {
        "service": service,
        "peer": peer,
        "seconds": seconds,
        "requests": sum(counts.values()),
        "failed": counts.get("5xx", 0),
        "p50": _quantile(bounds, buckets, 0.5),
        "p99": _quantile(bounds, buckets, 0.99),
    }


def _durations(readings: Sequence[tuple[_Reading, _Reading]]) -> tuple[tuple[float, ...], list[int]]:
    bounds = readings[0][1].bounds
    buckets = [0] * (len(bounds) + 1)
    for before, after in readings:
        if after.bounds == bounds:
            earlier = before.buckets or (0,) * len(after.buckets)
            changes = [max(0, now - then) for now, then in zip(after.buckets, earlier, strict=False)]
            buckets = [total + change for total, change in zip(buckets, changes, strict=False)]
    return bounds, buckets


def _quantile(bounds: Sequence[float], buckets: Sequence[int], quantile: float) -> float | None:
    """Return the upper bound of the bucket with a quantile in milliseconds; ``None`` without requests or bound."""
    total, below = sum(buckets), 0
    for bound, count in zip(bounds, buckets, strict=False):
        below += count
        if total and below >= quantile * total:
            return bound
    return None


def _attributes(message: Any) -> dict[str, str]:
    attributes = message.attributes[:_MAX_ATTRIBUTES]
    pairs = ((each.key, each.value.string_value or str(each.value.int_value)) for each in attributes)
    return {key: value[:_MAX_LENGTH] for key, value in pairs}
