"""Request timeout that the other Envoy cuts short.

Two Envoys limit the time of a request: that of the caller by the timeout of the route, and that of the called node by
the timeout of its listener. The shorter one ends the request with 504. Without a value, each is 15 seconds, so a
longer timeout on one side alone has no effect. A service that a virtual node provides without a router has no route,
and its callers always use 15 seconds; `MeshNode(caller_timeout=...)` creates a router with a route for them.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of, subject_of_route
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import (
    Delivery,
    deliveries,
    is_longer,
    request_millis,
    route_property,
    seconds,
    timeout_property,
)


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the timeouts of routes and listeners that are longer than those of the other side."""
    ways = [each for each in deliveries(facts.mesh) if each.listener.protocol != "tcp"]
    for way in ways:
        if way.router is None or way.route is None or way.route.timeout is None:
            continue
        route_millis, listener_millis = request_millis(way.route.timeout), request_millis(way.listener.timeout)
        if way.route.timeout.per_request_millis is not None and is_longer(route_millis, listener_millis):
            yield Fault(
                subject=subject_of_route(way.router, way.route),
                property=route_property(way.route, "Timeout.PerRequest"),
                text=f"the request timeout is {seconds(route_millis)}, but the listener of {subject_of(way.node)} ends "
                f"requests after {seconds(listener_millis)}",
                fix=f"set the request timeout of listener {way.listener.port} too",
            )
    yield from _listeners(ways)


def _listeners(ways: list[Delivery]) -> Iterator[Fault]:
    """Yield the timeouts of listeners that no caller waits for."""
    for way in ways:
        timeout = way.listener.timeout
        if timeout is None or timeout.per_request_millis is None:
            continue
        same = [each for each in ways if (each.node, each.listener) == (way.node, way.listener)]
        by_callers = [request_millis(each.route.timeout if each.route else None) for each in same]
        listener_millis = timeout.per_request_millis
        if all(is_longer(listener_millis, millis) for millis in by_callers):
            longest = max(by_callers)
            fix = "set the request timeout of the route too"
            if all(each.router is None for each in same):
                fix = "provide the service by a virtual router, and set the request timeout of its route too"
            yield Fault(
                subject=subject_of(way.node),
                property=timeout_property(way.node, way.listener, "PerRequest"),
                text=f"the request timeout is {seconds(listener_millis)}, but callers end requests after "
                f"{seconds(longest)}",
                fix=fix,
            )


RULE = rule("warning", check, __doc__)
