"""Listeners of virtual nodes, routers and gateways, with their health checks, timeouts and limits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from color_mesh.model.checks import MAX_COUNT, MAX_MILLIS, check_choice, check_range, check_text, check_unique
from color_mesh.model.errors import problem
from color_mesh.model.tls import ListenerTls, check_listener_tls

Protocol = Literal["http", "http2", "grpc", "tcp"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

IpPreference = Literal["IPv4_ONLY", "IPv4_PREFERRED", "IPv6_ONLY", "IPv6_PREFERRED"]
IP_PREFERENCES: tuple[IpPreference, ...] = get_args(IpPreference)


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthCheck:
    """The health check of a listener. The Envoy of each caller checks each task.

    Attributes:
        protocol: Protocol of the health check.
        interval_millis: Interval in milliseconds, 5000 to 300000.
        timeout_millis: Timeout in milliseconds, 2000 to 60000.
        healthy_threshold: Number of consecutive successes after which a task is healthy, 2 to 10.
        unhealthy_threshold: Number of consecutive failures after which a task is unhealthy, 2 to 10.
        path: Path of the request, for http and http2 only. Default: ``/``.
        port: Port of the listener; another port is not supported. Default: the port of the listener.
    """

    protocol: Protocol
    interval_millis: int
    timeout_millis: int
    healthy_threshold: int
    unhealthy_threshold: int
    path: str | None = None
    port: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeout:
    """The timeouts of a listener or route.

    Attributes:
        per_request_millis: Request timeout in milliseconds, from the end of the request to the end of the response;
            0 disables it. Not for tcp. Default: 15 seconds.
        idle_millis: Idle timeout in milliseconds; 0 disables it. Default: 5 minutes for a stream, as in Envoy. For a
            tcp connection, 5 minutes at a listener and 4 minutes at a route; one hour with the data plane ``app-mesh``.
    """

    per_request_millis: int | None = None
    idle_millis: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionPool:
    """The limits of a listener's connections to the application. Envoy answers requests above a limit with 503.

    Attributes:
        max_connections: Maximum number of connections, 1 or more. Required for http and tcp, not for other protocols.
        max_pending_requests: Maximum number of requests in the queue, 1 or more, for http only. Default: 2147483647.
        max_requests: Maximum number of concurrent requests, 1 or more. Required for http2 and grpc, not for other
            protocols.
    """

    max_connections: int | None = None
    max_pending_requests: int | None = None
    max_requests: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OutlierDetection:
    """The outlier detection of a listener: callers eject tasks that fail from load balancing for some time.

    Attributes:
        max_server_errors: Number of consecutive 5xx responses after which a task is ejected, 1 or more.
        interval_millis: Time between two ejection sweeps, in milliseconds.
        base_ejection_millis: Ejection time in milliseconds, multiplied by the number of ejections of the task.
        max_ejection_percent: Maximum percentage of ejected tasks, 0 to 100. One task can always be ejected.
    """

    max_server_errors: int
    interval_millis: int
    base_ejection_millis: int
    max_ejection_percent: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener:
    """A listener of a virtual node, router or gateway.

    Attributes:
        port: Port, 1 to 65535.
        protocol: ``http`` (HTTP/1.1), ``http2``, ``grpc`` or ``tcp``. Gateways have no tcp listeners.
        health_check: Health check of the tasks. Not for routers. Default: all registered tasks are healthy.
        timeout: Timeouts of the node's own Envoy. For nodes only. Default: see `Timeout`.
        connection_pool: Limits of the connections to the application. Not for routers. Default: no limits.
        outlier_detection: Outlier detection of the callers. For nodes only. Default: no task is ejected.
        tls: TLS of the listener. Not for routers. Default: plaintext.
    """

    port: int
    protocol: Protocol = "http"
    health_check: HealthCheck | None = None
    timeout: Timeout | None = None
    connection_pool: ConnectionPool | None = None
    outlier_detection: OutlierDetection | None = None
    tls: ListenerTls | None = None


def check_listeners(subject: str, listeners: Sequence[Listener], protocols: Sequence[Protocol]) -> Iterator[str]:
    """Validate listeners (AWS App Mesh API Reference, *Listener*)."""
    for listener in listeners:
        yield from check_range(subject, "listener port", listener.port, 1, 65535)
        yield from check_choice(subject, "protocol", listener.protocol, protocols)
        place = f"{subject} listener {listener.port}"
        yield from _check_health_check(place, listener)
        yield from check_timeout(place, listener.timeout, listener.protocol)
        yield from _check_connection_pool(place, listener)
        yield from _check_outlier_detection(place, listener.outlier_detection)
        yield from check_listener_tls(place, listener.tls)
    yield from check_unique(subject, "listener port", (str(listener.port) for listener in listeners))


def check_unsupported_fields(subject: str, listeners: Sequence[Listener], fields: Sequence[str]) -> Iterator[str]:
    """Validate that no listener has one of these fields, which its router or gateway does not support."""
    for listener in listeners:
        for field in fields:
            if getattr(listener, field) is not None:
                wrong = f"listener {listener.port} cannot have a {field.replace('_', ' ')}"
                yield problem(subject, wrong, getattr(listener, field), "leave it out")


def check_timeout(subject: str, timeout: Timeout | None, protocol: str) -> Iterator[str]:
    """Validate timeouts (AWS App Mesh API Reference, *Duration*)."""
    if timeout is None:
        return
    if timeout.per_request_millis is not None:
        if protocol == "tcp":
            yield problem(
                subject, "request timeout is not supported for tcp", timeout.per_request_millis, "leave it out"
            )
        yield from check_range(subject, "request timeout", timeout.per_request_millis, 0, MAX_MILLIS)
    if timeout.idle_millis is not None:
        yield from check_range(subject, "idle timeout", timeout.idle_millis, 0, MAX_MILLIS)


def _check_health_check(subject: str, listener: Listener) -> Iterator[str]:
    check = listener.health_check
    if check is None:
        return
    yield from check_choice(subject, "health check protocol", check.protocol, PROTOCOLS)
    yield from check_range(subject, "health check interval", check.interval_millis, 5000, 300000)
    yield from check_range(subject, "health check timeout", check.timeout_millis, 2000, 60000)
    yield from check_range(subject, "healthy threshold", check.healthy_threshold, 2, 10)
    yield from check_range(subject, "unhealthy threshold", check.unhealthy_threshold, 2, 10)
    if check.port is not None and check.port != listener.port:
        yield problem(
            subject,
            "health check port is not the listener's port",
            check.port,
            f"{listener.port}, or leave it out",
        )
    if check.path is not None:
        if check.protocol not in ("http", "http2"):
            yield problem(subject, f"a {check.protocol} health check has no path", check.path, "leave it out")
        yield from check_text(subject, "health check path", check.path, 255, "such as '/health'")
    if check.protocol == "grpc" and listener.protocol not in ("http2", "grpc"):
        yield problem(subject, "a grpc health check needs HTTP/2", listener.protocol, "a listener of http2 or grpc")


_POOL_FIELDS = {
    "http": ("max_connections", "max_pending_requests"),
    "http2": ("max_requests",),
    "grpc": ("max_requests",),
    "tcp": ("max_connections",),
}


def _check_connection_pool(subject: str, listener: Listener) -> Iterator[str]:
    pool = listener.connection_pool
    if pool is None or listener.protocol not in PROTOCOLS:
        return
    allowed = _POOL_FIELDS[listener.protocol]
    if getattr(pool, allowed[0]) is None:
        yield problem(subject, f"connection pool has no {allowed[0]}", None, f"required for {listener.protocol}")
    for field in ("max_connections", "max_pending_requests", "max_requests"):
        value = getattr(pool, field)
        if value is None:
            continue
        if field not in allowed:
            yield problem(
                subject,
                f"'{field}' is not supported for {listener.protocol}",
                value,
                f"supported: {', '.join(allowed)}",
            )
        yield from check_range(subject, field, value, 1, MAX_COUNT)


def _check_outlier_detection(subject: str, outlier: OutlierDetection | None) -> Iterator[str]:
    if outlier is None:
        return
    yield from check_range(subject, "max server errors", outlier.max_server_errors, 1, MAX_COUNT)
    yield from check_range(subject, "outlier detection interval", outlier.interval_millis, 1, MAX_MILLIS)
    yield from check_range(subject, "base ejection duration", outlier.base_ejection_millis, 1, MAX_MILLIS)
    yield from check_range(subject, "max ejection percent", outlier.max_ejection_percent, 0, 100)
