"""Data plane of the tutorial: App Mesh resources, and Envoys that receive their configuration from App Mesh."""

from collections.abc import Iterator, Sequence

from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from color_mesh.appmesh import unsupported_tls
from color_mesh.cdk.adjustment import AdjustBootstrap
from color_mesh.cdk.app_mesh_certificates import app_mesh_calls
from color_mesh.cdk.app_mesh_resources import AppMeshResources
from color_mesh.cdk.application import Application
from color_mesh.cdk.certificate_calls import allow_certificates
from color_mesh.cdk.container import LOW_PORTS, container_check, container_log, init_process, start_after, stop_timeout
from color_mesh.cdk.data_plane import MeshResources, Part
from color_mesh.cdk.durations import seconds
from color_mesh.cdk.task import acknowledge, acknowledge_pulling, create_task_definition_after
from color_mesh.cdk.telemetry import add_collector, allow_xray, collector_containers, xray_collector
from color_mesh.cdk.transparent import REDIRECTED_USER
from color_mesh.model import ContainerHealthCheck, FargateContainer, Mesh, Telemetry, VirtualGateway, VirtualNode
from color_mesh.model.builder import MeshBuilder
from color_mesh.model.deployment import DNS_TTL_SECONDS
from color_mesh.model.errors import problem

# AWS App Mesh User Guide, Getting started with AWS App Mesh and Amazon ECS: update services.
_LIVE = ContainerHealthCheck(
    command=("CMD-SHELL", "curl -s http://localhost:9901/server_info | grep state | grep -q LIVE"),
    interval_seconds=5,
    timeout_seconds=2,
    retries=3,
    start_period_seconds=10,
)


class AppMeshDataPlane:
    """App Mesh as the control plane of the Envoys; see `DataPlane`."""

    dns_ttl_seconds = DNS_TTL_SECONDS["app-mesh"]
    follows_tutorial = True
    gateway_health_path = None

    def __init__(
        self,
        scope: Construct,
        mesh: Mesh,
        declared: MeshBuilder,
        envoy_image: ecs.ContainerImage,
        telemetry: Telemetry | None,
    ) -> None:
        """Create the App Mesh resource of the mesh in ``scope``."""
        self._mesh_name = mesh.name
        self._declared = declared
        self._resources = AppMeshResources(scope, mesh)
        self._envoy_image = envoy_image
        self._telemetry = telemetry

    def declare(self, scope: Construct, part: Part) -> MeshResources:
        """Create the App Mesh resource of a part; see `DataPlane`."""
        return self._resources.declare(scope, part)

    def check_external_service(self, name: str) -> Iterator[str]:
        """Accept all services: App Mesh knows where their tasks are; see `DataPlane`."""
        return iter(())

    def check_tls(self, part: VirtualNode | VirtualGateway) -> Iterator[str]:
        """Refuse sources of certificates that App Mesh did not have; see `DataPlane`."""
        return unsupported_tls(part)

    def node_containers(
        self, *, cpu: int, memory_mib: int, stop_timeout_seconds: int | None, registered: bool
    ) -> tuple[FargateContainer, ...]:
        """Return the sidecar. App Mesh reports ended tasks to callers at once, so no deregistration delay is needed."""
        envoy = _container("envoy-sidecar", cpu, memory_mib, stop_timeout_seconds)
        return (envoy, *collector_containers(self._telemetry))

    def gateway_container(self, *, cpu: int, memory_mib: int, stop_timeout_seconds: int | None) -> FargateContainer:
        """Return the Envoy container of a gateway; see `DataPlane`."""
        return _container("envoy-proxy", cpu, memory_mib, stop_timeout_seconds)

    def check_gateway(self, subject: str, trusted_hops: int) -> Iterator[str]:
        """Validate that a gateway has no number of trusted hops; see `DataPlane`."""
        if trusted_hops != 0:
            fix = "leave it out, or use data_plane='envoy'"
            yield problem(subject, "App Mesh does not support 'trusted_hops'", trusted_hops, fix)

    def check_adjustment(self, subject: str, adjust: AdjustBootstrap | None) -> Iterator[str]:
        """Validate that there is no function: App Mesh configures its Envoys; see `DataPlane`."""
        if adjust is not None:
            fix = "leave it out, or use data_plane='envoy'"
            yield problem(subject, "App Mesh does not support 'adjust_bootstrap'", adjust, fix)

    def adjust_bootstrap(self, task_definition: ecs.TaskDefinition, adjust: AdjustBootstrap | None) -> None:
        """Change nothing: `check_adjustment` refuses every function."""

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
        """Add the sidecar, with the user id whose traffic ECS does not redirect; see `DataPlane`."""
        container = containers[0]
        create_task_definition_after(task_definition, self._resources.nodes[node.name])
        allow_certificates(task_definition.task_role, lambda: app_mesh_calls(self._declared.parts.nodes[node.name]))
        envoy = self._add_envoy(task_definition, "virtualNode", node.name, container, log_group)
        start_after(app_container, envoy, ecs.ContainerDependencyCondition.HEALTHY)
        return envoy

    def add_service(self, part: VirtualNode | VirtualGateway, service: ecs.BaseService) -> None:
        """Do nothing: App Mesh finds the tasks by itself."""

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
        """Add the gateway's Envoy, which may bind port 80 although it is not root; see `DataPlane`."""
        create_task_definition_after(task_definition, self._resources.gateways[gateway.name])
        allow_certificates(
            task_definition.task_role, lambda: app_mesh_calls(self._declared.parts.gateways[gateway.name])
        )
        return self._add_envoy(
            task_definition,
            "virtualGateway",
            gateway.name,
            container,
            log_group,
            system_controls=[LOW_PORTS],
            execute_command=execute_command,
        )

    def _add_envoy(
        self,
        task_definition: ecs.TaskDefinition,
        kind: str,
        name: str,
        container: FargateContainer,
        log_group: logs.ILogGroup,
        system_controls: list[ecs.SystemControl] | None = None,
        execute_command: bool = False,
    ) -> ecs.ContainerDefinition:
        # The ARN is written out, not imported. With an import, the mesh's stack could never delete the resource.
        arn = Stack.of(task_definition).format_arn(
            service="appmesh", resource="mesh", resource_name=f"{self._mesh_name}/{kind}/{name}"
        )
        task_definition.add_to_task_role_policy(
            iam.PolicyStatement(actions=["appmesh:StreamAggregatedResources"], resources=[arn])
        )
        acknowledge(
            task_definition,
            "AwsSolutions::AwsSolutions-ECS2",
            "Envoy requires the ARN of its mesh resource in APPMESH_RESOURCE_ARN, and an ARN is not secret. "
            "Secrets of the application are in `secrets`, not in `environment`.",
        )
        acknowledge_pulling(task_definition, self._envoy_image)
        envoy = task_definition.add_container(
            container.name,
            image=self._envoy_image,
            cpu=container.cpu,
            memory_limit_mib=container.memory_mib,
            environment={"APPMESH_RESOURCE_ARN": arn, **self._telemetry_variables()},
            linux_parameters=init_process(task_definition, "Envoy", execute_command=execute_command),
            start_timeout=seconds(30),
            stop_timeout=stop_timeout(container),
            health_check=container_check(container),
            logging=container_log(log_group, name, container, buffered=False),
            # Not the user of the image, which may be root. The file system stays writable, because the image writes
            # Envoy's configuration to it (aws-app-mesh-roadmap, issue 433).
            user=str(REDIRECTED_USER),
            system_controls=system_controls,
        )
        self._add_telemetry(task_definition, name, log_group)
        return envoy

    def _telemetry_variables(self) -> dict[str, str]:
        """Return the variables with which App Mesh's Envoy sends telemetry."""
        if self._telemetry is None:
            return {}
        # AWS App Mesh User Guide, *Envoy configuration variables*: X-Ray variables.
        rate = self._telemetry.sampling_percent / 100
        return {"ENABLE_ENVOY_XRAY_TRACING": "1", "XRAY_SAMPLING_RATE": f"{rate:.4f}".rstrip("0").rstrip(".")}

    def _add_telemetry(self, task_definition: ecs.TaskDefinition, name: str, log_group: logs.ILogGroup) -> None:
        """Add the permissions and the collector of telemetry."""
        for collector in collector_containers(self._telemetry):
            allow_xray(task_definition)
            logging = container_log(log_group, name, collector, buffered=False)
            add_collector(task_definition, xray_collector(task_definition), REDIRECTED_USER, logging)


def _container(name: str, cpu: int, memory_mib: int, stop_timeout_seconds: int | None) -> FargateContainer:
    return FargateContainer(
        name=name, cpu=cpu, memory_mib=memory_mib, health_check=_LIVE, stop_timeout_seconds=stop_timeout_seconds
    )
