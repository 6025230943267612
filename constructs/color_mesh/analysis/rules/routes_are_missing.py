"""Virtual router or virtual gateway without routes.

A router distributes requests by its routes, and a gateway finds the service of a request by its gateway routes.
Without any, each request is answered with 404, and TCP connections are closed.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule
from color_mesh.model import VirtualGateway, VirtualRouter


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the routers and gateways without routes."""
    owners: tuple[VirtualRouter | VirtualGateway, ...] = (*facts.mesh.routers, *facts.mesh.gateways)
    for owner in owners:
        if not owner.routes:
            yield Fault(
                subject=subject_of(owner),
                property="",
                text="it has no route, so each request is answered with 404",
                fix="add a route",
            )


RULE = rule("warning", check, __doc__)
