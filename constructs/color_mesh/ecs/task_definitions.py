"""Task definitions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Resource
from color_mesh.ecs.containers import Container, read_container
from color_mesh.ecs.reading import Reader, Reference, read_tags, resource_key
from color_mesh.ecs.volumes import Volume, read_volume
from color_mesh.model import MeshError
from color_mesh.model.checks import is_number
from color_mesh.model.errors import listed, problem

_TYPE = "AWS::ECS::TaskDefinition"
MAX_CONTAINERS = 10  # Amazon ECS service quotas: containers per task definition.
_MAX_SIZE_LENGTH = 100  # Numbers of more digits are no sizes.
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+) *(vcpu|gb)?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProxyConfiguration:
    """Redirection of a task's traffic to Envoy (ECS API Reference, *ProxyConfiguration*).

    Attributes:
        egress_port: Port of Envoy that outbound traffic is redirected to.
        app_ports: Ports of the application, whose inbound traffic is redirected.
        ingress_port: Port of Envoy that inbound traffic is redirected to.
        ignored_uid: User whose traffic is not redirected.
        ignored_gid: Group whose traffic is not redirected.
        ignored_ports: Ports to which outbound traffic is not redirected.
        ignored_ips: Addresses to which outbound traffic is not redirected.
    """

    egress_port: int
    app_ports: tuple[int, ...] = ()
    ingress_port: int | None = None
    ignored_uid: int | None = None
    ignored_gid: int | None = None
    ignored_ports: tuple[int, ...] = ()
    ignored_ips: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskDefinition:
    """Task definition.

    Attributes:
        family: Family; the logical id if the template declares none.
        declared_family: Family that the template declares, if any.
        containers: Containers.
        proxy_configuration: Redirection of the traffic to Envoy. Default: none.
        task_role: Role of the containers.
        execution_role: Role of the ECS agent.
        cpu: CPU units, if the template declares them.
        memory_mib: Memory, if the template declares it.
        cpu_architecture: ``X86_64`` or ``ARM64``, if the template declares it.
        network_mode: Network mode, such as ``awsvpc``, if the template declares it.
        volumes: Volumes.
        tags: Tags. A value that only a deployment knows is a `Reference`.
    """

    family: str
    containers: tuple[Container, ...]
    declared_family: str | None = None
    proxy_configuration: ProxyConfiguration | None = None
    task_role: str | None = None
    execution_role: str | None = None
    cpu: int | None = None
    memory_mib: int | None = None
    cpu_architecture: str | None = None
    network_mode: str | None = None
    volumes: tuple[Volume, ...] = ()
    tags: tuple[tuple[str, str | Reference], ...] = ()

    @property
    def file_systems(self) -> tuple[str, ...]:
        """Names of the volumes that are EFS file systems."""
        return tuple(each.name for each in self.volumes if each.file_system is not None)

    @property
    def envoys(self) -> tuple[Container, ...]:
        """Envoys that get their configuration from App Mesh."""
        return tuple(each for each in self.containers if each.mesh_resource is not None)


def read_task_definitions(reader: Reader) -> dict[str, TaskDefinition]:
    """Read the task definitions, by place."""
    definitions = reader.read_all(_TYPE, _task_definition)
    for place, definition in definitions.items():
        reader.report(_TYPE, place, _unknown_dependencies(place, definition))
    return definitions


def _task_definition(fields: Fields, resource: Resource) -> TaskDefinition:
    declared = fields.value("ContainerDefinitions")
    if isinstance(declared, list) and len(declared) > MAX_CONTAINERS:
        raise MeshError(
            [problem(f"{fields.place}.ContainerDefinitions", "too many", len(declared), f"at most {MAX_CONTAINERS}")]
        )
    containers = fields.many("ContainerDefinitions", read_container)
    if not containers:
        fields.report("ContainerDefinitions", "has no container", "one or more")
    family = fields.optional_text("Family")
    return TaskDefinition(
        family=family or resource.logical_id,
        declared_family=family,
        containers=containers,
        proxy_configuration=fields.optional("ProxyConfiguration", _proxy_configuration),
        task_role=resource_key(fields.value("TaskRoleArn")),
        execution_role=resource_key(fields.value("ExecutionRoleArn")),
        cpu=_units(fields.optional_text("Cpu")),
        memory_mib=_units(fields.optional_text("Memory")),
        cpu_architecture=fields.optional("RuntimePlatform", lambda each: each.optional_text("CpuArchitecture")),
        network_mode=fields.optional_text("NetworkMode"),
        volumes=fields.many("Volumes", read_volume),
        tags=read_tags(fields),
    )


def _units(text: str | None) -> int | None:
    """Return CPU units or MiB of ``256``, ``.25 vCPU`` or ``0.5 GB``; ``None`` for other text."""
    match = _SIZE.fullmatch((text or "")[:_MAX_SIZE_LENGTH].strip())
    return None if match is None else round(float(match[1]) * (1024 if match[2] else 1)) or None


def _unknown_dependencies(place: str, definition: TaskDefinition) -> Iterator[str]:
    """Validate that containers wait for containers of their task."""
    names = {container.name: None for container in definition.containers}
    for container in definition.containers:
        for other, _ in container.depends_on:
            if other not in names:
                subject = f"{place} container {container.name!r}"
                yield problem(subject, "depends on an unknown container", other, f"known: {listed(names)}")


def _proxy_configuration(fields: Fields) -> ProxyConfiguration:
    key = "ProxyConfigurationProperties"
    properties = dict(fields.many(key, lambda each: (each.text("Name"), each.text("Value"))))
    numbers: dict[str, tuple[int, ...]] = {}
    for name in ("AppPorts", "ProxyIngressPort", "ProxyEgressPort", "IgnoredUID", "IgnoredGID", "EgressIgnoredPorts"):
        words = _words(properties.get(name))
        if not all(map(is_number, words)):
            fields.report(key, f"{name} is not a list of numbers", "such as 80,8080")
        numbers[name] = tuple(int(word) for word in words if is_number(word))
    addresses = _words(properties.get("EgressIgnoredIPs"))
    if not all(_is_network(address) for address in addresses):
        fields.report(key, "EgressIgnoredIPs is not a list of addresses", "such as 169.254.170.2,169.254.169.254")
    # The requirements of the CNI plugin (aws/amazon-ecs-cni-plugins, aws-appmesh).
    if not numbers["ProxyEgressPort"]:
        fields.report(key, "has no ProxyEgressPort", "it is required")
    if not (numbers["IgnoredUID"] or numbers["IgnoredGID"]):
        fields.report(key, "has neither IgnoredUID nor IgnoredGID", "one of them is required")
    if bool(numbers["AppPorts"]) != bool(numbers["ProxyIngressPort"]):
        fields.report(key, "has only one of AppPorts and ProxyIngressPort", "both or neither")
    first = {name: next(iter(values), None) for name, values in numbers.items()}
    return ProxyConfiguration(
        app_ports=numbers["AppPorts"],
        ingress_port=first["ProxyIngressPort"],
        egress_port=first["ProxyEgressPort"] or 0,
        ignored_uid=first["IgnoredUID"],
        ignored_gid=first["IgnoredGID"],
        ignored_ports=numbers["EgressIgnoredPorts"],
        ignored_ips=addresses,
    )


def _is_network(address: str) -> bool:
    try:
        ip_network(address, strict=False)
    except ValueError:
        return False
    return True


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())
