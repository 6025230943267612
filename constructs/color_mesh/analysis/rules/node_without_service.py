"""Virtual node that no service leads to.

Callers reach a virtual node by a virtual service, which the node provides itself or as the target of a route. A node
with a listener that is neither gets no request through the mesh.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts, subject_of
from color_mesh.analysis.rule import Fault, rule


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the nodes with a listener that are no provider and no target."""
    mesh = facts.mesh
    reached = {service.virtual_node for service in mesh.services}
    reached |= {target.virtual_node for each in mesh.routers for route in each.routes for target in route.targets}
    for node in mesh.nodes:
        if node.listeners and node.name not in reached:
            yield Fault(
                subject=subject_of(node),
                property="Spec.Listeners",
                text="no virtual service is provided by this node, and no route has it as a target",
                fix="declare a virtual service for it, or make it the target of a route",
            )


RULE = rule("note", check, __doc__)
