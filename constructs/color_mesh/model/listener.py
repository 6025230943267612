"""Listeners of virtual nodes, routers and gateways, with their health checks, timeouts and limits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from color_mesh.model.checks import check_choice, check_range, check_unique
from color_mesh.model.errors import problem
from color_mesh.model.health_check import HealthCheck, Protocol, check_health_check
from color_mesh.model.policies import (
    ConnectionPool,
    OutlierDetection,
    Timeout,
    check_connection_pool,
    check_outlier_detection,
    check_timeout,
)
from color_mesh.model.tls import ListenerTls, check_listener_tls

IpPreference = Literal["IPv4_ONLY", "IPv4_PREFERRED", "IPv6_ONLY", "IPv6_PREFERRED"]
IP_PREFERENCES: tuple[IpPreference, ...] = get_args(IpPreference)


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

    def __post_init__(self) -> None:
        check = self.health_check
        if isinstance(check, HealthCheck) and check.protocol is None:
            object.__setattr__(self, "health_check", replace(check, protocol=self.protocol))

    @classmethod
    def http(
        cls,
        port: int = 80,
        *,
        health_check: HealthCheck | None = None,
        timeout: Timeout | None = None,
        connection_pool: ConnectionPool | None = None,
        outlier_detection: OutlierDetection | None = None,
        tls: ListenerTls | None = None,
    ) -> "Listener":
        """Return a listener for HTTP/1.1; see `Listener`."""
        return cls(
            port=port,
            protocol="http",
            health_check=health_check,
            timeout=timeout,
            connection_pool=connection_pool,
            outlier_detection=outlier_detection,
            tls=tls,
        )

    @classmethod
    def http2(
        cls,
        port: int = 80,
        *,
        health_check: HealthCheck | None = None,
        timeout: Timeout | None = None,
        connection_pool: ConnectionPool | None = None,
        outlier_detection: OutlierDetection | None = None,
        tls: ListenerTls | None = None,
    ) -> "Listener":
        """Return a listener for HTTP/2; see `Listener`."""
        return cls(
            port=port,
            protocol="http2",
            health_check=health_check,
            timeout=timeout,
            connection_pool=connection_pool,
            outlier_detection=outlier_detection,
            tls=tls,
        )

    @classmethod
    def grpc(
        cls,
        port: int = 80,
        *,
        health_check: HealthCheck | None = None,
        timeout: Timeout | None = None,
        connection_pool: ConnectionPool | None = None,
        outlier_detection: OutlierDetection | None = None,
        tls: ListenerTls | None = None,
    ) -> "Listener":
        """Return a listener for gRPC; see `Listener`."""
        return cls(
            port=port,
            protocol="grpc",
            health_check=health_check,
            timeout=timeout,
            connection_pool=connection_pool,
            outlier_detection=outlier_detection,
            tls=tls,
        )

    @classmethod
    def tcp(
        cls,
        port: int,
        *,
        health_check: HealthCheck | None = None,
        timeout: Timeout | None = None,
        connection_pool: ConnectionPool | None = None,
        outlier_detection: OutlierDetection | None = None,
        tls: ListenerTls | None = None,
    ) -> "Listener":
        """Return a listener for TCP; see `Listener`."""
        return cls(
            port=port,
            protocol="tcp",
            health_check=health_check,
            timeout=timeout,
            connection_pool=connection_pool,
            outlier_detection=outlier_detection,
            tls=tls,
        )


def check_listeners(subject: str, listeners: Sequence[Listener], protocols: Sequence[Protocol]) -> Iterator[str]:
    """Validate listeners (AWS App Mesh API Reference, *Listener*)."""
    for listener in listeners:
        yield from check_range(subject, "listener port", listener.port, 1, 65535)
        yield from check_choice(subject, "protocol", listener.protocol, protocols)
        place = f"{subject} listener {listener.port}"
        yield from check_health_check(place, listener.health_check, listener.port, listener.protocol)
        yield from check_timeout(place, listener.timeout, listener.protocol)
        yield from check_connection_pool(place, listener.connection_pool, listener.protocol)
        yield from check_outlier_detection(place, listener.outlier_detection)
        yield from check_listener_tls(place, listener.tls)
    yield from check_unique(subject, "listener port", (str(listener.port) for listener in listeners))


def check_unsupported_fields(subject: str, listeners: Sequence[Listener], fields: Sequence[str]) -> Iterator[str]:
    """Validate that no listener has one of these fields, which its router or gateway does not support."""
    for listener in listeners:
        for field in fields:
            if getattr(listener, field) is not None:
                wrong = f"listener {listener.port} cannot have a {field.replace('_', ' ')}"
                yield problem(subject, wrong, getattr(listener, field), "leave it out")
