"""Registration of tasks."""

from ipaddress import IPv4Address

from color_mesh.local.run.tasks.task_registry import RegisteredTask, TaskRegistry


def test_task_is_registered_until_it_is_deregistered() -> None:
    changes: list[None] = []
    registry = TaskRegistry(lambda: changes.append(None))
    entry = RegisteredTask(id="t", address=IPv4Address("10.0.0.4"), port=80)
    registry.register("names", entry)
    registry.register("targets", entry)
    assert registry.tasks_of("names") == registry.tasks_of("targets") == (entry,)
    registry.deregister("t")
    assert (registry.tasks_of("names"), registry.tasks_of("nothing"), len(changes)) == ((), (), 3)


def test_task_drains_in_the_target_groups_that_wait_for_it() -> None:
    registry = TaskRegistry(lambda: None)
    entry = RegisteredTask(id="t", address=IPv4Address("10.0.0.4"), port=80)
    registry.register("names", entry)
    registry.register("targets", entry)
    registry.deregister("t", draining=("targets",))
    assert [each.draining for each in registry.tasks_of("targets")] == [True]
    assert registry.tasks_of("names") == ()
    registry.deregister("t")
    assert registry.tasks_of("targets") == ()
