"""Virtual router whose routes nobody uses.

The routes of a virtual router are in the Envoys of the callers: of the nodes that have a virtual service of the
router as a backend, and of the gateways with a route to it. Without a caller, the routes are nowhere, and requests
that reach the nodes directly are not distributed by their weights.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import calls


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the routers with routes and without callers."""
    called = {call.service for call in calls(facts.mesh)}
    used = {service.virtual_router for service in facts.mesh.services if service.name in called}
    for router in facts.mesh.routers:
        if router.routes and router.name not in used:
            yield Fault(
                subject=subject_of(router),
                property="",
                text="no virtual node has a service of this router as a backend, and no gateway route leads to one",
                fix="name the service in the backends of its callers",
            )


RULE = rule("note", check, __doc__)
