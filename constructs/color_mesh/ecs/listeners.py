"""Listeners of load balancers and their rules (Elastic Load Balancing, version 2)."""

from dataclasses import dataclass, replace

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Resource
from color_mesh.ecs.actions import Action, read_actions
from color_mesh.ecs.conditions import Condition, read_condition
from color_mesh.ecs.reading import Reader, Reference, resource_key, text_or_reference

_TYPE = "AWS::ElasticLoadBalancingV2::{}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ListenerRule:
    """Rule of a listener.

    Attributes:
        listener: Listener.
        actions: Actions for requests that match.
        priority: Priority; the lowest number comes first.
        conditions: Conditions, all of which must be fulfilled.
        transforms: Types of the transforms of requests.
    """

    listener: str | None
    actions: tuple[Action, ...] = ()
    priority: int = 0
    conditions: tuple[Condition, ...] = ()
    transforms: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadBalancerListener:
    """Listener of a load balancer.

    Attributes:
        load_balancer: Load balancer.
        protocol: Protocol, such as ``TCP`` or ``HTTPS``.
        port: Port.
        actions: Default actions.
        rules: Rules, by priority.
        certificates: ARNs of its certificates. One that only a deployment knows is a `Reference`.
        tls_policy: Name of its security policy. Default: that of Elastic Load Balancing.
        mutual_tls: Mode of the authentication of clients by certificates: ``off``, ``verify`` or ``passthrough``.
    """

    load_balancer: str | None
    protocol: str | None
    port: int
    actions: tuple[Action, ...] = ()
    rules: tuple[ListenerRule, ...] = ()
    certificates: tuple[str | Reference, ...] = ()
    tls_policy: str | None = None
    mutual_tls: str = "off"

    @property
    def target_groups(self) -> tuple[str, ...]:
        """Target groups of all actions."""
        actions = (*self.actions, *(action for rule in self.rules for action in rule.actions))
        return tuple(dict.fromkeys(group for action in actions for group in action.target_groups))


def read_listener_rules(reader: Reader) -> dict[str, ListenerRule]:
    """Read the listener rules, by place."""
    return reader.read_all(_TYPE.format("ListenerRule"), _listener_rule)


def read_listeners(reader: Reader) -> dict[str, LoadBalancerListener]:
    """Read the listeners, by place, with the certificates of other resources; without their rules."""
    listeners = reader.read_all(_TYPE.format("Listener"), _listener)
    for place, certificates in reader.read_all(_TYPE.format("ListenerCertificate"), _certificates).values():
        if place in listeners:
            listener = listeners[place]
            listeners[place] = replace(listener, certificates=(*listener.certificates, *certificates))
    return listeners


def _listener(fields: Fields, _: Resource) -> LoadBalancerListener:
    return LoadBalancerListener(
        load_balancer=resource_key(fields.value("LoadBalancerArn")),
        protocol=fields.optional_text("Protocol"),
        port=fields.integer("Port"),
        actions=read_actions(fields, "DefaultActions"),
        certificates=_certificate_arns(fields),
        tls_policy=fields.optional_text("SslPolicy"),
        mutual_tls=fields.optional("MutualAuthentication", lambda each: each.text("Mode")) or "off",
    )


def _certificates(fields: Fields, _: Resource) -> tuple[str | None, tuple[str | Reference, ...]]:
    # One that cannot be read is a problem of this resource, not of the listener.
    return resource_key(fields.value("ListenerArn")), tuple(each for each in _certificate_arns(fields) if each)


def _certificate_arns(fields: Fields) -> tuple[str | Reference, ...]:
    return fields.many("Certificates", lambda each: text_or_reference(each, "CertificateArn"))


def _listener_rule(fields: Fields, _: Resource) -> ListenerRule:
    return ListenerRule(
        listener=resource_key(fields.value("ListenerArn")),
        actions=read_actions(fields, "Actions"),
        priority=fields.optional_integer("Priority") or 0,
        conditions=fields.many("Conditions", read_condition),
        transforms=fields.many("Transforms", lambda each: each.optional_text("Type") or ""),
    )
