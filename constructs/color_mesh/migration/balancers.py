"""The listeners of load balancers that lead to a target group."""

from collections.abc import Iterator
from dataclasses import dataclass

from color_mesh.ecs import Declarations
from color_mesh.ecs.load_balancers import Action, Listener


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Listener that leads to a target group.

    Attributes:
        protocol: Protocol of the listener, such as ``HTTPS``.
        port: Port of the listener.
        public: Whether the internet reaches the load balancer.
        rule: Whether a rule of the listener selects the requests.
        authenticates: Whether the listener authenticates clients.
    """

    protocol: str
    port: int
    public: bool
    rule: bool = False
    authenticates: bool = False

    def __str__(self) -> str:
        return f"{self.protocol} {self.port}"


def entries(declarations: Declarations) -> dict[str, list[Entry]]:
    """Return the listeners that lead to each target group, by the target group's place or ARN."""
    found: dict[str, list[Entry]] = {}
    for listener, actions, rule in _routes(declarations):
        balancer = declarations.load_balancers.get(listener.load_balancer or "")
        entry = Entry(
            protocol=str(listener.protocol),
            port=listener.port,
            public=balancer is not None and balancer.public,
            rule=rule,
            authenticates=any((action.type or "").startswith("authenticate") for action in actions),
        )
        for group in dict.fromkeys(group for action in actions for group in action.target_groups):
            found.setdefault(group, []).append(entry)
    return found


def _routes(declarations: Declarations) -> Iterator[tuple[Listener, tuple[Action, ...], bool]]:
    """Return the actions of listeners, and then those of rules; the last value says whether they are a rule's."""
    for each in declarations.listeners.values():
        yield each, each.actions, False
    for rule in declarations.listener_rules.values():
        listener = declarations.listeners.get(rule.listener or "")
        if listener is not None:
            yield listener, rule.actions, True
