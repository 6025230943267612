"""Envoy of a node or gateway that the mesh does not have.

`APPMESH_RESOURCE_ARN` names the virtual node or virtual gateway whose configuration an Envoy gets. If the mesh has
none of that name, App Mesh closes the stream again and again, and the containers that depend on Envoy do not start.
"""

from collections.abc import Iterator

from color_mesh.analysis.facts import Facts
from color_mesh.analysis.rule import Fault, rule
from color_mesh.model.errors import listed


def check(facts: Facts) -> Iterator[Fault]:
    """Yield the Envoys of this mesh whose node or gateway it does not have."""
    for place, _, index, resource in facts.envoys():
        parts = facts.mesh.nodes if resource.kind == "virtualNode" else facts.mesh.gateways
        if resource.name not in [part.name for part in parts]:
            kind = "virtual node" if resource.kind == "virtualNode" else "virtual gateway"
            yield Fault(
                subject=place,
                property=f"ContainerDefinitions[{index}].Environment",
                text=f"its Envoy is that of {kind} {resource.name!r}, which mesh {resource.mesh!r} does not have",
                fix=f"known: {listed([part.name for part in parts])}",
            )


RULE = rule("error", check, __doc__)
