"""Instances that are registered in Cloud Map, and how its API describes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from color_mesh.ecs.cloud_map import DiscoveryService

HEALTH_FILTERS = ("HEALTHY", "UNHEALTHY", "ALL", "HEALTHY_OR_ELSE_ALL")


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisteredInstance:
    """Instance that is registered in a Cloud Map service.

    Attributes:
        id: Instance id.
        attributes: Attributes.
        healthy: Health status, which only services with a health check have.
    """

    id: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    healthy: bool = True


def registered_instance(name: str, attributes: Mapping[str, str]) -> RegisteredInstance:
    """Return an instance with the health status that its attributes give it at first."""
    healthy = attributes.get("AWS_INIT_HEALTH_STATUS", "HEALTHY") == "HEALTHY"
    return RegisteredInstance(id=name, attributes=attributes, healthy=healthy)


def with_health(instances: list[RegisteredInstance], health_filter: str) -> list[RegisteredInstance]:
    """Return the instances that pass one of `HEALTH_FILTERS`."""
    healthy = [each for each in instances if each.healthy]
    match health_filter:
        case "HEALTHY":
            return healthy
        case "UNHEALTHY":
            return [each for each in instances if not each.healthy]
        case "HEALTHY_OR_ELSE_ALL":
            return healthy or instances
    return instances


def discovered(instance: RegisteredInstance, service: DiscoveryService) -> dict[str, Any]:
    """Render an instance of a service as in a response of DiscoverInstances."""
    status = ("HEALTHY" if instance.healthy else "UNHEALTHY") if service.health_check else "UNKNOWN"
    return {
        "InstanceId": instance.id,
        "NamespaceName": service.namespace,
        "ServiceName": service.name,
        "HealthStatus": status,
        "Attributes": dict(instance.attributes),
    }


def listed(instance: RegisteredInstance) -> dict[str, Any]:
    """Render an instance as in the responses of ListInstances and GetInstance."""
    return {"Id": instance.id, "Attributes": dict(instance.attributes)}
