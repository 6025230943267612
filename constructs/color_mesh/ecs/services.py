"""ECS services."""

from dataclasses import dataclass
from typing import Any

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Attribute, Resource
from color_mesh.ecs.reading import Reader, Reference, read_tags, resource_key, resource_keys


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """Registration of a service's tasks in Cloud Map or in a target group.

    Attributes:
        registry: Cloud Map service or target group.
        port: Port that tasks are registered with; ``None`` for a registration without a port.
    """

    registry: str
    port: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """ECS service.

    Attributes:
        name: Name; the logical id if the template declares none.
        declared_name: Name that the template declares, if any.
        task_definition: Task definition: a place, or what the template names it by.
        desired_count: Number of tasks.
        subnets: Subnets of the tasks.
        groups: Security groups of the tasks.
        public: The tasks have public addresses.
        discovery: Cloud Map services that the tasks are registered in.
        targets: Target groups that the tasks are registered in.
        minimum_percent: Tasks that keep running during a deployment, in percent of the desired count.
        maximum_percent: Limit for the tasks during a deployment, in percent of the desired count.
        grace_seconds: Time during which ECS ignores failed health checks of the load balancer for a new task.
        launch_type: ``FARGATE``, ``EC2`` or ``EXTERNAL``, if the template declares it.
        deployment_controller: Type of the deployment controller.
        scheduling_strategy: ``REPLICA`` or ``DAEMON``.
        execute_command: ECS Exec is enabled.
        cluster: Name of the cluster.
        propagate_tags: Source of the tags of tasks: ``SERVICE``, ``TASK_DEFINITION`` or ``NONE``, if the template
            declares it.
        managed_tags: ECS adds tags of its own to the tasks.
        tags: Tags. A value that only a deployment knows is a `Reference`.
    """

    name: str
    task_definition: str
    declared_name: str | None = None
    desired_count: int = 1
    subnets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    public: bool = False
    discovery: tuple[Registration, ...] = ()
    targets: tuple[Registration, ...] = ()
    minimum_percent: int = 100
    maximum_percent: int = 200
    grace_seconds: int = 0
    launch_type: str | None = None
    deployment_controller: str = "ECS"
    scheduling_strategy: str = "REPLICA"
    execute_command: bool = False
    cluster: str = "default"
    propagate_tags: str | None = None
    managed_tags: bool = False
    tags: tuple[tuple[str, str | Reference], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Network:
    subnets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    public: bool = False


def read_services(reader: Reader) -> dict[str, Service]:
    """Read the ECS services, by place."""
    return reader.read_all("AWS::ECS::Service", _service)


def _service(fields: Fields, resource: Resource) -> Service:
    network = fields.optional("NetworkConfiguration", lambda each: each.optional("AwsvpcConfiguration", _network))
    network = network or _Network()
    minimum, maximum = fields.optional("DeploymentConfiguration", _percents) or (None, None)
    controller = fields.optional("DeploymentController", lambda each: each.optional_text("Type"))
    name, count = fields.optional_text("ServiceName"), fields.optional_integer("DesiredCount")
    # ECS API Reference, CreateService and DeploymentConfiguration: the defaults.
    return Service(
        name=name or resource.logical_id,
        declared_name=name,
        task_definition=resource_key(fields.value("TaskDefinition")) or "",
        desired_count=1 if count is None else count,
        subnets=network.subnets,
        groups=network.groups,
        public=network.public,
        discovery=fields.many("ServiceRegistries", _registry),
        targets=fields.many("LoadBalancers", _target),
        minimum_percent=100 if minimum is None else minimum,
        maximum_percent=200 if maximum is None else maximum,
        grace_seconds=fields.optional_integer("HealthCheckGracePeriodSeconds") or 0,
        launch_type=fields.optional_text("LaunchType"),
        deployment_controller=controller or "ECS",
        scheduling_strategy=fields.optional_text("SchedulingStrategy") or "REPLICA",
        execute_command=fields.flag("EnableExecuteCommand", False),
        cluster=_cluster_name(fields.value("Cluster")),
        propagate_tags=fields.optional_text("PropagateTags"),
        managed_tags=fields.flag("EnableECSManagedTags", False),
        tags=read_tags(fields),
    )


def _cluster_name(cluster: Any) -> str:
    """Return the name of a cluster that a service names by its name, its ARN or a reference."""
    if isinstance(cluster, Attribute):
        return str(cluster.resource.property("ClusterName") or cluster.resource.generated_name)
    return str(cluster or "default").rsplit("/", 1)[-1]


def _network(fields: Fields) -> _Network:
    return _Network(
        subnets=resource_keys(fields.value("Subnets")),
        groups=resource_keys(fields.value("SecurityGroups")),
        public=fields.optional_text("AssignPublicIp") == "ENABLED",
    )


def _percents(fields: Fields) -> tuple[int | None, int | None]:
    return fields.optional_integer("MinimumHealthyPercent"), fields.optional_integer("MaximumPercent")


def _registry(fields: Fields) -> Registration:
    ports = (fields.optional_integer("ContainerPort"), fields.optional_integer("Port"))
    port = next((each for each in ports if each is not None), None)
    return Registration(registry=resource_key(fields.value("RegistryArn")) or "", port=port)


def _target(fields: Fields) -> Registration:
    group = resource_key(fields.value("TargetGroupArn")) or ""
    return Registration(registry=group, port=fields.optional_integer("ContainerPort"))
