"""What a data plane does for the constructs: it declares the mesh, and equips tasks with Envoy."""

from collections.abc import Mapping
from typing import Protocol, TypeAlias

from aws_cdk import CfnResource
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from constructs import Construct

from color_mesh.cdk.interception import Application
from color_mesh.model import (
    FargateContainer,
    GatewayRoute,
    Mesh,
    Route,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
)

MeshResources: TypeAlias = Mapping[str, CfnResource]
"""The resources that a data plane declared for a part of the mesh, by construct id."""


class DataPlane(Protocol):
    """Declare the parts of a mesh and equip its tasks. Nothing outside an implementation asks which plane it is."""

    @property
    def dns_ttl_seconds(self) -> int:
        """How long resolvers keep a node's addresses, unless it says."""

    def update_mesh(self, mesh: Mesh) -> None:
        """Bring what is declared of the mesh itself up to date."""

    def declare_node(self, scope: Construct, node: VirtualNode) -> MeshResources:
        """Declare a virtual node in ``scope``."""

    def update_node(self, node: VirtualNode) -> None:
        """Bring a declared virtual node up to date."""

    def declare_router(self, scope: Construct, router: VirtualRouter) -> MeshResources:
        """Declare a virtual router in ``scope``."""

    def declare_service(self, scope: Construct, service: VirtualService) -> MeshResources:
        """Declare a virtual service in ``scope``, after the declared node or router that provides it, if any."""

    def declare_route(self, scope: Construct, id: str, router: VirtualRouter, route: Route) -> MeshResources:
        """Declare a route of a declared virtual router in ``scope``."""

    def declare_gateway(self, scope: Construct, gateway: VirtualGateway) -> MeshResources:
        """Declare a virtual gateway in ``scope``."""

    def declare_gateway_route(
        self, scope: Construct, id: str, gateway: VirtualGateway, route: GatewayRoute
    ) -> MeshResources:
        """Declare a route of a declared virtual gateway in ``scope``."""

    def node_envoy(self, *, cpu: int, memory_mib: int, stop_timeout_seconds: int | None) -> FargateContainer:
        """Describe the container that runs Envoy beside a node's application."""

    def gateway_envoy(self, *, cpu: int, memory_mib: int, stop_timeout_seconds: int | None) -> FargateContainer:
        """Describe the container that runs Envoy as a gateway."""

    def node_companions(self, node: VirtualNode) -> tuple[FargateContainer, ...]:
        """Describe what else a node's task needs beside its application and Envoy."""

    def add_node_envoy(
        self,
        task: ecs.FargateTaskDefinition,
        node: VirtualNode,
        container: FargateContainer,
        log_group: logs.ILogGroup,
        application: Application,
        app_container: ecs.ContainerDefinition,
    ) -> ecs.ContainerDefinition:
        """Add the Envoy of a node to its task, with its companions, and say in which order they start and stop.

        The task's role may then do what that Envoy needs.
        """

    def add_gateway_envoy(
        self,
        task: ecs.FargateTaskDefinition,
        gateway: VirtualGateway,
        container: FargateContainer,
        log_group: logs.ILogGroup,
    ) -> ecs.ContainerDefinition:
        """Add the Envoy of a gateway to its task, and let the task's role do what that Envoy needs."""
