"""A collector of telemetry: a real server of OTLP over HTTP, whose messages the official packages parse."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(kw_only=True)
class Collector:
    """Telemetry that a collector has received.

    Attributes:
        url: URL of the collector.
        delay_seconds: Delay of each response.
        spans: Resource attributes and span of each span.
        metrics: Resource attributes and metrics of the last request of each service.
        requests: Number of requests.
    """

    url: str
    delay_seconds: float = 0
    spans: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    metrics: dict[str, tuple[dict[str, str], list[Any]]] = field(default_factory=dict)
    requests: int = 0

    def receive(self, path: str, body: bytes) -> None:
        """Take the telemetry of a request."""
        self.requests += 1
        if path == "/v1/traces":
            for traces in ExportTraceServiceRequest.FromString(body).resource_spans:
                resource = attributes(traces.resource)
                self.spans += [(resource, span) for scope in traces.scope_spans for span in scope.spans]
        elif path == "/v1/metrics":
            for metrics in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                resource = attributes(metrics.resource)
                received = [metric for scope in metrics.scope_metrics for metric in scope.metrics]
                self.metrics[resource["service.name"]] = resource, received


def attributes(message: Any) -> dict[str, str]:
    """Return the attributes of a message that are text."""
    return {each.key: each.value.string_value for each in message.attributes}


@contextmanager
def collector(address: str = "127.0.0.1") -> Iterator[Collector]:
    """Run a collector on a free port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))  # Absent from a body in chunks.
            time.sleep(received.delay_seconds)
            received.receive(self.path, body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Print nothing: Envoy closes connections whose responses are late."""

    with Server((address, 0), Handler) as server:
        received = Collector(url=f"http://{address}:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield received
        finally:
            server.shutdown()
