"""Node whose tasks another app deploys."""

from collections.abc import Iterator, Sequence

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from color_mesh.cdk.mesh import ServiceMesh
from color_mesh.model import (
    CloudMapDiscovery,
    CloudMapService,
    Listener,
    VirtualNode,
    VirtualService,
)
from color_mesh.model.errors import problem
from color_mesh.model.index import MeshParts
from color_mesh.model.mesh_tls import certificate_name


class TargetNode(Construct):
    """Node of a mesh, as a target of a router: a `MeshNode` or an `ImportedNode`.

    Both have this base, so that a type checker finds it for a dictionary with nodes of both kinds.

    Attributes:
        mesh: Mesh of the node.
        name: Name of the node in the mesh.
        port: Port of the first listener. ``None``: the node has no listener.
    """

    mesh: ServiceMesh
    name: str
    port: int | None


class ImportedNode(TargetNode):
    """Node of a mesh whose tasks another app deploys, which `MeshNode.from_attributes` creates.

    It may be a backend, a target of a router and the provider of a `MeshService`.

    Attributes:
        mesh: Mesh of the node.
        name: Name of the node in the mesh.
        port: Port of the first listener.
        virtual_service_name: Name that callers use.
        certificate_name: DNS name in the node's certificate, if the mesh has TLS.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        mesh: ServiceMesh,
        name: str,
        listeners: Sequence[Listener],
        security_group: ec2.ISecurityGroup | None,
        virtual_service_name: str | None,
        cloud_map_name: str | None,
    ) -> None:
        """Declare a node without tasks in this app; see `MeshNode.from_attributes`."""
        subject = f"virtual node {name!r}"
        cloud_map = CloudMapService(
            name=name if cloud_map_name is None else cloud_map_name, namespace=mesh.namespace_name
        )
        service_name = virtual_service_name or f"{cloud_map.name}.{mesh.domain}"
        node = mesh.certificates.node_elsewhere(
            VirtualNode(
                name=name,
                listeners=tuple(listeners),
                discovery=CloudMapDiscovery(namespace=cloud_map.namespace, service=cloud_map.name),
            )
        )
        parts = MeshParts(
            cloud_map_services=(cloud_map,),
            nodes=(node,),
            services=(VirtualService(name=service_name, virtual_node=name),),
        )
        mesh.add(self, parts, [*_check_import(subject, mesh, listeners, security_group)])
        super().__init__(scope, id)
        self.mesh: ServiceMesh = mesh
        self.name: str = name
        self.port: int = node.listeners[0].port
        self.virtual_service_name: str = service_name
        self.certificate_name: str = certificate_name(node, mesh.namespace_name)
        mesh.network.add_node_elsewhere(name, security_group)


def _check_import(
    subject: str, mesh: ServiceMesh, listeners: Sequence[Listener], security_group: ec2.ISecurityGroup | None
) -> Iterator[str]:
    if mesh.data_plane.follows_tutorial:
        fix = "external_service with the name of its virtual service: App Mesh knows where its tasks are"
        yield problem(subject, "App Mesh does not need an imported node", mesh.name, fix)
    if not listeners:
        yield problem(subject, "imported node has no listener", (), "a port: nothing else can be called")
    if security_group is None and mesh.network.isolation == "node":
        fix = "SecurityGroup.from_security_group_id: its rules for callers of this app are created here"
        yield problem(subject, "imported node has no security group", None, fix)
    if security_group is not None and mesh.network.isolation == "mesh":
        fix = "leave it out: all tasks of the mesh admit each other"
        yield problem(subject, "mesh has one security group for all tasks", security_group.node.path, fix)
