"""The ECS service scheduler: keeps the desired number of tasks of a service, and replaces those that must go."""

import asyncio
import math
import time
from collections.abc import Callable

from color_mesh.ecs.services import Service
from color_mesh.local.plan.runnable import RunnableTask
from color_mesh.local.run.background import start_in_background
from color_mesh.local.run.tasks.running_task import RunningTask

# ECS waits longer and longer before it starts a task of a service whose tasks keep failing (ECS Developer Guide,
# *Service throttle logic*). The first waits are shorter here.
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 60.0


def wait_after_failures(failures: int) -> float:
    """Return the seconds to wait before the next start after so many failures in a row; none after the first."""
    return min(_FIRST_WAIT_SECONDS * 2 ** (failures - 1), _LONGEST_WAIT_SECONDS) if failures > 1 else 0.0


class ServiceScheduler:
    """Scheduler that keeps the desired number of tasks of a service running.

    Args:
        service: The service.
        start_task: Starts a task of the service.
        on_error: Receives an unexpected exception.

    Attributes:
        service: The service.
        tasks: Tasks that have not stopped.
        replaced: Number of tasks that have stopped.
        reason: Reason why the last of them stopped.
    """

    def __init__(
        self,
        service: Service,
        start_task: Callable[["ServiceScheduler"], RunningTask],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self.service = service
        self.tasks: list[RunningTask] = []
        self.replaced = 0
        self.reason = ""
        self._start_task = start_task
        self._on_error = on_error
        self._wake = asyncio.Event()
        self._failures = 0
        self._not_before = 0.0
        self._runnable: RunnableTask | None = None
        self._working: asyncio.Task[None] | None = None

    @property
    def is_steady(self) -> bool:
        """True if it has the desired number of tasks, all healthy and up to date."""
        healthy = [task for task in self.tasks if task.is_healthy and self._is_current(task)]
        return len(healthy) == len(self.tasks) == self.service.desired_count

    def run(self, service: Service, runnable: RunnableTask) -> None:
        """Keep tasks of this service and task definition, and replace others."""
        self.service = service
        self._runnable = runnable
        self._failures, self._not_before = 0, 0.0
        if self._working is None:
            self._working = start_in_background(self._work(), self._on_error)
        self.wake()

    def wake(self) -> None:
        """Check the tasks again."""
        self._wake.set()

    async def stop(self) -> None:
        """Stop all tasks, and start no others."""
        if self._working is not None:
            self._working.cancel()
        await asyncio.gather(*(task.stop("the service is stopped") for task in self.tasks))

    def _is_current(self, task: RunningTask) -> bool:
        return task.runnable == self._runnable and _placement(task.service) == _placement(self.service)

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            self._remove_stopped()
            self._reconcile()
            if self.is_steady:
                self._failures = 0
            wait_seconds = self._not_before - time.monotonic()
            try:
                await asyncio.wait_for(self._wake.wait(), wait_seconds if wait_seconds > 0 else None)
            except asyncio.TimeoutError:
                continue

    def _remove_stopped(self) -> None:
        for task in [task for task in self.tasks if task.status == "STOPPED"]:
            self.tasks.remove(task)
            self.replaced += 1
            self.reason = task.reason
            if task.failed:
                self._failures += 1
                self._not_before = time.monotonic() + wait_after_failures(self._failures)

    def _reconcile(self) -> None:
        """Start and stop tasks, within the limits of the deployment configuration."""
        active = [task for task in self.tasks if task.status not in ("STOPPING", "STOPPED")]
        good = [task for task in active if self._is_current(task) and not task.is_unhealthy]
        bad = [task for task in active if task not in good]
        desired = self.service.desired_count
        maximum = max(math.floor(desired * self.service.maximum_percent / 100), 1 if desired else 0)
        minimum = math.ceil(desired * self.service.minimum_percent / 100)
        free = maximum - len(self.tasks)
        if time.monotonic() >= self._not_before:
            for _ in range(min(desired - len(good), free)):
                task = self._start_task(self)
                self.tasks.append(task)
                good.append(task)
        healthy = sum(task.is_healthy for task in active)
        is_replaced = sum(task.is_healthy for task in good[:desired]) >= desired
        is_full = len(good) < desired and free <= 0
        # Unhealthy tasks stop first, healthy ones only while the minimum remains.
        for task in sorted((*bad, *good[desired:]), key=lambda each: each.is_healthy):
            if is_replaced or (healthy - 1 >= minimum if task.is_healthy else is_full):
                healthy -= task.is_healthy
                stop = task.stop(task.reason or "it is replaced", failed=task.is_unhealthy)
                start_in_background(stop, self._on_error)


def _placement(service: Service) -> object:
    return service.subnets, service.groups, service.public, service.discovery, service.targets
