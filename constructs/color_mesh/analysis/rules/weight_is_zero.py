"""Target that gets no request.

A target with the weight 0 stays in the configuration, and its tasks run, but no request of the route goes there. That
is what a deployment in steps begins with. If it stays, the tasks have no use.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of_route
from color_mesh.analysis.rule import Fault, rule
from color_mesh.analysis.traffic import route_property


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the targets with the weight 0."""
    for router in facts.mesh.routers:
        for route in router.routes:
            for index, target in enumerate(route.targets):
                if target.weight == 0:
                    yield Fault(
                        subject=subject_of_route(router, route),
                        property=route_property(route, f"Action.WeightedTargets[{index}].Weight"),
                        text=f"virtual node {target.virtual_node!r} gets no request of this route",
                        fix="give it a weight, or remove the target",
                    )


RULE = rule("note", check, __doc__)
