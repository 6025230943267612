"""Protocols, and health checks of listeners."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from color_mesh.model.checks import check_choice, check_range, check_text
from color_mesh.model.errors import problem
from color_mesh.model.values import Duration, Milliseconds, check_duration, millis, normalize

Protocol = Literal["http", "http2", "grpc", "tcp"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthCheck:
    """The health check of a listener. The Envoy of each caller checks each task.

    Attributes:
        protocol: Protocol of the health check. Default: the protocol of the listener.
        interval: Interval, 5 to 300 seconds. Default: 5 seconds.
        timeout: Timeout, 2 to 60 seconds. Default: 2 seconds.
        healthy_threshold: Number of consecutive successes after which a task is healthy, 2 to 10. Default: 2.
        unhealthy_threshold: Number of consecutive failures after which a task is unhealthy, 2 to 10. Default: 2.
        path: Path of the request, for http and http2 only. Default: ``/``.
        port: Port of the listener; another port is not supported. Default: the port of the listener.
    """

    # The defaults are those of `HealthCheck` in the CDK's aws_appmesh.
    protocol: Protocol | None = None
    interval: Duration = Milliseconds(5000)
    timeout: Duration = Milliseconds(2000)
    healthy_threshold: int = 2
    unhealthy_threshold: int = 2
    path: str | None = None
    port: int | None = None

    def __post_init__(self) -> None:
        normalize(self)

    @property
    def interval_millis(self) -> int:
        """Interval in milliseconds."""
        return millis(self.interval)

    @property
    def timeout_millis(self) -> int:
        """Timeout in milliseconds."""
        return millis(self.timeout)

    @classmethod
    def http(
        cls,
        *,
        path: str = "/",
        interval: Duration = Milliseconds(5000),
        timeout: Duration = Milliseconds(2000),
        healthy_threshold: int = 2,
        unhealthy_threshold: int = 2,
    ) -> "HealthCheck":
        """Return a health check by HTTP/1.1 requests; see `HealthCheck`."""
        return cls(
            protocol="http",
            path=path,
            interval=interval,
            timeout=timeout,
            healthy_threshold=healthy_threshold,
            unhealthy_threshold=unhealthy_threshold,
        )

    @classmethod
    def http2(
        cls,
        *,
        path: str = "/",
        interval: Duration = Milliseconds(5000),
        timeout: Duration = Milliseconds(2000),
        healthy_threshold: int = 2,
        unhealthy_threshold: int = 2,
    ) -> "HealthCheck":
        """Return a health check by HTTP/2 requests; see `HealthCheck`."""
        return cls(
            protocol="http2",
            path=path,
            interval=interval,
            timeout=timeout,
            healthy_threshold=healthy_threshold,
            unhealthy_threshold=unhealthy_threshold,
        )

    @classmethod
    def grpc(
        cls,
        *,
        interval: Duration = Milliseconds(5000),
        timeout: Duration = Milliseconds(2000),
        healthy_threshold: int = 2,
        unhealthy_threshold: int = 2,
    ) -> "HealthCheck":
        """Return a health check by the gRPC health checking protocol; see `HealthCheck`."""
        return cls(
            protocol="grpc",
            interval=interval,
            timeout=timeout,
            healthy_threshold=healthy_threshold,
            unhealthy_threshold=unhealthy_threshold,
        )

    @classmethod
    def tcp(
        cls,
        *,
        interval: Duration = Milliseconds(5000),
        timeout: Duration = Milliseconds(2000),
        healthy_threshold: int = 2,
        unhealthy_threshold: int = 2,
    ) -> "HealthCheck":
        """Return a health check by connections; see `HealthCheck`."""
        return cls(
            protocol="tcp",
            interval=interval,
            timeout=timeout,
            healthy_threshold=healthy_threshold,
            unhealthy_threshold=unhealthy_threshold,
        )


def check_health_check(subject: str, check: HealthCheck | None, port: int, protocol: Protocol) -> Iterator[str]:
    """Validate the health check of a listener with a port and a protocol."""
    if check is None:
        return
    yield from check_choice(subject, "health check protocol", check.protocol, PROTOCOLS)
    yield from check_duration(subject, "health check interval", check.interval, 5000, 300000)
    yield from check_duration(subject, "health check timeout", check.timeout, 2000, 60000)
    yield from check_range(subject, "healthy threshold", check.healthy_threshold, 2, 10)
    yield from check_range(subject, "unhealthy threshold", check.unhealthy_threshold, 2, 10)
    if check.port is not None and check.port != port:
        yield problem(
            subject,
            "health check port is not the listener's port",
            check.port,
            f"{port}, or leave it out",
        )
    if check.path is not None:
        if check.protocol not in ("http", "http2"):
            yield problem(subject, f"a {check.protocol} health check has no path", check.path, "leave it out")
        yield from check_text(subject, "health check path", check.path, 255, "such as '/health'")
    if check.protocol == "grpc" and protocol not in ("http2", "grpc"):
        yield problem(subject, "a grpc health check needs HTTP/2", protocol, "a listener of http2 or grpc")
