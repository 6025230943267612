"""Task definitions: the containers of a task, and how its traffic reaches Envoy."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Attribute, Resource, Templates
from color_mesh.ecs.reading import MESH_RESOURCES, MeshResource, Reader, identity, key
from color_mesh.ecs.roles import Role
from color_mesh.local.plan.bootstraps import Bootstrap, bootstrap_in, carried
from color_mesh.local.plan.programs import Program, missing_program, program_of
from color_mesh.model.errors import problem
from color_mesh.model.task import ContainerHealthCheck

CONDITIONS = ("START", "COMPLETE", "SUCCESS", "HEALTHY")
STOP_SECONDS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Redirection:
    """Define which of a task's traffic goes to Envoy (ECS API Reference, *ProxyConfiguration*).

    Attributes:
        app_ports: Ports of the application: what comes to them goes to Envoy.
        ingress_port: Where Envoy takes it.
        egress_port: Where Envoy takes what the task sends.
        ignored_uid: The user whose traffic is left alone.
        ignored_gid: The group whose traffic is left alone.
        ignored_ports: Ports to which traffic is left alone.
        ignored_ips: Addresses to which traffic is left alone.
    """

    egress_port: int
    app_ports: tuple[int, ...] = ()
    ingress_port: int | None = None
    ignored_uid: int | None = None
    ignored_gid: int | None = None
    ignored_ports: tuple[int, ...] = ()
    ignored_ips: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """Define a container.

    Attributes:
        name: What it is called.
        image: Its image.
        program: What stands in for the image.
        command: What the program is told.
        environment: Its environment.
        user: The user and group that it runs as.
        essential: Whether the task ends with it.
        depends_on: Containers, and what must be so of each before this one starts.
        health_check: How it is asked whether it is well.
        start_seconds: How long others wait for what must be so of it.
        stop_seconds: How long it may take to end when it is told to.
        log_group: Where its log is on CloudWatch; without one it is nowhere.
        log_prefix: What the name of its log stream begins with.
        mesh_resource: Whose configuration it asks for, if it is the Envoy of App Mesh.
        ports: The TCP ports that it says it listens on.
        system_controls: Kernel parameters of the task's network, such as ``net.ipv4.ip_unprivileged_port_start``.
    """

    name: str
    image: str
    program: Program
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: tuple[int, int] = (0, 0)
    essential: bool = True
    depends_on: tuple[tuple[str, str], ...] = ()
    health_check: ContainerHealthCheck | None = None
    start_seconds: int | None = None
    stop_seconds: int = STOP_SECONDS
    log_group: str | None = None
    log_prefix: str | None = None
    mesh_resource: MeshResource | None = None
    ports: tuple[int, ...] = ()
    system_controls: tuple[tuple[str, str], ...] = ()

    @property
    def bootstrap(self) -> Bootstrap:
        """The configuration that its command gives Envoy; empty when it gives none."""
        return bootstrap_in(self.command) if self.program.envoy else {}


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskDefinition:
    """Define what a task is made of.

    Attributes:
        family: What it is called.
        containers: What runs in it.
        redirection: Which of its traffic goes to Envoy; without one none does.
        task_role: What its containers may do.
        execution_role: What ECS may do for it.
    """

    family: str
    containers: tuple[Container, ...]
    redirection: Redirection | None = None
    task_role: str | None = None
    execution_role: str | None = None

    @property
    def resources(self) -> dict[str, MeshResource]:
        """The nodes and gateways that its Envoys are, by the names of containers, whoever configures them."""
        found = {each.name: each.mesh_resource or carried(each.bootstrap) for each in self.containers}
        return {name: resource for name, resource in found.items() if resource is not None}

    @property
    def applications(self) -> tuple[Container, ...]:
        """The containers that the task is there for: no Envoys, and nothing that it goes on without."""
        return tuple(each for each in self.containers if each.essential and not each.program.envoy)

    @property
    def application(self) -> Container:
        """The container that people mean: the first application, or what there is."""
        return next(iter(self.applications), self.containers[0])


def read_task_definitions(
    templates: Templates, reader: Reader, images: Mapping[str, tuple[str, ...]]
) -> dict[str, TaskDefinition]:
    """Read the task definitions that templates declare."""
    found = {}
    for resource in templates.resources("AWS::ECS::TaskDefinition"):
        definition = reader.read(resource, lambda at, resource=resource: _definition(at, resource, reader, images))  # type: ignore[misc]
        if definition is not None:
            found[resource.place] = definition
    return found


def _definition(
    at: Fields, resource: Resource, reader: Reader, images: Mapping[str, tuple[str, ...]]
) -> TaskDefinition:
    at.ignore("Cpu", "Memory", "NetworkMode", "RequiresCompatibilities", "Tags", "RuntimePlatform")
    containers = at.many("ContainerDefinitions", lambda each: _container(each, resource, reader, images))
    if not containers:
        at.report("ContainerDefinitions", "has no container", "one or more")
    names = [container.name for container in containers]
    for container in containers:
        for other, condition in container.depends_on:
            if other not in names or condition not in CONDITIONS:
                fix = f"a container ({', '.join(names)}) and one of {', '.join(CONDITIONS)}"
                place = f"{resource.place}: {container.name}"
                reader.problems.append(problem(place, "waits for what cannot be", f"{other} {condition}", fix))
    return TaskDefinition(
        family=at.optional_text("Family") or resource.logical_id,
        containers=containers,
        redirection=at.optional("ProxyConfiguration", _redirection),
        task_role=key(at.value("TaskRoleArn")),
        execution_role=key(at.value("ExecutionRoleArn")),
    )


def _container(at: Fields, resource: Resource, reader: Reader, images: Mapping[str, tuple[str, ...]]) -> Container:
    at.ignore("Cpu", "Memory", "MemoryReservation", "DockerLabels")
    name, image = at.text("Name"), at.text("Image")
    place = f"{resource.place}: {name}"
    entry_point, command = at.texts("EntryPoint"), at.texts("Command")
    program = program_of(image, images)
    if program is None:
        reader.problems.append(missing_program(place, image))
    environment = _environment(at, place, reader)
    envoy_of = identity(environment, place, reader.problems)
    configured = envoy_of is not None or bool(bootstrap_in(command))
    user = _user(at)
    logs = at.optional("LogConfiguration", lambda each: _logs(each, resource, reader)) or (None, None)
    return Container(
        name=name,
        image=image,
        program=_entered(program or Program(command=("false",)), entry_point, configured),
        command=command,
        environment={each: str(value) for each, value in environment.items() if not isinstance(value, Attribute)},
        user=user,
        essential=at.flag("Essential", True),
        depends_on=at.many("DependsOn", lambda each: (each.text("ContainerName"), each.text("Condition"))),
        health_check=at.optional("HealthCheck", read_health_check),
        start_seconds=at.optional_integer("StartTimeout"),
        stop_seconds=_or(at.optional_integer("StopTimeout"), STOP_SECONDS),
        log_group=logs[0],
        log_prefix=logs[1],
        mesh_resource=envoy_of if program is not None and program.envoy else None,
        ports=tuple(port for port in at.many("PortMappings", _port) if port is not None),
        system_controls=_system_controls(at, resource, reader),
    )


def _system_controls(at: Fields, resource: Resource, reader: Reader) -> tuple[tuple[str, str], ...]:
    """Read what a container sets for the network that all containers of its task share."""
    found = at.many("SystemControls", lambda each: (each.text("Namespace"), each.text("Value")))
    for name, _ in found:
        if not re.fullmatch(r"net(\.[A-Za-z0-9_-]+)+", name):
            reader.passed_over[resource.type, f"SystemControls {name}"] = None
    return tuple((name, value) for name, value in found if re.fullmatch(r"net(\.[A-Za-z0-9_-]+)+", name))


def _port(at: Fields) -> int | None:
    at.ignore("Name", "HostPort", "AppProtocol")
    port = at.optional_integer("ContainerPort")
    return port if (at.optional_text("Protocol") or "tcp") == "tcp" else None


def _entered(program: Program, entry_point: tuple[str, ...], configured: bool) -> Program:
    """Take an entry point of the task definition in place of the image's.

    It is still Envoy that runs when it is named there, or given a configuration; else something else of its image.
    """
    if not entry_point:
        return program
    return Program(command=entry_point, envoy=program.envoy and (configured or "envoy" in " ".join(entry_point)))


def _environment(at: Fields, place: str, reader: Reader) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in at.many("Environment", lambda each: (each.text("Name"), each.value("Value"))):
        found[name] = value
        if isinstance(value, Attribute) and value.resource.type not in MESH_RESOURCES:
            attribute = f"{value.resource.logical_id}.{value.name}"
            fix = f"give it with --set {attribute}=VALUE"
            reader.problems.append(problem(f"{place}: {name}", "is known only at deployment", attribute, fix))
    return found


def _user(at: Fields) -> tuple[int, int]:
    user = at.optional_text("User") or "0"
    uid, _, gid = user.replace("root", "0").partition(":")
    if not (uid.isdigit() and (gid or "0").isdigit()):
        at.report("User", "is no number", "a user id, or one and a group id, such as 1337:1337")
        return 0, 0
    return int(uid), int(gid or 0)


def read_health_check(at: Fields) -> ContainerHealthCheck:
    """Read how ECS asks a container whether it is well."""
    command = at.texts("Command")
    if len(command) < 2 or command[0] not in ("CMD", "CMD-SHELL"):
        at.report("Command", "is no health check", "CMD and words, or CMD-SHELL and one line")
    return ContainerHealthCheck(
        command=command,
        interval_seconds=_or(at.optional_integer("Interval"), 30),
        timeout_seconds=_or(at.optional_integer("Timeout"), 5),
        retries=_or(at.optional_integer("Retries"), 3),
        start_period_seconds=at.optional_integer("StartPeriod"),
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _logs(at: Fields, resource: Resource, reader: Reader) -> tuple[str | None, str | None]:
    driver = at.text("LogDriver")
    options = at.value("Options") or {}
    if driver != "awslogs" or not isinstance(options, dict):
        reader.passed_over[resource.type, f"LogDriver {driver}"] = None
        return None, None
    return key(options.get("awslogs-group")), options.get("awslogs-stream-prefix")


def _redirection(at: Fields) -> Redirection:
    at.ignore("Type", "ContainerName")
    given = dict(at.many("ProxyConfigurationProperties", lambda each: (each.text("Name"), each.text("Value"))))
    numbers: dict[str, tuple[int, ...]] = {}
    for name in ("AppPorts", "ProxyIngressPort", "ProxyEgressPort", "IgnoredUID", "IgnoredGID", "EgressIgnoredPorts"):
        words = [word.strip() for word in given.get(name, "").split(",") if word.strip()]
        if not all(word.isdigit() for word in words):
            at.report("ProxyConfigurationProperties", f"{name} is not a list of numbers", "such as 80,8080")
        numbers[name] = tuple(int(word) for word in words if word.isdigit())
    # As the CNI plugin wants them (aws/amazon-ecs-cni-plugins, aws-appmesh).
    if not numbers["ProxyEgressPort"]:
        at.report("ProxyConfigurationProperties", "has no ProxyEgressPort", "it is required")
    if not (numbers["IgnoredUID"] or numbers["IgnoredGID"]):
        at.report("ProxyConfigurationProperties", "has neither IgnoredUID nor IgnoredGID", "one of them is required")
    if bool(numbers["AppPorts"]) != bool(numbers["ProxyIngressPort"]):
        at.report("ProxyConfigurationProperties", "has only one of AppPorts and ProxyIngressPort", "both or neither")
    first = {name: next(iter(found), None) for name, found in numbers.items()}
    return Redirection(
        app_ports=numbers["AppPorts"],
        ingress_port=first["ProxyIngressPort"],
        egress_port=first["ProxyEgressPort"] or 0,
        ignored_uid=first["IgnoredUID"],
        ignored_gid=first["IgnoredGID"],
        ignored_ports=numbers["EgressIgnoredPorts"],
        ignored_ips=tuple(word.strip() for word in given.get("EgressIgnoredIPs", "").split(",") if word.strip()),
    )


def streaming_problem(resource: MeshResource, role: Role | None, arn: str) -> str | None:
    """Say why an Envoy may not stream its configuration, when it may not."""
    action = "appmesh:StreamAggregatedResources"
    if role is None:
        return f"the task has no role, which must allow {action} on {resource}"
    if not role.trusts_tasks:
        return f"role {role.name} does not trust ecs-tasks.amazonaws.com"
    return None if role.allows(action, arn) else f"role {role.name} does not allow {action} on {resource}"
