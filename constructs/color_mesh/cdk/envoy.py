"""The data plane that deploys today: upstream Envoy in every task, configured by the task definition itself."""

import json
from collections.abc import Callable, Iterator

import jsii
from aws_cdk import IStableListProducer, Lazy, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from constructs import Construct, IValidation

from color_mesh.cdk.data_plane import MeshResources
from color_mesh.cdk.deregistration import ENTRY_POINT, command, deregistration_delay
from color_mesh.cdk.envoy_process import READY, run_envoy
from color_mesh.cdk.interception import IMAGE_USER, Application, Interception
from color_mesh.cdk.task import acknowledge_pulling, container_check, container_log, seconds, start_after, stop_timeout
from color_mesh.envoy import Loopback, Transparent, configure
from color_mesh.envoy.document import compressed, document, shortest
from color_mesh.envoy.typed import Json
from color_mesh.model import (
    FargateContainer,
    GatewayRoute,
    Mesh,
    MeshError,
    Route,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
)
from color_mesh.model.deployment import DNS_TTL_SECONDS
from color_mesh.model.errors import problem
from color_mesh.model.node import hostnames
from color_mesh.model.task import DEFAULT_STOP_TIMEOUT_SECONDS

# For who calls although told not to: load balancers stop before ECS sends SIGTERM, and callers that ask DNS when the
# deregistration delay is over. The rest of the stop timeout is for requests that are under way.
_DRAIN_SECONDS = 5
# Amazon ECS service quotas: task definition size is 64 KiB. The rest is for what is not in containers, and for ARNs and
# names that only AWS knows.
_MAX_TASK_DEFINITION_BYTES = 62 * 1024
# What people read in a diff is worth this much of it.
_MOST_TO_READ_BYTES = 40 * 1024
_MAX_ARGUMENT_BYTES = 128 * 1024 - 1  # Linux, execve(2): MAX_ARG_STRLEN, with the zero that ends it


class EnvoyDataPlane:
    """Declare no mesh but names in DNS, and equip tasks with Envoys that have their configuration with them."""

    dns_ttl_seconds = DNS_TTL_SECONDS["envoy"]

    def __init__(self, mesh: Callable[[], Mesh], envoy_image: ecs.ContainerImage, interception: Interception) -> None:
        """Read the mesh when templates are written, so that what is declared later counts too."""
        self._mesh = mesh
        self._envoy_image = envoy_image
        self._interception = interception

    def update_mesh(self, mesh: Mesh) -> None:
        """Do nothing: the mesh is read when templates are written; see `DataPlane`."""

    def declare_node(self, scope: Construct, node: VirtualNode) -> MeshResources:
        """Declare nothing: a node is its tasks; see `DataPlane`."""
        return {}

    def update_node(self, node: VirtualNode) -> None:
        """Do nothing: the mesh is read when templates are written; see `DataPlane`."""

    def declare_router(self, scope: Construct, router: VirtualRouter) -> MeshResources:
        """Declare nothing: callers' Envoys have the routes; see `DataPlane`."""
        return {}

    def declare_service(self, scope: Construct, service: VirtualService) -> MeshResources:
        """Declare the name of a service; see `DataPlane`."""
        return self._interception.declare_name(service)

    def declare_route(self, scope: Construct, id: str, router: VirtualRouter, route: Route) -> MeshResources:
        """Declare nothing: callers' Envoys have the routes; see `DataPlane`."""
        return {}

    def declare_gateway(self, scope: Construct, gateway: VirtualGateway) -> MeshResources:
        """Declare nothing: a gateway is its tasks; see `DataPlane`."""
        return {}

    def declare_gateway_route(
        self, scope: Construct, id: str, gateway: VirtualGateway, route: GatewayRoute
    ) -> MeshResources:
        """Declare nothing: the gateway's Envoys have the routes; see `DataPlane`."""
        return {}

    def node_envoy(self, *, cpu: int, memory_mib: int, stop_timeout_seconds: int | None) -> FargateContainer:
        """Describe the sidecar; see `DataPlane`."""
        return _container("envoy-sidecar", cpu, memory_mib, stop_timeout_seconds)

    def gateway_envoy(self, *, cpu: int, memory_mib: int, stop_timeout_seconds: int | None) -> FargateContainer:
        """Describe the gateway's Envoy; see `DataPlane`.

        It has no companion: load balancers let go of a task before ECS sends SIGTERM (ECS Developer Guide, *Amazon ECS
        task lifecycle*: DEACTIVATING), and who calls a public address was told it by nothing that could tell another.
        """
        return _container("envoy-proxy", cpu, memory_mib, stop_timeout_seconds)

    def node_companions(self, node: VirtualNode) -> tuple[FargateContainer, ...]:
        """Describe what keeps a task answering until callers have heard of its end; see `DataPlane`."""
        return deregistration_delay(self._mesh(), node)

    def add_node_envoy(
        self,
        task: ecs.FargateTaskDefinition,
        node: VirtualNode,
        container: FargateContainer,
        log_group: logs.ILogGroup,
        application: Application,
        app_container: ecs.ContainerDefinition,
    ) -> ecs.ContainerDefinition:
        """Add the sidecar, whose configuration is made when the templates are written; see `DataPlane`.

        ECS stops what it started last first: the delay, then the application, then Envoy, which answers for it.
        """
        self._interception.require_names(task)

        def bootstrap() -> Json:
            mesh = self._mesh()
            placement = self._placement(mesh, application)
            return configure(mesh, mesh.node(node.name), interception=placement).bootstrap

        subject = f"virtual node {node.name!r}"
        logging = container_log(log_group, node.name, container)
        envoy = self._add_envoy(task, subject, container, logging, bootstrap, self._interception.user)
        start_after(app_container, envoy, ecs.ContainerDependencyCondition.HEALTHY)
        for companion in self.node_companions(node):
            delay = task.add_container(
                "DeregistrationDelay",
                container_name=companion.name,
                image=self._envoy_image,
                essential=False,
                entry_point=list(ENTRY_POINT),
                command=command(self._mesh(), node, application.port),
                user=str(IMAGE_USER),
                stop_timeout=stop_timeout(companion),
                logging=container_log(log_group, node.name, companion),
            )
            start_after(delay, app_container, ecs.ContainerDependencyCondition.START)
        return envoy

    def add_gateway_envoy(
        self,
        task: ecs.FargateTaskDefinition,
        gateway: VirtualGateway,
        container: FargateContainer,
        log_group: logs.ILogGroup,
    ) -> ecs.ContainerDefinition:
        """Add the gateway's Envoy, whose configuration is made when the templates are written; see `DataPlane`."""

        def bootstrap() -> Json:
            mesh = self._mesh()
            placement = self._placement(mesh, Application(address="127.0.0.1", port=None))
            return configure(mesh, mesh.gateway(gateway.name), interception=placement).bootstrap

        subject = f"virtual gateway {gateway.name!r}"
        logging = container_log(log_group, gateway.name, container)
        return self._add_envoy(task, subject, container, logging, bootstrap, IMAGE_USER)

    def _placement(self, mesh: Mesh, application: Application) -> Transparent | Loopback:
        return self._interception.placement(application, outside=frozenset(hostnames(mesh.nodes)))

    def _add_envoy(
        self,
        task: ecs.FargateTaskDefinition,
        subject: str,
        container: FargateContainer,
        logging: ecs.LogDriver,
        bootstrap: Callable[[], Json],
        user: int,
    ) -> ecs.ContainerDefinition:
        configuration = _Configuration(subject, task, bootstrap)
        task.node.add_validation(configuration)
        acknowledge_pulling(task, self._envoy_image)
        return task.add_container(
            "Envoy",
            container_name=container.name,
            image=self._envoy_image,
            cpu=container.cpu,
            memory_limit_mib=container.memory_mib,
            # Half of a very short stop timeout is left for the requests that are under way.
            entry_point=run_envoy(
                min(_DRAIN_SECONDS, (container.stop_timeout_seconds or DEFAULT_STOP_TIMEOUT_SECONDS) // 2),
                workers=max(1, (container.cpu or 0) // 1024),
            ),
            command=Lazy.list(configuration),
            user=str(user),
            # Envoy is nobody special and listens on ports below 1024. ECS API Reference, SystemControl: Fargate takes
            # it from platform version 1.4.0 on, for the network that the task's containers share.
            system_controls=[ecs.SystemControl(namespace="net.ipv4.ip_unprivileged_port_start", value="0")],
            start_timeout=seconds(30),
            stop_timeout=stop_timeout(container),
            health_check=container_check(container),
            logging=logging,
        )


def _container(name: str, cpu: int, memory_mib: int, stop_timeout_seconds: int | None) -> FargateContainer:
    """Describe an Envoy, whose draining is fit to its stop timeout, which it therefore always has."""
    stop = DEFAULT_STOP_TIMEOUT_SECONDS if stop_timeout_seconds is None else stop_timeout_seconds
    return FargateContainer(name=name, cpu=cpu, memory_mib=memory_mib, health_check=READY, stop_timeout_seconds=stop)


@jsii.implements(IStableListProducer, IValidation)
class _Configuration:
    """Make an Envoy's configuration for the template, once everything is declared."""

    def __init__(self, subject: str, task: ecs.FargateTaskDefinition, bootstrap: Callable[[], Json]) -> None:
        self._subject = subject
        self._task = task
        self._bootstrap = bootstrap

    def produce(self) -> list[str]:
        """Write it, a line an argument: then a change of it shows as a change of few lines. A long one is compressed.

        The CDK asks for it before it validates, and would show what is raised here without its subject.
        """
        try:
            bootstrap = self._bootstrap()
        except MeshError as error:
            return list(error.problems)
        lines = document(bootstrap)
        return lines if len(json.dumps(lines)) <= _MOST_TO_READ_BYTES else compressed(bootstrap)

    def validate(self) -> list[str]:
        """Find what cannot be compiled, and what neither a command nor a task definition can hold."""
        try:
            bootstrap = self._bootstrap()
        except MeshError as error:
            return list(error.problems)
        return [*self._check_configuration(bootstrap), *self._check_task_definition()]

    def _check_configuration(self, bootstrap: Json) -> Iterator[str]:
        size = len(shortest(bootstrap))
        if size > _MAX_ARGUMENT_BYTES:
            fix = f"at most {_MAX_ARGUMENT_BYTES}: fewer backends or routes"
            yield problem(self._subject, "its Envoy's configuration is too long for a command", f"{size} bytes", fix)

    def _check_task_definition(self) -> Iterator[str]:
        resource = self._task.node.default_child
        assert isinstance(resource, ecs.CfnTaskDefinition)
        size = len(json.dumps(Stack.of(self._task).resolve(resource.container_definitions)))
        if size > _MAX_TASK_DEFINITION_BYTES:
            fix = f"at most {_MAX_TASK_DEFINITION_BYTES}: a shorter environment or command"
            yield problem(self._subject, "its task definition is too large for ECS", f"{size} bytes", fix)
