"""Path condition that no request meets.

Routes match the path of a request without its query, after Envoy has normalized it: `//` becomes `/`, and the
segments `.` and `..` are removed. Clients percent-encode spaces and characters beyond ASCII. A condition with any of
these matches nothing. Conditions on the query are `QueryParameters`.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of_route
from color_mesh.analysis.matches import unmatched_path
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import route_property
from color_mesh.model import GatewayRoute, Route, VirtualGateway, VirtualRouter


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the routes and gateway routes with such a condition."""
    for router in facts.mesh.routers:
        for route in router.routes:
            yield from _unmatched(router, route)
    for gateway in facts.mesh.gateways:
        for gateway_route in gateway.routes:
            yield from _unmatched(gateway, gateway_route)


def _unmatched(owner: VirtualRouter | VirtualGateway, route: Route | GatewayRoute) -> Iterator[Fault]:
    reason = unmatched_path(route.match)
    if reason is not None:
        yield Fault(
            subject=subject_of_route(owner, route),
            property=route_property(route, "Match"),
            text=f"no request matches: {reason}",
            fix="write the path as requests have it, and match on query parameters beside it",
        )


RULE = rule("error", check, __doc__)
