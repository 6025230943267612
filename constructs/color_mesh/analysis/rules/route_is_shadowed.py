"""Route that never gets a request, because another one takes them all.

Envoy uses the first route that matches. Routes are in the order of their priority, then of the length of their paths,
longest first (AWS App Mesh User Guide, *Routes*). A route with a priority comes before all routes without one. If
every request that a route matches also matches one before it, it never gets a request.
"""

from collections.abc import Iterator, Sequence

from color_mesh.analysis.facts import Facts, subject_of_route
from color_mesh.analysis.matches import covers, host_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import route_property
from color_mesh.envoy.routes import in_order
from color_mesh.model import GatewayRoute, Route, VirtualGateway, VirtualRouter


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the routes and gateway routes that others cover."""
    for router in facts.mesh.routers:
        yield from _shadowed(router, in_order(router.routes))
    for gateway in facts.mesh.gateways:
        yield from _shadowed(gateway, in_order(gateway.routes))


def _shadowed(owner: VirtualRouter | VirtualGateway, routes: Sequence[Route | GatewayRoute]) -> Iterator[Fault]:
    segments = isinstance(owner, VirtualGateway)
    for index, route in enumerate(routes):
        for first in routes[:index]:
            same_host = host_of(first.match) == host_of(route.match)
            if first.protocol == route.protocol and same_host and covers(first.match, route.match, segments=segments):
                yield Fault(
                    subject=subject_of_route(owner, route),
                    property=route_property(route, "Match"),
                    text=f"it never gets a request: {first.name!r} comes before it and matches all its requests",
                    fix=f"give it a priority before that of {first.name!r}, or remove it",
                )
                break


RULE = rule("warning", check, __doc__)
