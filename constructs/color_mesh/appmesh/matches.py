"""What requests a route takes, written and read."""

from typing import cast

from color_mesh.appmesh.fields import Fields
from color_mesh.appmesh.spec import Spec, given
from color_mesh.model import HeaderMatch, Method, Protocol, QueryParameterMatch, RouteMatch, Scheme


def match_spec(match: RouteMatch, protocol: Protocol) -> Spec:
    """Write what requests a route takes."""
    hostname = given(exact=match.hostname, suffix=match.hostname_suffix) or None
    if protocol in ("http", "http2"):
        return given(
            prefix=match.prefix,
            path=given(exact=match.path, regex=match.path_regex) or None,
            method=match.method,
            scheme=match.scheme,
            port=match.port,
            hostname=hostname,
            headers=[_header(header) for header in match.headers],
            queryParameters=[_query_parameter(parameter) for parameter in match.query_parameters],
        )
    return given(
        serviceName=match.service_name,
        methodName=match.method_name,
        port=match.port,
        hostname=hostname,
        metadata=[_header(header) for header in match.metadata],
    )


def read_match(at: Fields, protocol: Protocol) -> RouteMatch:
    """Read what requests a route takes. The model says which of it a route of its kind may have."""
    hostname, hostname_suffix = at.optional("hostname", _read_hostname) or (None, None)
    if protocol in ("http", "http2"):
        path, path_regex = at.optional("path", _read_path) or (None, None)
        return RouteMatch(
            prefix=at.optional_text("prefix"),
            path=path,
            path_regex=path_regex,
            method=cast("Method | None", at.optional_text("method")),
            scheme=cast("Scheme | None", at.optional_text("scheme")),
            port=at.optional_integer("port"),
            hostname=hostname,
            hostname_suffix=hostname_suffix,
            headers=at.many("headers", _read_header),
            query_parameters=at.many("queryParameters", _read_query_parameter),
        )
    return RouteMatch(
        service_name=at.optional_text("serviceName"),
        method_name=at.optional_text("methodName"),
        port=at.optional_integer("port"),
        hostname=hostname,
        hostname_suffix=hostname_suffix,
        metadata=at.many("metadata", _read_header),
    )


def _read_hostname(at: Fields) -> tuple[str | None, str | None]:
    return at.optional_text("exact"), at.optional_text("suffix")


def _read_path(at: Fields) -> tuple[str | None, str | None]:
    return at.optional_text("exact"), at.optional_text("regex")


def _header(header: HeaderMatch) -> Spec:
    bounds = header.range and {"start": header.range[0], "end": header.range[1]}
    condition = given(exact=header.exact, prefix=header.prefix, suffix=header.suffix, regex=header.regex, range=bounds)
    return given(name=header.name, invert=header.invert or None, match=condition or None)


def _read_header(at: Fields) -> HeaderMatch:
    name, invert = at.text("name"), at.flag("invert", default=False)
    return at.optional("match", lambda match: _read_condition(match, name, invert)) or HeaderMatch(
        name=name, invert=invert
    )


def _read_condition(at: Fields, name: str, invert: bool) -> HeaderMatch:
    return HeaderMatch(
        name=name,
        invert=invert,
        exact=at.optional_text("exact"),
        prefix=at.optional_text("prefix"),
        suffix=at.optional_text("suffix"),
        regex=at.optional_text("regex"),
        range=at.optional("range", lambda bounds: (bounds.integer("start"), bounds.integer("end"))),
    )


def _query_parameter(parameter: QueryParameterMatch) -> Spec:
    return given(name=parameter.name, match=None if parameter.exact is None else {"exact": parameter.exact})


def _read_query_parameter(at: Fields) -> QueryParameterMatch:
    return QueryParameterMatch(
        name=at.text("name"), exact=at.optional("match", lambda match: match.optional_text("exact"))
    )
