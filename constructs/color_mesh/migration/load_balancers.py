"""Listeners of load balancers, by the target groups that they forward to."""

from collections.abc import Iterator
from dataclasses import dataclass

from color_mesh.ecs import Declarations
from color_mesh.ecs.load_balancers import Action, Listener


@dataclass(frozen=True, kw_only=True, slots=True)
class ForwardingListener:
    """Listener that forwards requests to a target group.

    Attributes:
        protocol: Protocol of the listener, such as ``HTTPS``.
        port: Port of the listener.
        public: The load balancer is internet-facing.
        rule: A rule of the listener selects the requests.
        authenticates: The listener authenticates clients.
    """

    protocol: str
    port: int
    public: bool
    rule: bool = False
    authenticates: bool = False

    def __str__(self) -> str:
        return f"{self.protocol} {self.port}"


def forwarding_listeners(declarations: Declarations) -> dict[str, list[ForwardingListener]]:
    """Return the listeners that forward to each target group, by the place or ARN of the target group."""
    listeners: dict[str, list[ForwardingListener]] = {}
    for listener, actions, is_rule in _actions(declarations):
        load_balancer = declarations.load_balancers.get(listener.load_balancer or "")
        forwarding = ForwardingListener(
            protocol=str(listener.protocol),
            port=listener.port,
            public=load_balancer is not None and load_balancer.public,
            rule=is_rule,
            authenticates=any((action.type or "").startswith("authenticate") for action in actions),
        )
        for group in dict.fromkeys(group for action in actions for group in action.target_groups):
            listeners.setdefault(group, []).append(forwarding)
    return listeners


def _actions(declarations: Declarations) -> Iterator[tuple[Listener, tuple[Action, ...], bool]]:
    """Yield the default actions of listeners, and then the actions of rules with a ``True``."""
    for listener in declarations.listeners.values():
        yield listener, listener.actions, False
    for rule in declarations.listener_rules.values():
        if rule.listener is not None and rule.listener in declarations.listeners:
            yield declarations.listeners[rule.listener], rule.actions, True
