"""Listeners and what hangs on them, written and read."""

from collections.abc import Callable
from typing import TypeVar, cast

from color_mesh.appmesh.fields import Fields
from color_mesh.appmesh.security import listener_tls, read_listener_tls
from color_mesh.appmesh.spec import Spec, given
from color_mesh.model import ConnectionPool, HealthCheck, Listener, OutlierDetection, Protocol, Timeout
from color_mesh.model.listener import PROTOCOLS

T = TypeVar("T")


def listener_spec(listener: Listener) -> Spec:
    """Write a listener of a node, a router or a gateway."""
    return given(
        portMapping={"port": listener.port, "protocol": listener.protocol},
        healthCheck=_health_check(listener),
        timeout=timeout_spec(listener.timeout, listener.protocol),
        connectionPool=_connection_pool(listener),
        outlierDetection=_outlier_detection(listener.outlier_detection),
        tls=listener_tls(listener.tls),
    )


def read_listener(at: Fields) -> Listener:
    """Read a listener of a node, a router or a gateway."""
    port, protocol = at.required("portMapping", _read_port_mapping)
    return Listener(
        port=port,
        protocol=protocol,
        health_check=at.optional("healthCheck", _read_health_check),
        timeout=at.optional("timeout", lambda timeout: _read_by_protocol(timeout, protocol, read_timeout)),
        connection_pool=at.optional("connectionPool", lambda pool: _read_by_protocol(pool, protocol, _read_pool)),
        outlier_detection=at.optional("outlierDetection", _read_outlier_detection),
        tls=at.optional("tls", read_listener_tls),
    )


def duration(millis: int | None) -> Spec | None:
    """Write a duration, in seconds if they are whole."""
    if millis is None:
        return None
    return {"unit": "s", "value": millis // 1000} if millis % 1000 == 0 else {"unit": "ms", "value": millis}


def read_duration(at: Fields) -> int:
    """Read a duration in milliseconds."""
    value = at.integer("value")
    unit = at.text("unit")
    if unit not in ("s", "ms"):
        at.report("unit", "is not a unit of time", "'s' or 'ms'")
    return value * 1000 if unit == "s" else value


def timeout_spec(timeout: Timeout | None, protocol: Protocol | None = None) -> Spec | None:
    """Write a timeout, for listeners under its protocol."""
    if timeout is None:
        return None
    spec = given(perRequest=duration(timeout.per_request_millis), idle=duration(timeout.idle_millis))
    return {protocol: spec} if protocol else spec


def read_timeout(at: Fields) -> Timeout:
    """Read a timeout. The model rejects a request timeout for tcp."""
    return Timeout(
        per_request_millis=at.optional("perRequest", read_duration), idle_millis=at.optional("idle", read_duration)
    )


def _read_by_protocol(at: Fields, protocol: Protocol, read: Callable[[Fields], T]) -> T | None:
    """Read what is written under the name of the listener's protocol, and under no other."""
    if protocol not in PROTOCOLS:
        # The listener's own mistake, which the model names.
        at.ignore(*PROTOCOLS)
        return None
    if not at.has(protocol):
        at.report(protocol, f"is missing for a {protocol} listener", "give it for that protocol")
    return at.optional(protocol, read)


def _read_port_mapping(at: Fields) -> tuple[int, Protocol]:
    return at.integer("port"), cast(Protocol, at.text("protocol"))


def _health_check(listener: Listener) -> Spec | None:
    check = listener.health_check
    if check is None:
        return None
    return given(
        protocol=check.protocol,
        intervalMillis=check.interval_millis,
        timeoutMillis=check.timeout_millis,
        healthyThreshold=check.healthy_threshold,
        unhealthyThreshold=check.unhealthy_threshold,
        path=check.path,
        port=check.port,
    )


def _read_health_check(at: Fields) -> HealthCheck:
    return HealthCheck(
        protocol=cast(Protocol, at.text("protocol")),
        interval_millis=at.integer("intervalMillis"),
        timeout_millis=at.integer("timeoutMillis"),
        healthy_threshold=at.integer("healthyThreshold"),
        unhealthy_threshold=at.integer("unhealthyThreshold"),
        path=at.optional_text("path"),
        port=at.optional_integer("port"),
    )


def _connection_pool(listener: Listener) -> Spec | None:
    pool = listener.connection_pool
    if pool is None:
        return None
    spec = given(
        maxConnections=pool.max_connections,
        maxPendingRequests=pool.max_pending_requests,
        maxRequests=pool.max_requests,
    )
    return {listener.protocol: spec}


def _read_pool(at: Fields) -> ConnectionPool:
    return ConnectionPool(
        max_connections=at.optional_integer("maxConnections"),
        max_pending_requests=at.optional_integer("maxPendingRequests"),
        max_requests=at.optional_integer("maxRequests"),
    )


def _outlier_detection(outlier: OutlierDetection | None) -> Spec | None:
    if outlier is None:
        return None
    return {
        "maxServerErrors": outlier.max_server_errors,
        "interval": duration(outlier.interval_millis),
        "baseEjectionDuration": duration(outlier.base_ejection_millis),
        "maxEjectionPercent": outlier.max_ejection_percent,
    }


def _read_outlier_detection(at: Fields) -> OutlierDetection:
    return OutlierDetection(
        max_server_errors=at.integer("maxServerErrors"),
        interval_millis=at.required("interval", read_duration),
        base_ejection_millis=at.required("baseEjectionDuration", read_duration),
        max_ejection_percent=at.integer("maxEjectionPercent"),
    )
