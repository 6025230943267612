"""Health of the targets of load balancers."""

import asyncio
import time
from collections.abc import Callable, Iterable

from color_mesh.local.run.load_balancers.running_load_balancer import RunningLoadBalancer
from color_mesh.local.run.load_balancers.targets import LoadBalancerTarget
from color_mesh.local.run.tasks.running_task import RunningTask
from color_mesh.local.run.tasks.task_registry import TaskRegistry

_PAUSE_SECONDS = 0.25
# Time for a new task to listen; before it has passed, failed health checks are not printed.
_START_SECONDS = 2.0


async def watch_target_health(
    load_balancers: Iterable[RunningLoadBalancer],
    tasks: Callable[[], Iterable[RunningTask]],
    registry: TaskRegistry,
    on_change: Callable[[RunningTask], None],
    print_once: Callable[[RunningTask, str], None],
) -> None:
    """Record the results of the load balancers' health checks in the tasks, again and again.

    Args:
        load_balancers: The load balancers.
        tasks: Returns the tasks.
        registry: Tasks that are registered in target groups.
        on_change: Called with a task whose target health has changed.
        print_once: Prints a message about a task, unless it is the last one printed about it.
    """
    while True:
        for load_balancer in load_balancers:
            for target, failure in (await load_balancer.target_health()).items():
                for task in _tasks_of(target, tasks(), registry):
                    if (task.target_failure, task.awaits_target_health) != (failure, False):
                        task.target_failure, task.awaits_target_health = failure, False
                        on_change(task)
        for task in tasks():
            if task.target_failure is not None and time.monotonic() > task.running_since + _START_SECONDS:
                print_once(task, f"{task.address} {task.target_failure}")
        await asyncio.sleep(_PAUSE_SECONDS)


def _tasks_of(target: LoadBalancerTarget, tasks: Iterable[RunningTask], registry: TaskRegistry) -> list[RunningTask]:
    registered = {
        each.id
        for each in registry.tasks_of(target.group)
        if (str(each.address), each.port) == target.endpoint and not each.draining
    }
    return [task for task in tasks if task.id in registered]
