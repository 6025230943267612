"""How long DNS takes to hear of the tasks that Cloud Map registers and deregisters."""

import time
from collections.abc import Callable, Iterable

from color_mesh.local.run.registry import Registered, Registry

# Route 53 is designed to have a change everywhere within 60 seconds (Amazon Route 53 FAQs), and mostly takes a few.
DNS_DELAY_SECONDS = 5


class Propagation:
    """Show who is registered as DNS has it: every change after a delay, but for the first of a name.

    On AWS too nobody has asked for a name that has only just been declared.

    Args:
        registry: Who is registered now.
        delay_seconds: How long a change takes.
        clock: Tells the time in seconds.
    """

    def __init__(self, registry: Registry, delay_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._delay_seconds = delay_seconds
        self._clock = clock
        # From when on, and who: the first is what DNS has, the others are on their way.
        self._seen: dict[str, list[tuple[float, tuple[Registered, ...]]]] = {}

    def look(self, registries: Iterable[str]) -> None:
        """Take note of who is registered now, and let arrive what has been on its way for long enough."""
        now = self._clock()
        for key in registries:
            seen, found = self._seen.setdefault(key, []), self._registry.of(key)
            if not seen and found:
                seen.append((now, found))
            elif seen and seen[-1][1] != found:
                seen.append((now + self._delay_seconds, found))
            while len(seen) > 1 and seen[1][0] <= now:
                del seen[0]

    def of(self, registry: str) -> tuple[Registered, ...]:
        """List those that DNS has, the first first."""
        seen = self._seen.get(registry)
        return seen[0][1] if seen else ()

    def due_seconds(self) -> float | None:
        """Find how long it is until the next change arrives; nothing when none is on its way."""
        on_their_way = [seen[1][0] for seen in self._seen.values() if len(seen) > 1]
        return max(0.0, min(on_their_way) - self._clock()) if on_their_way else None
