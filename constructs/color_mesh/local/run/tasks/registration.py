"""Registration of running tasks in Cloud Map services and target groups."""

from collections.abc import Iterator

from color_mesh.envoy import Instance
from color_mesh.local.plan.assembly import Plan
from color_mesh.local.run.tasks.running_task import RunningTask
from color_mesh.local.run.tasks.task_registry import RegisteredTask, TaskRegistry


def register(registry: TaskRegistry, task: RunningTask, plan: Plan) -> None:
    """Register a task wherever its service says, or change its registration after a change of its health."""
    if task.address is None:
        return
    attributes = _attributes(task, plan)
    for each in (*task.service.discovery, *task.service.targets):
        port = {} if each.port is None else {"AWS_INSTANCE_PORT": str(each.port)}
        service = plan.discovery.get(each.registry)
        initial = {"AWS_INIT_HEALTH_STATUS": _initial_health(task)} if service and service.health_check else {}
        entry = RegisteredTask(
            id=task.id,
            address=task.address,
            port=each.port,
            attributes={**attributes, **port, **initial},
            # ECS reports the health of containers to Cloud Map (ECS Developer Guide, Service discovery considerations).
            healthy=task.health == "HEALTHY" or not task.has_health_check,
        )
        registry.register(each.registry, entry)


def _attributes(task: RunningTask, plan: Plan) -> dict[str, str]:
    """Return the attributes that ECS registers (ECS Developer Guide, *Service discovery concepts*)."""
    region = task.runnable.region
    zones = (zone for subnet, zone in plan.network.zones.items() if task.address in plan.network.subnets[subnet])
    return {
        "AWS_INSTANCE_IPV4": str(task.address),
        # The zones of subnets that leave it to the deployment are not emulated.
        "AVAILABILITY_ZONE": next(zones, f"{region}a"),
        "REGION": region,
        "ECS_CLUSTER_NAME": task.service.cluster,
        "ECS_SERVICE_NAME": task.service.name,
        "ECS_TASK_DEFINITION_FAMILY": task.runnable.definition.family,
    }


def _initial_health(task: RunningTask) -> str:
    return "UNHEALTHY" if task.has_health_check else "HEALTHY"


def instances(plan: Plan, registry: TaskRegistry, dns_name: str) -> Iterator[Instance]:
    """Return the tasks that are registered in the Cloud Map services of a DNS name."""
    for key, service in plan.discovery.items():
        if service.dns_name.lower() == dns_name.lower():
            for task in registry.tasks_of(key):
                yield Instance(port=task.port or 0, ipv4=str(task.address), attributes=task.attributes)
