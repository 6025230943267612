"""Weights of a route that are attributes of an instance of Cloud Map, each named by its node."""

from collections.abc import Iterator, Mapping
from typing import Any

from color_mesh.ecs.cloud_map import cloud_map_id
from color_mesh.local.run.aws.cloud_map import CloudMap
from color_mesh.local.run.aws.registered_instance import RegisteredInstance
from color_mesh.model.checks import check_known, check_range, is_number
from color_mesh.model.errors import problem, refuse

MAX_WEIGHT = 100


def live_routes(cloud_map: CloudMap) -> dict[str, tuple[str, RegisteredInstance]]:
    """Return the instances that have the weights of routes, each with the key of its service, by name of the route.

    A route is named by the id of its instance. Routes with the same id are named by their services, too.
    """
    instances = [(key, each) for key, each in cloud_map.registered_by_api() if _are_weights(cloud_map, key, each)]
    ids = [each.id for _, each in instances]
    return {
        each.id if ids.count(each.id) == 1 else f"{cloud_map.services[key].name}/{each.id}": (key, each)
        for key, each in instances
    }


def _are_weights(cloud_map: CloudMap, key: str, instance: RegisteredInstance) -> bool:
    numeric = bool(instance.attributes) and all(map(is_number, instance.attributes.values()))
    return numeric and not cloud_map.services[key].records


def weights_request(cloud_map: CloudMap, route: str, weights: Mapping[str, int]) -> dict[str, Any]:
    """Return the request of RegisterInstance that gives a route other weights. Targets without one get none.

    Raises:
        MeshError: If a node is no target of the route, or the weights are invalid.
    """
    key, instance = live_routes(cloud_map)[route]
    refuse(_problems(f"set route {route}", instance, weights))
    attributes = {node: str(weights.get(node, 0)) for node in instance.attributes}
    return {"ServiceId": cloud_map_id("srv", key), "InstanceId": instance.id, "Attributes": attributes}


def _problems(subject: str, instance: RegisteredInstance, weights: Mapping[str, int]) -> Iterator[str]:
    for node, weight in weights.items():
        yield from check_known(subject, "target", node, instance.attributes)
        yield from check_range(subject, f"weight of {node!r}", weight, 0, MAX_WEIGHT)
    if not any(weights.values()):
        yield problem(subject, "all weights are 0", dict(weights), "at least one above 0")
