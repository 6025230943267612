"""Keeping a service's tasks: as many as desired, replaced when they are not well or made of something else."""

import asyncio
import math
import time
from collections.abc import Callable

from color_mesh.ecs.services import Service
from color_mesh.local.plan.runnable import RunnableTask
from color_mesh.local.run.task import Task
from color_mesh.local.run.work import begin

# ECS waits longer and longer before it starts a task of a service whose tasks keep failing (ECS Developer Guide,
# *Service throttle logic*); the first waits are shorter here.
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 60.0


class Controller:
    """Keep the tasks of a service.

    Args:
        service: The service.
        start: Starts a task of it.
        failed: Told of an error that nobody expected.

    Attributes:
        tasks: Those that have not stopped.
        replaced: How many have been replaced.
        reason: Why the last one of them stopped.
    """

    def __init__(
        self,
        service: Service,
        start: Callable[["Controller"], Task],
        failed: Callable[[BaseException], None],
    ) -> None:
        self.service = service
        self.tasks: list[Task] = []
        self.replaced = 0
        self.reason = ""
        self._start = start
        self._failed = failed
        self._news = asyncio.Event()
        self._failures = 0
        self._not_before = 0.0
        self._current: RunnableTask | None = None
        self._working: asyncio.Task[None] | None = None

    @property
    def is_steady(self) -> bool:
        """Whether it has its tasks, all well and of what they should be."""
        well = [task for task in self.tasks if task.is_well and self._is_current(task)]
        return len(well) == len(self.tasks) == self.service.desired_count

    def run(self, service: Service, current: RunnableTask) -> None:
        """Keep the service's tasks, each of this definition and placed as the service says; others are replaced."""
        self.service = service
        self._current = current
        self._failures, self._not_before = 0, 0.0
        if self._working is None:
            self._working = begin(self._work(), self._failed)
        self.wake()

    def wake(self) -> None:
        """Look at the tasks again."""
        self._news.set()

    async def stop(self) -> None:
        """Stop all tasks, and keep none."""
        if self._working is not None:
            self._working.cancel()
        await asyncio.gather(*(task.stop("the service is stopped") for task in self.tasks))

    def _is_current(self, task: Task) -> bool:
        return task.runnable == self._current and _placement(task.service) == _placement(self.service)

    async def _work(self) -> None:
        while True:
            self._news.clear()
            self._forget_stopped()
            self._reconcile()
            if self.is_steady:
                self._failures = 0
            wait = self._not_before - time.monotonic()
            try:
                await asyncio.wait_for(self._news.wait(), wait if wait > 0 else None)
            except asyncio.TimeoutError:
                continue

    def _forget_stopped(self) -> None:
        for task in [task for task in self.tasks if task.status == "STOPPED"]:
            self.tasks.remove(task)
            self.replaced += 1
            self.reason = task.reason
            if task.failed:
                self._failures += 1
                wait = min(_FIRST_WAIT_SECONDS * 2 ** (self._failures - 1), _LONGEST_WAIT_SECONDS)
                self._not_before = time.monotonic() + (wait if self._failures > 1 else 0)

    def _reconcile(self) -> None:
        going = [task for task in self.tasks if task.status not in ("STOPPING", "STOPPED")]
        good = [task for task in going if self._is_current(task) and not task.is_unwell]
        bad = [task for task in going if task not in good]
        desired = self.service.desired_count
        most = max(math.floor(desired * self.service.maximum_percent / 100), 1 if desired else 0)
        least = math.ceil(desired * self.service.minimum_percent / 100)
        room = most - len(self.tasks)
        if time.monotonic() >= self._not_before:
            for _ in range(min(desired - len(good), room)):
                task = self._start(self)
                self.tasks.append(task)
                good.append(task)
        well = sum(task.is_well for task in going)
        replaced = sum(task.is_well for task in good[:desired]) >= desired
        crowded = len(good) < desired and room <= 0
        # Those that are not well go first; the others as far as enough are left.
        for task in sorted((*bad, *good[desired:]), key=lambda each: each.is_well):
            if replaced or (well - 1 >= least if task.is_well else crowded):
                well -= task.is_well
                begin(task.stop(task.reason or "it is replaced", failed=task.is_unwell), self._failed)


def _placement(service: Service) -> object:
    return service.subnets, service.groups, service.public, service.discovery, service.targets
