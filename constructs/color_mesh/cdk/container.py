"""Parts of containers that nodes and gateways have in common."""

from typing import cast

from aws_cdk import Duration, Size
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs

from color_mesh.cdk.durations import in_seconds, seconds
from color_mesh.model import ContainerHealthCheck, FargateContainer

# For an Envoy that runs as a non-root user and listens on a port below 1024. ECS API Reference, SystemControl: Fargate
# supports the setting from platform version 1.4.0 on, for the network that the task's containers share.
LOW_PORTS = ecs.SystemControl(namespace="net.ipv4.ip_unprivileged_port_start", value="0")
# Size of the examples in the documentation of the CDK's LogDrivers. A container fills it only while CloudWatch Logs
# does not take its lines.
_LOG_BUFFER = Size.mebibytes(25)


def read_container_check(check: ecs.HealthCheck | None) -> ContainerHealthCheck | None:
    """Read the health check of a container. The words of its command are those that the CDK gives to ECS."""
    if check is None:
        return None
    words = tuple(check.command)
    if len(words) == 1:
        words = ("CMD-SHELL", *words)
    elif words[:1] not in (("CMD",), ("CMD-SHELL",)):
        words = ("CMD", *words)
    given = {
        "interval_seconds": in_seconds(check.interval),
        "timeout_seconds": in_seconds(check.timeout),
        "retries": cast("int | None", check.retries),
        "start_period_seconds": in_seconds(check.start_period),
    }
    return ContainerHealthCheck(command=words, **{name: value for name, value in given.items() if value is not None})


def container_check(container: FargateContainer) -> ecs.HealthCheck | None:
    """Render the health check of a container for ECS."""
    check = container.health_check
    if check is None:
        return None
    start_period = check.start_period_seconds
    return ecs.HealthCheck(
        command=list(check.command),
        interval=seconds(check.interval_seconds),
        timeout=seconds(check.timeout_seconds),
        retries=check.retries,
        start_period=None if start_period is None else seconds(start_period),
    )


def container_log(
    log_group: logs.ILogGroup, part: str, container: FargateContainer, *, buffered: bool
) -> ecs.LogDriver:
    """Create the log driver of a container of a node or gateway.

    Args:
        log_group: Log group.
        part: Name of the node or gateway.
        container: The container.
        buffered: The container never waits for its log; see `log_driver`.
    """
    return log_driver(log_group, f"{part}-{container.name}", buffered=buffered)


def log_driver(log_group: logs.ILogGroup, prefix: str, *, buffered: bool) -> ecs.LogDriver:
    """Create a log driver.

    Args:
        log_group: Log group.
        prefix: Prefix of the log streams.
        buffered: The container never waits for its log. When the buffer is full, lines are lost. ``False``: the default
            of ECS or of the account.
    """
    # ECS Developer Guide, *Access Amazon ECS features with account settings*: the default mode was blocking until June
    # 2025, and an account may have another.
    return ecs.LogDrivers.aws_logs(
        stream_prefix=prefix,
        log_group=log_group,
        mode=ecs.AwsLogDriverMode.NON_BLOCKING if buffered else None,
        max_buffer_size=_LOG_BUFFER if buffered else None,
    )


def stop_timeout(container: FargateContainer) -> Duration | None:
    """Render the stop timeout of a container for ECS. ``None``: the default of ECS."""
    return None if container.stop_timeout_seconds is None else seconds(container.stop_timeout_seconds)


def start_after(
    container: ecs.ContainerDefinition, other: ecs.ContainerDefinition, condition: ecs.ContainerDependencyCondition
) -> None:
    """Start a container after another one, and stop it before (ECS API Reference, *ContainerDependency*)."""
    container.add_container_dependencies(ecs.ContainerDependency(container=other, condition=condition))


def init_process(
    task_definition: ecs.TaskDefinition, container: str, *, execute_command: bool
) -> ecs.LinuxParameters | None:
    """Return the Linux parameters of a container with ECS Exec: an init process, which reaps orphaned processes.

    Amazon ECS Developer Guide, *Monitor Amazon ECS containers with ECS Exec*, recommends it.
    """
    if not execute_command:
        return None
    return ecs.LinuxParameters(task_definition, f"{container}LinuxParameters", init_process_enabled=True)
