"""Match conditions of routes: rendered and read."""

from typing import cast

from color_mesh.appmesh.fields import Fields
from color_mesh.appmesh.spec import Spec, compact
from color_mesh.model import HeaderMatch, Method, Protocol, QueryParameterMatch, RouteMatch, Scheme


def match_spec(match: RouteMatch, protocol: Protocol) -> Spec:
    """Render match conditions."""
    hostname = compact(exact=match.hostname, suffix=match.hostname_suffix) or None
    if protocol in ("http", "http2"):
        return compact(
            prefix=match.prefix,
            path=compact(exact=match.path, regex=match.path_regex) or None,
            method=match.method,
            scheme=match.scheme,
            port=match.port,
            hostname=hostname,
            headers=[_header(header) for header in match.headers],
            queryParameters=[_query_parameter(parameter) for parameter in match.query_parameters],
        )
    return compact(
        serviceName=match.service_name,
        methodName=match.method_name,
        port=match.port,
        hostname=hostname,
        metadata=[_header(header) for header in match.metadata],
    )


def read_match(fields: Fields, protocol: Protocol) -> RouteMatch:
    """Read match conditions. The model rejects those that the route does not support."""
    hostname, hostname_suffix = fields.optional("hostname", _read_hostname) or (None, None)
    if protocol in ("http", "http2"):
        path, path_regex = fields.optional("path", _read_path) or (None, None)
        return RouteMatch(
            prefix=fields.optional_text("prefix"),
            path=path,
            path_regex=path_regex,
            method=cast("Method | None", fields.optional_text("method")),
            scheme=cast("Scheme | None", fields.optional_text("scheme")),
            port=fields.optional_integer("port"),
            hostname=hostname,
            hostname_suffix=hostname_suffix,
            headers=fields.many("headers", _read_header),
            query_parameters=fields.many("queryParameters", _read_query_parameter),
        )
    return RouteMatch(
        service_name=fields.optional_text("serviceName"),
        method_name=fields.optional_text("methodName"),
        port=fields.optional_integer("port"),
        hostname=hostname,
        hostname_suffix=hostname_suffix,
        metadata=fields.many("metadata", _read_header),
    )


def _read_hostname(fields: Fields) -> tuple[str | None, str | None]:
    return fields.optional_text("exact"), fields.optional_text("suffix")


def _read_path(fields: Fields) -> tuple[str | None, str | None]:
    return fields.optional_text("exact"), fields.optional_text("regex")


def _header(header: HeaderMatch) -> Spec:
    bounds = header.range and {"start": header.range[0], "end": header.range[1]}
    condition = compact(
        exact=header.exact, prefix=header.prefix, suffix=header.suffix, regex=header.regex, range=bounds
    )
    return compact(name=header.name, invert=header.invert or None, match=condition or None)


def _read_header(fields: Fields) -> HeaderMatch:
    name, invert = fields.text("name"), fields.flag("invert", default=False)
    return fields.optional("match", lambda match: _read_condition(match, name, invert)) or HeaderMatch(
        name=name, invert=invert
    )


def _read_condition(fields: Fields, name: str, invert: bool) -> HeaderMatch:
    return HeaderMatch(
        name=name,
        invert=invert,
        exact=fields.optional_text("exact"),
        prefix=fields.optional_text("prefix"),
        suffix=fields.optional_text("suffix"),
        regex=fields.optional_text("regex"),
        range=fields.optional("range", lambda bounds: (bounds.integer("start"), bounds.integer("end"))),
    )


def _query_parameter(parameter: QueryParameterMatch) -> Spec:
    return compact(name=parameter.name, match=None if parameter.exact is None else {"exact": parameter.exact})


def _read_query_parameter(fields: Fields) -> QueryParameterMatch:
    return QueryParameterMatch(
        name=fields.text("name"), exact=fields.optional("match", lambda match: match.optional_text("exact"))
    )
