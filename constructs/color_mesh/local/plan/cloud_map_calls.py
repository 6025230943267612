"""Warnings about the calls of Cloud Map that Envoys make for their endpoints and weights."""

from collections.abc import Iterator

from color_mesh.ecs.security_groups import allows_outbound
from color_mesh.ecs.services import Service
from color_mesh.local.plan.assembly import Plan
from color_mesh.local.plan.bootstraps import discovered_services
from color_mesh.local.plan.cloud_map_authorization import authorize, service_named
from color_mesh.local.plan.network import API_ADDRESSES, API_PORT

_ACTION = "DiscoverInstances"


def call_warnings(plan: Plan, service: Service) -> Iterator[str]:
    """Return a warning for each call of the Envoys of a service's tasks that will fail."""
    task = plan.task(service)
    calling = [(each, discovered_services(each.bootstrap)) for each in task.containers]
    if not any(called for _, called in calling):
        return
    groups = [plan.network.groups[each] for each in service.groups if each in plan.network.groups]
    is_known = len(groups) == len(service.groups) > 0
    if is_known and not any(allows_outbound(each, "tcp", API_PORT, API_ADDRESSES[0]) for each in groups):
        yield f"{service.name}: no security group of it allows tcp {API_PORT} to the API of Cloud Map"
    key = task.definition.task_role
    role = plan.roles.get(key or "")
    if role is not None and not role.trusts_tasks:
        yield f"{service.name}: role {role.name} does not trust ecs-tasks.amazonaws.com: no call is signed"
    for container, called in calling:
        for namespace, name in called:
            subject = f"{service.name}: {container.name}"
            request = {"NamespaceName": namespace, "ServiceName": name}
            if service_named(plan.discovery, namespace, name) is None:
                yield f"{subject}: no template declares service {name!r} of namespace {namespace!r}, which it asks for"
            elif key is None:
                yield f"{subject}: the task has no role, which must allow servicediscovery:{_ACTION} on {name!r}"
            elif role is not None:
                denial = authorize(role, _ACTION, request, plan.discovery, task.region).denial
                if denial is not None:
                    yield f"{subject}: {denial}"
