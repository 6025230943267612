"""The Fargate size that a task takes, and what of it each container gets."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from color_mesh.model.task import FARGATE_MEMORY_MIB

_SIZE = re.compile(r"([0-9]*\.?[0-9]+) *(vcpu|gb)?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class FargateSize:
    """Hold a size that Fargate offers.

    Attributes:
        cpu: CPU units, 1024 a core.
        memory_mib: Memory.
    """

    cpu: int
    memory_mib: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Shares:
    """Hold what of a task's CPU, or of its memory, each container gets.

    Attributes:
        envoy: Envoy's share.
        app: The application's, or ``None`` when it says nothing and gets what is left.
        others: What other containers say that they need, all together.
    """

    envoy: int
    app: int | None
    others: int

    def total(self, least: int) -> int:
        """Sum up; ``least`` is for an application that says nothing."""
        return self.envoy + (self.app or least) + self.others

    def of_app(self, total: int) -> int:
        """Find the application's share of a total."""
        return self.app or total - self.envoy - self.others


def shares(
    total: int | None, envoy: int | None, app: int | None, others: Sequence[int | None], *, usual: int, least: int
) -> Shares:
    """Share a task's total out: Envoy gets what it says, or else as much as is usual, or as is left."""
    taken = sum(each or 0 for each in others)
    left = usual if total is None else total - taken - (app or least)
    return Shares(envoy=envoy or max(min(usual, left), least), app=app, others=taken)


def units(text: str | None) -> int | None:
    """Read a task's CPU or memory: ``256``, ``.25 vCPU`` or ``0.5 GB``; ``None`` for what says nothing."""
    found = _SIZE.fullmatch((text or "").strip())
    if found is None:
        return None
    return round(float(found[1]) * (1024 if found[2] else 1)) or None


def fargate_size(cpu: int, memory_mib: int) -> FargateSize | None:
    """Find the smallest size with so much CPU and memory, or none when Fargate has no task so large."""
    sizes: Iterable[tuple[int, int]] = (
        (size, memory) for size, memories in FARGATE_MEMORY_MIB.items() for memory in memories
    )
    fitting = (
        FargateSize(cpu=each, memory_mib=memory) for each, memory in sizes if each >= cpu and memory >= memory_mib
    )
    return next(fitting, None)
