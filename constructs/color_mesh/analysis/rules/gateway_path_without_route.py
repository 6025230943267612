"""Gateway route whose requests match no route of its service.

A gateway replaces the matched prefix of the path, by `/` unless `Rewrite` says otherwise: with the prefix `/shop`, a
request for `/shop/books` reaches the service as `/books`. The routes of the service's virtual router match that path.
If they still expect `/shop`, every request is answered with 404.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of_route
from color_mesh.analysis.matches import is_below
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import route_property
from color_mesh.model import GatewayRoute, RouteMatch, VirtualRouter


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the gateway routes that change the path into one that no route matches."""
    services = {service.name: service for service in facts.mesh.services}
    for gateway in facts.mesh.gateways:
        for route in gateway.routes:
            service = services.get(route.virtual_service)
            router = facts.mesh.provider(service) if service else None
            if not isinstance(router, VirtualRouter) or route.protocol == "grpc":
                continue
            matches = [each.match for each in router.routes if each.protocol in ("http", "http2")]
            path = _path(route)
            if matches and path is not None and not any(_may_match(each, path, route.match) for each in matches):
                yield Fault(
                    subject=subject_of_route(gateway, route),
                    property=route_property(route, "Action.Rewrite"),
                    text=f"its requests reach {route.virtual_service!r} with paths below {path!r}, which no route of "
                    f"virtual router {router.name!r} matches",
                    fix="disable the default prefix rewrite, or match the rewritten path",
                )


def _path(route: GatewayRoute) -> str | None:
    """Return the path of a gateway's requests after the rewrite, or its beginning; ``None`` if it is unknown."""
    match, rewrite = route.match, route.rewrite
    if match.path is not None or match.path_regex is not None:
        return rewrite.path or match.path
    prefix = match.prefix or "/"
    return prefix if rewrite.keep_prefix else rewrite.prefix or "/"


def _may_match(match: RouteMatch, path: str, original: RouteMatch) -> bool:
    """Return whether a route may match a path, or for a prefix, one below it."""
    if match.path_regex is not None:
        return True
    wanted = match.path or match.prefix or "/"
    if original.path is not None or original.path_regex is not None:
        return path == match.path if match.path is not None else path.startswith(wanted)
    if match.path is None and path.startswith(wanted):
        return True
    # A route below the prefix that the gateway has removed is meant for the path before the rewrite.
    removed = original.prefix or "/"
    expects_removed = removed != "/" and path != removed and is_below(wanted, removed.rstrip("/") or "/")
    return wanted.startswith(path) and not expects_removed


RULE = rule("error", check, __doc__)
