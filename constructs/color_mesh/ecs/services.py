"""Services, what they are registered in, and the load balancers before them."""

from dataclasses import dataclass
from typing import Any

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Attribute, Resource, Templates
from color_mesh.ecs.reading import Reader, key, keys
from color_mesh.model.errors import problem


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscoveryService:
    """Define a name of Cloud Map that DNS answers with registered tasks.

    Attributes:
        dns_name: The name.
        records: The types of the records, ``A`` or ``SRV``, and how many seconds each may be kept.
        weighted: Whether an answer has one task, at random, and not up to eight.
    """

    dns_name: str
    records: tuple[tuple[str, int], ...]
    weighted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetGroup:
    """Define the targets of a load balancer, and how it asks whether they are well.

    Attributes:
        name: What it is called.
        protocol: Of the check: ``TCP``, ``HTTP`` or ``HTTPS``.
        port: Of the check; ``None`` for the target's own.
        path: Of the check, for HTTP.
        interval_seconds: The pause between two checks.
        timeout_seconds: How long a check may take.
        healthy: How many must pass in a row.
        unhealthy: How many must fail in a row.
    """

    name: str
    protocol: str = "TCP"
    port: int | None = None
    path: str = "/"
    interval_seconds: int = 30
    timeout_seconds: int = 10
    healthy: int = 5
    unhealthy: int = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadBalancer:
    """Define a network load balancer.

    Attributes:
        name: What it is called.
        subnets: Where it is.
        groups: Its security groups; without any, nothing is kept from it.
        public: Whether the internet reaches it.
        listeners: The ports it listens on, and the target group of each.
    """

    name: str
    subnets: tuple[str, ...]
    groups: tuple[str, ...]
    public: bool
    listeners: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """Define what a service's tasks are registered in.

    Attributes:
        registry: The Cloud Map service or target group.
        port: The port of the task; ``None`` when it is registered without one.
    """

    registry: str
    port: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """Define a service.

    Attributes:
        name: What it is called.
        task_definition: What its tasks are made of.
        desired_count: How many tasks it keeps.
        subnets: Where they are.
        groups: Their security groups.
        public: Whether they have public addresses.
        discovery: Where they are registered for DNS.
        targets: Where they are registered as targets.
        minimum_percent: How many of the desired tasks stay while they are replaced.
        maximum_percent: How many there may be then.
        grace_seconds: How long a new task may fail the load balancer's checks.
    """

    name: str
    task_definition: str
    desired_count: int
    subnets: tuple[str, ...]
    groups: tuple[str, ...]
    public: bool
    discovery: tuple[Registration, ...] = ()
    targets: tuple[Registration, ...] = ()
    minimum_percent: int = 100
    maximum_percent: int = 200
    grace_seconds: int = 0


def read_services(templates: Templates, reader: Reader) -> dict[str, Service]:
    """Read the services that templates declare."""
    return _each(templates, reader, "AWS::ECS::Service", _service)


def read_discovery_services(templates: Templates, reader: Reader) -> dict[str, DiscoveryService]:
    """Read the Cloud Map services that DNS answers."""
    found = _each(templates, reader, "AWS::ServiceDiscovery::Service", _discovery_service)
    return {place: service for place, service in found.items() if service.records}


def read_target_groups(templates: Templates, reader: Reader) -> dict[str, TargetGroup]:
    """Read the target groups that templates declare."""
    return _each(templates, reader, "AWS::ElasticLoadBalancingV2::TargetGroup", _target_group)


def read_load_balancers(templates: Templates, reader: Reader) -> dict[str, LoadBalancer]:
    """Read the load balancers that templates declare, with their listeners."""
    listeners: dict[str | None, list[tuple[int, str]]] = {}
    for listener in _each(templates, reader, "AWS::ElasticLoadBalancingV2::Listener", _listener).values():
        listeners.setdefault(listener[0], []).append(listener[1])

    def read(at: Fields, resource: Resource, reader: Reader) -> LoadBalancer:
        at.ignore("Tags", "LoadBalancerAttributes", "IpAddressType")
        kind = at.optional_text("Type") or "application"
        if kind != "network":
            fix = "a network load balancer; application load balancers do not run here"
            reader.problems.append(problem(f"{resource.place}.Type", "does not run here", kind, fix))
        return LoadBalancer(
            name=at.optional_text("Name") or resource.logical_id,
            subnets=keys(at.value("Subnets")),
            groups=keys(at.value("SecurityGroups")),
            public=(at.optional_text("Scheme") or "internet-facing") == "internet-facing",
            listeners=tuple(listeners.get(resource.place, ())),
        )

    return _each(templates, reader, "AWS::ElasticLoadBalancingV2::LoadBalancer", read)


def _each(templates: Templates, reader: Reader, kind: str, read: Any) -> dict[str, Any]:
    found = {}
    for resource in templates.resources(kind):
        value = reader.read(resource, lambda at, resource=resource: read(at, resource, reader))  # type: ignore[misc]
        if value is not None:
            found[resource.place] = value
    return found


def _service(at: Fields, resource: Resource, reader: Reader) -> Service:
    at.ignore("Cluster", "EnableECSManagedTags", "EnableExecuteCommand", "LaunchType", "PlatformVersion", "Tags")
    at.ignore("DeploymentController", "SchedulingStrategy", "PropagateTags", "AvailabilityZoneRebalancing")
    at.ignore("CapacityProviderStrategy")
    network = at.required("NetworkConfiguration", lambda each: each.required("AwsvpcConfiguration", _awsvpc))
    percents = at.optional("DeploymentConfiguration", _percents) or (100, 200)
    count, grace = at.optional_integer("DesiredCount"), at.optional_integer("HealthCheckGracePeriodSeconds")
    return Service(
        name=at.optional_text("ServiceName") or resource.logical_id,
        task_definition=key(at.value("TaskDefinition")) or "",
        desired_count=1 if count is None else count,
        subnets=network[0],
        groups=network[1],
        public=network[2],
        discovery=at.many("ServiceRegistries", _registry),
        targets=at.many("LoadBalancers", _target),
        minimum_percent=percents[0],
        maximum_percent=percents[1],
        grace_seconds=grace or 0,
    )


def _awsvpc(at: Fields) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    public = at.optional_text("AssignPublicIp") == "ENABLED"
    return keys(at.value("Subnets")), keys(at.value("SecurityGroups")), public


def _percents(at: Fields) -> tuple[int, int]:
    at.ignore("DeploymentCircuitBreaker", "Strategy")
    least, most = at.optional_integer("MinimumHealthyPercent"), at.optional_integer("MaximumPercent")
    return 100 if least is None else least, 200 if most is None else most


def _registry(at: Fields) -> Registration:
    at.ignore("ContainerName")
    ports = (at.optional_integer("ContainerPort"), at.optional_integer("Port"))
    return Registration(
        registry=key(at.value("RegistryArn")) or "", port=next((each for each in ports if each is not None), None)
    )


def _target(at: Fields) -> Registration:
    at.ignore("ContainerName", "LoadBalancerName")
    return Registration(registry=key(at.value("TargetGroupArn")) or "", port=at.integer("ContainerPort"))


def _discovery_service(at: Fields, resource: Resource, reader: Reader) -> DiscoveryService:
    at.ignore("Description", "Tags", "HealthCheckCustomConfig", "Type", "ServiceAttributes")
    name = at.optional_text("Name") or resource.generated_name
    above = at.value("NamespaceId")
    records, policy, inner = at.optional("DnsConfig", _dns) or ((), None, None)
    namespace = above or inner
    if records and not isinstance(namespace, Attribute):
        fix = "a namespace that a template declares"
        reader.problems.append(problem(f"{resource.place}.NamespaceId", "is not at hand", namespace, fix))
        return DiscoveryService(dns_name=name, records=())
    suffix = str(namespace.resource.property("Name")) if isinstance(namespace, Attribute) else ""
    return DiscoveryService(dns_name=f"{name}.{suffix}", records=records, weighted=policy == "WEIGHTED")


def _dns(at: Fields) -> tuple[tuple[tuple[str, int], ...], str | None, Any]:
    records = at.many("DnsRecords", lambda each: (each.text("Type"), each.integer("TTL")))
    return records, at.optional_text("RoutingPolicy"), at.value("NamespaceId")


def _target_group(at: Fields, resource: Resource, reader: Reader) -> TargetGroup:
    at.ignore("Tags", "VpcId", "IpAddressType", "Port", "HealthCheckEnabled", "ProtocolVersion")
    if (kind := at.optional_text("TargetType") or "instance") != "ip":
        reader.problems.append(problem(f"{resource.place}.TargetType", "does not run here", kind, "ip"))
    if (protocol := at.optional_text("Protocol")) != "TCP":
        reader.problems.append(problem(f"{resource.place}.Protocol", "does not run here", protocol, "TCP"))
    port = at.optional_text("HealthCheckPort")
    # Elastic Load Balancing API Reference, CreateTargetGroup: the defaults of a network load balancer.
    return TargetGroup(
        name=at.optional_text("Name") or resource.logical_id,
        protocol=at.optional_text("HealthCheckProtocol") or "TCP",
        port=int(port) if port is not None and port.isdigit() else None,
        path=at.optional_text("HealthCheckPath") or "/",
        interval_seconds=at.optional_integer("HealthCheckIntervalSeconds") or 30,
        timeout_seconds=at.optional_integer("HealthCheckTimeoutSeconds") or 10,
        healthy=at.optional_integer("HealthyThresholdCount") or 5,
        unhealthy=at.optional_integer("UnhealthyThresholdCount") or 2,
    )


def _listener(at: Fields, resource: Resource, reader: Reader) -> tuple[str | None, tuple[int, str]]:
    if (protocol := at.optional_text("Protocol")) != "TCP":
        reader.problems.append(problem(f"{resource.place}.Protocol", "does not run here", protocol, "TCP"))
    actions = at.many("DefaultActions", _action)
    return key(at.value("LoadBalancerArn")), (at.integer("Port"), next(filter(None, actions), ""))


def _action(at: Fields) -> str:
    at.ignore("Type", "Order")
    return key(at.value("TargetGroupArn")) or ""
