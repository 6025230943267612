"""Host that has routes of its own, and so none of those for all hosts.

Envoy selects the host first, and then the first route of that host that matches. A gateway route without a hostname
is for the hosts that no route names. For a host that any route names, requests that match none of its own routes are
answered with 404, even if a route without a hostname would match them. The same holds between a hostname and a
suffix.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of_route
from color_mesh.analysis.matches import covers, host_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import route_property
from color_mesh.model import GatewayRoute, RouteMatch


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the gateway routes that do not apply to a host because others name it."""
    for gateway in facts.mesh.gateways:
        hosts = dict.fromkeys(host_of(route.match) for route in gateway.routes)
        for route in gateway.routes:
            for host in hosts:
                own = [each for each in gateway.routes if host_of(each.match) == host and _same_listener(each, route)]
                if _includes(host_of(route.match), host) and own and not _covered(route.match, own):
                    name = host[0] or f"*{host[1]}"
                    yield Fault(
                        subject=subject_of_route(gateway, route),
                        property=route_property(route, "Match.Hostname"),
                        text=f"requests for {name!r} are answered with 404 instead of this route, because "
                        f"{own[0].name!r} names that host",
                        fix=f"repeat the route with the hostname {name!r}",
                    )


def _includes(general: tuple[str, str], host: tuple[str, str]) -> bool:
    """Return whether a host condition, which is not the same, includes all requests of another."""
    if general == host or host == ("", ""):
        return False
    if general == ("", ""):
        return True
    return not general[0] and (host[0].endswith(general[1]) if host[0] else host[1].endswith(general[1]))


def _same_listener(first: GatewayRoute, second: GatewayRoute) -> bool:
    ports = {first.match.port, second.match.port} - {None}
    return first.protocol == second.protocol and len(ports) < 2


def _covered(match: RouteMatch, routes: list[GatewayRoute]) -> bool:
    return any(covers(route.match, match, segments=True) for route in routes)


RULE = rule("warning", check, __doc__)
