"""Status of a run, and the lookup of tasks and containers by the names that people use."""

from collections.abc import Callable, Sequence
from typing import Any

from color_mesh.local.run.runner import Runner
from color_mesh.local.run.tasks.running_container import RunningContainer
from color_mesh.local.run.tasks.running_task import RunningTask
from color_mesh.model import MeshError
from color_mesh.model.errors import problem


def status(runner: Runner, url: str | None) -> Any:
    """Return the services, tasks, containers and load balancers of a run.

    Args:
        runner: The run.
        url: URL of the first published port; ``None`` if there is none.
    """
    return {
        "url": url,
        "outages": {name: each.kind for name, each in runner.aws.outages.items() if each.kind},
        "steady": runner.is_steady,
        "resolver": runner.resolver_pid,
        "services": [
            {
                "name": scheduler.service.name,
                "desired": scheduler.service.desired_count,
                "steady": scheduler.is_steady,
                "replaced": scheduler.replaced,
                "reason": runner.plan.without_secrets(scheduler.reason),
                "tasks": [_task_status(task, runner.plan.without_secrets) for task in scheduler.tasks],
            }
            for scheduler in runner.schedulers.values()
        ],
        "balancers": [
            {"name": each.definition.name, "address": str(each.address), "pid": each.pid}
            for each in runner.load_balancers
        ],
    }


def _task_status(task: RunningTask, without_secrets: Callable[[str], str]) -> Any:
    return {
        "id": task.id,
        "names": sorted(names_of(task)),
        "status": task.status,
        "health": task.health,
        "healthy": task.is_healthy,
        "reason": without_secrets(task.target_failure or task.reason),
        "address": str(task.address) if task.address is not None else None,
        "public": task.service.public,
        "containers": [
            {
                "name": container.definition.name,
                "status": container.status,
                "health": container.health,
                "reason": without_secrets(container.reason),
                "pid": container.pid,
                "log": str(container.log.path) if container.log is not None else None,
                "stream": _log_stream(task, container),
            }
            for container in task.containers.values()
        ],
    }


def _log_stream(task: RunningTask, container: RunningContainer) -> str:
    """Return the name of a container's CloudWatch stream (ECS API Reference, *LogConfiguration*)."""
    return "/".join(each for each in (container.definition.log_prefix, container.definition.name, task.id) if each)


def task_named(tasks: Sequence[RunningTask], target: str) -> RunningTask:
    """Look up a task by the beginning of its id, or by the name of its service, family, virtual node or container.

    Raises:
        MeshError: If there is no such task.
    """
    for task in [task for task in tasks if task.status == "RUNNING"] or tasks:
        if target in names_of(task) or (len(target) >= 4 and task.id.startswith(target)):
            return task
    known = sorted({name for task in tasks for name in names_of(task)})
    raise MeshError([problem("task", "unknown task", target, f"known: {', '.join(known) or 'none'}")])


def container_named(task: RunningTask, target: str, name: str | None) -> RunningContainer:
    """Look up a container by name. Default: the container that ``target`` names, else the application.

    Raises:
        MeshError: If the task has no such container.
    """
    if name is None:
        name = target if target in task.containers else task.runnable.application.name
    if name not in task.containers:
        fix = f"known: {', '.join(task.containers)}"
        raise MeshError([problem(f"task {task.name}", "unknown container", name, fix)])
    return task.containers[name]


def names_of(task: RunningTask) -> set[str]:
    """Return the names of a task's service, family, virtual nodes, virtual gateways and applications."""
    resources = {resource.name for resource in task.runnable.mesh_resources.values()}
    applications = {each.name for each in task.runnable.applications}
    return {task.service.name, task.runnable.definition.family, *resources, *applications}
