"""Task definitions and services of ECS, as far as the constructs take what they say."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from color_mesh.appmesh.fields import Fields, api_spelling
from color_mesh.cloudformation import Resource
from color_mesh.ecs.reading import key, keys
from color_mesh.migration.containers import ContainerDefinition, read_container
from color_mesh.migration.findings import Finding, lost
from color_mesh.migration.sizes import units
from color_mesh.model import MeshError

T = TypeVar("T")

_IN_CONTAINER = re.compile(r"ContainerDefinitions\[([0-9]+)\]\.(.+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskDefinition:
    """Hold what a task definition says.

    Attributes:
        containers: Its containers.
        cpu: CPU units, if it says.
        memory_mib: Memory, if it says.
        family: What it is called, if it says.
        arm64: Whether it runs on ARM.
        role: What its containers may do on AWS, if anything.
    """

    containers: tuple[ContainerDefinition, ...]
    cpu: int | None
    memory_mib: int | None
    family: str | None
    arm64: bool
    role: str | None

    @property
    def envoys(self) -> list[ContainerDefinition]:
        """Its Envoys of App Mesh."""
        return [each for each in self.containers if each.envoy_of is not None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """Hold what a service says.

    Attributes:
        task_definition: Where its task definition stands.
        name: What it is called, if it says.
        desired_count: How many tasks it keeps.
        public: Whether its tasks have public addresses.
        target_groups: Whose targets its tasks are.
        execute_command: Whether ECS Exec may run commands in them.
        fargate: Whether they run on Fargate.
        otherwise: A deployment controller or scheduling strategy that the constructs do not have.
        percents: How many of its tasks a deployment keeps, and has at the most, if it says.
    """

    task_definition: str
    name: str | None
    desired_count: int
    public: bool
    target_groups: tuple[str, ...]
    execute_command: bool
    fargate: bool
    percents: tuple[int | None, int | None] | None
    otherwise: tuple[str, ...]


def read_task_definition(resource: Resource, problems: list[str], findings: list[Finding]) -> TaskDefinition | None:
    """Read a task definition; of one without an Envoy of App Mesh only that."""
    inside: list[Finding] = []
    unread: list[str] = []
    task = _read(resource, problems, unread, lambda at: _task_definition(at, problems, inside))
    if task is None or not task.envoys:
        return task
    # Envoy's container is made anew.
    anew = tuple(f"ContainerDefinitions[{i}]." for i, each in enumerate(task.containers) if each.envoy_of is not None)
    findings += inside
    findings += (_unread(resource.place, path, task) for path in unread if not path.startswith(anew))
    return task


def _unread(place: str, path: str, task: TaskDefinition) -> Finding:
    """Say what is not carried over; of a container, by the container's name."""
    found = _IN_CONTAINER.fullmatch(path)
    if found is None:
        return lost(place, f"its {path}")
    return lost(f"{place} container {task.containers[int(found[1])].name!r}", f"its {found[2]}")


def read_service(resource: Resource, problems: list[str], findings: list[Finding]) -> Service | None:
    """Read a service."""
    unread: list[str] = []
    service = _read(resource, problems, unread, _service)
    findings += (lost(resource.place, f"its {path}") for path in unread)
    return service


def _read(resource: Resource, problems: list[str], unread: list[str], read: Callable[[Fields], T]) -> T | None:
    """Read a resource; nothing when its properties cannot be worked out."""
    try:
        properties = resource.lenient_properties()
    except MeshError as error:
        problems += error.problems
        return None
    paths: list[str] = []
    at = Fields(properties, resource.place, api_spelling, problems, paths)
    found = read(at)
    at.close()
    unread += (path.removeprefix(f"{resource.place}.") for path in paths)
    return found


def _task_definition(at: Fields, problems: list[str], findings: list[Finding]) -> TaskDefinition:
    at.ignore("ExecutionRoleArn", "NetworkMode", "ProxyConfiguration", "RequiresCompatibilities")
    place = at.place
    return TaskDefinition(
        containers=at.many("ContainerDefinitions", lambda each: read_container(each, place, problems, findings)),
        cpu=units(at.optional_text("Cpu")),
        memory_mib=units(at.optional_text("Memory")),
        family=at.optional_text("Family"),
        arm64=at.optional("RuntimePlatform", _architecture) == "ARM64",
        role=key(at.value("TaskRoleArn")),
    )


def _architecture(at: Fields) -> str | None:
    at.ignore("OperatingSystemFamily")
    return at.optional_text("CpuArchitecture")


def _service(at: Fields) -> Service:
    at.ignore("Cluster", "EnableECSManagedTags", "PlatformVersion", "PropagateTags", "Role", "ServiceRegistries")
    at.ignore("AvailabilityZoneRebalancing", "HealthCheckGracePeriodSeconds")
    controller = at.optional("DeploymentController", lambda each: each.optional_text("Type"))
    strategy = at.optional_text("SchedulingStrategy")
    network = at.optional("NetworkConfiguration", lambda each: each.optional("AwsvpcConfiguration", _is_public))
    count = at.optional_integer("DesiredCount")
    return Service(
        task_definition=key(at.value("TaskDefinition")) or "",
        name=at.optional_text("ServiceName"),
        desired_count=1 if count is None else count,
        public=bool(network),
        target_groups=keys([target for target in at.many("LoadBalancers", _target_group) if target is not None]),
        execute_command=at.flag("EnableExecuteCommand", False),
        fargate=at.optional_text("LaunchType") in (None, "FARGATE"),
        percents=at.optional("DeploymentConfiguration", _percents),
        otherwise=tuple(each for each in (controller, strategy) if each not in (None, "ECS", "REPLICA")),
    )


def _percents(at: Fields) -> tuple[int | None, int | None]:
    at.ignore("DeploymentCircuitBreaker", "Strategy")
    return at.optional_integer("MinimumHealthyPercent"), at.optional_integer("MaximumPercent")


def _is_public(at: Fields) -> bool:
    at.ignore("Subnets", "SecurityGroups")
    return at.optional_text("AssignPublicIp") == "ENABLED"


def _target_group(at: Fields) -> object:
    at.ignore("ContainerName", "ContainerPort", "LoadBalancerName")
    return at.value("TargetGroupArn")
