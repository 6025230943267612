"""Containers of task definitions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Attribute
from color_mesh.ecs.mesh_resources import (
    IDENTITIES,
    MESH_RESOURCE_TYPES,
    MeshResource,
    mesh_resource,
    parse_mesh_resource,
)
from color_mesh.ecs.reading import Reference, resource_key, text_or_reference
from color_mesh.ecs.volumes import MountPoint, read_mount_point
from color_mesh.model.task import ContainerHealthCheck

CONDITIONS = ("START", "COMPLETE", "SUCCESS", "HEALTHY")
STOP_SECONDS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """Container of a task definition (ECS API Reference, *ContainerDefinition*).

    Attributes:
        name: Name.
        image: Image. ``None`` for an Envoy of App Mesh whose image only a deployment knows.
        entry_point: Entry point. Default: the image's.
        command: Command. Default: the image's.
        environment: Environment variables. A value that only a deployment knows is a `Reference`.
        secrets: Environment variables that ECS reads from AWS Secrets Manager or the Parameter Store, each by an ARN or
            the name of a parameter. One that only a deployment knows is a `Reference`.
        user: User, and group after a colon. Default: the image's.
        cpu: CPU units. Default: none are reserved.
        memory_mib: Memory limit. Default: that of the task.
        memory_reservation_mib: Reserved memory. Default: none.
        ports: TCP ports, each with its name if it has one.
        essential: The task stops when the container stops.
        depends_on: Containers that must reach a condition before this one starts, each with the condition.
        health_check: Health check. Default: none.
        start_seconds: Time for this container to reach the condition that another one waits for. Default: no limit.
        stop_seconds: Time between SIGTERM and SIGKILL.
        log_driver: Log driver. Default: none.
        log_group: Log group of the ``awslogs`` driver.
        log_prefix: Prefix of the log stream.
        mesh_resource: Node or gateway whose configuration the container, an Envoy, gets from App Mesh.
        log_router: FireLens sends the logs of the task's containers to it.
        system_controls: Kernel parameters, such as ``net.ipv4.ip_unprivileged_port_start``, and their values.
        mount_points: Mount points of volumes.
    """

    name: str
    image: str | None
    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str | Reference] = field(default_factory=dict)
    secrets: Mapping[str, str | Reference] = field(default_factory=dict)
    user: str | None = None
    cpu: int | None = None
    memory_mib: int | None = None
    memory_reservation_mib: int | None = None
    ports: Mapping[int, str | None] = field(default_factory=dict)
    essential: bool = True
    depends_on: tuple[tuple[str, str], ...] = ()
    health_check: ContainerHealthCheck | None = None
    start_seconds: int | None = None
    stop_seconds: int = STOP_SECONDS
    log_driver: str | None = None
    log_group: str | None = None
    log_prefix: str | None = None
    mesh_resource: MeshResource | None = None
    log_router: bool = False
    system_controls: tuple[tuple[str, str], ...] = ()
    mount_points: tuple[MountPoint, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Logs:
    driver: str | None = None
    group: str | None = None
    prefix: str | None = None


def read_container(fields: Fields) -> Container:
    """Read a container."""
    variables = {each.text("Name"): each for each in fields.many("Environment", lambda each: each)}
    resource = _mesh_resource(variables)
    logs = fields.optional("LogConfiguration", _logs) or _Logs()
    stop_seconds = fields.optional_integer("StopTimeout")
    return Container(
        name=fields.text("Name"),
        # Any image of an Envoy that App Mesh configures is as good as another.
        image=fields.text("Image") if resource is None or fields.is_resolved("Image") else None,
        entry_point=fields.texts("EntryPoint"),
        command=fields.texts("Command"),
        environment={name: text_or_reference(each, "Value") for name, each in variables.items()},
        secrets=dict(fields.many("Secrets", lambda each: (each.text("Name"), text_or_reference(each, "ValueFrom")))),
        user=fields.optional_text("User"),
        cpu=fields.optional_integer("Cpu") or None,
        memory_mib=fields.optional_integer("Memory") or None,
        memory_reservation_mib=fields.optional_integer("MemoryReservation") or None,
        ports=dict(port for port in fields.many("PortMappings", _port) if port is not None),
        essential=fields.flag("Essential", True),
        depends_on=fields.many("DependsOn", _dependency),
        health_check=fields.optional("HealthCheck", _health_check),
        start_seconds=fields.optional_integer("StartTimeout"),
        stop_seconds=STOP_SECONDS if stop_seconds is None else stop_seconds,
        log_driver=logs.driver,
        log_group=logs.group,
        log_prefix=logs.prefix,
        mesh_resource=resource,
        log_router=fields.has("FirelensConfiguration"),
        system_controls=fields.many("SystemControls", lambda each: (each.text("Namespace"), each.text("Value"))),
        mount_points=fields.many("MountPoints", read_mount_point),
    )


def _mesh_resource(variables: Mapping[str, Fields]) -> MeshResource | None:
    """Return the node or gateway that the variables of an Envoy of App Mesh name."""
    name = next((name for name in IDENTITIES if name in variables), None)
    if name is None:
        return None
    value = variables[name].value("Value")
    if isinstance(value, Attribute) and value.resource.type in MESH_RESOURCE_TYPES:
        return mesh_resource(value)
    resource = parse_mesh_resource(str(value))
    if resource is None:
        fix = "such as arn:aws:appmesh:REGION:ACCOUNT:mesh/color-mesh/virtualNode/red"
        variables[name].report("Value", f"{name} names no virtual node or virtual gateway", fix)
    return resource


def _port(fields: Fields) -> tuple[int, str | None] | None:
    port, name = fields.optional_integer("ContainerPort"), fields.optional_text("Name")
    return (port, name) if port is not None and (fields.optional_text("Protocol") or "tcp") == "tcp" else None


def _dependency(fields: Fields) -> tuple[str, str]:
    name, condition = fields.text("ContainerName"), fields.text("Condition")
    if condition not in CONDITIONS:
        fields.report("Condition", "unknown condition", f"known: {', '.join(CONDITIONS)}")
    return name, condition


def _health_check(fields: Fields) -> ContainerHealthCheck:
    command = fields.texts("Command")
    if len(command) < 2 or command[0] not in ("CMD", "CMD-SHELL"):
        fields.report("Command", "is not a command of a health check", "CMD and words, or CMD-SHELL and one line")
    # ECS API Reference, HealthCheck: the defaults.
    return ContainerHealthCheck(
        command=command,
        interval_seconds=_or_default(fields.optional_integer("Interval"), 30),
        timeout_seconds=_or_default(fields.optional_integer("Timeout"), 5),
        retries=_or_default(fields.optional_integer("Retries"), 3),
        start_period_seconds=fields.optional_integer("StartPeriod"),
    )


def _or_default(value: int | None, default: int) -> int:
    return default if value is None else value


def _logs(fields: Fields) -> _Logs:
    driver = fields.text("LogDriver")
    options = fields.value("Options")
    if driver != "awslogs" or not isinstance(options, dict):
        return _Logs(driver=driver)
    prefix = options.get("awslogs-stream-prefix")
    return _Logs(
        driver=driver,
        group=resource_key(options.get("awslogs-group")),
        prefix=prefix if isinstance(prefix, str) else None,
    )
