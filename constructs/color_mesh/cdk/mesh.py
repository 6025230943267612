"""The mesh that nodes, routers and gateways belong to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, cast

from aws_cdk import Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct, Node

from color_mesh.cdk.app_mesh import AppMeshDataPlane
from color_mesh.cdk.data_plane import DataPlane
from color_mesh.cdk.envoy import EnvoyDataPlane
from color_mesh.cdk.interception import (
    Interception,
    LoopbackInterception,
    TransparentInterception,
)
from color_mesh.cdk.naming import default_name
from color_mesh.cdk.zones import ServiceZones, check_domains
from color_mesh.model import (
    ClientTls,
    CloudMapService,
    EgressFilter,
    Mesh,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    VirtualServiceBackend,
)
from color_mesh.model.checks import check_choice
from color_mesh.model.deployment import DATA_PLANES, ENVOY_IMAGES, INTERCEPTIONS, DataPlaneName, InterceptionName
from color_mesh.model.errors import problem, refusing

# Below a namespace: that a mesh has it.
_ONE_MESH = "ServicesAtLoopbackAddresses"
_INTERCEPTIONS: Mapping[DataPlaneName, InterceptionName] = {"app-mesh": "transparent", "envoy": "loopback"}


class Caller(Protocol):
    """What sends requests to backends: a node or a gateway."""

    @property
    def node(self) -> Node:
        """Its place in the construct tree."""

    @property
    def security_group(self) -> ec2.ISecurityGroup | None:
        """What guards its tasks; ``None`` when it has none."""


class Backend(Protocol):
    """What a node may call and a gateway may route to: a node, a router, a service, or one that exists elsewhere."""

    @property
    def name(self) -> str:
        """What it is called in the mesh."""

    @property
    def mesh(self) -> "ServiceMesh":
        """The mesh it belongs to."""

    @property
    def virtual_service_name(self) -> str | None:
        """The name that callers use; ``None`` when nothing may call it by name."""

    def admit(self, caller: Caller) -> None:
        """Open the network path from ``caller``."""


class ServiceMesh(Construct):
    """Define a service mesh in a VPC, found through a Cloud Map namespace.

    Nodes, routers and gateways may be in its stack or in others, which depend on it. A route is in the stack of its
    router or gateway, and needs its targets to be in that stack or one before it.

    Attributes:
        model: The mesh as far as it has been declared, a plain value. Each construct adds its part when it is made.
        vpc: Where its tasks run.
        namespace: Where its tasks are found.
        namespace_name: What the names of its Cloud Map services end with.
        domain: What the names of its virtual services end with, but for those in other domains.
        security_group: What all its tasks are members of, or ``None`` when each node has its own.
        data_plane: What declares its resources and equips its tasks.
        interception: How the traffic of a task reaches its Envoy.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc: ec2.IVpc,
        namespace: servicediscovery.IPrivateDnsNamespace,
        mesh_name: str | None = None,
        egress_filter: EgressFilter = "DROP_ALL",
        security_group: ec2.ISecurityGroup | None = None,
        envoy_image: ecs.ContainerImage | None = None,
        data_plane: DataPlaneName = "app-mesh",
        interception: InterceptionName | None = None,
        other_domains: Sequence[str] = (),
    ) -> None:
        """Define a mesh with nothing in it.

        Args:
            scope: The construct to put it in.
            id: Its id there.
            vpc: The VPC that its tasks run in.
            namespace: A private DNS namespace of that VPC, whose name is a literal. Each node gets a name in it. With
                ``loopback`` its name is ``tasks.`` and the domain of the virtual services, for which a private hosted
                zone of Route 53 is made.
            mesh_name: Without it, a name made of the construct's path.
            egress_filter: ``DROP_ALL`` (the default) lets a node reach its backends only, ``ALLOW_ALL`` anything. With
                ``loopback`` that is the security groups' to do, which let out port 443 besides: images are pulled and
                logs are written from the task's network.
            security_group: One group for every task, which must let its members reach each other; with ``transparent``
                only. Without it each node has a group of its own, which lets in its callers and nobody else: with
                ``loopback`` on port 15100 and, for a node's further listeners, those after it.
            envoy_image: Without it, App Mesh's Envoy v1.27.0.0 from the Amazon ECR public gallery, or upstream's
                v1.40.0 from Docker Hub. ``envoy`` needs an image of upstream Envoy that has bash.
            data_plane: What carries the mesh. ``app-mesh`` (the default): App Mesh, which AWS has ended. ``envoy``:
                Envoys that have their configuration in the task definitions.
            interception: How traffic reaches the Envoy of a task. ``loopback``: each service's name stands for a
                loopback address at which the caller's own Envoy listens. ``transparent``: ECS redirects it, by
                ``proxyConfiguration``. Without it, ``loopback`` with ``envoy``, and what ``app-mesh`` always has,
                ``transparent``.
            other_domains: With ``loopback``: domains beside that of the namespace in which services may have names,
                such as ``pay.example``. Each such service gets a private hosted zone of its own name. Without any, all
                services are in the domain of the namespace.

        Raises:
            MeshError: With every problem; nothing has been created then.
        """
        name = default_name(scope, id) if mesh_name is None else mesh_name
        namespace_name = namespace.namespace_name
        if interception is None and data_plane in DATA_PLANES:
            interception = _INTERCEPTIONS[data_plane]
        problems = list(_check_plane(f"mesh {name!r}", data_plane, interception, other_domains))
        if Token.is_unresolved(namespace_name):
            wrong = "namespace has no name before deployment"
            problems.append(problem(f"mesh {name!r}", wrong, "a token", "make or import it with a literal name"))
        elif interception == "loopback":
            problems += check_domains(f"mesh {name!r}", namespace_name, other_domains)
            problems += _check_alone(f"mesh {name!r}", namespace, security_group)
        with refusing(problems):
            self.model = Mesh(name=name, egress_filter=egress_filter)
        super().__init__(scope, id)
        self.vpc = vpc
        self.namespace = namespace
        self.namespace_name = namespace_name
        self.security_group = security_group
        image = envoy_image or ecs.ContainerImage.from_registry(ENVOY_IMAGES[data_plane])
        self.interception: Interception
        if interception == "loopback":
            Construct(cast(Construct, namespace), _ONE_MESH)
            self.interception = LoopbackInterception(ServiceZones(self, namespace_name, vpc, other_domains))
        else:
            self.interception = TransparentInterception(namespace_name)
        self.domain = self.interception.domain
        self.data_plane: DataPlane
        if data_plane == "envoy":
            self.data_plane = EnvoyDataPlane(lambda: self.model, image, self.interception)
        else:
            self.data_plane = AppMeshDataPlane(self, self.model, image)

    def own_security_group(self, id: str, description: str) -> ec2.ISecurityGroup:
        """Find the mesh's one group, or make one for a part of the mesh.

        It is made in the mesh, not in the part: every stack with a part depends on the mesh's, so rules between groups
        that are all there never make two stacks depend on each other. What Envoy does not see and the mesh does not let
        out, it keeps.
        """
        if self.security_group is not None:
            return self.security_group
        open = self.interception.sees_everything or self.model.egress_filter == "ALLOW_ALL"
        group = ec2.SecurityGroup(self, id, vpc=self.vpc, description=description, allow_all_outbound=open)
        if not open:
            group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "image registries, and AWS")
        return group

    def external_service(self, virtual_service_name: str) -> Backend:
        """Name a virtual service of this mesh that is declared somewhere else, to be used as a backend.

        The network path to it is its owner's to open.

        Raises:
            MeshError: When the name cannot be, or is already that of a service of this mesh.
        """
        self.model = replace(self.model, external_services=(*self.model.external_services, virtual_service_name))
        self.data_plane.update_mesh(self.model)
        return _ExternalService(name=virtual_service_name, mesh=self)

    def add(
        self,
        *,
        cloud_map_services: Sequence[CloudMapService] = (),
        nodes: Sequence[VirtualNode] = (),
        services: Sequence[VirtualService] = (),
        routers: Sequence[VirtualRouter] = (),
        gateways: Sequence[VirtualGateway] = (),
        problems: Sequence[str] = (),
    ) -> None:
        """Add parts to the model; with a problem, of ``problems`` or new, leave it as it is and raise a `MeshError`."""
        model = self.model
        names = self.interception.check_names(model, cloud_map_services, nodes, services)
        with refusing((*problems, *names)):
            model = replace(
                model,
                cloud_map_services=(*model.cloud_map_services, *cloud_map_services),
                nodes=(*model.nodes, *nodes),
                services=(*model.services, *services),
                routers=(*model.routers, *routers),
                gateways=(*model.gateways, *gateways),
            )
        self.model = model

    def update(self, part: VirtualNode | VirtualRouter | VirtualGateway, problems: Sequence[str] = ()) -> None:
        """Put ``part`` in the place of the part of its kind and name; with a problem, raise as `add` does."""
        model = self.model
        with refusing(problems):
            match part:
                case VirtualNode():
                    model = replace(model, nodes=tuple(part if n.name == part.name else n for n in model.nodes))
                case VirtualRouter():
                    model = replace(model, routers=tuple(part if r.name == part.name else r for r in model.routers))
                case VirtualGateway():
                    model = replace(model, gateways=tuple(part if g.name == part.name else g for g in model.gateways))
        self.model = model

    def virtual_backends(
        self, backends: Sequence[Backend], client_tls: ClientTls | None = None
    ) -> tuple[VirtualServiceBackend, ...]:
        """Find the virtual services that stand for ``backends``, without those that `backend_problems` finds.

        With ``client_tls`` that is how a node speaks TLS to these, instead of its own.
        """
        return tuple(
            VirtualServiceBackend(virtual_service=backend.virtual_service_name, client_tls=client_tls)
            for backend in backends
            if not isinstance(backend, str) and backend.virtual_service_name is not None and backend.mesh is self
        )

    def backend_problems(self, subject: str, backends: Sequence[Backend]) -> Iterator[str]:
        """Find backends that cannot be named, and backends of another mesh; ``subject`` begins the messages."""
        for backend in backends:
            if isinstance(backend, str):
                fix = f"name a service that is declared elsewhere with external_service({backend!r})"
                yield problem(subject, "backend is text", backend, fix)
            elif backend.virtual_service_name is None:
                fix = "give it one with virtual_service=True, or put it behind a ColorRouter"
                yield problem(subject, "backend has no virtual service", backend.name, fix)
            elif backend.mesh is not self:
                fix = f"it is in mesh {backend.mesh.model.name!r}, this is {self.model.name!r}"
                yield problem(subject, "backend belongs to another mesh", backend.name, fix)


def _check_alone(
    subject: str, namespace: servicediscovery.IPrivateDnsNamespace, security_group: ec2.ISecurityGroup | None
) -> Iterator[str]:
    """Find what a mesh cannot share with others when its services stand for loopback addresses."""
    if namespace.node.try_find_child(_ONE_MESH) is not None:
        # Route 53 API Reference, ConflictingDomainExists: a VPC has one zone of a name.
        fix = "give each mesh a namespace, and so a domain, of its own"
        yield problem(subject, "another mesh has its namespace", namespace.namespace_name, fix)
    if security_group is not None:
        # Only a task's own Envoy knows its backends, and nothing makes traffic go through that.
        fix = "leave it out: each node gets a group of its own, or say interception='transparent'"
        got = security_group.node.path
        yield problem(subject, "one security group lets nodes reach what is no backend of theirs", got, fix)


def _check_plane(
    subject: str, data_plane: str, interception: str | None, other_domains: Sequence[str]
) -> Iterator[str]:
    yield from check_choice(subject, "data plane", data_plane, DATA_PLANES)
    if interception is not None:
        yield from check_choice(subject, "interception", interception, INTERCEPTIONS)
    if data_plane == "app-mesh" and interception == "loopback":
        yield problem(subject, "App Mesh knows one interception", interception, "transparent, or data_plane='envoy'")
    if other_domains and interception == "transparent":
        fix = "leave other_domains out: with transparent interception Cloud Map and hostnames answer for services"
        yield problem(subject, "has other domains without loopback", other_domains, fix)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _ExternalService:
    name: str
    mesh: ServiceMesh

    @property
    def virtual_service_name(self) -> str:
        return self.name

    def admit(self, caller: Caller) -> None:
        """Do nothing: the tasks behind it, and what guards them, are not known here."""
