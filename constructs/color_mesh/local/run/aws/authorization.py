"""Authorization of calls by the roles of tasks."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from color_mesh.ecs.policy_conditions import RequestContext
from color_mesh.ecs.roles import Decision, Role
from color_mesh.local.plan.assembly import ACCOUNT
from color_mesh.local.run.aws.cloud_map import CloudMap, namespace_arn, service_arn

# Service Authorization Reference, Actions, resources, and condition keys for AWS Cloud Map: actions that are about a
# service, and about no resource.
_ABOUT_SERVICE = frozenset(
    ("DeregisterInstance", "GetInstance", "GetService", "ListInstances", "RegisterInstance"),
)
_DISCOVERY = frozenset(("DiscoverInstances", "DiscoverInstancesRevision"))
_ANY = ("*",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Authorization:
    """Authorization of a call.

    Attributes:
        denial: Message about a denial, with the action, the resource and the missing permission; ``None`` if the call
            is allowed.
        assumptions: Parts of the role's policies that cannot be evaluated.
    """

    denial: str | None = None
    assumptions: tuple[str, ...] = ()


def authorize(role: Role, action: str, request: Mapping[str, Any], cloud_map: CloudMap, region: str) -> Authorization:
    """Decide whether a role allows a call of Cloud Map.

    Args:
        role: Role of the task.
        action: Action of the API, such as ``DiscoverInstances``.
        request: The request.
        cloud_map: Cloud Map.
        region: Region of the API.
    """
    full_action = f"servicediscovery:{action}"
    key, subject = _service(action, request, cloud_map)
    context = _context(action, request, key, region)
    assumptions: list[str] = []
    for resource in _resources(action, key, cloud_map, region):
        decision: Decision = role.decide(full_action, resource, context)
        assumptions += decision.assumptions
        if decision.denial is not None:
            fix = f"allow {full_action} on {resource[0]}"
            if action in _DISCOVERY and resource != _ANY:
                fix = f"{fix}, or on * if servicediscovery:ServiceName is {request.get('ServiceName')!r}"
            return Authorization(denial=f"{full_action} on {subject}: {decision.denial}, got role {role.name} ({fix})")
    return Authorization(assumptions=tuple(dict.fromkeys(assumptions)))


def _service(action: str, request: Mapping[str, Any], cloud_map: CloudMap) -> tuple[str | None, str]:
    """Return the key of the service that a call is about, and what the call is about in words."""
    if action in _DISCOVERY:
        namespace, name = str(request.get("NamespaceName")), str(request.get("ServiceName"))
        return cloud_map.service_named(namespace, name), f"service {name!r} of namespace {namespace!r}"
    if action in _ABOUT_SERVICE:
        identifier = str(request.get("ServiceId", request.get("Id")))
        key = cloud_map.service_of(identifier)
        return key, f"service {identifier if key is None else cloud_map.service(key).name!r}"
    return None, "*"


def _resources(action: str, key: str | None, cloud_map: CloudMap, region: str) -> list[tuple[str, ...]]:
    """Return the resources that a call needs permissions for, each with its names."""
    if key is None:
        return [_ANY]
    service = cloud_map.service(key)
    about_service = (service_arn(key, region), key)
    if action in _DISCOVERY:
        return [about_service, (namespace_arn(service, region), *filter(None, (service.namespace_key,)))]
    return [about_service]


def _context(action: str, request: Mapping[str, Any], key: str | None, region: str) -> RequestContext:
    """Return the condition keys of a call: those of the action, and global ones (IAM User Guide)."""
    own: dict[str, str | None] = dict.fromkeys(("namespacename", "servicename", "namespacearn", "servicearn"))
    if action in _DISCOVERY:
        own |= {"namespacename": str(request.get("NamespaceName")), "servicename": str(request.get("ServiceName"))}
    elif key is not None:
        own["servicearn"] = service_arn(key, region)
    return {
        **{f"servicediscovery:{name}": value for name, value in own.items()},
        "aws:requestedregion": region,
        "aws:securetransport": "true",
        "aws:principaltype": "AssumedRole",
        "aws:principalaccount": ACCOUNT,
        "aws:resourceaccount": ACCOUNT,
        "aws:principalisawsservice": "false",
        "aws:viaawsservice": "false",
        "aws:epochtime": str(int(time.time())),
        "aws:currenttime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "aws:multifactorauthpresent": None,
        "aws:calledvia": None,
        "aws:username": None,
    }
