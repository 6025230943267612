"""Who is registered where: in Cloud Map, and in target groups."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address


@dataclass(frozen=True, kw_only=True, slots=True)
class Registered:
    """Define a registered task.

    Attributes:
        task: The task.
        address: Its address.
        port: Its port; ``None`` when it is registered without one.
        attributes: What it is registered with.
    """

    task: str
    address: IPv4Address
    port: int | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


class Registry:
    """Hold registered tasks, by what tells Cloud Map services and target groups from others.

    Args:
        changed: Called when somebody comes or goes.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._registered: dict[str, dict[str, Registered]] = {}
        self._changed = changed

    def add(self, registry: str, entry: Registered) -> None:
        """Register a task."""
        self._registered.setdefault(registry, {})[entry.task] = entry
        self._changed()

    def remove(self, task: str) -> None:
        """Remove a task, wherever it is registered."""
        for entries in self._registered.values():
            entries.pop(task, None)
        self._changed()

    def of(self, registry: str) -> tuple[Registered, ...]:
        """List those that are registered, the first first."""
        return tuple(self._registered.get(registry, {}).values())
