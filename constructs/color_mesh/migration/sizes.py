"""Fargate size of a task, and the CPU and memory of its containers."""

from collections.abc import Sequence
from dataclasses import dataclass

from color_mesh.ecs.containers import Container
from color_mesh.model.deployment import ENVOY_CPU, ENVOY_MEMORY_MIB
from color_mesh.model.task import FARGATE_MEMORY_MIB

_MINIMUM_CPU, _MINIMUM_MEMORY_MIB = 64, 128


@dataclass(frozen=True, kw_only=True, slots=True)
class FargateSize:
    """Size that Fargate offers.

    Attributes:
        cpu: CPU units, 1024 for a vCPU.
        memory_mib: Memory.
    """

    cpu: int
    memory_mib: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Shares:
    """CPU units or memory of the containers of a task.

    Attributes:
        envoy: Share of Envoy.
        app: Share of the application. ``None``: the rest of the task.
        others: Sum of the shares of all other containers.
        app_minimum: Minimum for an application without a share of its own.
    """

    envoy: int
    app: int | None
    others: int
    app_minimum: int

    @property
    def total(self) -> int:
        """Sum of all shares."""
        return self.envoy + (self.app or self.app_minimum) + self.others

    def of_app(self, task: int) -> int:
        """Return the share of the application in a task with so many CPU units or so much memory."""
        return self.app or task - self.envoy - self.others


def cpu_shares(task: int | None, envoy: int | None, app: int | None, others: Sequence[int | None]) -> Shares:
    """Return the CPU units of containers.

    Envoy without CPU units gets the default of the constructs, or the rest of the task if that is less. CPU units are
    weights: a container may use the units of idle ones.
    """
    sum_of_others = sum(each or 0 for each in others)
    rest = ENVOY_CPU if task is None else task - sum_of_others - (app or _MINIMUM_CPU)
    envoy_share = envoy or max(min(ENVOY_CPU, rest), _MINIMUM_CPU)
    return Shares(envoy=envoy_share, app=app, others=sum_of_others, app_minimum=_MINIMUM_CPU)


def memory_shares(task: int | None, envoy: int | None, app: int | None, others: Sequence[int | None]) -> Shares:
    """Return the memory limits of containers, in MiB.

    Envoy without a limit gets the default of the constructs, or the rest of the task if that is less. An application
    without a limit could use the whole rest, so Envoy, which needs 65 MiB, then gets the minimum.
    """
    sum_of_others = sum(each or 0 for each in others)
    rest = ENVOY_MEMORY_MIB if task is None else min(ENVOY_MEMORY_MIB, task - sum_of_others - (app or task))
    envoy_limit = envoy or max(rest, _MINIMUM_MEMORY_MIB)
    return Shares(envoy=envoy_limit, app=app, others=sum_of_others, app_minimum=_MINIMUM_MEMORY_MIB)


def gateway_shares(envoy: int | None, others: Sequence[int | None]) -> Shares:
    """Return the shares in a task of a gateway, which has no application."""
    return Shares(envoy=envoy or 0, app=None, others=sum(each or 0 for each in others), app_minimum=0)


def container_memory(container: Container) -> int | None:
    """Return the memory of a container in MiB: its limit, or else its reservation."""
    return container.memory_mib or container.memory_reservation_mib


def fargate_size(cpu: int, memory_mib: int) -> FargateSize | None:
    """Return the smallest Fargate size with the CPU units and the memory; ``None`` when there is none."""
    sizes = (
        FargateSize(cpu=size, memory_mib=memory)
        for size, memories in FARGATE_MEMORY_MIB.items()
        for memory in memories
        if size >= cpu and memory >= memory_mib
    )
    return next(sizes, None)
