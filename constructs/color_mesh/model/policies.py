"""Policies of listeners and routes: timeouts, limits of connections, outlier detection."""

from collections.abc import Iterator
from dataclasses import dataclass

from color_mesh.model.checks import MAX_COUNT, MAX_MILLIS, check_range
from color_mesh.model.errors import problem
from color_mesh.model.values import Duration, Milliseconds, check_duration, millis, normalize


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeout:
    """The timeouts of a listener or route.

    Attributes:
        per_request: Request timeout, from the end of the request to the end of the response; 0 disables it. Not for
            tcp. Default: 15 seconds.
        idle: Idle timeout; 0 disables it. Default: 5 minutes for a stream, as in Envoy. For a tcp connection, 5 minutes
            at a listener and 4 minutes at a route; one hour with the data plane ``app-mesh``.
    """

    per_request: Duration | None = None
    idle: Duration | None = None

    def __post_init__(self) -> None:
        normalize(self)

    @property
    def per_request_millis(self) -> int | None:
        """Request timeout in milliseconds."""
        return None if self.per_request is None else millis(self.per_request)

    @property
    def idle_millis(self) -> int | None:
        """Idle timeout in milliseconds."""
        return None if self.idle is None else millis(self.idle)


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

    @classmethod
    def http(cls, *, max_connections: int, max_pending_requests: int | None = None) -> "ConnectionPool":
        """Return the limits of an http listener; see `ConnectionPool`."""
        return cls(max_connections=max_connections, max_pending_requests=max_pending_requests)

    @classmethod
    def http2(cls, *, max_requests: int) -> "ConnectionPool":
        """Return the limit of an http2 listener; see `ConnectionPool`."""
        return cls(max_requests=max_requests)

    @classmethod
    def grpc(cls, *, max_requests: int) -> "ConnectionPool":
        """Return the limit of a grpc listener; see `ConnectionPool`."""
        return cls(max_requests=max_requests)

    @classmethod
    def tcp(cls, *, max_connections: int) -> "ConnectionPool":
        """Return the limit of a tcp listener; see `ConnectionPool`."""
        return cls(max_connections=max_connections)


@dataclass(frozen=True, kw_only=True, slots=True)
class OutlierDetection:
    """The outlier detection of a listener: callers eject tasks that fail from load balancing for some time.

    Attributes:
        max_server_errors: Number of consecutive 5xx responses after which a task is ejected, 1 or more. Default: 5.
        interval: Time between two ejection sweeps. Default: 10 seconds.
        base_ejection_duration: Ejection time, multiplied by the number of ejections of the task. Default: 30 seconds.
        max_ejection_percent: Maximum percentage of ejected tasks, 0 to 100. One task can always be ejected. Default:
            10.
    """

    # The defaults are those of Envoy (API, *OutlierDetection*). App Mesh has none.
    max_server_errors: int = 5
    interval: Duration = Milliseconds(10_000)
    base_ejection_duration: Duration = Milliseconds(30_000)
    max_ejection_percent: int = 10

    def __post_init__(self) -> None:
        normalize(self)

    @property
    def interval_millis(self) -> int:
        """Time between two ejection sweeps, in milliseconds."""
        return millis(self.interval)

    @property
    def base_ejection_millis(self) -> int:
        """Ejection time in milliseconds."""
        return millis(self.base_ejection_duration)


def check_timeout(subject: str, timeout: Timeout | None, protocol: str) -> Iterator[str]:
    """Validate timeouts (AWS App Mesh API Reference, *Duration*)."""
    if timeout is None:
        return
    if timeout.per_request is not None:
        if protocol == "tcp":
            yield problem(subject, "request timeout is not supported for tcp", timeout.per_request, "leave it out")
        yield from check_duration(subject, "request timeout", timeout.per_request, 0, MAX_MILLIS)
    if timeout.idle is not None:
        yield from check_duration(subject, "idle timeout", timeout.idle, 0, MAX_MILLIS)


_POOL_FIELDS = {
    "http": ("max_connections", "max_pending_requests"),
    "http2": ("max_requests",),
    "grpc": ("max_requests",),
    "tcp": ("max_connections",),
}


def check_connection_pool(subject: str, pool: ConnectionPool | None, protocol: str) -> Iterator[str]:
    """Validate the limits of a listener with a protocol."""
    if pool is None or protocol not in _POOL_FIELDS:
        return
    allowed = _POOL_FIELDS[protocol]
    if getattr(pool, allowed[0]) is None:
        yield problem(subject, f"connection pool has no {allowed[0]}", None, f"required for {protocol}")
    for field in ("max_connections", "max_pending_requests", "max_requests"):
        value = getattr(pool, field)
        if value is None:
            continue
        if field not in allowed:
            yield problem(
                subject,
                f"'{field}' is not supported for {protocol}",
                value,
                f"supported: {', '.join(allowed)}",
            )
        yield from check_range(subject, field, value, 1, MAX_COUNT)


def check_outlier_detection(subject: str, outlier: OutlierDetection | None) -> Iterator[str]:
    """Validate the outlier detection of a listener."""
    if outlier is None:
        return
    yield from check_range(subject, "max server errors", outlier.max_server_errors, 1, MAX_COUNT)
    yield from check_duration(subject, "outlier detection interval", outlier.interval, 1, MAX_MILLIS)
    yield from check_duration(subject, "base ejection duration", outlier.base_ejection_duration, 1, MAX_MILLIS)
    yield from check_range(subject, "max ejection percent", outlier.max_ejection_percent, 0, 100)
