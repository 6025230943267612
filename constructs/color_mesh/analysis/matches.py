"""Requests that match routes: coverage of one match by another, and paths that no request has."""

import re

from color_mesh.model import HeaderMatch, RouteMatch

# Normalization removes these parts (Envoy API, HttpConnectionManager.normalize_path and merge_slashes).
_NORMALIZED = re.compile(r"//|/\.{1,2}(?=/)|\\")
_ENDS_WITH_DOTS = re.compile(r"/\.{1,2}$")
# A literal question mark that is not part of an optional group.
_QUERY_IN_REGEX = re.compile(r"(?<!\()(?<!\(\?:)\\\?|\[\?\]")


def host_of(match: RouteMatch) -> tuple[str, str]:
    """Return the host conditions of a gateway route, in lower case: its hostname, and its suffix."""
    return (match.hostname or "").lower(), (match.hostname_suffix or "").removeprefix("*").lower()


def covers(first: RouteMatch, second: RouteMatch, *, segments: bool) -> bool:
    """Return whether every request that matches ``second`` also matches ``first``, apart from the host.

    Args:
        first: Match conditions.
        second: Other match conditions, of the same protocol.
        segments: A prefix matches whole path segments only.
    """
    for field in ("port", "method", "scheme"):
        if getattr(first, field) not in (None, getattr(second, field)):
            return False
    return (
        {_header(each) for each in first.headers} <= {_header(each) for each in second.headers}
        and {_header(each) for each in first.metadata} <= {_header(each) for each in second.metadata}
        and all(
            any(one.name == two.name and one.exact in (None, two.exact) for two in second.query_parameters)
            for one in first.query_parameters
        )
        and _covers_service(first, second)
        and _covers_path(first, second, segments)
    )


def _header(header: HeaderMatch) -> tuple[object, ...]:
    return header.name.lower(), header.exact, header.prefix, header.suffix, header.regex, header.range, header.invert


def _covers_service(first: RouteMatch, second: RouteMatch) -> bool:
    if first.service_name is None:
        return True
    return first.service_name == second.service_name and first.method_name in (None, second.method_name)


def _covers_path(first: RouteMatch, second: RouteMatch, segments: bool) -> bool:
    if first.path is not None:
        return first.path == second.path
    if first.path_regex is not None:
        return first.path_regex in (".*", "/.*", second.path_regex)
    prefix = first.prefix or "/"
    if prefix == "/":
        return True
    path = second.prefix or second.path or ""
    return path.startswith(prefix) and (not segments or is_below(path, prefix))


def is_below(path: str, prefix: str) -> bool:
    """Return whether a path is a prefix or continues it after a path segment."""
    rest = path.removeprefix(prefix)
    return path.startswith(prefix) and (not rest or prefix.endswith("/") or rest.startswith("/"))


def unmatched_path(match: RouteMatch) -> str | None:
    """Return the reason why no path of a request matches; ``None`` if one may."""
    for field, path in (("prefix", match.prefix), ("path", match.path)):
        if path is None:
            continue
        if "?" in path or "#" in path:
            return f"{field} {path!r} has a query or fragment, which is no part of the path that routes match"
        if _NORMALIZED.search(path) or (field == "path" and _ENDS_WITH_DOTS.search(path)):
            return f"{field} {path!r} is not normalized: Envoy removes '//', '/./' and '/../' before it matches routes"
        if not (path.isascii() and path.isprintable()) or " " in path:
            return f"{field} {path!r} has characters that are percent-encoded in requests"
    if match.path_regex is not None and _QUERY_IN_REGEX.search(match.path_regex):
        return f"regular expression {match.path_regex!r} requires a query, which is no part of the path"
    return None
