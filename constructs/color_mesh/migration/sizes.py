"""The Fargate size that a task takes, and what of it each container gets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from color_mesh.ecs.containers import Container
from color_mesh.model.deployment import ENVOY_CPU, ENVOY_MEMORY_MIB
from color_mesh.model.task import FARGATE_MEMORY_MIB

_LEAST_CPU, _LEAST_MEMORY_MIB = 64, 128


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
        least: What is left for an application that says nothing, at least.
    """

    envoy: int
    app: int | None
    others: int
    least: int

    @property
    def total(self) -> int:
        """What all of them need."""
        return self.envoy + (self.app or self.least) + self.others

    def of_app(self, total: int) -> int:
        """Find the application's share of a total."""
        return self.app or total - self.envoy - self.others


def cpu_shares(total: int | None, envoy: int | None, app: int | None, others: Sequence[int | None]) -> Shares:
    """Share CPU units out: Envoy gets what it says, or else as much as is usual, or as is left.

    A share is what a container gets when all of them want more; none is kept from what is idle.
    """
    taken = sum(each or 0 for each in others)
    left = ENVOY_CPU if total is None else total - taken - (app or _LEAST_CPU)
    return Shares(envoy=envoy or max(min(ENVOY_CPU, left), _LEAST_CPU), app=app, others=taken, least=_LEAST_CPU)


def memory_shares(total: int | None, envoy: int | None, app: int | None, others: Sequence[int | None]) -> Shares:
    """Share memory out, in MiB; what a container gets is its limit.

    An application that says nothing could use what Envoy and others left: so Envoy, which needs 65 MiB (README,
    Layout), gets the least that it can do with.
    """
    taken = sum(each or 0 for each in others)
    usual = ENVOY_MEMORY_MIB if total is None else min(ENVOY_MEMORY_MIB, total - taken - (app or total))
    share = envoy or max(usual, _LEAST_MEMORY_MIB)
    return Shares(envoy=share, app=app, others=taken, least=_LEAST_MEMORY_MIB)


def gateway_shares(envoy: int | None, others: Sequence[int | None]) -> Shares:
    """Share a gateway's task out, which has no application: Envoy gets what others leave."""
    return Shares(envoy=envoy or 0, app=None, others=sum(each or 0 for each in others), least=0)


def container_memory(container: Container) -> int | None:
    """Return the memory of a container in MiB: its limit, or else its reservation."""
    return container.memory_mib or container.memory_reservation_mib


def fargate_size(cpu: int, memory_mib: int) -> FargateSize | None:
    """Find the smallest size with so much CPU and memory, or none when Fargate has no task so large."""
    sizes: Iterable[tuple[int, int]] = (
        (size, memory) for size, memories in FARGATE_MEMORY_MIB.items() for memory in memories
    )
    fitting = (
        FargateSize(cpu=each, memory_mib=memory) for each, memory in sizes if each >= cpu and memory >= memory_mib
    )
    return next(fitting, None)
