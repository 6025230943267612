"""Request timeout that is longer than that of the caller's own listener.

A node that waits for a backend mostly does so while it answers a request of its own. Its listener ends that request
after its own request timeout, 15 seconds by default, and then the answer of the backend has no use. The App Mesh User
Guide (*Troubleshooting*) therefore asks for the timeout in three places: the route, the listener of the called node,
and the listener of the caller.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of, subject_of_route
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import calls, deliveries, is_longer, request_millis, seconds
from color_mesh.model import VirtualNode


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the callers whose listeners end requests before the route of a backend does."""
    for call in calls(facts.mesh):
        caller = call.caller
        if not isinstance(caller, VirtualNode):
            continue
        own = [request_millis(each.timeout) for each in caller.listeners if each.protocol != "tcp"]
        for way in deliveries(facts.mesh, call.service):
            if way.router is None or way.route is None or way.route.timeout is None or not own:
                continue
            millis = way.route.timeout.per_request_millis
            if millis is not None and way.route.protocol != "tcp" and all(is_longer(millis, each) for each in own):
                yield Fault(
                    subject=subject_of(caller),
                    property="Spec.Listeners[0].Timeout",
                    text=f"its listener ends requests after {seconds(max(own))}, but it may wait {seconds(millis)} for "
                    f"{subject_of_route(way.router, way.route)}",
                    fix="set the request timeout of the caller's listener too",
                )


RULE = rule("warning", check, __doc__)
