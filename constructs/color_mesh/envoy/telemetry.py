"""Spans and metrics of an Envoy, which it sends in the OpenTelemetry protocol (OTLP over HTTP).

Envoy sends them in the background: a request never waits for them. What an endpoint does not take in time is dropped.
"""

from collections.abc import Iterable, Iterator

from color_mesh.envoy import names
from color_mesh.envoy.aws.signed_cluster import (
    REGION,
    URL_SUFFIX,
    http_cluster,
    https_cluster,
    signed_cluster,
    whole_bodies,
)
from color_mesh.envoy.placement import EnvoyTelemetry, Placement
from color_mesh.envoy.services import Target
from color_mesh.envoy.typed import (
    ENVIRONMENT_RESOURCE,
    OPENTELEMETRY_SINK,
    OPENTELEMETRY_TRACER,
    PARENT_SAMPLER,
    RATIO_SAMPLER,
    STAT_NAME,
    STATIC_RESOURCE,
    Json,
    extension,
    typed,
)
from color_mesh.model import Telemetry, VirtualGateway, VirtualNode
from color_mesh.model.telemetry import collector_port

# Amazon CloudWatch User Guide, *OTLP Endpoints*: hosts, and their names in signatures.
_AWS_ENDPOINTS = {
    "traces": (f"xray.{REGION}.{URL_SUFFIX}", "xray"),
    "metrics": (f"monitoring.{REGION}.{URL_SUFFIX}", "monitoring"),
}
_TIMEOUT = "5s"
_METRICS_INTERVAL = "10s"
# Requests to an endpoint at the same time, for all worker threads. What is sent beyond it is dropped.
_MAX_REQUESTS = 8
# Envoy's defaults send a request for each 5 spans.
_BATCH = {"tracing.opentelemetry.min_flush_spans": 256, "tracing.opentelemetry.flush_interval_ms": 1000}
_MAX_BUFFERED_SPANS = 1024
# A client of a gateway could have each of its requests traced, or join its requests to the traces of others.
TRACE_CONTEXT = "traceparent|tracestate"

# Attributes beside Envoy's own, whose names are older (OpenTelemetry, *Semantic conventions for HTTP spans*).
_SPAN_ATTRIBUTES = {
    "http.request.method": "%REQ(:METHOD)%",
    "http.response.status_code": "%RESPONSE_CODE%",
    "server.address": "%REQ(:AUTHORITY)%",
}
# The path of a request without its query; with a rewrite, the path that was requested or that it became.
_REQUESTED_PATH, _PATH = "%PATH(NQ:ORIG_OR_PATH)%", "%PATH(NQ:PATH)%"
SERVER_REQUESTS, SERVER_DURATION = "http.server.request.count", "http.server.duration"
CLIENT_REQUESTS, CLIENT_DURATION = "http.client.request.count", "http.client.duration"
STATUS_CODE, PEER = "http.response.status_code", "peer.service"
STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
# Metrics of the requests to a service, and as many for those to each of its backends: a counter for each class of
# status codes, and a histogram.
SERIES = len(STATUS_CLASSES) + 1


def tracing(placement: Placement, *, rewrites_path: bool = False) -> Json | None:
    """Render the tracing of an HTTP connection manager; ``None`` without telemetry.

    Args:
        placement: Settings of the Envoy that are not part of the mesh.
        rewrites_path: Routes rewrite the path, and no proxy before has rewritten it.
    """
    telemetry = placement.telemetry
    if telemetry is None:
        return None
    attributes = {**_SPAN_ATTRIBUTES, "url.path": _REQUESTED_PATH if rewrites_path else _PATH}
    tracer = extension(
        "envoy.tracers.opentelemetry",
        OPENTELEMETRY_TRACER,
        http_service=_http_service(telemetry, "traces"),
        resource_detectors=_resource_detectors(telemetry),
        sampler=_sampler(telemetry.settings),
        max_cache_size=_MAX_BUFFERED_SPANS,
    )
    return {
        "operation": "%REQ(:METHOD)%",
        "custom_tags": [{"tag": name, "value": value} for name, value in attributes.items()],
        "provider": tracer,
    }


def _sampler(settings: Telemetry) -> Json:
    """Render the sampler: the decision is that of the parent span, or of the id of a new trace.

    The sampling of the HTTP connection manager would ignore the parent, unless the request keeps its `X-Request-Id`.
    """
    percentage = {"numerator": round(settings.sampling_percent * 10_000), "denominator": "MILLION"}
    ratio = extension(
        "envoy.tracers.opentelemetry.samplers.trace_id_ratio_based", RATIO_SAMPLER, sampling_percentage=percentage
    )
    name = "envoy.tracers.opentelemetry.samplers.parent_based"
    return extension(name, PARENT_SAMPLER, wrapped_sampler=ratio)


def untraced(placement: Placement) -> Json:
    """Render the field of a route whose requests begin no trace; empty without telemetry."""
    return {} if placement.telemetry is None else {"tracing": {"overall_sampling": {"numerator": 0}}}


def clusters(telemetry: EnvoyTelemetry) -> list[Json]:
    """Render the clusters of the endpoints that receive telemetry."""
    url, filters = telemetry.settings.collector_url, [whole_bodies()]
    if url is None:
        rendered = [signed_cluster(_cluster(name), *endpoint, filters) for name, endpoint in _AWS_ENDPOINTS.items()]
    else:
        assert url.hostname is not None  # Validated by the model.
        render = https_cluster if url.scheme == "https" else http_cluster
        rendered = [render(_cluster(name), url.hostname, collector_port(url), filters) for name in _AWS_ENDPOINTS]
    limits = {"max_connections": 2, "max_pending_requests": _MAX_REQUESTS, "max_requests": _MAX_REQUESTS}
    return [{**cluster, "circuit_breakers": {"thresholds": [limits]}} for cluster in rendered]


def bootstrap_fields(telemetry: EnvoyTelemetry, part: VirtualNode | VirtualGateway, targets: Iterable[Target]) -> Json:
    """Render the fields of the bootstrap configuration that send metrics."""
    sink = extension(
        "envoy.stat_sinks.open_telemetry",
        OPENTELEMETRY_SINK,
        http_service=_http_service(telemetry, "metrics"),
        resource_detectors=_resource_detectors(telemetry),
        emit_tags_as_attributes=False,
        custom_metric_conversions={
            "matcher_tree": {
                "input": extension("stat_full_name", STAT_NAME),
                "exact_match_map": {"map": dict(_metrics(part, targets))},
            },
            "on_no_match": {"action": extension("drop", f"{OPENTELEMETRY_SINK}.DropAction")},
        },
    )
    return {"stats_flush_interval": _METRICS_INTERVAL, "stats_sinks": [sink]}


def runtime() -> Json:
    """Render the runtime values of the tracer."""
    return dict(_BATCH)


def _metrics(part: VirtualNode | VirtualGateway, targets: Iterable[Target]) -> Iterator[tuple[str, Json]]:
    """Render the conversions of Envoy's statistics to metrics, by the name of the statistic."""
    for listener in part.listeners:
        if listener.protocol != "tcp":
            prefix = f"http.{names.stat_prefix('ingress', listener, len(part.listeners))}.downstream_rq"
            yield from _of_requests(prefix, SERVER_REQUESTS, SERVER_DURATION, {})
    for target in targets:
        if target.listener.protocol != "tcp":
            prefix = f"cluster.{target.cluster}.upstream_rq"
            yield from _of_requests(prefix, CLIENT_REQUESTS, CLIENT_DURATION, {PEER: target.node.name})


def _of_requests(prefix: str, requests: str, duration: str, attributes: dict[str, str]) -> Iterator[tuple[str, Json]]:
    for status in STATUS_CLASSES:
        yield f"{prefix}_{status}", _conversion(requests, {**attributes, STATUS_CODE: status})
    yield f"{prefix}_time", _conversion(duration, attributes)


def _conversion(name: str, attributes: dict[str, str]) -> Json:
    labels = [{"key": key, "value": {"string_value": value}} for key, value in attributes.items()]
    action = typed(f"{OPENTELEMETRY_SINK}.ConversionAction", metric_name=name, static_metric_labels=labels or None)
    return {"action": {"name": name, "typed_config": action}}


def _http_service(telemetry: EnvoyTelemetry, signal: str) -> Json:
    url = telemetry.settings.collector_url
    host = _AWS_ENDPOINTS[signal][0] if url is None else url.netloc
    scheme = "https" if url is None else url.scheme
    uri = {"uri": f"{scheme}://{host}/v1/{signal}", "cluster": _cluster(signal), "timeout": _TIMEOUT}
    return {"http_uri": uri}


def _cluster(signal: str) -> str:
    return f"telemetry_{signal}"


def _resource_detectors(telemetry: EnvoyTelemetry) -> list[Json]:
    """Render the attributes of the resource, in the names of OpenTelemetry's semantic conventions.

    Those of the task are in the variable OTEL_RESOURCE_ATTRIBUTES, which the run script of the container sets.
    """
    attributes = {"service.name": telemetry.service, "service.namespace": telemetry.mesh}
    return [
        extension("envoy.tracers.opentelemetry.resource_detectors.environment", ENVIRONMENT_RESOURCE),
        extension(
            "envoy.tracers.opentelemetry.resource_detectors.static_config", STATIC_RESOURCE, attributes=attributes
        ),
    ]
