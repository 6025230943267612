"""Delay until readers have a change of registered tasks."""

from ipaddress import IPv4Address

import pytest

from color_mesh.local.run.propagation import Propagation
from color_mesh.local.run.tasks.task_registry import RegisteredTask, TaskRegistry

RED = RegisteredTask(id="red", address=IPv4Address("10.0.0.4"))
BLUE = RegisteredTask(id="blue", address=IPv4Address("10.0.0.5"))


@pytest.fixture
def registry() -> TaskRegistry:
    return TaskRegistry(lambda: None)


def test_first_task_of_a_name_is_published_at_once(registry: TaskRegistry) -> None:
    names = Propagation(registry.tasks_of, 7, lambda: 0.0)
    names.update(["names"])
    assert (names.registered("names"), names.seconds_until_change()) == ((), None)
    registry.register("names", RED)
    names.update(["names"])
    assert (names.registered("names"), names.seconds_until_change()) == ((RED,), None)


def test_later_changes_are_published_after_the_delay(registry: TaskRegistry) -> None:
    now = [0.0]
    names = Propagation(registry.tasks_of, 7, lambda: now[0])
    registry.register("names", RED)
    names.update(["names"])
    registry.register("names", BLUE)
    names.update(["names"])
    now[0] = 2.0
    registry.deregister("red")
    names.update(["names"])
    assert (names.registered("names"), names.seconds_until_change()) == ((RED,), 5.0)
    now[0] = 7.0
    names.update(["names"])
    assert (names.registered("names"), names.seconds_until_change()) == ((RED, BLUE), 2.0)
    now[0] = 9.0
    names.update(["names"])
    assert (names.registered("names"), names.seconds_until_change()) == ((BLUE,), None)


def test_change_of_a_service_that_is_removed_is_not_pending(registry: TaskRegistry) -> None:
    names = Propagation(registry.tasks_of, 7, lambda: 0.0)
    registry.register("names", RED)
    names.update(["names"])
    registry.deregister("red")
    names.update(["names"])
    assert names.seconds_until_change() == 7.0
    names.update([])
    assert (names.registered("names"), names.seconds_until_change()) == ((), None)
