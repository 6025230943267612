"""What is before the tasks of a service: the listeners of load balancers, as far as templates say."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from color_mesh.cloudformation import Resource, Templates
from color_mesh.ecs.reading import key

_KIND = "AWS::ElasticLoadBalancingV2::{}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Hold a way to a target group.

    Attributes:
        protocol: What clients speak, such as ``HTTPS``.
        port: What they call.
        public: Whether the internet reaches it.
        rule: Whether a rule chooses who gets there.
        authenticates: Whether clients have to say who they are.
    """

    protocol: str
    port: str
    public: bool
    rule: bool = False
    authenticates: bool = False

    def __str__(self) -> str:
        return f"{self.protocol} {self.port}"


def entries(templates: Templates) -> dict[str, list[Entry]]:
    """Find the ways to target groups, by their places or ARNs."""
    public = {
        resource.place: resource.property("Scheme") in (None, "internet-facing")
        for resource in templates.resources(_KIND.format("LoadBalancer"))
    }
    listeners = {resource.place: resource for resource in templates.resources(_KIND.format("Listener"))}
    found: dict[str, list[Entry]] = {}
    ways = [(listener, listener, "DefaultActions") for listener in listeners.values()]
    for rule in templates.resources(_KIND.format("ListenerRule")):
        listener = listeners.get(key(rule.property("ListenerArn")) or "")
        ways += [(listener, rule, "Actions")] if listener is not None else []
    for listener, owner, name in ways:
        actions = [*_actions(owner, name)]
        entry = Entry(
            protocol=str(listener.property("Protocol")),
            port=str(listener.property("Port")),
            public=public.get(key(listener.property("LoadBalancerArn")) or "", False),
            rule=owner is not listener,
            authenticates=any(str(action.get("Type")).startswith("authenticate") for action in actions),
        )
        for group in dict.fromkeys(group for action in actions for group in _target_groups(action)):
            found.setdefault(group, []).append(entry)
    return found


def _actions(owner: Resource, name: str) -> Iterator[dict[str, Any]]:
    found = owner.property(name)
    yield from (each for each in found if isinstance(each, dict)) if isinstance(found, list) else ()


def _target_groups(action: dict[str, Any]) -> Iterator[str]:
    """Find the target groups of an action, also those of which one is chosen by weight."""
    forward = action.get("ForwardConfig")
    weighted = forward.get("TargetGroups") if isinstance(forward, dict) else None
    for each in (action, *(weighted if isinstance(weighted, list) else ())):
        group = key(each.get("TargetGroupArn")) if isinstance(each, dict) else None
        if group is not None:
            yield group
