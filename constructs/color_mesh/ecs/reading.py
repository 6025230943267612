"""Reading resources of templates as they are to run: every problem at once, and what is not emulated, once each."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from color_mesh.appmesh.fields import Fields, api_spelling
from color_mesh.cloudformation import Attribute, Resource
from color_mesh.model import MeshError
from color_mesh.model.errors import problem

T = TypeVar("T")

_ARN = re.compile(r"(?:arn:[^:]*:appmesh:[^:]*:[^:]*:)?mesh/([^/@]+)(?:@[0-9]+)?/(virtualNode|virtualGateway)/(.+)")
# What Envoy's agent calls itself by, the first that is there (aws/amazon-ecs-service-connect-agent, README).
IDENTITIES = ("APPMESH_RESOURCE_ARN", "APPMESH_RESOURCE_NAME", "APPMESH_VIRTUAL_NODE_NAME")
MESH_RESOURCES = {"AWS::AppMesh::VirtualNode": "virtualNode", "AWS::AppMesh::VirtualGateway": "virtualGateway"}


@dataclass(frozen=True, kw_only=True, slots=True)
class MeshResource:
    """Define whose configuration an Envoy asks for.

    Attributes:
        mesh: The mesh.
        kind: ``virtualNode`` or ``virtualGateway``.
        name: The node or gateway.
    """

    mesh: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"mesh/{self.mesh}/{self.kind}/{self.name}"


class Reader:
    """Collect what goes wrong, and what is passed over, while resources are read.

    Attributes:
        problems: What cannot be.
        passed_over: Properties that nothing here depends on, by the resource type and the property's path.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.passed_over: dict[tuple[str, str], None] = {}

    def read(self, resource: Resource, read: Callable[[Fields], T]) -> T | None:
        """Read a resource; nothing when its properties cannot be worked out."""
        try:
            properties = resource.properties()
        except MeshError as error:
            self.problems += error.problems
            return None
        unread: list[str] = []
        fields = Fields(properties, resource.place, api_spelling, self.problems, unread)
        found = read(fields)
        fields.close()
        for path in unread:
            inner = re.sub(r"\[[0-9]+\]", "", path.removeprefix(f"{resource.place}."))
            self.passed_over[resource.type, inner] = None
        return found

    def nested(self, value: object, place: str, read: Callable[[Fields], T]) -> T:
        """Read an object that stands apart from any resource."""
        fields = Fields(value, place, api_spelling, self.problems)
        found = read(fields)
        fields.close()
        return found


def key(value: Any) -> str | None:
    """Find what tells a resource from others: its place, or the id of one that no template declares."""
    return value.resource.place if isinstance(value, Attribute) else value if isinstance(value, str) else None


def keys(values: Any) -> tuple[str, ...]:
    """Find what tells the resources of a list from others."""
    found = [key(value) for value in values] if isinstance(values, list) else []
    return tuple(each for each in found if each is not None)


def mesh_resource(attribute: Attribute) -> MeshResource:
    """Find the node or gateway that a reference is to."""
    resource = attribute.resource
    kind = MESH_RESOURCES[resource.type]
    name = resource.property(f"{kind[0].upper()}{kind[1:]}Name") or resource.generated_name
    return MeshResource(mesh=str(resource.property("MeshName")), kind=kind, name=str(name))


def mesh_resource_of(name: str) -> MeshResource | None:
    """Find the node or gateway that an Amazon Resource Name, or the end of one, names."""
    found = _ARN.fullmatch(name)
    return None if found is None else MeshResource(mesh=found[1], kind=found[2], name=found[3])


def identity(environment: Mapping[str, Any], place: str, problems: list[str]) -> MeshResource | None:
    """Find the node or gateway whose configuration a container asks App Mesh for, by its variables."""
    name = next((name for name in IDENTITIES if name in environment), None)
    if name is None:
        return None
    value = environment[name]
    if isinstance(value, Attribute) and value.resource.type in MESH_RESOURCES:
        return mesh_resource(value)
    found = mesh_resource_of(str(value))
    if found is None:
        fix = "such as arn:aws:appmesh:REGION:ACCOUNT:mesh/color-mesh/virtualNode/red"
        problems.append(problem(f"{place}: {name}", "names no virtual node or virtual gateway", value, fix))
    return found
