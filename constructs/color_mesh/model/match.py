"""Match conditions of routes."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

from color_mesh.model.checks import check_characters, check_choice, check_dns_name, check_flag, check_text
from color_mesh.model.errors import problem
from color_mesh.model.regex import check_regex
from color_mesh.model.values import as_tuple, normalize

Method = Literal["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]
METHODS: tuple[Method, ...] = get_args(Method)
Scheme = Literal["http", "https"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
MAX_MATCHERS = 10  # App Mesh API: headers, query parameters and metadata of one match


@dataclass(frozen=True, kw_only=True, slots=True)
class HeaderMatch:
    """A condition on an HTTP header or on the metadata of a gRPC call.

    At most one of ``exact``, ``prefix``, ``suffix``, ``regex`` and ``range`` may be set. Without any, the header must
    be present.

    Attributes:
        name: Name of the header, 1 to 50 characters.
        exact: Exact value.
        prefix: Prefix of the value.
        suffix: Suffix of the value.
        regex: Regular expression (RE2) for the complete value.
        range: Range of numbers: its start, and its end, exclusive.
        invert: Match the requests that do not meet the condition. A request without the header matches an inverted
            condition only if the condition is that the header is present.
    """

    name: str
    exact: str | None = None
    prefix: str | None = None
    suffix: str | None = None
    regex: str | None = None
    range: tuple[int, int] | None = None
    invert: bool = False

    def __post_init__(self) -> None:
        normalize(self)

    @classmethod
    def value_is(cls, name: str, value: str, *, invert: bool = False) -> "HeaderMatch":
        """Return a condition on the complete value of a header."""
        return cls(name=name, exact=value, invert=invert)

    @classmethod
    def value_starts_with(cls, name: str, prefix: str, *, invert: bool = False) -> "HeaderMatch":
        """Return a condition on the start of the value of a header."""
        return cls(name=name, prefix=prefix, invert=invert)

    @classmethod
    def value_ends_with(cls, name: str, suffix: str, *, invert: bool = False) -> "HeaderMatch":
        """Return a condition on the end of the value of a header."""
        return cls(name=name, suffix=suffix, invert=invert)

    @classmethod
    def value_matches_regex(cls, name: str, regex: str, *, invert: bool = False) -> "HeaderMatch":
        """Return a condition by a regular expression (RE2) for the complete value of a header."""
        return cls(name=name, regex=regex, invert=invert)

    @classmethod
    def value_is_in_range(cls, name: str, start: int, end: int, *, invert: bool = False) -> "HeaderMatch":
        """Return a condition on a number in a header, from ``start`` to ``end``, exclusive."""
        return cls(name=name, range=(start, end), invert=invert)

    @property
    def is_presence(self) -> bool:
        """True if the condition is that the header is present."""
        return all(getattr(self, field) is None for field in HEADER_CONDITIONS)


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryParameterMatch:
    """A condition on a query parameter.

    Attributes:
        name: Name of the parameter.
        exact: Exact value. Default: the parameter must be present.
    """

    name: str
    exact: str | None = None

    @classmethod
    def value_is(cls, name: str, value: str) -> "QueryParameterMatch":
        """Return a condition on the value of a query parameter."""
        return cls(name=name, exact=value)


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteMatch:
    """The match conditions of a route. A request must meet all of them; without any, every request matches.

    Routes of http and http2 match on ``prefix``, ``path`` or ``path_regex``, and on ``method``, ``scheme``, ``port``,
    ``headers`` and ``query_parameters``. Routes of grpc match on ``service_name``, ``method_name``, ``metadata`` and
    ``port``, those of tcp on ``port``. Gateway routes also match on ``hostname`` or ``hostname_suffix``, and not on
    ``scheme`` or ``method_name``.

    Attributes:
        prefix: Prefix of the path, starting with ``/``. In routes it is not a path segment: ``/a`` matches ``/ab`` too.
            In gateway routes it is one with self-managed Envoy, and is not with App Mesh.
        path: Exact path, without the query string.
        path_regex: Regular expression (RE2) for the complete path, without the query string.
        method: HTTP method.
        scheme: Scheme, ``http`` or ``https``.
        port: Port of the router's or gateway's listener. Required if it has several listeners.
        headers: Conditions on headers, at most 10.
        query_parameters: Conditions on query parameters, at most 10.
        service_name: Full name of the gRPC service, with its package.
        method_name: Name of the gRPC method. Requires ``service_name``.
        metadata: Conditions on the metadata of a gRPC call, at most 10.
        hostname: Exact host of the request.
        hostname_suffix: Suffix of the host of the request, such as ``.example.com``.
    """

    prefix: str | None = None
    path: str | None = None
    path_regex: str | None = None
    method: Method | None = None
    scheme: Scheme | None = None
    port: int | None = None
    headers: tuple[HeaderMatch, ...] = ()
    query_parameters: tuple[QueryParameterMatch, ...] = ()
    service_name: str | None = None
    method_name: str | None = None
    metadata: tuple[HeaderMatch, ...] = ()
    hostname: str | None = None
    hostname_suffix: str | None = None

    def __post_init__(self) -> None:
        normalize(self)

    @classmethod
    def http(
        cls,
        *,
        prefix: str | None = None,
        path: str | None = None,
        path_regex: str | None = None,
        method: Method | None = None,
        scheme: Scheme | None = None,
        port: int | None = None,
        headers: Sequence[HeaderMatch] = (),
        query_parameters: Sequence[QueryParameterMatch] = (),
        hostname: str | None = None,
        hostname_suffix: str | None = None,
    ) -> "RouteMatch":
        """Return the match conditions of an http or http2 route; see `RouteMatch`."""
        return cls(
            prefix=prefix,
            path=path,
            path_regex=path_regex,
            method=method,
            scheme=scheme,
            port=port,
            headers=as_tuple(headers),
            query_parameters=as_tuple(query_parameters),
            hostname=hostname,
            hostname_suffix=hostname_suffix,
        )

    @classmethod
    def grpc(
        cls,
        *,
        service_name: str | None = None,
        method_name: str | None = None,
        metadata: Sequence[HeaderMatch] = (),
        port: int | None = None,
        hostname: str | None = None,
        hostname_suffix: str | None = None,
    ) -> "RouteMatch":
        """Return the match conditions of a grpc route; see `RouteMatch`."""
        return cls(
            service_name=service_name,
            method_name=method_name,
            metadata=as_tuple(metadata),
            port=port,
            hostname=hostname,
            hostname_suffix=hostname_suffix,
        )

    @classmethod
    def tcp(cls, *, port: int | None = None) -> "RouteMatch":
        """Return the match condition of a tcp route; see `RouteMatch`."""
        return cls(port=port)


_HEADER_NAME = re.compile(r"[!-9;-~]*")  # AWS App Mesh API Reference, HeaderName
_HOST = re.compile(r"[A-Za-z0-9._-]*")
HEADER_CONDITIONS = ("exact", "prefix", "suffix", "regex", "range")
_PATHS = ("prefix", "path", "path_regex")
_HTTP = (*_PATHS, "method", "port", "headers", "query_parameters")
_HOSTS = ("hostname", "hostname_suffix")
ROUTE_FIELDS = {
    "http": (*_HTTP, "scheme"),
    "http2": (*_HTTP, "scheme"),
    "grpc": ("service_name", "method_name", "metadata", "port"),
    "tcp": ("port",),
}
GATEWAY_ROUTE_FIELDS = {
    "http": (*_HTTP, *_HOSTS),
    "http2": (*_HTTP, *_HOSTS),
    "grpc": ("service_name", "metadata", "port", *_HOSTS),
}


def check_match(subject: str, match: RouteMatch, protocol: str, allowed: Sequence[str]) -> Iterator[str]:
    """Validate match conditions, of which a route of ``protocol`` may have those in ``allowed``."""
    for field in fields(match):
        value = getattr(match, field.name)
        if value not in (None, ()) and field.name not in allowed:
            wrong = f"'{field.name}' is not supported for {protocol} routes"
            yield problem(subject, wrong, value, f"supported: {', '.join(sorted(allowed))}")
    yield from _check_path(subject, match)
    if match.method is not None:
        yield from check_choice(subject, "method", match.method, METHODS)
    if match.scheme is not None:
        yield from check_choice(subject, "scheme", match.scheme, SCHEMES)
    yield from _check_grpc(subject, match)
    yield from _check_hostname(subject, match)
    yield from _check_headers(subject, "headers", match.headers)
    yield from _check_headers(subject, "metadata", match.metadata)
    if len(match.query_parameters) > MAX_MATCHERS:
        yield problem(subject, "too many query parameters", len(match.query_parameters), f"at most {MAX_MATCHERS}")
    for parameter in match.query_parameters:
        yield from check_text(subject, "query parameter", parameter.name, 255, "such as 'version'")
        if parameter.exact is not None:
            field_name = f"value of query parameter {parameter.name!r}"
            yield from check_text(subject, field_name, parameter.exact, 255, "1 to 255 characters")


def with_default_prefix(match: RouteMatch, protocol: str) -> RouteMatch:
    """Return match conditions with the prefix ``/`` if those of an ``http`` or ``http2`` route have no path."""
    if protocol in ("http", "http2") and match.prefix is match.path is match.path_regex is None:
        return replace(match, prefix="/")
    return match


def match_text(match: RouteMatch) -> str:
    """Return a short description of match conditions."""
    words = (
        match.method,
        match.hostname or (match.hostname_suffix and f"*.{match.hostname_suffix.removeprefix('*').removeprefix('.')}"),
        match.prefix or match.path or (match.path_regex and f"~{match.path_regex}"),
        match.service_name and "/".join(filter(None, (match.service_name, match.method_name))),
        match.scheme,
        match.port is not None and f"port {match.port}",
        *(_header_text(header) for header in (*match.headers, *match.metadata)),
        *(f"?{query.name}" + (f"={query.exact}" if query.exact else "") for query in match.query_parameters),
    )
    return " ".join(word for word in words if word) or "any request"


def _header_text(header: HeaderMatch) -> str:
    condition = next((field for field in HEADER_CONDITIONS if getattr(header, field) is not None), None)
    text = header.name if condition is None else f"{header.name} {condition} {getattr(header, condition)}"
    return f"not({text})" if header.invert else text


def _check_path(subject: str, match: RouteMatch) -> Iterator[str]:
    conditions = {field: getattr(match, field) for field in _PATHS if getattr(match, field) is not None}
    if len(conditions) > 1:
        yield problem(subject, "has several path conditions", tuple(conditions), f"one of: {', '.join(_PATHS)}")
    for field in ("prefix", "path"):
        value = conditions.get(field)
        if value is not None and not (isinstance(value, str) and value.startswith("/")):
            yield problem(subject, f"{field} does not start with '/'", value, "such as '/' or '/orders'")
        elif field == "prefix" and value is not None:
            yield from check_characters(subject, field, value)
    if isinstance(match.path, str):
        yield from check_text(subject, "path", match.path, 255, "1 to 255 characters")
    if match.path_regex is not None:
        yield from _check_regex(subject, "path_regex", match.path_regex)


def _check_regex(subject: str, field: str, value: object) -> Iterator[str]:
    problems = [*check_text(subject, field, value, 255, "1 to 255 characters")]
    yield from problems
    if isinstance(value, str) and not problems:
        yield from check_regex(subject, field, value)


def _check_grpc(subject: str, match: RouteMatch) -> Iterator[str]:
    if match.service_name is not None:
        yield from check_text(subject, "service name", match.service_name, 255, "such as 'colors.Teller'")
    if match.method_name is not None:
        yield from check_text(subject, "method name", match.method_name, 50, "such as 'Tell'")
        if match.service_name is None:
            yield problem(subject, "method name without a service name", match.method_name, "give the service name too")


def _check_hostname(subject: str, match: RouteMatch) -> Iterator[str]:
    if match.hostname is not None and match.hostname_suffix is not None:
        yield problem(
            subject,
            "'hostname' and 'hostname_suffix' are mutually exclusive",
            (match.hostname, match.hostname_suffix),
            "give one of them",
        )
    if match.hostname is not None:
        yield from _check_host(subject, "hostname", match.hostname, "such as 'www.example.com'")
    suffix = match.hostname_suffix
    if suffix is not None and not (isinstance(suffix, str) and suffix.removeprefix("*").startswith(".")):
        yield problem(subject, "hostname suffix does not start with a dot", suffix, "such as '.example.com'")
    elif suffix is not None:
        yield from _check_host(subject, "hostname suffix", suffix, "such as '.example.com'")


def _check_host(subject: str, field: str, value: object, fix: str) -> Iterator[str]:
    problems = [*check_text(subject, field, value, 253, fix)]
    name = str(value) if field == "hostname" else str(value).removeprefix("*").removeprefix(".")
    if isinstance(value, str) and not _HOST.fullmatch(name):
        # A star or a port would select what another route selects, which Envoy refuses.
        problems += [problem(subject, f"{field} has invalid characters", value, "letters, digits, '-', '_' and '.'")]
    yield from problems or check_dns_name(subject, field, name)


def _check_headers(subject: str, field: str, headers: Sequence[HeaderMatch]) -> Iterator[str]:
    if len(headers) > MAX_MATCHERS:
        yield problem(subject, f"too many {field}", len(headers), f"at most {MAX_MATCHERS}")
    for header in headers:
        yield from _check_header(subject, header)


def _check_header(subject: str, header: HeaderMatch) -> Iterator[str]:
    yield from check_text(subject, "header name", header.name, 50, "1 to 50 characters")
    if isinstance(header.name, str) and not _HEADER_NAME.fullmatch(header.name):
        fix = "printable characters without spaces and colons; pseudo headers are not supported"
        yield problem(subject, "header name has invalid characters", header.name, fix)
    yield from check_flag(subject, f"invert of {header.name!r}", header.invert)
    conditions = {field: getattr(header, field) for field in HEADER_CONDITIONS if getattr(header, field) is not None}
    if len(conditions) > 1:
        fix = f"one of: {', '.join(HEADER_CONDITIONS)}"
        yield problem(subject, f"{header.name!r} has several conditions", tuple(conditions), fix)
    for condition, value in conditions.items():
        field = f"{condition} of {header.name!r}"
        if condition == "regex":
            yield from _check_regex(subject, field, value)
        elif condition != "range":
            yield from check_text(subject, field, value, 255, "1 to 255 characters")
        elif not (isinstance(value, tuple) and len(value) == 2 and all(type(end) is int for end in value)):
            yield problem(subject, f"{field} is not a range", value, "such as (1, 5)")
        elif value[0] >= value[1]:
            yield problem(subject, f"{field} is empty", value, "the first number, and the first number after the last")
        elif not (value[0] >= -(2**63) and value[1] < 2**63):
            yield problem(subject, f"{field} is out of range", value, "-2^63 to 2^63 - 1")
