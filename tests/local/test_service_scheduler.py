"""The service scheduler, with tasks whose status the tests set."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import cast

import pytest

from color_mesh.ecs.services import Registration, Service
from color_mesh.ecs.task_definitions import TaskDefinition
from color_mesh.local.plan.runnable import RunnableTask
from color_mesh.local.run.tasks.running_task import RunningTask
from color_mesh.local.run.tasks.service_scheduler import ServiceScheduler

OLD = RunnableTask(definition=TaskDefinition(family="old", containers=()), containers=(), region="us-east-1")
NEW = replace(OLD, definition=TaskDefinition(family="new", containers=()))
SERVICE = Service(name="svc", task_definition="", desired_count=2, subnets=("s",), groups=(), public=False)


class FakeTask:
    """A task whose health and status the tests set."""

    def __init__(self, service: Service, runnable: RunnableTask, wake: Callable[[], None]) -> None:
        self.service = service
        self.runnable = runnable
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

    def fail(self) -> None:
        self.status, self.failed, self.is_healthy = "STOPPED", True, False
        self._wake()

    async def stop(self, reason: str, failed: bool = False) -> None:
        self.status, self.reason, self.failed, self.is_healthy = "STOPPED", reason, failed, False
        self._wake()


class SchedulerUnderTest:
    """A scheduler, and every task that it has started."""

    def __init__(self, service: Service = SERVICE) -> None:
        self.started: list[FakeTask] = []
        self.runnable = OLD
        self.scheduler = ServiceScheduler(service, self._start, self._failed)
        self.scheduler.run(service, OLD)

    def _start(self, scheduler: ServiceScheduler) -> RunningTask:
        task = FakeTask(scheduler.service, self.runnable, scheduler.wake)
        self.started.append(task)
        return cast(RunningTask, task)

    def _failed(self, error: BaseException) -> None:
        raise error

    def change(self, service: Service, runnable: RunnableTask) -> None:
        self.runnable = runnable
        self.scheduler.run(service, runnable)

    @property
    def active(self) -> list[FakeTask]:
        return [task for task in self.started if task.status != "STOPPED"]

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def make_all_healthy(self) -> None:
        await self.settle()
        for task in self.active:
            task.become_healthy()
        await self.settle()


def run_scheduler(work: Callable[[SchedulerUnderTest], Awaitable[None]], service: Service = SERVICE) -> None:
    async def run() -> None:
        await work(SchedulerUnderTest(service))

    asyncio.run(run())


def test_desired_number_of_tasks_starts_and_is_steady_when_healthy() -> None:
    async def work(tested: SchedulerUnderTest) -> None:
        await tested.settle()
        assert (len(tested.active), tested.scheduler.is_steady) == (2, False)
        await tested.make_all_healthy()
        assert (len(tested.started), tested.scheduler.is_steady, tested.scheduler.replaced) == (2, True, 0)

    run_scheduler(work)


def test_failed_task_is_replaced() -> None:
    async def work(tested: SchedulerUnderTest) -> None:
        await tested.make_all_healthy()
        tested.started[0].reason = "it failed"
        tested.started[0].fail()
        await tested.settle()
        assert (len(tested.started), len(tested.active)) == (3, 2)
        assert (tested.scheduler.replaced, tested.scheduler.reason) == (1, "it failed")

    run_scheduler(work)


def test_unhealthy_task_stays_until_its_replacement_is_healthy() -> None:
    async def work(tested: SchedulerUnderTest) -> None:
        await tested.make_all_healthy()
        tested.started[0].become_unhealthy()
        await tested.settle()
        assert [task.status for task in tested.started] == ["RUNNING", "RUNNING", "PENDING"]
        tested.started[2].become_healthy()
        await tested.settle()
        assert [task.status for task in tested.started] == ["STOPPED", "RUNNING", "RUNNING"]

    run_scheduler(work)


def test_unhealthy_task_stops_first_at_the_maximum_percent() -> None:
    async def work(tested: SchedulerUnderTest) -> None:
        await tested.make_all_healthy()
        tested.started[0].become_unhealthy()
        await tested.settle()
        assert [task.status for task in tested.started] == ["STOPPED", "RUNNING", "PENDING"]

    run_scheduler(work, replace(SERVICE, maximum_percent=100, minimum_percent=50))


def test_deployment_replaces_tasks_and_keeps_the_minimum_healthy() -> None:
    async def work(tested: SchedulerUnderTest) -> None:
        await tested.make_all_healthy()
        tested.change(SERVICE, NEW)
        await tested.settle()
        assert [task.status for task in tested.started] == ["RUNNING", "RUNNING", "PENDING", "PENDING"]
        tested.started[2].become_healthy()
        await tested.settle()
        assert [task.status for task in tested.started].count("STOPPED") == 1
        tested.started[3].become_healthy()
        await tested.settle()
        assert [task.runnable for task in tested.active] == [NEW, NEW]
        assert tested.scheduler.is_steady

    run_scheduler(work)


def test_a_task_is_stopped_as_soon_as_the_one_in_its_place_is_healthy() -> None:
    async def work(tested: SchedulerUnderTest) -> None:
        await tested.make_all_healthy()
        tested.change(tested.scheduler.service, NEW)
        await tested.settle()
        tested.started[1].become_healthy()
        await tested.settle()
        assert [task.status for task in tested.started] == ["STOPPED", "RUNNING"]

    run_scheduler(work, replace(SERVICE, desired_count=1, discovery=(Registration(registry="names"),)))


def test_failed_deployment_keeps_the_old_tasks() -> None:
    async def work(tested: SchedulerUnderTest) -> None:
        await tested.make_all_healthy()
        tested.change(SERVICE, NEW)
        await tested.settle()
        for task in tested.started[2:]:
            task.fail()
        await tested.settle()
        assert [task.status for task in tested.started[:2]] == ["RUNNING", "RUNNING"]

    run_scheduler(work)


@pytest.mark.parametrize(("count", "active"), [(0, 0), (1, 1), (3, 3)])
def test_changed_desired_count_starts_or_stops_tasks(count: int, active: int) -> None:
    async def work(tested: SchedulerUnderTest) -> None:
        await tested.make_all_healthy()
        tested.change(replace(SERVICE, desired_count=count, minimum_percent=0), OLD)
        await tested.make_all_healthy()
        assert (len(tested.active), tested.scheduler.is_steady) == (active, True)

    run_scheduler(work)


def test_tasks_that_keep_failing_start_after_longer_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("color_mesh.local.run.tasks.service_scheduler.time.monotonic", lambda: now[0])

    async def work(tested: SchedulerUnderTest) -> None:
        async def delay() -> float:
            """Let the task fail, and return the seconds until another one starts."""
            await tested.settle()
            (task,) = tested.active
            task.fail()
            failed_at = now[0]
            await tested.settle()
            while not tested.active:
                now[0] += 0.5
                tested.scheduler.wake()
                await tested.settle()
            return now[0] - failed_at

        assert [await delay() for _ in range(8)] == [0, 2, 4, 8, 16, 32, 60, 60]

    run_scheduler(work, replace(SERVICE, desired_count=1))


def test_deployment_ends_the_wait_of_a_failing_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("color_mesh.local.run.tasks.service_scheduler.time.monotonic", lambda: 0.0)

    async def work(tested: SchedulerUnderTest) -> None:
        for _ in range(2):
            await tested.settle()
            for task in tested.active:
                task.fail()
        await tested.settle()
        assert not tested.active
        tested.change(SERVICE, NEW)
        await tested.settle()
        assert len(tested.active) == 2

    run_scheduler(work)
