"""Idle timeout that the other Envoy cuts short.

As with request timeouts, the Envoy of the caller has the idle timeout of the route, and the Envoy of the called node
that of its listener. Without a value, each is 5 minutes for a request. For a TCP connection it is 1 hour with App
Mesh, and with the data plane `envoy` 4 minutes for the route and 5 for the listener. The shorter one ends the request
or connection.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of, subject_of_route
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import deliveries, idle_millis, is_longer, route_property, seconds, timeout_property


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the idle timeouts of routes and listeners that are longer than those of the other side."""
    ways = list(deliveries(facts.mesh))
    by_route, by_listener = facts.tcp_idle_millis
    for way in ways:
        if way.router is None or way.route is None:
            continue
        route_millis = idle_millis(way.route.timeout, way.route.protocol, by_route)
        listener_millis = idle_millis(way.listener.timeout, way.listener.protocol, by_listener)
        declared = way.route.timeout is not None and way.route.timeout.idle_millis is not None
        if declared and is_longer(route_millis, listener_millis):
            yield Fault(
                subject=subject_of_route(way.router, way.route),
                property=route_property(way.route, "Timeout.Idle"),
                text=f"the idle timeout is {seconds(route_millis)}, but that of {subject_of(way.node)} is "
                f"{seconds(listener_millis)}",
                fix=f"set the idle timeout of listener {way.listener.port} too",
            )
    for way in ways:
        timeout = way.listener.timeout
        if timeout is None or timeout.idle_millis is None:
            continue
        same = [each for each in ways if (each.node, each.listener) == (way.node, way.listener)]
        by_callers = [
            idle_millis(each.route.timeout if each.route else None, way.listener.protocol, by_route) for each in same
        ]
        if all(is_longer(timeout.idle_millis, millis) for millis in by_callers):
            yield Fault(
                subject=subject_of(way.node),
                property=timeout_property(way.node, way.listener, "Idle"),
                text=f"the idle timeout is {seconds(timeout.idle_millis)}, but that of its callers is "
                f"{seconds(max(by_callers))}",
                fix="provide the service by a virtual router, and set the idle timeout of its route too",
            )


RULE = rule("warning", check, __doc__)
