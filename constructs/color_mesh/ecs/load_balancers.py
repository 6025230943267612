"""Load balancers, their listeners and target groups (Elastic Load Balancing, version 2)."""

from collections.abc import Mapping
from dataclasses import dataclass

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Resource
from color_mesh.ecs.reading import Reader, resource_key, resource_keys

_TYPE = "AWS::ElasticLoadBalancingV2::{}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """Action of a listener or rule.

    Attributes:
        type: Type, such as ``forward`` or ``authenticate-oidc``.
        target_groups: Target groups that requests are forwarded to.
    """

    type: str | None
    target_groups: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadBalancerListener:
    """Listener of a load balancer.

    Attributes:
        load_balancer: Load balancer.
        protocol: Protocol, such as ``TCP`` or ``HTTPS``.
        port: Port.
        actions: Default actions.
    """

    load_balancer: str | None
    protocol: str | None
    port: int
    actions: tuple[Action, ...] = ()

    @property
    def target_group(self) -> str | None:
        """First target group of the default actions."""
        return next((group for action in self.actions for group in action.target_groups), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListenerRule:
    """Rule of a listener.

    Attributes:
        listener: Listener.
        actions: Actions for requests that match.
    """

    listener: str | None
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadBalancer:
    """Load balancer.

    Attributes:
        name: Name; the logical id if the template declares none.
        type: ``application``, ``network`` or ``gateway``.
        subnets: Subnets.
        groups: Security groups; without any, all traffic is allowed.
        public: Scheme ``internet-facing``.
        listeners: Listeners.
    """

    name: str
    type: str = "application"
    subnets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    public: bool = True
    listeners: tuple[LoadBalancerListener, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetHealthCheck:
    """Health check of a target group.

    Attributes:
        protocol: ``TCP``, ``HTTP`` or ``HTTPS``.
        port: Port; ``None`` for the port of the target.
        path: Path, for HTTP.
        interval_seconds: Time between two checks.
        timeout_seconds: Time for a response.
        healthy_threshold: Consecutive successes after which a target is healthy.
        unhealthy_threshold: Consecutive failures after which a target is unhealthy.
    """

    protocol: str = "TCP"
    port: int | None = None
    path: str = "/"
    interval_seconds: int = 30
    timeout_seconds: int = 10
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetGroup:
    """Target group.

    Attributes:
        name: Name; the logical id if the template declares none.
        target_type: ``instance``, ``ip``, ``lambda`` or ``alb``.
        protocol: Protocol of the targets.
        health_check: Health check.
    """

    name: str
    target_type: str = "instance"
    protocol: str | None = None
    health_check: TargetHealthCheck = TargetHealthCheck()


def read_listeners(reader: Reader) -> dict[str, LoadBalancerListener]:
    """Read the listeners, by place."""
    return reader.read_all(_TYPE.format("Listener"), _listener)


def read_listener_rules(reader: Reader) -> dict[str, ListenerRule]:
    """Read the listener rules, by place."""
    return reader.read_all(_TYPE.format("ListenerRule"), _listener_rule)


def read_target_groups(reader: Reader) -> dict[str, TargetGroup]:
    """Read the target groups, by place."""
    return reader.read_all(_TYPE.format("TargetGroup"), _target_group)


def read_load_balancers(reader: Reader, listeners: Mapping[str, LoadBalancerListener]) -> dict[str, LoadBalancer]:
    """Read the load balancers, by place."""

    def read(fields: Fields, resource: Resource) -> LoadBalancer:
        return LoadBalancer(
            name=fields.optional_text("Name") or resource.logical_id,
            type=fields.optional_text("Type") or "application",
            subnets=resource_keys(fields.value("Subnets")),
            groups=resource_keys(fields.value("SecurityGroups")),
            public=(fields.optional_text("Scheme") or "internet-facing") == "internet-facing",
            listeners=tuple(each for each in listeners.values() if each.load_balancer == resource.place),
        )

    return reader.read_all(_TYPE.format("LoadBalancer"), read)


def _listener(fields: Fields, _: Resource) -> LoadBalancerListener:
    return LoadBalancerListener(
        load_balancer=resource_key(fields.value("LoadBalancerArn")),
        protocol=fields.optional_text("Protocol"),
        port=fields.integer("Port"),
        actions=fields.many("DefaultActions", _action),
    )


def _listener_rule(fields: Fields, _: Resource) -> ListenerRule:
    return ListenerRule(listener=resource_key(fields.value("ListenerArn")), actions=fields.many("Actions", _action))


def _action(fields: Fields) -> Action:
    weighted = fields.optional("ForwardConfig", lambda each: each.many("TargetGroups", _forwarded_to)) or ()
    groups = dict.fromkeys(group for group in (_forwarded_to(fields), *weighted) if group is not None)
    return Action(type=fields.optional_text("Type"), target_groups=tuple(groups))


def _forwarded_to(fields: Fields) -> str | None:
    return resource_key(fields.value("TargetGroupArn"))


def _target_group(fields: Fields, resource: Resource) -> TargetGroup:
    port = fields.optional_text("HealthCheckPort")
    # Elastic Load Balancing API Reference, CreateTargetGroup: the defaults of a network load balancer.
    return TargetGroup(
        name=fields.optional_text("Name") or resource.logical_id,
        target_type=fields.optional_text("TargetType") or "instance",
        protocol=fields.optional_text("Protocol"),
        health_check=TargetHealthCheck(
            protocol=fields.optional_text("HealthCheckProtocol") or "TCP",
            port=int(port) if port is not None and port.isdigit() else None,
            path=fields.optional_text("HealthCheckPath") or "/",
            interval_seconds=fields.optional_integer("HealthCheckIntervalSeconds") or 30,
            timeout_seconds=fields.optional_integer("HealthCheckTimeoutSeconds") or 10,
            healthy_threshold=fields.optional_integer("HealthyThresholdCount") or 5,
            unhealthy_threshold=fields.optional_integer("UnhealthyThresholdCount") or 2,
        ),
    )
