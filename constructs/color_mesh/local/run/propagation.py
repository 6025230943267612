"""Propagation of registrations from where they are made to where they are read: DNS, and the API of Cloud Map."""

import time
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

# Route 53 is designed to propagate changes within 60 seconds (Amazon Route 53 FAQs), and usually takes a few.
DNS_DELAY_SECONDS = 5
# AWS states no time within which DiscoverInstances has a change of RegisterInstance.
CLOUD_MAP_DELAY_SECONDS = 2

T = TypeVar("T")


class Propagation(Generic[T]):
    """Registrations as their readers have them: every change is delayed, except the first one of a service.

    The first is not delayed because on AWS, too, no resolver has cached an answer for a name that is new.

    Args:
        registered: Returns what is registered in a Cloud Map service.
        delay_seconds: Delay of a change.
        clock: Returns the time in seconds.
    """

    def __init__(
        self,
        registered: Callable[[str], tuple[T, ...]],
        delay_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registered = registered
        self._delay_seconds = delay_seconds
        self._clock = clock
        # By Cloud Map service, times and what readers have from then on: what they have now, then pending changes.
        self._timeline: dict[str, list[tuple[float, tuple[T, ...]]]] = {}

    def update(self, cloud_map_services: Iterable[str]) -> None:
        """Record what is registered now, and apply the changes that are due."""
        now = self._clock()
        # Changes of other services have no readers: they must not be pending for ever.
        self._timeline = {key: self._timeline.get(key, []) for key in cloud_map_services}
        for key, timeline in self._timeline.items():
            registered = self._registered(key)
            if not timeline and registered:
                timeline.append((now, registered))
            elif timeline and timeline[-1][1] != registered:
                timeline.append((now + self._delay_seconds, registered))
            while len(timeline) > 1 and timeline[1][0] <= now:
                del timeline[0]

    def registered(self, cloud_map_service: str) -> tuple[T, ...]:
        """Return what readers have of a Cloud Map service, in the order of the registrations."""
        timeline = self._timeline.get(cloud_map_service)
        return timeline[0][1] if timeline else ()

    def seconds_until_change(self) -> float | None:
        """Return the seconds until the next pending change is due; ``None`` if no change is pending."""
        pending = [timeline[1][0] for timeline in self._timeline.values() if len(timeline) > 1]
        return max(0.0, min(pending) - self._clock()) if pending else None
