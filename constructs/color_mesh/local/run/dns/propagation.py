"""Propagation of registrations from Cloud Map to DNS."""

import time
from collections.abc import Callable, Iterable

from color_mesh.local.run.tasks.task_registry import RegisteredTask, TaskRegistry

# Route 53 is designed to propagate changes within 60 seconds (Amazon Route 53 FAQs), and usually takes a few.
DNS_DELAY_SECONDS = 5


class Propagation:
    """Registered tasks as DNS has them: every change is delayed, except the first registration of a name.

    The first is not delayed because on AWS, too, no resolver has cached an answer for a name that is new.

    Args:
        registry: Registered tasks.
        delay_seconds: Delay of a change.
        clock: Returns the time in seconds.
    """

    def __init__(
        self, registry: TaskRegistry, delay_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._registry = registry
        self._delay_seconds = delay_seconds
        self._clock = clock
        # By Cloud Map service, times and the tasks from then on: first the current ones, then pending changes.
        self._timeline: dict[str, list[tuple[float, tuple[RegisteredTask, ...]]]] = {}

    def update(self, cloud_map_services: Iterable[str]) -> None:
        """Record which tasks are registered now, and apply the changes that are due."""
        now = self._clock()
        for key in cloud_map_services:
            timeline, tasks = self._timeline.setdefault(key, []), self._registry.tasks_of(key)
            if not timeline and tasks:
                timeline.append((now, tasks))
            elif timeline and timeline[-1][1] != tasks:
                timeline.append((now + self._delay_seconds, tasks))
            while len(timeline) > 1 and timeline[1][0] <= now:
                del timeline[0]

    def tasks_of(self, cloud_map_service: str) -> tuple[RegisteredTask, ...]:
        """Return the tasks that DNS has for a Cloud Map service, in the order of their registration."""
        timeline = self._timeline.get(cloud_map_service)
        return timeline[0][1] if timeline else ()

    def seconds_until_change(self) -> float | None:
        """Return the seconds until the next pending change is due; ``None`` if no change is pending."""
        pending = [timeline[1][0] for timeline in self._timeline.values() if len(timeline) > 1]
        return max(0.0, min(pending) - self._clock()) if pending else None
