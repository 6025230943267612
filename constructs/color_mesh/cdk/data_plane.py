"""Interface of the data planes: the resources that declare a mesh, and the containers that run Envoy."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from aws_cdk import CfnResource
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from constructs import Construct

from color_mesh.cdk.adjustment import AdjustBootstrap
from color_mesh.cdk.application import Application
from color_mesh.model import (
    FargateContainer,
    GatewayRoute,
    Route,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
)

MeshResources: TypeAlias = Mapping[str, CfnResource]
"""L1 resources that a data plane created for a part of the mesh, by construct id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExternalService:
    """Virtual service of the mesh that is declared elsewhere.

    Attributes:
        name: Name of the virtual service.
    """

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnedRoute:
    """Route of a virtual router or of a virtual gateway.

    Attributes:
        id: Construct id of the route.
        owner: Name of the router or the gateway.
        route: The route.
    """

    id: str
    owner: str
    route: Route | GatewayRoute


Part: TypeAlias = VirtualNode | VirtualService | ExternalService | VirtualRouter | VirtualGateway | OwnedRoute
"""Part of a mesh that a construct declares."""


class DataPlane(Protocol):
    """Data plane of a mesh. No code outside an implementation depends on which one is in use."""

    @property
    def dns_ttl_seconds(self) -> int:
        """Default TTL of a node's DNS record, in seconds."""

    @property
    def follows_tutorial(self) -> bool:
        """Services, logs and load balancers are those of the tutorial, and the rest is left to the defaults of AWS."""

    @property
    def gateway_health_path(self) -> str | None:
        """Path at which a gateway's Envoy answers by itself. ``None``: the data plane has no such path."""

    def declare(self, scope: Construct, part: Part) -> MeshResources:
        """Create the resources that declare a part of the mesh, or update them if the part is declared already.

        Args:
            scope: Scope of the resources.
            part: A part of the mesh whose references are declared already.

        Returns:
            The resources of the part. A data plane may have none for a part.
        """

    def check_external_service(self, name: str) -> Iterator[str]:
        """Validate that a virtual service may be declared elsewhere.

        Args:
            name: Name of the virtual service.
        """

    def node_containers(
        self, *, cpu: int, memory_mib: int, stop_timeout_seconds: int | None, registered: bool
    ) -> tuple[FargateContainer, ...]:
        """Return the containers that a node's task has beside its application, Envoy's first.

        Args:
            cpu: CPU units of Envoy.
            memory_mib: Memory of Envoy in MiB.
            stop_timeout_seconds: Stop timeout of Envoy. ``None``: the default of ECS.
            registered: The tasks are registered in Cloud Map.
        """

    def gateway_container(self, *, cpu: int, memory_mib: int, stop_timeout_seconds: int | None) -> FargateContainer:
        """Return the Envoy container of a gateway's task.

        Args:
            cpu: CPU units of Envoy.
            memory_mib: Memory of Envoy in MiB.
            stop_timeout_seconds: Stop timeout of Envoy. ``None``: the default of ECS.
        """

    def check_tls(self, part: VirtualNode | VirtualGateway) -> Iterator[str]:
        """Validate that the data plane supports the sources of certificates of a node or gateway.

        Args:
            part: The node or gateway.
        """

    def check_gateway(self, subject: str, trusted_hops: int) -> Iterator[str]:
        """Validate the arguments of a gateway's implementation that not every data plane supports.

        Args:
            subject: Beginning of error messages.
            trusted_hops: Number of trusted proxies in front of the gateway.
        """

    def check_adjustment(self, subject: str, adjust: AdjustBootstrap | None) -> Iterator[str]:
        """Validate that the data plane supports changes of bootstrap configurations, if there is a function for them.

        Args:
            subject: Beginning of error messages.
            adjust: Function of the user. ``None``: no change.
        """

    def adjust_bootstrap(self, task_definition: ecs.TaskDefinition, adjust: AdjustBootstrap | None) -> None:
        """Change the bootstrap configuration of a task's Envoy by a function, after its compilation.

        Args:
            task_definition: Task definition with an Envoy of the data plane.
            adjust: Function of the user, accepted by `check_adjustment`. ``None``: no change.
        """

    def add_node_containers(
        self,
        task_definition: ecs.TaskDefinition,
        containers: Sequence[FargateContainer],
        *,
        node: VirtualNode,
        application: Application,
        app_container: ecs.ContainerDefinition,
        log_group: logs.ILogGroup,
    ) -> ecs.ContainerDefinition:
        """Add the containers of `node_containers` to a node's task, and the permissions that its Envoy needs.

        Args:
            task_definition: Task definition of the node.
            containers: The containers of `node_containers`.
            node: The node.
            application: Address and port of the node's application.
            app_container: Container of the application. It starts after Envoy and stops before it.
            log_group: Log group of the containers.

        Returns:
            Envoy's container.
        """

    def add_service(self, part: VirtualNode | VirtualGateway, service: ecs.BaseService) -> None:
        """Add the ECS service that runs the tasks of a node or gateway, once its task definition is complete.

        Args:
            part: The node or gateway.
            service: The ECS service.
        """

    def add_gateway_container(
        self,
        task_definition: ecs.TaskDefinition,
        container: FargateContainer,
        *,
        gateway: VirtualGateway,
        trusted_hops: int,
        execute_command: bool,
        log_group: logs.ILogGroup,
    ) -> ecs.ContainerDefinition:
        """Add the container of `gateway_container` to a gateway's task, and the permissions that its Envoy needs.

        Args:
            task_definition: Task definition of the gateway.
            container: The container of `gateway_container`.
            gateway: The gateway.
            trusted_hops: Number of trusted proxies in front of the gateway, validated by `check_gateway`.
            execute_command: ECS Exec is enabled for the container.
            log_group: Log group of the container.

        Returns:
            Envoy's container.
        """
