"""Registration of running tasks in Cloud Map services and target groups."""

from collections.abc import Iterator

from color_mesh.envoy import Instance
from color_mesh.local.plan.assembly import Plan
from color_mesh.local.run.tasks.running_task import RunningTask
from color_mesh.local.run.tasks.task_registry import RegisteredTask, TaskRegistry


def register(registry: TaskRegistry, task: RunningTask) -> None:
    """Register a task wherever its service says, unless it is registered already."""
    attributes = {
        "AWS_INSTANCE_IPV4": str(task.address),
        "ECS_SERVICE_NAME": task.service.name,
        "ECS_TASK_DEFINITION_FAMILY": task.runnable.definition.family,
    }
    for each in (*task.service.discovery, *task.service.targets):
        registered = {other.id for other in registry.tasks_of(each.registry)}
        if task.address is not None and task.id not in registered:
            entry = RegisteredTask(id=task.id, address=task.address, port=each.port, attributes=attributes)
            registry.register(each.registry, entry)


def instances(plan: Plan, registry: TaskRegistry, dns_name: str) -> Iterator[Instance]:
    """Return the tasks that are registered in the Cloud Map services of a DNS name."""
    for key, service in plan.discovery.items():
        if service.dns_name.lower() == dns_name.lower():
            for task in registry.tasks_of(key):
                yield Instance(port=task.port or 0, ipv4=str(task.address), attributes=task.attributes)
