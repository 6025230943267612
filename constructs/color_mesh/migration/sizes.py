"""Sizes of tasks on Fargate, and the shares of their containers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from color_mesh.ecs.containers import Container
from color_mesh.model.deployment import ENVOY_CPU, ENVOY_MEMORY_MIB
from color_mesh.model.task import FARGATE_MEMORY_MIB

_MINIMUM_CPU, _MINIMUM_MEMORY_MIB = 64, 128


@dataclass(frozen=True, kw_only=True, slots=True)
class FargateSize:
    """Size of a task on Fargate.

    Attributes:
        cpu: CPU units; 1024 are one vCPU.
        memory_mib: Memory in MiB.
    """

    cpu: int
    memory_mib: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Shares:
    """Shares of containers in a task's CPU or memory.

    Attributes:
        envoy: Share of Envoy.
        app: Share of the application. ``None``: it declares none, and gets the rest.
        others: Sum of the shares that other containers declare.
        app_minimum: Minimum for an application that declares no share.
    """

    envoy: int
    app: int | None
    others: int
    app_minimum: int

    @property
    def total(self) -> int:
        """Sum of the shares."""
        return self.envoy + (self.app or self.app_minimum) + self.others

    def of_app(self, total: int) -> int:
        """Compute the share of the application in a total."""
        return self.app or total - self.envoy - self.others


def cpu_shares(total: int | None, envoy: int | None, app: int | None, others: Sequence[int | None]) -> Shares:
    """Compute the shares of the CPU: Envoy gets what its container declares, or else the default if there is enough.

    The shares apply while containers compete for the CPU. Idle CPU is free for all of them.
    """
    declared = sum(each or 0 for each in others)
    left = ENVOY_CPU if total is None else total - declared - (app or _MINIMUM_CPU)
    return Shares(
        envoy=envoy or max(min(ENVOY_CPU, left), _MINIMUM_CPU), app=app, others=declared, app_minimum=_MINIMUM_CPU
    )


def memory_shares(total: int | None, envoy: int | None, app: int | None, others: Sequence[int | None]) -> Shares:
    """Compute the shares of the memory in MiB, which are the memory limits of the containers.

    An application without a limit could use all that Envoy and others leave. In its tasks Envoy, which needs 65 MiB
    (README, Layout), gets the minimum.
    """
    declared = sum(each or 0 for each in others)
    default = ENVOY_MEMORY_MIB if total is None else min(ENVOY_MEMORY_MIB, total - declared - (app or total))
    share = envoy or max(default, _MINIMUM_MEMORY_MIB)
    return Shares(envoy=share, app=app, others=declared, app_minimum=_MINIMUM_MEMORY_MIB)


def gateway_shares(envoy: int | None, others: Sequence[int | None]) -> Shares:
    """Compute the shares in the task of a gateway, which has no application: Envoy gets what others leave."""
    return Shares(envoy=envoy or 0, app=None, others=sum(each or 0 for each in others), app_minimum=0)


def container_memory(container: Container) -> int | None:
    """Return the memory limit of a container in MiB, or else its reservation."""
    return container.memory_mib or container.memory_reservation_mib


def fargate_size(cpu: int, memory_mib: int) -> FargateSize | None:
    """Return the smallest size with this much CPU and memory; ``None`` if no size of Fargate is large enough."""
    sizes: Iterable[tuple[int, int]] = (
        (size, memory) for size, memories in FARGATE_MEMORY_MIB.items() for memory in memories
    )
    large_enough = (
        FargateSize(cpu=each, memory_mib=memory) for each, memory in sizes if each >= cpu and memory >= memory_mib
    )
    return next(large_enough, None)
