"""What implements a node on Fargate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

from color_mesh.cdk.acknowledge import acknowledge
from color_mesh.cdk.task import acknowledge_pulling, container_check, service_options, stop_timeout
from color_mesh.model import FargateContainer


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeImplementation:
    """What `MeshedColorNode.implement` made.

    Attributes:
        task_definition: The task.
        app_container: The application's container.
        envoy_container: Envoy's container.
        fargate_service: What keeps the tasks running.
    """

    task_definition: ecs.FargateTaskDefinition
    app_container: ecs.ContainerDefinition
    envoy_container: ecs.ContainerDefinition
    fargate_service: ecs.FargateService

    @property
    def task_role(self) -> iam.IRole:
        """What the task's containers may do on AWS."""
        return self.task_definition.task_role

    @property
    def execute_command_line(self) -> str:
        """The AWS CLI's command for a shell in the application's container of one of the tasks."""
        where, which = service_options(self.fargate_service)
        return (
            f"aws ecs execute-command {where} "
            f"--task $(aws ecs list-tasks {where} {which} --query 'taskArns[0]' --output text) "
            f"--container {self.app_container.container_name} --interactive --command /bin/sh"
        )


def add_application(
    task_definition: ecs.FargateTaskDefinition,
    app: FargateContainer,
    *,
    image: ecs.ContainerImage,
    entry_point: Sequence[str] | None,
    command: Sequence[str] | None,
    ports: Sequence[int],
    environment: Mapping[str, str] | None,
    secrets: Mapping[str, ecs.Secret] | None,
    log_group: logs.ILogGroup,
) -> ecs.ContainerDefinition:
    """Add the application's container to a node's task; the first of its ports has the container's port name."""
    acknowledge_pulling(task_definition, image)
    if environment:
        acknowledge(
            task_definition,
            "AwsSolutions::AwsSolutions-ECS2",
            "What an application may be told openly is its `environment`; secrets are passed as `secrets`.",
        )
    return task_definition.add_container(
        "App",
        container_name=app.name,
        image=image,
        entry_point=None if entry_point is None else list(entry_point),
        command=None if command is None else list(command),
        cpu=app.cpu,
        memory_limit_mib=app.memory_mib,
        port_mappings=[
            ecs.PortMapping(container_port=port, protocol=ecs.Protocol.TCP, name=app.port_name if index == 0 else None)
            for index, port in enumerate(ports)
        ],
        environment=environment,
        secrets=secrets,
        stop_timeout=stop_timeout(app),
        health_check=container_check(app),
        logging=ecs.LogDrivers.aws_logs(stream_prefix=f"{app.name}-container", log_group=log_group),
    )
