"""Which target groups of load balancers the internet reaches, as far as templates say."""

from collections.abc import Iterator
from typing import Any

from color_mesh.cloudformation import Resource, Templates
from color_mesh.local.reading import key

_KIND = "AWS::ElasticLoadBalancingV2::{}"


def public_target_groups(templates: Templates) -> frozenset[str]:
    """Find the target groups behind load balancers that the internet reaches, by their places or ARNs."""
    balancers = {
        resource.place
        for resource in templates.resources(_KIND.format("LoadBalancer"))
        if resource.property("Scheme") in (None, "internet-facing")
    }
    listeners = {
        resource.place: resource
        for resource in templates.resources(_KIND.format("Listener"))
        if key(resource.property("LoadBalancerArn")) in balancers
    }
    rules = (
        resource
        for resource in templates.resources(_KIND.format("ListenerRule"))
        if key(resource.property("ListenerArn")) in listeners
    )
    actions = [
        *(action for listener in listeners.values() for action in _actions(listener, "DefaultActions")),
        *(action for rule in rules for action in _actions(rule, "Actions")),
    ]
    return frozenset(found for action in actions if (found := key(action.get("TargetGroupArn"))) is not None)


def _actions(resource: Resource, name: str) -> Iterator[dict[str, Any]]:
    """Find the actions of a listener or a rule, also those of which one is chosen by weight."""
    for action in resource.property(name) or ():
        yield action
        yield from action.get("ForwardConfig", {}).get("TargetGroups", ())
