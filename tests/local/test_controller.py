"""How a service keeps its tasks, with tasks that do what the test says."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import cast

import pytest

from color_mesh.ecs.services import Registration, Service
from color_mesh.ecs.task_definitions import Container, TaskDefinition
from color_mesh.local.plan.programs import Program
from color_mesh.local.run.tasks.running_task import RunningTask
from color_mesh.local.run.tasks.service_scheduler import ServiceScheduler

OLD = TaskDefinition(family="old", containers=(Container(name="app", image="app", program=Program(command=("app",))),))
NEW = replace(OLD, family="new")
SERVICE = Service(name="svc", task_definition="", desired_count=2, subnets=("s",), groups=(), public=False)


class FakeTask:
    """A task that is well, unwell or stopped when it is told so."""

    def __init__(self, service: Service, definition: TaskDefinition, wake: Callable[[], None]) -> None:
        self.service = service
        self.definition = definition
        self.status = "PENDING"
        self.reason = ""
        self.failed = False
        self.is_healthy = False
        self.is_unhealthy = False
        self._wake = wake

    def become_healthy(self) -> None:
        self.status, self.is_healthy = "RUNNING", True
        self._wake()

    def become_unhealthy(self) -> None:
        self.is_healthy, self.is_unhealthy = False, True
        self._wake()

    def fall(self) -> None:
        self.status, self.failed, self.is_healthy = "STOPPED", True, False
        self._wake()

    async def stop(self, reason: str, failed: bool = False) -> None:
        self.status, self.reason, self.failed, self.is_healthy = "STOPPED", reason, failed, False
        self._wake()


class Tried:
    """A controller, and every task that it has started."""

    def __init__(self, service: Service = SERVICE) -> None:
        self.started: list[FakeTask] = []
        self.definition = OLD
        self.scheduler = ServiceScheduler(service, self._start, self._failed)
        self.scheduler.run(service, OLD)

    def _start(self, scheduler: ServiceScheduler) -> RunningTask:
        task = FakeTask(scheduler.service, self.definition, scheduler.wake)
        self.started.append(task)
        return cast(RunningTask, task)

    def _failed(self, error: BaseException) -> None:
        raise error

    def change(self, service: Service, definition: TaskDefinition) -> None:
        self.definition = definition
        self.scheduler.run(service, definition)

    @property
    def going(self) -> list[FakeTask]:
        return [task for task in self.started if task.status != "STOPPED"]

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def all_healthy(self) -> None:
        await self.settle()
        for task in self.going:
            task.become_healthy()
        await self.settle()


def tried(work: Callable[[Tried], Awaitable[None]], service: Service = SERVICE) -> None:
    async def run() -> None:
        await work(Tried(service))

    asyncio.run(run())


def test_it_starts_as_many_as_are_desired_and_is_steady_when_all_are_well() -> None:
    async def work(it: Tried) -> None:
        await it.settle()
        assert (len(it.going), it.scheduler.is_steady) == (2, False)
        await it.all_healthy()
        assert (len(it.started), it.scheduler.is_steady, it.scheduler.replaced) == (2, True, 0)

    tried(work)


def test_a_task_that_falls_is_replaced() -> None:
    async def work(it: Tried) -> None:
        await it.all_healthy()
        it.started[0].reason = "it fell"
        it.started[0].fall()
        await it.settle()
        assert (len(it.started), len(it.going)) == (3, 2)
        assert (it.scheduler.replaced, it.scheduler.reason) == (1, "it fell")

    tried(work)


def test_an_unwell_task_stays_until_its_replacement_is_healthy() -> None:
    async def work(it: Tried) -> None:
        await it.all_healthy()
        it.started[0].become_unhealthy()
        await it.settle()
        assert [task.status for task in it.started] == ["RUNNING", "RUNNING", "PENDING"]
        it.started[2].become_healthy()
        await it.settle()
        assert [task.status for task in it.started] == ["STOPPED", "RUNNING", "RUNNING"]

    tried(work)


def test_an_unwell_task_makes_room_for_its_replacement_where_there_is_none() -> None:
    async def work(it: Tried) -> None:
        await it.all_healthy()
        it.started[0].become_unhealthy()
        await it.settle()
        assert [task.status for task in it.started] == ["STOPPED", "RUNNING", "PENDING"]

    tried(work, replace(SERVICE, maximum_percent=100, minimum_percent=50))


def test_tasks_of_another_definition_are_replaced_and_enough_stay_well() -> None:
    async def work(it: Tried) -> None:
        await it.all_healthy()
        it.change(SERVICE, NEW)
        await it.settle()
        assert [task.status for task in it.started] == ["RUNNING", "RUNNING", "PENDING", "PENDING"]
        it.started[2].become_healthy()
        await it.settle()
        assert [task.status for task in it.started].count("STOPPED") == 1
        it.started[3].become_healthy()
        await it.settle()
        assert [task.definition for task in it.going] == [NEW, NEW]
        assert it.scheduler.is_steady

    tried(work)


def test_a_task_is_stopped_as_soon_as_the_one_in_its_place_is_healthy() -> None:
    async def work(it: Tried) -> None:
        await it.all_healthy()
        it.change(it.scheduler.service, NEW)
        await it.settle()
        it.started[1].become_healthy()
        await it.settle()
        assert [task.status for task in it.started] == ["STOPPED", "RUNNING"]

    tried(work, replace(SERVICE, desired_count=1, discovery=(Registration(registry="names"),)))


def test_new_tasks_that_are_never_well_leave_the_old_ones_alone() -> None:
    async def work(it: Tried) -> None:
        await it.all_healthy()
        it.change(SERVICE, NEW)
        await it.settle()
        for task in it.started[2:]:
            task.fall()
        await it.settle()
        assert [task.status for task in it.started[:2]] == ["RUNNING", "RUNNING"]

    tried(work)


@pytest.mark.parametrize(("count", "going"), [(0, 0), (1, 1), (3, 3)])
def test_another_count_starts_or_stops_tasks(count: int, going: int) -> None:
    async def work(it: Tried) -> None:
        await it.all_healthy()
        it.change(replace(SERVICE, desired_count=count, minimum_percent=0), OLD)
        await it.all_healthy()
        assert (len(it.going), it.scheduler.is_steady) == (going, True)

    tried(work)


def test_tasks_that_fall_again_and_again_are_started_later_and_later(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("color_mesh.local.run.tasks.service_scheduler.time.monotonic", lambda: now[0])

    async def work(it: Tried) -> None:
        async def delay() -> float:
            """Let the task fall, and find how long it takes until there is another."""
            await it.settle()
            (task,) = it.going
            task.fall()
            fell = now[0]
            await it.settle()
            while not it.going:
                now[0] += 0.5
                it.scheduler.wake()
                await it.settle()
            return now[0] - fell

        assert [await delay() for _ in range(8)] == [0, 2, 4, 8, 16, 32, 60, 60]

    tried(work, replace(SERVICE, desired_count=1))


def test_a_change_starts_a_failing_service_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("color_mesh.local.run.tasks.service_scheduler.time.monotonic", lambda: 0.0)

    async def work(it: Tried) -> None:
        for _ in range(2):
            await it.settle()
            for task in it.going:
                task.fall()
        await it.settle()
        assert not it.going
        it.change(SERVICE, NEW)
        await it.settle()
        assert len(it.going) == 2

    tried(work)
