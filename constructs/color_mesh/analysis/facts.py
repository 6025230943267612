"""All that rules look at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from color_mesh.ecs import Declarations
from color_mesh.ecs.containers import Container
from color_mesh.ecs.mesh_resources import MeshResource
from color_mesh.ecs.services import Service
from color_mesh.ecs.task_definitions import ProxyConfiguration, TaskDefinition
from color_mesh.model import GatewayRoute, Mesh, Route, VirtualGateway, VirtualNode, VirtualRouter

# Region and account of templates that do not name theirs.
REGION = "us-east-1"
ACCOUNT = "123456789012"
DEFAULT_TCP_IDLE_MILLIS = 3_600_000  # Envoy API, TcpProxy.idle_timeout


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """A mesh, and what templates declare beside it.

    Attributes:
        mesh: The mesh. Without one, a mesh without parts.
        declarations: Declarations of the templates. Default: none, as at the synthesis of an app.
        references: Resources that a resource refers to, each with the property that does: by the places of both.
        left_out: Messages about parts of the source that are not valid and are left out or changed.
        places: Place of each part of the mesh, by its subject: file and resource, or path of the construct.
        tcp_idle_millis: Default idle timeouts for tcp in milliseconds, of routes and of listeners. Default: one hour
            each, as with App Mesh.
        validates_acm: Callers without a client policy validate certificates of ACM. Default: they do, as with App Mesh.
    """

    mesh: Mesh
    declarations: Declarations = field(default_factory=Declarations)
    references: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
    tcp_idle_millis: tuple[int, int] = (DEFAULT_TCP_IDLE_MILLIS, DEFAULT_TCP_IDLE_MILLIS)
    validates_acm: bool = True

    def services_of(self, task_definition: str) -> list[tuple[str, Service]]:
        """Return the ECS services that run a task definition, each with its place."""
        services = self.declarations.services.items()
        return [(place, each) for place, each in services if each.task_definition == task_definition]

    def envoys(self) -> Iterator[tuple[str, TaskDefinition, int, MeshResource]]:
        """Yield the Envoys of this mesh: place of the task definition, this, index of the container, resource."""
        for place, definition in self.declarations.task_definitions.items():
            for index, container in enumerate(definition.containers):
                resource = container.mesh_resource
                if resource is not None and resource.mesh == self.mesh.name:
                    yield place, definition, index, resource

    def redirected_tasks(self) -> Iterator[tuple[str, TaskDefinition, ProxyConfiguration, VirtualNode]]:
        """Yield the task definitions of nodes whose traffic is redirected to Envoy."""
        for node in self.mesh.nodes:
            for place, definition, _ in self.tasks_of(node):
                if definition.proxy_configuration is not None:
                    yield place, definition, definition.proxy_configuration, node

    def tasks_of(self, part: VirtualNode | VirtualGateway) -> list[tuple[str, TaskDefinition, Container]]:
        """Return the task definitions of a node or gateway, each with its place and with the part's Envoy."""
        kind = "virtualNode" if isinstance(part, VirtualNode) else "virtualGateway"
        return [
            (place, definition, container)
            for place, definition in self.declarations.task_definitions.items()
            for container in definition.envoys
            if container.mesh_resource is not None
            and (container.mesh_resource.mesh, container.mesh_resource.kind, container.mesh_resource.name)
            == (self.mesh.name, kind, part.name)
        ]


def subject_of(part: VirtualNode | VirtualRouter | VirtualGateway) -> str:
    """Return the subject of a finding about a part of the mesh."""
    kinds = {VirtualNode: "virtual node", VirtualRouter: "virtual router", VirtualGateway: "virtual gateway"}
    return f"{kinds[type(part)]} {part.name!r}"


def subject_of_route(owner: VirtualRouter | VirtualGateway, route: Route | GatewayRoute) -> str:
    """Return the subject of a finding about a route of a router or gateway."""
    kind = "route" if isinstance(route, Route) else "gateway route"
    return f"{kind} {route.name!r} of {subject_of(owner)}"


def subject_of_service(name: str) -> str:
    """Return the subject of a finding about a virtual service."""
    return f"virtual service {name!r}"
