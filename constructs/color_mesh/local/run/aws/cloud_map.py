"""AWS Cloud Map: its services and instances, and the actions of its API (AWS Cloud Map API Reference)."""

import asyncio
import random
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from color_mesh.ecs.cloud_map import CloudMapInstance, DiscoveryService, attribute_problem, cloud_map_id
from color_mesh.local.plan.assembly import Plan
from color_mesh.local.plan.cloud_map_authorization import service_named, service_with_id
from color_mesh.local.run.aws.api_error import ApiError
from color_mesh.local.run.aws.registered_instance import (
    HEALTH_FILTERS,
    RegisteredInstance,
    discovered,
    listed,
    registered_instance,
    with_health,
)
from color_mesh.local.run.propagation import Propagation
from color_mesh.local.run.tasks.task_registry import TaskRegistry

_INSTANCE_ID = re.compile(r"[0-9a-zA-Z_/:.@-]{1,64}")
_DEFAULT_RESULTS, _MAX_RESULTS = 100, 1000
_MAX_INSTANCES = 1000  # Of a service (AWS Cloud Map quotas).
# Attributes that the record types of a service require.
_REQUIRED = {"A": ("AWS_INSTANCE_IPV4",), "AAAA": ("AWS_INSTANCE_IPV6",), "SRV": ("AWS_INSTANCE_PORT",)}


class CloudMap:
    """Services and instances of Cloud Map: the tasks of ECS, and what templates and callers of the API register.

    Args:
        registry: Registered tasks.
        delay_seconds: Delay until DiscoverInstances has a change.
        on_change: Called when an instance has changed.

    Attributes:
        is_waiting: True while an instance of the templates waits for resources that it depends on.
    """

    def __init__(self, registry: TaskRegistry, delay_seconds: float, on_change: Callable[[], None]) -> None:
        self._registry = registry
        self._on_change = on_change
        self._services: Mapping[str, DiscoveryService] = {}
        self._templates: dict[str, dict[str, CloudMapInstance]] = {}
        self._instances: dict[str, dict[str, RegisteredInstance]] = {}
        self._visible = Propagation(self._all, delay_seconds)
        self.is_waiting = False
        self._expected: dict[str, asyncio.Event] = {}
        self._revisions: dict[str, tuple[int, frozenset[str]]] = {}

    def apply(self, plan: Plan, is_stable: Callable[[str], bool]) -> None:
        """Take over the services and instances of templates.

        An instance that has not changed in the templates keeps what callers of the API have changed, as a deployment
        with CloudFormation leaves it alone.

        Args:
            plan: The plan.
            is_stable: Returns whether a resource is stable. An instance waits for those that it depends on.
        """
        self._services = plan.discovery
        # CloudFormation deletes a service with the instances that callers of the API have registered in it.
        self._instances = {key: each for key, each in self._instances.items() if key in plan.discovery}
        self.is_waiting = False
        tasks = (
            each.registry for service in plan.services.values() if service.desired_count for each in service.discovery
        )
        for key in (*tasks, *plan.instances):
            self._expected.setdefault(key, asyncio.Event())
        for key in {*self._templates, *plan.instances}:
            wanted = {each.id: each for each in plan.instances.get(key, ())} if key in plan.discovery else {}
            applied = self._templates.setdefault(key, {})
            for name in [name for name in applied if name not in wanted]:
                del applied[name]
                self._instances.get(key, {}).pop(name, None)
                self._on_change()
            for name, instance in wanted.items():
                if applied.get(name) == instance:
                    continue
                if not all(map(is_stable, instance.depends_on)):
                    self.is_waiting = True
                else:
                    applied[name] = instance
                    self._register(key, registered_instance(name, instance.attributes))

    def update(self) -> None:
        """Apply the changes that are due."""
        self._visible.update(self._services)
        for key, first in self._expected.items():
            if self._visible.registered(key):
                first.set()

    def seconds_until_change(self) -> float | None:
        """Return the seconds until the next pending change is due; ``None`` if no change is pending."""
        return self._visible.seconds_until_change()

    @property
    def services(self) -> Mapping[str, DiscoveryService]:
        """Services by key."""
        return self._services

    def registered_by_api(self) -> list[tuple[str, RegisteredInstance]]:
        """Return the instances that are no tasks of ECS, each with the key of its service."""
        return [(key, each) for key, instances in self._instances.items() for each in instances.values()]

    async def wait_for_first_instance(self, request: Mapping[str, Any], seconds: float) -> None:
        """Wait for the first instance of a service, if one is on its way.

        On AWS, a deployment takes minutes, and the interval until an Envoy asks again does not matter.
        """
        key = service_named(self._services, str(request.get("NamespaceName")), str(request.get("ServiceName")))
        first = self._expected.get(key or "")
        if first is not None:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(first.wait(), seconds)

    def call(self, action: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the response of an action of the API.

        Raises:
            ApiError: With the error that AWS answers.
        """
        match action:
            case "DiscoverInstances":
                return self._discover(request)
            case "DiscoverInstancesRevision":
                return {"InstancesRevision": self._discover(request)["InstancesRevision"]}
            case "RegisterInstance":
                return self._register_instance(request)
            case "DeregisterInstance":
                return self._deregister_instance(request)
            case "GetInstance":
                return {"Instance": listed(self._existing(request))}
            case "ListInstances":
                return {"Instances": [listed(each) for each in self._all(self._requested_service(request))]}
            case "GetOperation":
                status = {"Id": _text(request, "OperationId"), "Status": "SUCCESS"}
                return {"Operation": status}
            case "ListServices":
                return {"Services": [self._summary(key) for key in self._services]}
            case "GetService":
                return {"Service": self._summary(self._requested_service(request))}
        raise ApiError(400, "UnknownOperationException", f"{action} is not emulated")

    def _all(self, key: str) -> tuple[RegisteredInstance, ...]:
        tasks = (
            RegisteredInstance(id=task.id, attributes=task.attributes, healthy=task.healthy)
            for task in self._registry.tasks_of(key)
        )
        return (*tasks, *self._instances.get(key, {}).values())

    def _register(self, key: str, instance: RegisteredInstance) -> None:
        self._instances.setdefault(key, {})[instance.id] = instance
        self._on_change()

    def _discover(self, request: Mapping[str, Any]) -> dict[str, Any]:
        namespace, name = _text(request, "NamespaceName"), _text(request, "ServiceName")
        key = service_named(self._services, namespace, name)
        if namespace not in {each.namespace for each in self._services.values()}:
            raise ApiError(400, "NamespaceNotFound", f"no namespace exists with the name {namespace}")
        if key is None:
            raise ApiError(400, "ServiceNotFound", f"no service exists with the name {name}")
        limit = request.get("MaxResults", _DEFAULT_RESULTS)
        status = request.get("HealthStatus", "ALL")
        if type(limit) is not int or not 1 <= limit <= _MAX_RESULTS:
            raise ApiError(400, "InvalidInput", f"MaxResults is not from 1 to {_MAX_RESULTS}: {limit}")
        if status not in HEALTH_FILTERS:
            raise ApiError(400, "InvalidInput", f"HealthStatus is not one of {', '.join(HEALTH_FILTERS)}: {status}")
        required, optional = _texts(request, "QueryParameters"), _texts(request, "OptionalParameters")
        visible = self._visible.registered(key)
        matching = [each for each in visible if required.items() <= each.attributes.items()]
        matching = [each for each in matching if optional.items() <= each.attributes.items()] or matching
        service = self._services[key]
        if service.health_check:
            matching = with_health(matching, status)
        # The order of the instances is not documented.
        sample = random.sample(matching, min(limit, len(matching)))
        return {
            "Instances": [discovered(each, service) for each in sample],
            "InstancesRevision": self._revision(key, visible),
        }

    def _revision(self, key: str, visible: Iterable[RegisteredInstance]) -> int:
        """Return a number that increases when an instance is registered or deregistered."""
        ids = frozenset(each.id for each in visible)
        number, before = self._revisions.get(key, (1, ids))
        self._revisions[key] = (number + (ids != before), ids)
        return self._revisions[key][0]

    def _register_instance(self, request: Mapping[str, Any]) -> dict[str, Any]:
        key, name = self._requested_service(request), _text(request, "InstanceId")
        attributes = _texts(request, "Attributes")
        if not _INSTANCE_ID.fullmatch(name):
            raise ApiError(400, "InvalidInput", f"InstanceId is not valid: {name}")
        problem = attribute_problem(attributes)
        if problem is not None:
            raise ApiError(400, "InvalidInput", f"Attributes {problem[0]} ({problem[1]})")
        for kind, _ in self._services[key].records:
            for each in _REQUIRED.get(kind, ()):
                if each not in attributes:
                    raise ApiError(400, "InvalidInput", f"a service with {kind} records requires the attribute {each}")
        self._check_owner(key, name)
        if name not in self._instances.get(key, {}) and len(self._all(key)) >= _MAX_INSTANCES:
            raise ApiError(400, "ResourceLimitExceeded", f"the service has {_MAX_INSTANCES} instances")
        self._register(key, registered_instance(name, attributes))
        return {"OperationId": str(uuid.uuid4())}

    def _deregister_instance(self, request: Mapping[str, Any]) -> dict[str, Any]:
        key, instance = self._requested_service(request), self._existing(request)
        self._check_owner(key, instance.id)
        del self._instances[key][instance.id]
        self._on_change()
        return {"OperationId": str(uuid.uuid4())}

    def _check_owner(self, key: str, name: str) -> None:
        """Raise an error for an instance that ECS registers: on AWS, ECS would not know of a change of it."""
        if any(task.id == name for task in self._registry.tasks_of(key)):
            raise ApiError(400, "ResourceInUse", f"{name} is a task of ECS")

    def _requested_service(self, request: Mapping[str, Any]) -> str:
        name = "Id" if "Id" in request else "ServiceId"
        key = service_with_id(self._services, _text(request, name))
        if key is None:
            raise ApiError(400, "ServiceNotFound", f"no service exists with the ID {request[name]}")
        return key

    def _existing(self, request: Mapping[str, Any]) -> RegisteredInstance:
        name = _text(request, "InstanceId")
        for each in self._all(self._requested_service(request)):
            if each.id == name:
                return each
        raise ApiError(400, "InstanceNotFound", f"no instance exists with the ID {name}")

    def _summary(self, key: str) -> dict[str, Any]:
        name, service_id = self._services[key].name, cloud_map_id("srv", key)
        return {"Id": service_id, "Name": name, "InstanceCount": len(self._all(key))}


def _text(request: Mapping[str, Any], name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str) or not value:
        raise ApiError(400, "InvalidInput", f"{name} is missing")
    return value


def _texts(request: Mapping[str, Any], name: str) -> dict[str, str]:
    value = request.get(name, {})
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise ApiError(400, "InvalidInput", f"{name} is not an object of texts")
    return value
