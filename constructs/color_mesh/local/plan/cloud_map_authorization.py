"""Authorization of calls of Cloud Map by the roles of tasks."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from color_mesh.ecs.cloud_map import DiscoveryService, cloud_map_id
from color_mesh.ecs.policy_conditions import RequestContext
from color_mesh.ecs.roles import Decision, Role
from color_mesh.local.plan.assembly import ACCOUNT
from color_mesh.local.plan.authorization import global_context

# Service Authorization Reference, Actions, resources, and condition keys for AWS Cloud Map: actions that are about a
# service, and about no resource.
_ABOUT_SERVICE = frozenset(
    ("DeregisterInstance", "GetInstance", "GetService", "ListInstances", "RegisterInstance"),
)
DISCOVERY = frozenset(("DiscoverInstances", "DiscoverInstancesRevision"))
_ANY = ("*",)
_Services: TypeAlias = Mapping[str, DiscoveryService]


def service_named(services: _Services, namespace: str, name: str) -> str | None:
    """Return the key of a Cloud Map service; ``None`` if there is none with these names."""
    return next((key for key, each in services.items() if (each.namespace, each.name) == (namespace, name)), None)


def service_with_id(services: _Services, identifier: str) -> str | None:
    """Return the key of a Cloud Map service; ``None`` if there is none with this id or ARN."""
    wanted = identifier.rpartition("/")[2]
    return next((key for key in services if cloud_map_id("srv", key) == wanted), None)


def authorize(
    role: Role,
    action: str,
    request: Mapping[str, Any],
    services: _Services,
    region: str,
) -> Decision:
    """Decide whether a role allows a call of Cloud Map.

    A denial is a message with the action, the resource and the missing permission.

    Args:
        role: Role of the task.
        action: Action of the API, such as ``DiscoverInstances``.
        request: The request.
        services: Cloud Map services, by key.
        region: Region of the API.
    """
    full_action = f"servicediscovery:{action}"
    key, subject = _service(action, request, services)
    context = _context(action, request, key, region)
    assumptions: list[str] = []
    for resource in _resources(action, key, services, region):
        decision = role.decide(full_action, resource, context)
        assumptions += decision.assumptions
        if decision.denial is not None:
            fix = f"allow {full_action} on {resource[0]}"
            if action in DISCOVERY and resource != _ANY:
                fix = f"{fix}, or on * if servicediscovery:ServiceName is {request.get('ServiceName')!r}"
            return Decision(denial=f"{full_action} on {subject}: {decision.denial}, got role {role.name} ({fix})")
    return Decision(assumptions=tuple(dict.fromkeys(assumptions)))


def _service(action: str, request: Mapping[str, Any], services: _Services) -> tuple[str | None, str]:
    """Return the key of the service that a call is about, and what the call is about in words."""
    if action in DISCOVERY:
        namespace, name = str(request.get("NamespaceName")), str(request.get("ServiceName"))
        return service_named(services, namespace, name), f"service {name!r} of namespace {namespace!r}"
    if action in _ABOUT_SERVICE:
        identifier = str(request.get("ServiceId", request.get("Id")))
        key = service_with_id(services, identifier)
        return key, f"service {identifier if key is None else services[key].name!r}"
    return None, "*"


def _resources(action: str, key: str | None, services: _Services, region: str) -> list[tuple[str, ...]]:
    """Return the resources that a call needs permissions for, each with its names."""
    if key is None:
        return [_ANY]
    about_service = (_arn("service", "srv", key, region), key)
    namespace = services[key].namespace_key
    if action in DISCOVERY and namespace is not None:
        return [about_service, (_arn("namespace", "ns", namespace, region), namespace)]
    return [about_service]


def _context(action: str, request: Mapping[str, Any], key: str | None, region: str) -> RequestContext:
    """Return the condition keys of a call: those of the action, and global ones."""
    own: dict[str, str | None] = dict.fromkeys(("namespacename", "servicename", "namespacearn", "servicearn"))
    if action in DISCOVERY:
        own |= {"namespacename": str(request.get("NamespaceName")), "servicename": str(request.get("ServiceName"))}
    elif key is not None:
        own["servicearn"] = _arn("service", "srv", key, region)
    return {**{f"servicediscovery:{name}": value for name, value in own.items()}, **global_context(region)}


def _arn(kind: str, prefix: str, key: str, region: str) -> str:
    return f"arn:aws:servicediscovery:{region}:{ACCOUNT}:{kind}/{cloud_map_id(prefix, key)}"
