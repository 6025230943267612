"""Load balancers (Elastic Load Balancing, version 2)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Resource
from color_mesh.ecs.listeners import ListenerRule, LoadBalancerListener
from color_mesh.ecs.reading import Reader, read_attributes, resource_key, resource_keys


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadBalancer:
    """Load balancer.

    Attributes:
        name: Name; the logical id if the template declares none.
        dns_name: Name that stands for its DNS name, which only a deployment knows.
        type: ``application``, ``network`` or ``gateway``.
        subnets: Subnets.
        groups: Security groups; without any, all traffic is allowed.
        public: Scheme ``internet-facing``.
        address_type: ``ipv4``, or another one with IPv6 addresses, such as ``dualstack``.
        attributes: Attributes of Elastic Load Balancing, such as ``idle_timeout.timeout_seconds``.
        listeners: Listeners.
    """

    name: str
    dns_name: str
    type: str = "application"
    subnets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    public: bool = True
    address_type: str = "ipv4"
    attributes: Mapping[str, str] = field(default_factory=dict)
    listeners: tuple[LoadBalancerListener, ...] = ()

    @property
    def target_groups(self) -> tuple[str, ...]:
        """Target groups of all listeners."""
        return tuple(dict.fromkeys(group for listener in self.listeners for group in listener.target_groups))


def read_load_balancers(reader: Reader) -> dict[str, LoadBalancer]:
    """Read the load balancers, by place; without their listeners."""
    return reader.read_all("AWS::ElasticLoadBalancingV2::LoadBalancer", _load_balancer)


def with_listeners(
    balancers: Mapping[str, LoadBalancer],
    listeners: Mapping[str, LoadBalancerListener],
    rules: Iterable[ListenerRule],
) -> dict[str, LoadBalancer]:
    """Return load balancers with their listeners, and these with their rules."""
    ordered = sorted(rules, key=lambda rule: rule.priority)
    complete = [
        replace(listener, rules=tuple(rule for rule in ordered if rule.listener == place))
        for place, listener in listeners.items()
    ]
    return {
        place: replace(balancer, listeners=tuple(each for each in complete if each.load_balancer == place))
        for place, balancer in balancers.items()
    }


def _groups(fields: Fields) -> tuple[str, ...]:
    """Read the security groups. One that is not known keeps its place: without any, all traffic would be allowed."""
    values: Any = fields.value("SecurityGroups")
    groups = values if isinstance(values, list) else []
    return tuple(resource_key(each) or f"SecurityGroups[{index}]" for index, each in enumerate(groups))


def _load_balancer(fields: Fields, resource: Resource) -> LoadBalancer:
    mappings = fields.many("SubnetMappings", lambda each: resource_key(each.value("SubnetId")))
    name = fields.optional_text("Name")
    return LoadBalancer(
        name=name or resource.logical_id,
        dns_name=name or resource.generated_name,
        type=fields.optional_text("Type") or "application",
        subnets=(*resource_keys(fields.value("Subnets")), *(each for each in mappings if each is not None)),
        groups=_groups(fields),
        public=(fields.optional_text("Scheme") or "internet-facing") == "internet-facing",
        address_type=fields.optional_text("IpAddressType") or "ipv4",
        attributes=read_attributes(fields, "LoadBalancerAttributes"),
    )
