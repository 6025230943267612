<<<<<<< HEAD
"""Sizes of tasks on Fargate, and the shares of their containers."""
=======
"""Fargate size of a task, and the CPU and memory of its containers."""
>>>>>>> main

from collections.abc import Sequence
from dataclasses import dataclass

from color_mesh.ecs.containers import Container
from color_mesh.model.deployment import ENVOY_CPU, ENVOY_MEMORY_MIB
from color_mesh.model.task import FARGATE_MEMORY_MIB

_MINIMUM_CPU, _MINIMUM_MEMORY_MIB = 64, 128


@dataclass(frozen=True, kw_only=True, slots=True)
class FargateSize:
<<<<<<< HEAD
    """Size of a task on Fargate.

    Attributes:
        cpu: CPU units; 1024 are one vCPU.
        memory_mib: Memory in MiB.
=======
    """Size that Fargate offers.

    Attributes:
        cpu: CPU units, 1024 for a vCPU.
        memory_mib: Memory.
>>>>>>> main
    """

    cpu: int
    memory_mib: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Shares:
<<<<<<< HEAD
    """Shares of containers in a task's CPU or memory.

    Attributes:
        envoy: Share of Envoy.
        app: Share of the application. ``None``: it declares none, and gets the rest.
        others: Sum of the shares that other containers declare.
        app_minimum: Minimum for an application that declares no share.
=======
    """CPU units or memory of the containers of a task.

    Attributes:
        envoy: Share of Envoy.
        app: Share of the application. ``None``: the rest of the task.
        others: Sum of the shares of all other containers.
        app_minimum: Minimum for an application without a share of its own.
>>>>>>> main
    """

    envoy: int
    app: int | None
    others: int
    app_minimum: int

    @property
    def total(self) -> int:
<<<<<<< HEAD
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
=======
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
>>>>>>> main
    return Shares(envoy=envoy or 0, app=None, others=sum(each or 0 for each in others), app_minimum=0)


def container_memory(container: Container) -> int | None:
    """Return the memory limit of a container in MiB, or else its reservation."""
    return container.memory_mib or container.memory_reservation_mib


def fargate_size(cpu: int, memory_mib: int) -> FargateSize | None:
<<<<<<< HEAD
    """Return the smallest size with this much CPU and memory; ``None`` if no size of Fargate is large enough."""
    sizes: Iterable[tuple[int, int]] = (
        (size, memory) for size, memories in FARGATE_MEMORY_MIB.items() for memory in memories
    )
    large_enough = (
        FargateSize(cpu=each, memory_mib=memory) for each, memory in sizes if each >= cpu and memory >= memory_mib
    )
    return next(large_enough, None)
=======
    """Return the smallest Fargate size with the CPU units and the memory; ``None`` when there is none."""
    sizes = (
        FargateSize(cpu=size, memory_mib=memory)
        for size, memories in FARGATE_MEMORY_MIB.items()
        for memory in memories
        if size >= cpu and memory >= memory_mib
    )
    return next(sizes, None)
>>>>>>> main
