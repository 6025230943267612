"""Match conditions: each limit, and the messages for invalid conditions."""

from collections.abc import Callable
from typing import Any

import pytest

from color_mesh.model import HeaderMatch, Listener, Mesh, Protocol, QueryParameterMatch, RouteMatch
from color_mesh.model.match import METHODS, SCHEMES
from tests.support.builders import entering, gateway_route, refusal, route, routing

HTTP_FIELDS = "headers, method, path, path_regex, port, prefix, query_parameters"
ROUTE_FIELDS = f"{HTTP_FIELDS}, scheme"
GATEWAY_FIELDS = "headers, hostname, hostname_suffix, method, path, path_regex, port, prefix, query_parameters"
GRPC_FIELDS = "metadata, method_name, port, service_name"
GRPC_GATEWAY_FIELDS = "hostname, hostname_suffix, metadata, port, service_name"
HEADER = HeaderMatch(name="color", exact="red")
QUERY = QueryParameterMatch(name="color", exact="red")
WITH_PATHS: list[Protocol] = ["http", "http2"]


def with_route(protocol: Protocol, **conditions: Any) -> Mesh:
    """Return a mesh with a router that has one route with these conditions."""
    on = (Listener(port=80, protocol=protocol),)
    return routing(route(protocol=protocol, match=RouteMatch(**conditions)), on=on, red=on)


def with_gateway_route(protocol: Protocol, **conditions: Any) -> Mesh:
    """Return a mesh with a gateway that has one route with these conditions."""
    on = (Listener(port=80, protocol=protocol),)
    return entering(gateway_route(protocol=protocol, match=RouteMatch(**conditions)), on=on)


BOTH = [
    pytest.param(with_route, "route 'all'", id="router"),
    pytest.param(with_gateway_route, "gateway route 'all'", id="gateway"),
]


def header(**condition: Any) -> dict[str, Any]:
    """Return a condition on the header color."""
    return {"headers": (HeaderMatch(**{"name": "color", **condition}),)}


def queries(*parameters: QueryParameterMatch) -> dict[str, Any]:
    return {"query_parameters": parameters}


@pytest.mark.parametrize(("describe", "_subject"), BOTH)
@pytest.mark.parametrize("protocol", WITH_PATHS)
@pytest.mark.parametrize(
    "conditions",
    [
        pytest.param({}, id="every-path"),
        pytest.param({"prefix": "/"}, id="prefix-low"),
        pytest.param({"prefix": "/" * 1000}, id="prefix-without-limit"),
        pytest.param({"path": "/"}, id="path-low"),
        pytest.param({"path": "/" * 255}, id="path-high"),
        pytest.param({"path_regex": "a"}, id="regex-low"),
        pytest.param({"path_regex": "a" * 255}, id="regex-high"),
        pytest.param(header(), id="header-there"),
        pytest.param(header(invert=True), id="header-not-there"),
        pytest.param(header(name="a"), id="header-name-low"),
        pytest.param(header(name="a" * 50), id="header-name-high"),
        pytest.param(header(exact="a"), id="header-exact-low"),
        pytest.param(header(exact="a" * 255), id="header-exact-high"),
        pytest.param(header(prefix="a"), id="header-prefix-low"),
        pytest.param(header(prefix="a" * 255), id="header-prefix-high"),
        pytest.param(header(suffix="a"), id="header-suffix-low"),
        pytest.param(header(suffix="a" * 255), id="header-suffix-high"),
        pytest.param(header(regex="a"), id="header-regex-low"),
        pytest.param(header(regex="a" * 255), id="header-regex-high"),
        pytest.param(header(range=(-1, 0)), id="header-range-of-one"),
        pytest.param({"headers": (HEADER,) * 10}, id="headers-high"),
        pytest.param({"query_parameters": (QUERY,) * 10}, id="query-parameters-high"),
        pytest.param(queries(QueryParameterMatch(name="a")), id="query-parameter-there"),
        pytest.param(queries(QueryParameterMatch(name="a" * 255, exact="a" * 255)), id="query-parameter-high"),
        pytest.param(queries(QueryParameterMatch(name="a", exact="a")), id="query-parameter-low"),
    ],
)
def test_conditions_of_http_at_their_limits_are_accepted(
    describe: Callable[..., Mesh], _subject: str, protocol: Protocol, conditions: dict[str, Any]
) -> None:
    assert describe(protocol, **conditions)


@pytest.mark.parametrize(("describe", "_subject"), BOTH)
@pytest.mark.parametrize("method", METHODS)
def test_every_http_method_is_accepted(describe: Callable[..., Mesh], _subject: str, method: str) -> None:
    assert describe("http", method=method)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_route_of_a_router_may_match_on_both_schemes(scheme: str) -> None:
    assert with_route("http", scheme=scheme)


@pytest.mark.parametrize(("describe", "_subject"), BOTH)
@pytest.mark.parametrize(
    "conditions",
    [
        pytest.param({}, id="every-call"),
        pytest.param({"service_name": "a"}, id="service-low"),
        pytest.param({"service_name": "a" * 255}, id="service-high"),
        pytest.param({"metadata": (HEADER,) * 10}, id="metadata-high"),
        pytest.param({"port": 80}, id="port"),
    ],
)
def test_conditions_of_grpc_at_their_limits_are_accepted(
    describe: Callable[..., Mesh], _subject: str, conditions: dict[str, Any]
) -> None:
    assert describe("grpc", **conditions)


@pytest.mark.parametrize("length", [pytest.param(1, id="low"), pytest.param(50, id="high")])
def test_grpc_method_name_at_its_limits_is_accepted(length: int) -> None:
    assert with_route("grpc", service_name="colors.Teller", method_name="a" * length)


@pytest.mark.parametrize("protocol", ["http", "http2", "grpc"])
@pytest.mark.parametrize(
    "conditions",
    [
        pytest.param({"hostname": "a"}, id="hostname-low"),
        pytest.param({"hostname": ".".join(["a" * 63] * 3 + ["a" * 61])}, id="hostname-high"),
        pytest.param({"hostname_suffix": ".a"}, id="suffix-low"),
        pytest.param({"hostname_suffix": ".".join(["", *["a" * 63] * 3, "a" * 60])}, id="suffix-high"),
        pytest.param({"hostname_suffix": "*.example.com"}, id="suffix-with-a-star"),
    ],
)
def test_hostnames_at_their_limits_are_accepted(protocol: Protocol, conditions: dict[str, Any]) -> None:
    assert with_gateway_route(protocol, **conditions)


@pytest.mark.parametrize(
    ("protocol", "conditions", "wrong"),
    [
        pytest.param(
            "http",
            {"service_name": "a"},
            f"'service_name' is not supported for http routes, got 'a' (supported: {ROUTE_FIELDS})",
            id="http",
        ),
        pytest.param(
            "http2",
            {"metadata": (HEADER,)},
            f"'metadata' is not supported for http2 routes, got {(HEADER,)!r} (supported: {ROUTE_FIELDS})",
            id="http2",
        ),
        pytest.param(
            "http",
            {"hostname": "a"},
            f"'hostname' is not supported for http routes, got 'a' (supported: {ROUTE_FIELDS})",
            id="hostname",
        ),
        pytest.param(
            "http",
            {"hostname_suffix": ".a"},
            f"'hostname_suffix' is not supported for http routes, got '.a' (supported: {ROUTE_FIELDS})",
            id="suffix",
        ),
        pytest.param(
            "grpc",
            {"prefix": "/"},
            f"'prefix' is not supported for grpc routes, got '/' (supported: {GRPC_FIELDS})",
            id="grpc-prefix",
        ),
        pytest.param(
            "grpc",
            {"path": "/"},
            f"'path' is not supported for grpc routes, got '/' (supported: {GRPC_FIELDS})",
            id="grpc-path",
        ),
        pytest.param(
            "grpc",
            {"path_regex": "/"},
            f"'path_regex' is not supported for grpc routes, got '/' (supported: {GRPC_FIELDS})",
            id="grpc-path-regex",
        ),
        pytest.param(
            "grpc",
            {"method": "GET"},
            f"'method' is not supported for grpc routes, got 'GET' (supported: {GRPC_FIELDS})",
            id="grpc-method",
        ),
        pytest.param(
            "grpc",
            {"scheme": "http"},
            f"'scheme' is not supported for grpc routes, got 'http' (supported: {GRPC_FIELDS})",
            id="grpc-scheme",
        ),
        pytest.param(
            "grpc",
            {"headers": (HEADER,)},
            f"'headers' is not supported for grpc routes, got {(HEADER,)!r} (supported: {GRPC_FIELDS})",
            id="grpc-header",
        ),
        pytest.param(
            "grpc",
            {"query_parameters": (QUERY,)},
            f"'query_parameters' is not supported for grpc routes, got {(QUERY,)!r} (supported: {GRPC_FIELDS})",
            id="grpc-query-parameter",
        ),
        pytest.param(
            "tcp",
            {"prefix": "/"},
            "'prefix' is not supported for tcp routes, got '/' (supported: port)",
            id="tcp-prefix",
        ),
        pytest.param(
            "tcp",
            {"method": "GET"},
            "'method' is not supported for tcp routes, got 'GET' (supported: port)",
            id="tcp-method",
        ),
        pytest.param(
            "tcp",
            {"service_name": "a"},
            "'service_name' is not supported for tcp routes, got 'a' (supported: port)",
            id="tcp-service",
        ),
    ],
)
def test_condition_that_the_protocol_of_a_route_does_not_support_is_rejected(
    protocol: Protocol, conditions: dict[str, Any], wrong: str
) -> None:
    assert refusal(with_route, protocol, **conditions) == f"route 'all': {wrong}"


@pytest.mark.parametrize(
    ("protocol", "conditions", "wrong"),
    [
        pytest.param(
            "http",
            {"scheme": "http"},
            f"'scheme' is not supported for http routes, got 'http' (supported: {GATEWAY_FIELDS})",
            id="http-scheme",
        ),
        pytest.param(
            "http2",
            {"service_name": "a"},
            f"'service_name' is not supported for http2 routes, got 'a' (supported: {GATEWAY_FIELDS})",
            id="http2-service",
        ),
        pytest.param(
            "grpc",
            {"service_name": "a", "method_name": "b"},
            f"'method_name' is not supported for grpc routes, got 'b' (supported: {GRPC_GATEWAY_FIELDS})",
            id="grpc-method-name",
        ),
        pytest.param(
            "grpc",
            {"prefix": "/"},
            f"'prefix' is not supported for grpc routes, got '/' (supported: {GRPC_GATEWAY_FIELDS})",
            id="grpc-prefix",
        ),
    ],
)
def test_condition_that_gateway_routes_do_not_support_is_rejected(
    protocol: Protocol, conditions: dict[str, Any], wrong: str
) -> None:
    assert refusal(with_gateway_route, protocol, **conditions) == f"gateway route 'all': {wrong}"


@pytest.mark.parametrize(("describe", "subject"), BOTH)
@pytest.mark.parametrize(
    ("conditions", "wrong"),
    [
        pytest.param(
            {"prefix": "/", "path": "/"},
            "has several path conditions, got ('prefix', 'path') (one of: prefix, path, path_regex)",
            id="prefix-and-path",
        ),
        pytest.param(
            {"path": "/", "path_regex": "/"},
            "has several path conditions, got ('path', 'path_regex') (one of: prefix, path, path_regex)",
            id="path-and-regex",
        ),
        pytest.param(
            {"prefix": "/", "path": "/", "path_regex": "/"},
            "has several path conditions, got ('prefix', 'path', 'path_regex') (one of: prefix, path, path_regex)",
            id="all-three",
        ),
        pytest.param(
            {"path": "orders"}, "path does not start with '/', got 'orders' (such as '/' or '/orders')", id="path"
        ),
        pytest.param({"path": 7}, "path does not start with '/', got 7 (such as '/' or '/orders')", id="path-number"),
        pytest.param(
            {"path": "/" * 256}, "path has an invalid length, got '256 characters' (1 to 255)", id="path-high"
        ),
        pytest.param(
            {"path_regex": ""}, "path_regex has an invalid length, got '0 characters' (1 to 255)", id="regex-low"
        ),
        pytest.param(
            {"path_regex": "a" * 256},
            "path_regex has an invalid length, got '256 characters' (1 to 255)",
            id="regex-high",
        ),
        pytest.param(
            {"method": "get"},
            "unknown method, got 'get' (one of: GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE, PATCH)",
            id="method",
        ),
        pytest.param(header(name=""), "header name has an invalid length, got '0 characters' (1 to 50)", id="name-low"),
        pytest.param(
            header(name="a" * 51), "header name has an invalid length, got '51 characters' (1 to 50)", id="name-high"
        ),
        pytest.param(header(name=1), "header name is not text, got 1 (1 to 50 characters)", id="name-number"),
        pytest.param(
            header(name=":method"),
            "header name has invalid characters, got ':method' "
            "(printable characters without spaces and colons; pseudo headers are not supported)",
            id="name-colon",
        ),
        pytest.param(
            header(name="a b"),
            "header name has invalid characters, got 'a b' "
            "(printable characters without spaces and colons; pseudo headers are not supported)",
            id="name-space",
        ),
        pytest.param(header(invert=1), "invert of 'color' is not true or false, got 1 (True or False)", id="invert"),
        pytest.param(
            header(exact="a", regex="b"),
            "'color' has several conditions, got ('exact', 'regex') (one of: exact, prefix, suffix, regex, range)",
            id="two-conditions",
        ),
        pytest.param(
            header(exact=""), "exact of 'color' has an invalid length, got '0 characters' (1 to 255)", id="exact-low"
        ),
        pytest.param(
            header(prefix="a" * 256),
            "prefix of 'color' has an invalid length, got '256 characters' (1 to 255)",
            id="prefix-high",
        ),
        pytest.param(
            header(suffix="a" * 256),
            "suffix of 'color' has an invalid length, got '256 characters' (1 to 255)",
            id="suffix-high",
        ),
        pytest.param(
            header(regex=""),
            "regex of 'color' has an invalid length, got '0 characters' (1 to 255)",
            id="header-regex-low",
        ),
        pytest.param(
            header(range=(1, 1)),
            "range of 'color' is empty, got (1, 1) (the first number, and the first number after the last)",
            id="range-empty",
        ),
        pytest.param(
            header(range=(2, 1)),
            "range of 'color' is empty, got (2, 1) (the first number, and the first number after the last)",
            id="range-backwards",
        ),
        pytest.param(
            header(range=(1,)),
            "range of 'color' is not a range, got (1,) (such as (1, 5))",
            id="range-without-end",
        ),
        pytest.param(header(range=5), "range of 'color' is not a range, got 5 (such as (1, 5))", id="range-number"),
        pytest.param({"headers": (HEADER,) * 11}, "too many headers, got 11 (at most 10)", id="headers-high"),
        pytest.param(
            {"query_parameters": (QUERY,) * 11},
            "too many query parameters, got 11 (at most 10)",
            id="query-parameters-high",
        ),
        pytest.param(
            queries(QueryParameterMatch(name="")),
            "query parameter has an invalid length, got '0 characters' (1 to 255)",
            id="query-parameter-low",
        ),
        pytest.param(
            queries(QueryParameterMatch(name="a" * 256)),
            "query parameter has an invalid length, got '256 characters' (1 to 255)",
            id="query-parameter-high",
        ),
        pytest.param(
            queries(QueryParameterMatch(name="a", exact="")),
            "value of query parameter 'a' has an invalid length, got '0 characters' (1 to 255)",
            id="query-value-low",
        ),
        pytest.param(
            queries(QueryParameterMatch(name="a", exact="b" * 256)),
            "value of query parameter 'a' has an invalid length, got '256 characters' (1 to 255)",
            id="query-value-high",
        ),
    ],
)
def test_invalid_condition_is_rejected(
    describe: Callable[..., Mesh], subject: str, conditions: dict[str, Any], wrong: str
) -> None:
    assert refusal(describe, "http", **conditions) == f"{subject}: {wrong}"


def test_unknown_scheme_is_rejected() -> None:
    assert refusal(with_route, "http", scheme="HTTP") == "route 'all': unknown scheme, got 'HTTP' (one of: http, https)"


@pytest.mark.parametrize(("describe", "subject"), BOTH)
@pytest.mark.parametrize(
    ("conditions", "wrong"),
    [
        pytest.param(
            {"service_name": ""}, "service name has an invalid length, got '0 characters' (1 to 255)", id="service-low"
        ),
        pytest.param(
            {"service_name": "a" * 256},
            "service name has an invalid length, got '256 characters' (1 to 255)",
            id="service-high",
        ),
        pytest.param(
            {"service_name": 7}, "service name is not text, got 7 (such as 'colors.Teller')", id="service-number"
        ),
        pytest.param({"metadata": (HEADER,) * 11}, "too many metadata, got 11 (at most 10)", id="metadata-high"),
    ],
)
def test_invalid_grpc_condition_is_rejected(
    describe: Callable[..., Mesh], subject: str, conditions: dict[str, Any], wrong: str
) -> None:
    assert refusal(describe, "grpc", **conditions) == f"{subject}: {wrong}"


@pytest.mark.parametrize(
    ("conditions", "wrong"),
    [
        pytest.param(
            {"method_name": "Tell"},
            "method name without a service name, got 'Tell' (give the service name too)",
            id="no-service",
        ),
        pytest.param(
            {"service_name": "a", "method_name": ""},
            "method name has an invalid length, got '0 characters' (1 to 50)",
            id="low",
        ),
        pytest.param(
            {"service_name": "a", "method_name": "a" * 51},
            "method name has an invalid length, got '51 characters' (1 to 50)",
            id="high",
        ),
    ],
)
def test_invalid_grpc_method_name_is_rejected(conditions: dict[str, Any], wrong: str) -> None:
    assert refusal(with_route, "grpc", **conditions) == f"route 'all': {wrong}"


@pytest.mark.parametrize("protocol", ["http", "http2", "grpc"])
@pytest.mark.parametrize(
    ("conditions", "wrong"),
    [
        pytest.param(
            {"hostname": "a.b", "hostname_suffix": ".b"},
            "'hostname' and 'hostname_suffix' are mutually exclusive, got ('a.b', '.b') (give one of them)",
            id="two",
        ),
        pytest.param({"hostname": ""}, "hostname has an invalid length, got '0 characters' (1 to 253)", id="low"),
        pytest.param(
            {"hostname": "a" * 254}, "hostname has an invalid length, got '254 characters' (1 to 253)", id="high"
        ),
        pytest.param(
            {"hostname": "a..b"},
            "hostname is not a DNS name, got 'a..b' (labels of 1 to 63 letters, digits, '-' and '_', joined by dots)",
            id="empty-label",
        ),
        pytest.param(
            {"hostname_suffix": "*."},
            "hostname suffix is not a DNS name, got '' "
            "(labels of 1 to 63 letters, digits, '-' and '_', joined by dots)",
            id="suffix-of-a-dot",
        ),
        pytest.param({"hostname": 7}, "hostname is not text, got 7 (such as 'www.example.com')", id="number"),
        pytest.param(
            {"hostname_suffix": "example.com"},
            "hostname suffix does not start with a dot, got 'example.com' (such as '.example.com')",
            id="suffix-without-dot",
        ),
        pytest.param(
            {"hostname_suffix": ""},
            "hostname suffix does not start with a dot, got '' (such as '.example.com')",
            id="suffix-low",
        ),
        pytest.param(
            {"hostname_suffix": f".{'a' * 253}"},
            "hostname suffix has an invalid length, got '254 characters' (1 to 253)",
            id="suffix-high",
        ),
    ],
)
def test_invalid_hostname_is_rejected(protocol: Protocol, conditions: dict[str, Any], wrong: str) -> None:
    assert refusal(with_gateway_route, protocol, **conditions) == f"gateway route 'all': {wrong}"
