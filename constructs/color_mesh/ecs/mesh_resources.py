"""Names of virtual nodes and virtual gateways, by which an Envoy gets its configuration from App Mesh."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from color_mesh.cloudformation import Attribute
from color_mesh.model import Mesh, VirtualGateway, VirtualNode

_ARN = re.compile(r"(?:arn:[^:]*:appmesh:[^:]*:[^:]*:)?mesh/([^/@]+)(?:@[0-9]+)?/(virtualNode|virtualGateway)/(.+)")
# Environment variables that name the resource, by precedence (aws/amazon-ecs-service-connect-agent, README).
IDENTITIES = ("APPMESH_RESOURCE_ARN", "APPMESH_RESOURCE_NAME", "APPMESH_VIRTUAL_NODE_NAME")
MESH_RESOURCE_TYPES = {
    "AWS::AppMesh::VirtualNode": "virtualNode",
    "AWS::AppMesh::VirtualGateway": "virtualGateway",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class MeshResource:
    """Virtual node or virtual gateway.

    Attributes:
        mesh: Name of the mesh.
        kind: ``virtualNode`` or ``virtualGateway``.
        name: Name of the node or gateway.
    """

    mesh: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"mesh/{self.mesh}/{self.kind}/{self.name}"

    def look_up(self, meshes: Iterable[Mesh]) -> tuple[Mesh, VirtualNode | VirtualGateway] | None:
        """Look up the node or gateway and its mesh; ``None`` if no mesh declares it."""
        for mesh in meshes:
            parts = mesh.nodes if self.kind == "virtualNode" else mesh.gateways
            for part in parts:
                if (mesh.name, part.name) == (self.mesh, self.name):
                    return mesh, part
        return None


def mesh_resource(attribute: Attribute) -> MeshResource:
    """Return the node or gateway that a reference is to."""
    resource = attribute.resource
    kind = MESH_RESOURCE_TYPES[resource.type]
    name = resource.property(f"{kind[0].upper()}{kind[1:]}Name") or resource.generated_name
    return MeshResource(mesh=str(resource.property("MeshName")), kind=kind, name=str(name))


def parse_mesh_resource(name: str) -> MeshResource | None:
    """Return the node or gateway that an ARN, or the last part of one, names; ``None`` for other text."""
    match = _ARN.fullmatch(name)
    return None if match is None else MeshResource(mesh=match[1], kind=match[2], name=match[3])
