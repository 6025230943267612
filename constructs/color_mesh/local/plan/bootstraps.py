"""Envoy configurations in the commands of containers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias
from urllib.parse import unquote

from color_mesh.ecs.mesh_resources import MeshResource, parse_mesh_resource
from color_mesh.envoy.document import read

# Names of endpoints that Envoy asks Cloud Map for: namespace and service.
_CLOUD_MAP_NAME = re.compile(r"([^/?]+)/([^/?]+)")

Bootstrap: TypeAlias = Mapping[str, Any]


def bootstrap_in(command: Sequence[str]) -> Bootstrap:
    """Read the configuration in a command: JSON in one argument, or in all of them; empty without one."""
    argument = next((value for option, value in pairwise(command) if option == "--config-yaml"), None)
    try:
        document = read(list(command) if argument is None else [argument])
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def bootstrap_owner(bootstrap: Bootstrap) -> MeshResource | None:
    """Return the node or gateway of a configuration that the compiler wrote."""
    node = bootstrap.get("node")
    return parse_mesh_resource(str(node.get("id"))) if isinstance(node, dict) else None


def cluster_hostnames(bootstrap: Bootstrap) -> dict[str, str]:
    """Return the hostnames that clusters resolve by DNS, and the names of Cloud Map services, by cluster."""
    hostnames = {}
    for cluster in _clusters(bootstrap):
        endpoints = _value(cluster, "eds_cluster_config", "service_name")
        service = _CLOUD_MAP_NAME.match(endpoints) if isinstance(endpoints, str) else None
        if service is not None:
            hostnames[str(cluster.get("name"))] = f"{unquote(service[2])}.{unquote(service[1])}".lower()
        elif cluster.get("type") != "STATIC" and any(_addresses(cluster)):
            hostnames[str(cluster.get("name"))] = next(_addresses(cluster)).lower()
    return hostnames


def discovered_services(bootstrap: Bootstrap) -> list[tuple[str, str]]:
    """Return the namespaces and names of the Cloud Map services that an Envoy asks for endpoints and weights."""
    names = [_value(each, "eds_cluster_config", "service_name") for each in _clusters(bootstrap)]
    names += [_value(each, "rtds_layer", "name") for each in _objects(bootstrap.get("layered_runtime"), "layers")]
    matches = (_CLOUD_MAP_NAME.match(name) for name in names if isinstance(name, str))
    return list(dict.fromkeys((unquote(match[1]), unquote(match[2])) for match in matches if match is not None))


def _clusters(bootstrap: Bootstrap) -> list[dict[str, Any]]:
    return _objects(bootstrap, "static_resources", "clusters")


def _addresses(cluster: Mapping[str, Any]) -> Iterator[str]:
    for locality in _objects(cluster, "load_assignment", "endpoints"):
        for endpoint in _objects(locality, "lb_endpoints"):
            address = _value(endpoint, "endpoint", "address", "socket_address", "address")
            if isinstance(address, str):
                yield address


def outbound_addresses(bootstrap: Bootstrap) -> set[str]:
    """Return the addresses of the listeners for outbound traffic."""
    listeners = _objects(bootstrap, "static_resources", "listeners")
    outbound = (listener for listener in listeners if listener.get("traffic_direction") == "OUTBOUND")
    addresses = [_value(listener, "address", "socket_address", "address") for listener in outbound]
    return {address for address in addresses if isinstance(address, str)}


# The configuration is part of a template: its values may have any type.
def _value(value: Any, *keys: str) -> Any:
    """Return a text or list by its path of keys; ``None`` if there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str | list) else None


def _objects(value: Any, *keys: str) -> list[dict[str, Any]]:
    """Return the objects of the list at a path of keys."""
    items = _value(value, *keys)
    return [each for each in items if isinstance(each, dict)] if isinstance(items, list) else []
