"""Registered tasks, of Cloud Map services and of target groups."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisteredTask:
    """Task that is registered in a Cloud Map service or a target group.

    Attributes:
        id: Id of the task.
        address: Private IPv4 address.
        port: Registered port. Default: registered without a port.
        attributes: Attributes of the Cloud Map instance.
        draining: It is deregistered from a target group, where it still has requests.
        healthy: False while a health check of a container fails, or has not passed yet.
    """

    id: str
    address: IPv4Address
    port: int | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    draining: bool = False
    healthy: bool = True


class TaskRegistry:
    """Registered tasks, by the key of the Cloud Map service or target group.

    Args:
        on_change: Called when a task is registered or deregistered.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._tasks: dict[str, dict[str, RegisteredTask]] = {}
        self._on_change = on_change

    def register(self, key: str, task: RegisteredTask) -> None:
        """Register a task in a Cloud Map service or target group, or change its registration."""
        tasks = self._tasks.setdefault(key, {})
        if tasks.get(task.id) != task:
            tasks[task.id] = task
            self._on_change()

    def deregister(self, task: str, draining: Collection[str] = ()) -> None:
        """Deregister a task from all Cloud Map services and target groups.

        Args:
            task: Id of the task.
            draining: Target groups whose load balancers wait for the requests of the task.
        """
        for key, tasks in self._tasks.items():
            entry = tasks.pop(task, None)
            if entry is not None and key in draining:
                tasks[task] = replace(entry, draining=True)
        self._on_change()

    def tasks_of(self, key: str) -> tuple[RegisteredTask, ...]:
        """Return the tasks of a Cloud Map service or target group, in the order of their registration."""
        return tuple(self._tasks.get(key, {}).values())
