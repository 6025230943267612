"""Listeners of load balancers that forward to a target group."""

from collections.abc import Iterator
from dataclasses import dataclass

from color_mesh.ecs import Declarations
from color_mesh.ecs.actions import Action
from color_mesh.ecs.listeners import LoadBalancerListener


@dataclass(frozen=True, kw_only=True, slots=True)
class ForwardingListener:
    """Listener of a load balancer that forwards to a target group.

    Attributes:
        protocol: Protocol of the listener, such as ``HTTPS``.
        port: Port of the listener.
        public: True if the internet reaches the load balancer.
        has_rule: True if a rule of the listener selects the requests.
        authenticates: True if the listener authenticates clients.
        restricts: True if a rule of the listener keeps requests from its targets.
    """

    protocol: str
    port: int
    public: bool
    has_rule: bool = False
    authenticates: bool = False
    restricts: bool = False

    def __str__(self) -> str:
        return f"{self.protocol} {self.port}"


def forwarding_listeners(declarations: Declarations) -> dict[str, list[ForwardingListener]]:
    """Return the listeners that forward to each target group, by the target group's place or ARN."""
    listeners: dict[str, list[ForwardingListener]] = {}
    restricting = {
        rule.listener for rule in declarations.listener_rules.values() if any(not each.weights for each in rule.actions)
    }
    for place, listener, actions, has_rule in _actions(declarations):
        balancer = declarations.load_balancers.get(listener.load_balancer or "")
        forwarding = ForwardingListener(
            protocol=str(listener.protocol),
            port=listener.port,
            public=balancer is not None and balancer.public,
            has_rule=has_rule,
            authenticates=any((action.type or "").startswith("authenticate") for action in actions),
            restricts=place in restricting,
        )
        for group in dict.fromkeys(group for action in actions for group in action.target_groups):
            listeners.setdefault(group, []).append(forwarding)
    return listeners


def _actions(declarations: Declarations) -> Iterator[tuple[str, LoadBalancerListener, tuple[Action, ...], bool]]:
    """Yield each listener with its default actions, then with those of each rule; the last value is true for a rule."""
    for place, each in declarations.listeners.items():
        yield place, each, each.actions, False
    for rule in declarations.listener_rules.values():
        place = rule.listener or ""
        if place in declarations.listeners:
            yield place, declarations.listeners[place], rule.actions, True
