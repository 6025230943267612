"""Listeners with their health checks, timeouts, connection pools and outlier detection: rendered and read."""

from collections.abc import Callable
from typing import TypeVar, cast

from color_mesh.appmesh.fields import Fields
from color_mesh.appmesh.security import listener_tls, read_listener_tls
from color_mesh.appmesh.spec import Spec, compact
from color_mesh.model import ConnectionPool, HealthCheck, Listener, Milliseconds, OutlierDetection, Protocol, Timeout
from color_mesh.model.health_check import PROTOCOLS

T = TypeVar("T")


def listener_spec(listener: Listener) -> Spec:
    """Render a listener of a node, a router or a gateway."""
    return compact(
        portMapping={"port": listener.port, "protocol": listener.protocol},
        healthCheck=_health_check(listener),
        timeout=timeout_spec(listener.timeout, listener.protocol),
        connectionPool=_connection_pool(listener),
        outlierDetection=_outlier_detection(listener.outlier_detection),
        tls=listener_tls(listener.tls),
    )


def read_listener(fields: Fields) -> Listener:
    """Read a listener of a node, a router or a gateway."""
    port, protocol = fields.required("portMapping", _read_port_mapping)
    return Listener(
        port=port,
        protocol=protocol,
        health_check=fields.optional("healthCheck", _read_health_check),
        timeout=fields.optional("timeout", lambda timeout: _read_by_protocol(timeout, protocol, read_timeout)),
        connection_pool=fields.optional("connectionPool", lambda pool: _read_by_protocol(pool, protocol, _read_pool)),
        outlier_detection=fields.optional("outlierDetection", _read_outlier_detection),
        tls=fields.optional("tls", read_listener_tls),
    )


def duration_spec(millis: int | None) -> Spec | None:
    """Render a duration, in seconds if possible."""
    if millis is None:
        return None
    return {"unit": "s", "value": millis // 1000} if millis % 1000 == 0 else {"unit": "ms", "value": millis}


def read_duration(fields: Fields) -> Milliseconds:
    """Read a duration."""
    value = fields.integer("value")
    unit = fields.text("unit")
    if unit not in ("s", "ms"):
        fields.report("unit", "is not a unit of time", "'s' or 'ms'")
    return Milliseconds(value * 1000 if unit == "s" else value)


def timeout_spec(timeout: Timeout | None, protocol: Protocol | None = None) -> Spec | None:
    """Render timeouts; for listeners, with the protocol as a key."""
    if timeout is None:
        return None
    spec = compact(perRequest=duration_spec(timeout.per_request_millis), idle=duration_spec(timeout.idle_millis))
    return {protocol: spec} if protocol else spec


def read_timeout(fields: Fields) -> Timeout:
    """Read timeouts. The model rejects a request timeout for tcp."""
    return Timeout(
        per_request=fields.optional("perRequest", read_duration),
        idle=fields.optional("idle", read_duration),
    )


def _read_by_protocol(fields: Fields, protocol: Protocol, read: Callable[[Fields], T]) -> T | None:
    """Read the object with the listener's protocol as its key."""
    if protocol not in PROTOCOLS:
        # The model reports the unknown protocol.
        fields.ignore(*PROTOCOLS)
        return None
    if not fields.has(protocol):
        fields.report(protocol, f"is missing for a {protocol} listener", "use the key of that protocol")
    return fields.optional(protocol, read)


def _read_port_mapping(fields: Fields) -> tuple[int, Protocol]:
    return fields.integer("port"), cast(Protocol, fields.text("protocol"))


def _health_check(listener: Listener) -> Spec | None:
    check = listener.health_check
    if check is None:
        return None
    return compact(
        protocol=check.protocol,
        intervalMillis=check.interval_millis,
        timeoutMillis=check.timeout_millis,
        healthyThreshold=check.healthy_threshold,
        unhealthyThreshold=check.unhealthy_threshold,
        path=check.path,
        port=check.port,
    )


def _read_health_check(fields: Fields) -> HealthCheck:
    return HealthCheck(
        protocol=cast(Protocol, fields.text("protocol")),
        interval=Milliseconds(fields.integer("intervalMillis")),
        timeout=Milliseconds(fields.integer("timeoutMillis")),
        healthy_threshold=fields.integer("healthyThreshold"),
        unhealthy_threshold=fields.integer("unhealthyThreshold"),
        path=fields.optional_text("path"),
        port=fields.optional_integer("port"),
    )


def _connection_pool(listener: Listener) -> Spec | None:
    pool = listener.connection_pool
    if pool is None:
        return None
    spec = compact(
        maxConnections=pool.max_connections,
        maxPendingRequests=pool.max_pending_requests,
        maxRequests=pool.max_requests,
    )
    return {listener.protocol: spec}


def _read_pool(fields: Fields) -> ConnectionPool:
    return ConnectionPool(
        max_connections=fields.optional_integer("maxConnections"),
        max_pending_requests=fields.optional_integer("maxPendingRequests"),
        max_requests=fields.optional_integer("maxRequests"),
    )


def _outlier_detection(outlier: OutlierDetection | None) -> Spec | None:
    if outlier is None:
        return None
    return {
        "maxServerErrors": outlier.max_server_errors,
        "interval": duration_spec(outlier.interval_millis),
        "baseEjectionDuration": duration_spec(outlier.base_ejection_millis),
        "maxEjectionPercent": outlier.max_ejection_percent,
    }


def _read_outlier_detection(fields: Fields) -> OutlierDetection:
    return OutlierDetection(
        max_server_errors=fields.integer("maxServerErrors"),
        interval=fields.required("interval", read_duration),
        base_ejection_duration=fields.required("baseEjectionDuration", read_duration),
        max_ejection_percent=fields.integer("maxEjectionPercent"),
    )
