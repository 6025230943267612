"""Request timeout that is longer than the idle timeout.

The idle timeout ends a request on which no byte moves in either direction, also while the caller waits for the
response. Without a value it is 5 minutes, Envoy's `stream_idle_timeout`. A request timeout above it therefore helps
only responses that send data all the time.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of, subject_of_route
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import idle_millis, route_property, seconds, timeout_property
from color_mesh.model import Protocol, Timeout


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the request timeouts of routes and listeners that their idle timeouts cut short."""
    for router in facts.mesh.routers:
        for route in router.routes:
            subject = subject_of_route(router, route)
            yield from _timeout(subject, route_property(route, "Timeout.PerRequest"), route.timeout, route.protocol)
    for node in facts.mesh.nodes:
        for listener in node.listeners:
            place = timeout_property(node, listener, "PerRequest")
            yield from _timeout(subject_of(node), place, listener.timeout, listener.protocol)


def _timeout(subject: str, place: str, timeout: Timeout | None, protocol: Protocol) -> Iterator[Fault]:
    idle = idle_millis(timeout, protocol)
    if timeout is not None and timeout.per_request_millis and 0 < idle < timeout.per_request_millis:
        yield Fault(
            subject=subject,
            property=place,
            text=f"the request timeout is {seconds(timeout.per_request_millis)}, but the idle timeout ends a request "
            f"without data after {seconds(idle)}",
            fix="set the idle timeout to the same value or more",
        )


RULE = rule("warning", check, __doc__)
