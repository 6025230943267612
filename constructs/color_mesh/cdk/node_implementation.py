"""Implementation of a node on AWS Fargate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from color_mesh.cdk.application import Application
from color_mesh.cdk.mesh import ServiceMesh
from color_mesh.cdk.task import (
    acknowledge,
    acknowledge_pulling,
    container_check,
    fargate_service,
    fargate_task_definition,
    service_options,
    stop_timeout,
)
from color_mesh.model import FargateContainer, FargateTask, VirtualNode


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeImplementation:
    """Constructs that `MeshedColorNode.implement` created.

    Attributes:
        task_definition: Task definition.
        app_container: Container of the application.
        envoy_container: Container of Envoy.
        fargate_service: ECS service.
    """

    task_definition: ecs.FargateTaskDefinition
    app_container: ecs.ContainerDefinition
    envoy_container: ecs.ContainerDefinition
    fargate_service: ecs.FargateService

    @property
    def task_role(self) -> iam.IRole:
        """Task role: the permissions of the containers on AWS."""
        return self.task_definition.task_role

    @property
    def execute_command_line(self) -> str:
        """AWS CLI command that opens a shell in the application's container of one of the tasks.

        It needs ``execute_command=True``.
        """
        service, filters = service_options(self.fargate_service)
        return (
            f"aws ecs execute-command {service} "
            f"--task $(aws ecs list-tasks {service} {filters} --query 'taskArns[0]' --output text) "
            f"--container {self.app_container.container_name} --interactive --command /bin/sh"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplicationImage:
    """Image of an application, and what its container runs.

    Attributes:
        image: Image of the application.
        entry_point: Entry point. ``None``: the entry point of the image.
        command: Command. ``None``: the command of the image.
        environment: Environment variables.
        secrets: Environment variables from secrets.
    """

    image: ecs.ContainerImage
    entry_point: Sequence[str] | None
    command: Sequence[str] | None
    environment: Mapping[str, str] | None
    secrets: Mapping[str, ecs.Secret] | None


def create_node_implementation(
    scope: Construct,
    *,
    mesh: ServiceMesh,
    node: VirtualNode,
    task: FargateTask,
    application: Application,
    image: ApplicationImage,
    cluster: ecs.ICluster,
    security_groups: Sequence[ec2.ISecurityGroup],
    vpc_subnets: ec2.SubnetSelection,
    cpu_architecture: ecs.CpuArchitecture | None,
    log_group: logs.ILogGroup,
) -> NodeImplementation:
    """Create the task definition and the ECS service of a node.

    Args:
        scope: Scope of the constructs.
        mesh: Mesh of the node.
        node: The node.
        task: The task. Its containers are the application and those of `DataPlane.node_containers`.
        application: Address and port of the application.
        image: Image of the application.
        cluster: Cluster of the service.
        security_groups: Security groups of the tasks.
        vpc_subnets: Subnets of the tasks.
        cpu_architecture: CPU architecture. ``None``: the default of ECS.
        log_group: Log group of the containers.
    """
    task_definition = fargate_task_definition(
        scope,
        task,
        cpu_architecture=cpu_architecture,
        proxy_configuration=mesh.interception.proxy_configuration(node),
    )
    app, *containers = task.containers
    added_app = _add_application(task_definition, app, image, application.ports(node), log_group)
    envoy = mesh.data_plane.add_node_containers(
        task_definition,
        containers,
        node=node,
        application=application,
        app_container=added_app,
        log_group=log_group,
    )
    service = fargate_service(
        scope,
        cluster=cluster,
        task_definition=task_definition,
        task=task,
        security_groups=security_groups,
        vpc_subnets=vpc_subnets,
    )
    return NodeImplementation(
        task_definition=task_definition, app_container=added_app, envoy_container=envoy, fargate_service=service
    )


def _add_application(
    task_definition: ecs.FargateTaskDefinition,
    app: FargateContainer,
    image: ApplicationImage,
    ports: Sequence[int],
    log_group: logs.ILogGroup,
) -> ecs.ContainerDefinition:
    """Add the container of the application. The first of its ports gets the port name of the container."""
    acknowledge_pulling(task_definition, image.image)
    if image.environment:
        acknowledge(
            task_definition,
            "AwsSolutions::AwsSolutions-ECS2",
            "`environment` has the settings of an application that are not secret. Secrets are in `secrets`.",
        )
    return task_definition.add_container(
        "App",
        container_name=app.name,
        image=image.image,
        entry_point=None if image.entry_point is None else list(image.entry_point),
        command=None if image.command is None else list(image.command),
        cpu=app.cpu,
        memory_limit_mib=app.memory_mib,
        port_mappings=[
            ecs.PortMapping(container_port=port, protocol=ecs.Protocol.TCP, name=app.port_name if index == 0 else None)
            for index, port in enumerate(ports)
        ],
        environment=image.environment,
        secrets=image.secrets,
        stop_timeout=stop_timeout(app),
        health_check=container_check(app),
        logging=ecs.LogDrivers.aws_logs(stream_prefix=f"{app.name}-container", log_group=log_group),
    )
