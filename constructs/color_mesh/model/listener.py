"""What virtual nodes, routers and gateways listen on, and what holds for the connections that they take."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from color_mesh.model.checks import check_choice, check_minimum, check_range, check_text, check_unique
from color_mesh.model.errors import problem
from color_mesh.model.tls import ListenerTls, check_listener_tls

Protocol = Literal["http", "http2", "grpc", "tcp"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

IpPreference = Literal["IPv4_ONLY", "IPv4_PREFERRED", "IPv6_ONLY", "IPv6_PREFERRED"]
IP_PREFERENCES: tuple[IpPreference, ...] = get_args(IpPreference)


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthCheck:
    """Define how callers find out whether a listener's tasks answer. Every caller asks every task.

    Attributes:
        protocol: What the question is asked in.
        interval_millis: The time between two questions, 5000 to 300000 milliseconds.
        timeout_millis: How long an answer may take, 2000 to 60000 milliseconds.
        healthy_threshold: How many good answers in a row make a task healthy again, 2 to 10.
        unhealthy_threshold: How many failures in a row make it unhealthy, 2 to 10.
        path: What http and http2 ask for; without it ``/``.
        port: The listener's own port, or left out.
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
    """Define how long a request may take.

    Attributes:
        per_request_millis: From the end of the request to the end of the response, in milliseconds; 0: for ever.
            Without it 15 seconds. TCP has none.
        idle_millis: How long nothing may be sent, in milliseconds; 0: for ever. Without it Envoy's 5 minutes, and for
            TCP its 1 hour.
    """

    per_request_millis: int | None = None
    idle_millis: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionPool:
    """Define how much a listener's Envoy asks of the application at once; more is refused with 503.

    Attributes:
        max_connections: Connections, 1 or more; for http and tcp, which need it.
        max_pending_requests: Requests that wait for a connection, 1 or more; for http. Without it 2147483647.
        max_requests: Requests, 1 or more; for http2 and grpc, which need it.
    """

    max_connections: int | None = None
    max_pending_requests: int | None = None
    max_requests: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OutlierDetection:
    """Define when callers leave a task of a listener alone for a while.

    Attributes:
        max_server_errors: How many 5xx answers in a row eject a task, 1 or more.
        interval_millis: The time between two looks, in milliseconds.
        base_ejection_millis: How long the first ejection lasts, in milliseconds; the next ones last longer.
        max_ejection_percent: How many of the tasks may be ejected at once, 0 to 100; one may always be.
    """

    max_server_errors: int
    interval_millis: int
    base_ejection_millis: int
    max_ejection_percent: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener:
    """Define a port and the protocol spoken on it.

    Attributes:
        port: 1 to 65535.
        protocol: ``http`` (HTTP/1.1, the default), ``http2``, ``grpc`` or ``tcp``.
        health_check: Whether callers ask if tasks answer; without it they take them to. Not for routers.
        timeout: How long requests may take in the node's own Envoy. For nodes only.
        connection_pool: How much Envoy asks of the application at once; without it, anything. Not for routers.
        outlier_detection: When callers leave a task alone; without it, never. For nodes only.
        tls: How it speaks TLS; without it, not at all. Not for routers.
    """

    port: int
    protocol: Protocol = "http"
    health_check: HealthCheck | None = None
    timeout: Timeout | None = None
    connection_pool: ConnectionPool | None = None
    outlier_detection: OutlierDetection | None = None
    tls: ListenerTls | None = None


def check_listeners(subject: str, listeners: Sequence[Listener], protocols: Sequence[Protocol]) -> Iterator[str]:
    """Find listeners that App Mesh refuses, and ports taken twice (AWS App Mesh API Reference, *Listener*)."""
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


def check_without(subject: str, listeners: Sequence[Listener], fields: Sequence[str]) -> Iterator[str]:
    """Find listeners with policies that their owner cannot have."""
    for listener in listeners:
        for field in fields:
            if getattr(listener, field) is not None:
                wrong = f"listener {listener.port} cannot have a {field.replace('_', ' ')}"
                yield problem(subject, wrong, getattr(listener, field), "leave it out")


def check_timeout(subject: str, timeout: Timeout | None, protocol: str) -> Iterator[str]:
    """Find durations that cannot be (AWS App Mesh API Reference, *Duration*)."""
    if timeout is None:
        return
    if timeout.per_request_millis is not None:
        if protocol == "tcp":
            yield problem(subject, "tcp has no request timeout", timeout.per_request_millis, "leave it out")
        yield from check_minimum(subject, "request timeout", timeout.per_request_millis, 0)
    if timeout.idle_millis is not None:
        yield from check_minimum(subject, "idle timeout", timeout.idle_millis, 0)


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
        yield problem(subject, "health check has another port", check.port, f"{listener.port}, or leave it out")
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
        yield problem(subject, f"connection pool has no {allowed[0]}", None, f"a pool of {listener.protocol} needs it")
    for field in ("max_connections", "max_pending_requests", "max_requests"):
        value = getattr(pool, field)
        if value is None:
            continue
        if field not in allowed:
            yield problem(subject, f"a pool of {listener.protocol} has no {field}", value, f"it has {allowed[0]}")
        yield from check_minimum(subject, field, value, 1)


def _check_outlier_detection(subject: str, outlier: OutlierDetection | None) -> Iterator[str]:
    if outlier is None:
        return
    yield from check_minimum(subject, "max server errors", outlier.max_server_errors, 1)
    yield from check_minimum(subject, "outlier detection interval", outlier.interval_millis, 1)
    yield from check_minimum(subject, "base ejection duration", outlier.base_ejection_millis, 1)
    yield from check_range(subject, "max ejection percent", outlier.max_ejection_percent, 0, 100)
