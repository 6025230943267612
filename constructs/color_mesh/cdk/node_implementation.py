"""Implementation of a node on AWS Fargate."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from color_mesh.cdk.attachment import NodeAttachment
from color_mesh.cdk.container import container_check, init_process, log_driver, stop_timeout
from color_mesh.cdk.ecs_service import fargate_service, service_options
from color_mesh.cdk.task import acknowledge, acknowledge_pulling, fargate_task_definition, own_log_group
from color_mesh.model import FargateContainer, FargateTask


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


class NodeImplementation(Construct):
    """Fargate service of a node, which `MeshNode.implement` created.

    Attributes:
        task_definition: Task definition.
        app_container: Container of the application.
        envoy_container: Container of Envoy.
        fargate_service: ECS service.
        log_group: Log group of the containers.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        task: FargateTask,
        image: ApplicationImage,
        ports: Sequence[int],
        cluster: ecs.ICluster,
        security_group: Callable[[Construct], ec2.ISecurityGroup],
        vpc_subnets: ec2.SubnetSelection,
        cpu_architecture: ecs.CpuArchitecture | None,
        execute_command: bool,
        log_group: logs.ILogGroup | None,
        follows_tutorial: bool,
        attach: Callable[[ecs.FargateService, ecs.ContainerDefinition, logs.ILogGroup], NodeAttachment],
    ) -> None:
        """Create the task definition and the ECS service of a node.

        Args:
            scope: Scope of the construct.
            id: Construct id.
            task: The task. Its first container is the application.
            image: Image of the application.
            ports: Ports of the application.
            cluster: Cluster of the service.
            security_group: Returns the security group of the node for tasks in the stack of a scope.
            vpc_subnets: Subnets of the tasks.
            cpu_architecture: CPU architecture. ``None``: the default of ECS.
            execute_command: ECS Exec is enabled.
            log_group: Log group of the containers. ``None``: a new log group with a retention of one week.
            follows_tutorial: See `DataPlane.follows_tutorial`.
            attach: Attaches the node to the service, with the container of the application and the log group.
        """
        super().__init__(scope, id)
        self.log_group: logs.ILogGroup = log_group or own_log_group(self)
        logging = log_driver(self.log_group, f"{task.containers[0].name}-container", buffered=not follows_tutorial)
        self.task_definition: ecs.FargateTaskDefinition = fargate_task_definition(
            self, task, cpu_architecture=cpu_architecture
        )
        self.app_container: ecs.ContainerDefinition = _add_application(
            self.task_definition, task.containers[0], image, ports, execute_command, logging
        )
        self.fargate_service: ecs.FargateService = fargate_service(
            self,
            cluster=cluster,
            task_definition=self.task_definition,
            task=task,
            security_groups=[security_group(self)],
            vpc_subnets=vpc_subnets,
            rebalanced=not follows_tutorial,
        )
        attachment = attach(self.fargate_service, self.app_container, self.log_group)
        self.envoy_container: ecs.ContainerDefinition = attachment.envoy_container

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


def _add_application(
    task_definition: ecs.FargateTaskDefinition,
    app: FargateContainer,
    image: ApplicationImage,
    ports: Sequence[int],
    execute_command: bool,
    logging: ecs.LogDriver,
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
        linux_parameters=init_process(task_definition, "App", execute_command=execute_command),
        stop_timeout=stop_timeout(app),
        health_check=container_check(app),
        logging=logging,
    )
