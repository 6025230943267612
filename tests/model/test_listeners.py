"""Listeners: each limit, and the messages for invalid health checks, timeouts, pools and outlier detection."""

from typing import Any

import pytest

from color_mesh.model import ConnectionPool, Listener, Mesh, Milliseconds, Protocol, Timeout
from color_mesh.model.checks import MAX_COUNT, MAX_MILLIS
from color_mesh.model.health_check import PROTOCOLS
from tests.support.builders import (
    client_tls,
    gateway,
    health_check,
    listener_tls,
    mesh,
    node,
    outlier_detection,
    refusal,
    router,
)

WITHOUT_LIMIT = pytest.param(2147483648, id="no-limit")
CHECKS = [
    pytest.param("interval", "health check interval", 5000, 300000, id="interval"),
    pytest.param("timeout", "health check timeout", 2000, 60000, id="timeout"),
    pytest.param("healthy_threshold", "healthy threshold", 2, 10, id="healthy"),
    pytest.param("unhealthy_threshold", "unhealthy threshold", 2, 10, id="unhealthy"),
]
OUTLIERS = [
    pytest.param("max_server_errors", "max server errors", id="errors"),
    pytest.param("interval", "outlier detection interval", id="interval"),
    pytest.param("base_ejection_duration", "base ejection duration", id="ejection"),
]


def of(field: str, number: int) -> int | Milliseconds:
    """Return a number as the value of a field of a health check or of an outlier detection."""
    return Milliseconds(number) if field in ("interval", "timeout", "base_ejection_duration") else number


POOLS = [
    pytest.param("http", {}, "max_connections", id="http"),
    pytest.param("http", {"max_connections": 1}, "max_pending_requests", id="http-pending"),
    pytest.param("http2", {}, "max_requests", id="http2"),
    pytest.param("grpc", {}, "max_requests", id="grpc"),
    pytest.param("tcp", {}, "max_connections", id="tcp"),
]
WITH_REQUESTS: list[Protocol] = ["http", "http2", "grpc"]


def with_listener(spoken: Protocol = "http", /, **policies: Any) -> Mesh:
    """Return a mesh with one node that has a listener on port 80 with these fields."""
    return mesh(nodes=(node(listeners=(Listener(port=80, protocol=spoken, **policies),)),))


def with_health_check(spoken: Protocol = "http", /, **changes: Any) -> Mesh:
    return with_listener(spoken, health_check=health_check(**changes))


def with_connection_pool(spoken: Protocol, /, **fields: Any) -> Mesh:
    return with_listener(spoken, connection_pool=ConnectionPool(**fields))


def with_outlier_detection(**changes: Any) -> Mesh:
    return with_listener(outlier_detection=outlier_detection(**changes))


@pytest.mark.parametrize(("field", "_what", "low", "high"), CHECKS)
def test_health_check_at_its_limits_is_accepted(field: str, _what: str, low: int, high: int) -> None:
    lowest, highest = {field: of(field, low)}, {field: of(field, high)}
    assert with_health_check(**lowest)
    assert with_health_check(**highest)


@pytest.mark.parametrize(("field", "what", "low", "high"), CHECKS)
def test_health_check_outside_its_limits_is_rejected(field: str, what: str, low: int, high: int) -> None:
    wrong = f"virtual node 'red' listener 80: {what} out of range"
    unit = "" if of(field, low) == low else " ms"
    for number in (low - 1, high + 1):
        message = f"{wrong}, got {number}{unit} ({low} to {high}{unit})"
        assert refusal(with_health_check, **{field: of(field, number)}) == message


@pytest.mark.parametrize("field", ["interval", "timeout"])
def test_health_check_without_durations_is_rejected(field: str) -> None:
    what = f"virtual node 'red' listener 80: health check {field} is not a duration"
    assert refusal(with_health_check, **{field: 5}) == f"{what}, got 5 (such as Duration.seconds(5))"


@pytest.mark.parametrize("length", [pytest.param(1, id="low"), pytest.param(255, id="high")])
@pytest.mark.parametrize("protocol", ["http", "http2"])
def test_http_health_check_may_have_a_path(protocol: Protocol, length: int) -> None:
    assert with_health_check(protocol=protocol, path="/" * length)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_health_check_may_have_the_port_of_its_listener(protocol: Protocol) -> None:
    assert with_health_check("http2", protocol=protocol, port=80)


@pytest.mark.parametrize("protocol", ["http2", "grpc"])
def test_http2_listener_may_have_a_grpc_health_check(protocol: Protocol) -> None:
    assert with_health_check(protocol, protocol="grpc")


@pytest.mark.parametrize(
    ("protocol", "changes", "wrong"),
    [
        pytest.param(
            "http",
            {"protocol": "udp"},
            "unknown health check protocol, got 'udp' (one of: http, http2, grpc, tcp)",
            id="protocol",
        ),
        pytest.param(
            "http",
            {"port": 81},
            "health check port is not the listener's port, got 81 (80, or leave it out)",
            id="another-port",
        ),
        pytest.param(
            "http",
            {"protocol": "tcp", "path": "/health"},
            "a tcp health check has no path, got '/health' (leave it out)",
            id="path-of-tcp",
        ),
        pytest.param(
            "grpc",
            {"protocol": "grpc", "path": "/health"},
            "a grpc health check has no path, got '/health' (leave it out)",
            id="path-of-grpc",
        ),
        pytest.param(
            "http",
            {"path": ""},
            "health check path has an invalid length, got '0 characters' (1 to 255)",
            id="path-low",
        ),
        pytest.param(
            "http",
            {"path": "/" * 256},
            "health check path has an invalid length, got '256 characters' (1 to 255)",
            id="path-high",
        ),
        pytest.param("http", {"path": 7}, "health check path is not text, got 7 (such as '/health')", id="path-number"),
        pytest.param(
            "http",
            {"protocol": "grpc"},
            "a grpc health check needs HTTP/2, got 'http' (a listener of http2 or grpc)",
            id="grpc-of-http",
        ),
        pytest.param(
            "tcp",
            {"protocol": "grpc"},
            "a grpc health check needs HTTP/2, got 'tcp' (a listener of http2 or grpc)",
            id="grpc-of-tcp",
        ),
    ],
)
def test_invalid_health_check_is_rejected(protocol: Protocol, changes: dict[str, Any], wrong: str) -> None:
    assert refusal(with_health_check, protocol, **changes) == f"virtual node 'red' listener 80: {wrong}"


@pytest.mark.parametrize("protocol", WITH_REQUESTS)
@pytest.mark.parametrize("millis", [pytest.param(0, id="disabled"), pytest.param(1, id="low"), WITHOUT_LIMIT])
def test_timeouts_have_no_maximum(protocol: Protocol, millis: int) -> None:
    assert with_listener(protocol, timeout=Timeout(per_request=Milliseconds(millis), idle=Milliseconds(millis)))


@pytest.mark.parametrize("millis", [pytest.param(0, id="disabled"), pytest.param(1, id="low"), WITHOUT_LIMIT])
def test_idle_timeout_of_tcp_has_no_maximum(millis: int) -> None:
    assert with_listener("tcp", timeout=Timeout(idle=Milliseconds(millis)))


@pytest.mark.parametrize(
    ("protocol", "timeout", "wrong"),
    [
        pytest.param(
            "http",
            Timeout(per_request=Milliseconds(-1)),
            "request timeout out of range, got -1 ms (0 to 9000000000000 ms)",
            id="request-low",
        ),
        pytest.param(
            "http",
            Timeout(idle=Milliseconds(-1)),
            "idle timeout out of range, got -1 ms (0 to 9000000000000 ms)",
            id="idle-low",
        ),
        pytest.param(
            "tcp",
            Timeout(idle=Milliseconds(-1)),
            "idle timeout out of range, got -1 ms (0 to 9000000000000 ms)",
            id="tcp-low",
        ),
        pytest.param(
            "http",
            Timeout(idle=Milliseconds(True)),
            "idle timeout out of range, got True ms (0 to 9000000000000 ms)",
            id="idle-bool",
        ),
        pytest.param(
            "tcp",
            Timeout(per_request=Milliseconds(0)),
            "request timeout is not supported for tcp, got 0 ms (leave it out)",
            id="tcp-request",
        ),
    ],
)
def test_invalid_timeout_is_rejected(protocol: Protocol, timeout: Timeout, wrong: str) -> None:
    assert refusal(with_listener, protocol, timeout=timeout) == f"virtual node 'red' listener 80: {wrong}"


@pytest.mark.parametrize(("protocol", "others", "field"), POOLS)
@pytest.mark.parametrize("value", [pytest.param(1, id="low"), WITHOUT_LIMIT])
def test_connection_pool_at_its_limits_is_accepted(
    protocol: Protocol, others: dict[str, int], field: str, value: int
) -> None:
    assert with_connection_pool(protocol, **others, **{field: value})


@pytest.mark.parametrize(("protocol", "others", "field"), POOLS)
def test_connection_pool_below_its_limit_is_rejected(protocol: Protocol, others: dict[str, int], field: str) -> None:
    wrong = f"virtual node 'red' listener 80: {field} out of range, got 0 (1 to 4294967295)"
    assert refusal(with_connection_pool, protocol, **others, **{field: 0}) == wrong


@pytest.mark.parametrize(
    ("protocol", "fields", "wrong"),
    [
        pytest.param(
            "http",
            {"max_pending_requests": 1},
            "connection pool has no max_connections, got None (required for http)",
            id="http-without",
        ),
        pytest.param(
            "http2",
            {},
            "connection pool has no max_requests, got None (required for http2)",
            id="http2-without",
        ),
        pytest.param(
            "http",
            {"max_connections": 1, "max_requests": 2},
            "'max_requests' is not supported for http, got 2 (supported: max_connections, max_pending_requests)",
            id="http-with-requests",
        ),
        pytest.param(
            "grpc",
            {"max_requests": 1, "max_connections": 2},
            "'max_connections' is not supported for grpc, got 2 (supported: max_requests)",
            id="grpc-with-connections",
        ),
        pytest.param(
            "tcp",
            {"max_connections": 1, "max_pending_requests": 2},
            "'max_pending_requests' is not supported for tcp, got 2 (supported: max_connections)",
            id="tcp-with-pending-requests",
        ),
    ],
)
def test_connection_pool_must_have_the_fields_of_its_protocol(
    protocol: Protocol, fields: dict[str, int], wrong: str
) -> None:
    assert refusal(with_connection_pool, protocol, **fields) == f"virtual node 'red' listener 80: {wrong}"


def test_connection_pool_of_an_unknown_protocol_is_not_validated() -> None:
    wrong = "virtual node 'red': unknown protocol, got 'udp' (one of: http, http2, grpc, tcp)"
    assert refusal(with_connection_pool, "udp") == wrong


@pytest.mark.parametrize(("field", "_what"), OUTLIERS)
@pytest.mark.parametrize("value", [pytest.param(1, id="low"), WITHOUT_LIMIT])
def test_outlier_detection_at_its_limits_is_accepted(field: str, _what: str, value: int) -> None:
    assert with_outlier_detection(**{field: of(field, value)})


@pytest.mark.parametrize(("field", "what"), OUTLIERS)
def test_outlier_detection_below_its_limits_is_rejected(field: str, what: str) -> None:
    most = MAX_COUNT if field == "max_server_errors" else MAX_MILLIS
    unit = "" if field == "max_server_errors" else " ms"
    wrong = f"virtual node 'red' listener 80: {what} out of range, got 0{unit} (1 to {most}{unit})"
    assert refusal(with_outlier_detection, **{field: of(field, 0)}) == wrong


@pytest.mark.parametrize("percent", [pytest.param(0, id="low"), pytest.param(100, id="high")])
def test_max_ejection_percent_may_be_0_or_100(percent: int) -> None:
    assert with_outlier_detection(max_ejection_percent=percent)


@pytest.mark.parametrize("percent", [pytest.param(-1, id="low"), pytest.param(101, id="high")])
def test_max_ejection_percent_outside_its_limits_is_rejected(percent: int) -> None:
    wrong = f"virtual node 'red' listener 80: max ejection percent out of range, got {percent} (0 to 100)"
    assert refusal(with_outlier_detection, max_ejection_percent=percent) == wrong


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        pytest.param("health_check", health_check(), "health check", id="health-check"),
        pytest.param("timeout", Timeout(), "timeout", id="timeout"),
        pytest.param("connection_pool", ConnectionPool(max_connections=1), "connection pool", id="connection-pool"),
        pytest.param("outlier_detection", outlier_detection(), "outlier detection", id="outlier-detection"),
        pytest.param("tls", listener_tls(), "tls", id="tls"),
    ],
)
def test_listener_of_a_router_has_port_and_protocol_only(field: str, value: object, what: str) -> None:
    listener = Listener(port=80, **{field: value})  # type: ignore[arg-type]
    wrong = f"virtual router 'router': listener 80 cannot have a {what}, got {value!r} (leave it out)"
    assert refusal(mesh, routers=(router("router", listener),)) == wrong


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        pytest.param("timeout", Timeout(), "timeout", id="timeout"),
        pytest.param("outlier_detection", outlier_detection(), "outlier detection", id="outlier-detection"),
    ],
)
def test_gateway_has_no_timeout_and_no_outlier_detection(field: str, value: object, what: str) -> None:
    listener = Listener(port=80, **{field: value})  # type: ignore[arg-type]
    wrong = f"virtual gateway 'gateway': listener 80 cannot have a {what}, got {value!r} (leave it out)"
    assert refusal(mesh, gateways=(gateway("gateway", listener),)) == wrong


def test_gateway_has_health_check_connection_pool_and_tls() -> None:
    listener = Listener(
        port=80, health_check=health_check(), connection_pool=ConnectionPool(max_connections=1), tls=listener_tls()
    )
    entry = gateway("gateway", listener, client_tls=client_tls())
    assert mesh(gateways=(entry,)).gateways == (entry,)


def test_every_problem_of_every_listener_is_reported() -> None:
    listeners = (
        Listener(
            port=80, health_check=health_check(port=81, healthy_threshold=1), timeout=Timeout(idle=Milliseconds(-1))
        ),
        Listener(port=82, protocol="tcp", connection_pool=ConnectionPool()),
    )
    assert refusal(mesh, nodes=(node(listeners=listeners),)).splitlines() == [
        "virtual node 'red' listener 80: healthy threshold out of range, got 1 (2 to 10)",
        "virtual node 'red' listener 80: health check port is not the listener's port, got 81 (80, or leave it out)",
        "virtual node 'red' listener 80: idle timeout out of range, got -1 ms (0 to 9000000000000 ms)",
        "virtual node 'red' listener 82: connection pool has no max_connections, got None (required for tcp)",
    ]
