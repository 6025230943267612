"""Overlap of routes: requests that match two routes with equal precedence."""

from collections.abc import Iterator

from color_mesh.model.errors import problem
from color_mesh.model.match import HEADER_CONDITIONS, HeaderMatch, RouteMatch, match_text
from color_mesh.model.route import AnyRoute


def check_overlap(subject: str, first: AnyRoute, second: AnyRoute) -> Iterator[str]:
    """Validate that no request matches two routes with equal precedence, whose order is not defined."""
    if first.protocol != second.protocol or not overlap(first.match, second.match):
        return
    if first.protocol == "tcp":
        fix = f"also in {first.name!r}: the first one takes every connection"
        yield problem(subject, f"duplicate match in route {second.name!r}", match_text(second.match), fix)
    elif first.priority == second.priority:
        fix = f"also in {first.name!r}: change one of them, or give them priorities"
        yield problem(subject, f"duplicate match in route {second.name!r}", match_text(second.match), fix)


def overlap(first: RouteMatch, second: RouteMatch) -> bool:
    """Return whether a request may match both of two routes that have equal precedence."""
    same = ("prefix", "path", "path_regex", "service_name", "method_name")
    if any(getattr(first, field) != getattr(second, field) for field in same) or _host(first) != _host(second):
        return False
    for field in ("method", "scheme", "port"):
        values = {getattr(first, field), getattr(second, field)} - {None}
        if len(values) == 2:
            return False
    headers = ((*first.headers, *first.metadata), (*second.headers, *second.metadata))
    if any(_exclude(a, b) for a in headers[0] for b in headers[1]):
        return False
    values_of_first = {parameter.name: parameter.exact for parameter in first.query_parameters}
    return not any(
        None not in (parameter.exact, values_of_first.get(parameter.name))
        and values_of_first[parameter.name] != parameter.exact
        for parameter in second.query_parameters
    )


def _host(match: RouteMatch) -> tuple[str, str]:
    """Return the host conditions in lower case, since DNS names are case-insensitive."""
    return (match.hostname or "").lower(), (match.hostname_suffix or "").removeprefix("*").lower()


def _exclude(first: HeaderMatch, second: HeaderMatch) -> bool:
    if first.name.lower() != second.name.lower():
        return False
    if first.is_presence or second.is_presence:
        # They exclude each other if one condition requires the header and the other requires its absence.
        requires_absence = [header.is_presence and header.invert for header in (first, second)]
        return requires_absence[0] != requires_absence[1]
    conditions = [tuple(getattr(header, field) for field in HEADER_CONDITIONS) for header in (first, second)]
    if conditions[0] == conditions[1]:
        return first.invert != second.invert
    return not first.invert and not second.invert and (_are_disjoint(first, second) or _are_disjoint(second, first))


def _are_disjoint(first: HeaderMatch, second: HeaderMatch) -> bool:
    """Return whether no value meets both of two different conditions; regular expressions are not analyzed."""
    match first:
        case HeaderMatch(exact=str(value)):
            prefix, suffix = second.prefix or "", second.suffix or ""
            return second.exact is not None or not (value.startswith(prefix) and value.endswith(suffix))
        case HeaderMatch(prefix=str(prefix)):
            return second.prefix is not None and not prefix.startswith(second.prefix[: len(prefix)])
        case HeaderMatch(suffix=str(suffix)):
            return second.suffix is not None and not suffix.endswith(second.suffix[-len(suffix) :])
        case HeaderMatch(range=(_, int(end_of_range))):
            return second.range is not None and end_of_range <= second.range[0]
    return False
