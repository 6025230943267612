"""Telemetry of a mesh: spans of requests, and metrics."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from color_mesh.model.checks import check_dns_name
from color_mesh.model.errors import problem, refuse

DEFAULT_SAMPLING_PERCENT = 5
# Port of OTLP over HTTP (OpenTelemetry Protocol Specification, OTLP/HTTP default port).
OTLP_PORT = 4318


@dataclass(frozen=True, kw_only=True, slots=True)
class Telemetry:
    """Telemetry of the Envoys of a mesh, in the OpenTelemetry protocol (OTLP over HTTP).

    Attributes:
        collector: Receiver of the telemetry: ``"sidecar"`` for an AWS Distro for OpenTelemetry collector in each task,
            or the URL of a collector such as ``"http://collector.example:4318"``. Default: the OTLP endpoints of AWS
            X-Ray and Amazon CloudWatch in the region of the task, without a collector. Requests are signed by Envoy.
        sampling_percent: Percentage of the requests without a trace context that begin a sampled trace, 0 to 100. At a
            gateway these are all requests. Default: 5.

    Raises:
        MeshError: If an attribute is not valid.
    """

    collector: Literal["sidecar"] | str | None = None
    sampling_percent: float = DEFAULT_SAMPLING_PERCENT

    def __post_init__(self) -> None:
        refuse((*_check_sampling(self.sampling_percent), *_check_collector(self.collector)))

    @property
    def collector_url(self) -> SplitResult | None:
        """URL of the collector. ``None``: the OTLP endpoints of AWS."""
        if self.collector is None:
            return None
        return urlsplit(f"http://127.0.0.1:{OTLP_PORT}" if self.collector == "sidecar" else self.collector)


def collector_port(url: SplitResult) -> int:
    """Return the port of a collector's URL."""
    return url.port or (443 if url.scheme == "https" else 80)


def _check_sampling(percent: object) -> Iterator[str]:
    if isinstance(percent, bool) or not isinstance(percent, int | float) or not 0 <= percent <= 100:
        yield problem("telemetry", "sampling_percent out of range", percent, "0 to 100")


def _check_collector(collector: object) -> Iterator[str]:
    if collector is None or collector == "sidecar":
        return
    fix = "'sidecar', or a URL such as 'http://collector.example:4318'"
    url = _url(collector)
    if url is None or url.scheme not in ("http", "https") or not url.hostname or url.port == 0:
        yield problem("telemetry", "collector is not the URL of a server", collector, fix)
    elif url.username is not None or url.path not in ("", "/") or url.query or url.fragment:
        yield problem("telemetry", "URL of the collector is more than scheme, host and port", collector, fix)
    else:
        yield from check_dns_name("telemetry", "host of the collector", url.hostname)


def _url(value: object) -> SplitResult | None:
    if not isinstance(value, str) or re.search(r"\s", value):
        return None
    try:
        url = urlsplit(value)
        _ = url.port
    except ValueError:
        return None
    return url
