"""Envoy configurations in the commands of containers."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

from color_mesh.ecs.mesh_resources import MeshResource, parse_mesh_resource
from color_mesh.envoy.document import read

Bootstrap: TypeAlias = Mapping[str, Any]


def bootstrap_in(command: Sequence[str]) -> Bootstrap:
    """Read the configuration in a command: JSON in one argument, or in all of them; empty without one."""
    argument = next((value for option, value in pairwise(command) if option == "--config-yaml"), None)
    try:
        document = read(list(command) if argument is None else [argument])
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def bootstrap_owner(bootstrap: Bootstrap) -> MeshResource | None:
    """Return the node or gateway of a configuration that the compiler wrote."""
    node = bootstrap.get("node")
    return parse_mesh_resource(str(node.get("id"))) if isinstance(node, dict) else None


def cluster_hostnames(bootstrap: Bootstrap) -> dict[str, str]:
    """Return the hostnames that clusters resolve by DNS, by cluster."""
    clusters = bootstrap.get("static_resources", {}).get("clusters", [])
    return {
        cluster["name"]: next(_addresses(cluster)).lower()
        for cluster in clusters
        if cluster.get("type") != "STATIC" and any(_addresses(cluster))
    }


def _addresses(cluster: Mapping[str, Any]) -> Iterator[str]:
    for locality in cluster.get("load_assignment", {}).get("endpoints", []):
        for endpoint in locality["lb_endpoints"]:
            yield endpoint["endpoint"]["address"]["socket_address"]["address"]


def outbound_addresses(bootstrap: Bootstrap) -> set[str]:
    """Return the addresses of the listeners for outbound traffic."""
    listeners = bootstrap.get("static_resources", {}).get("listeners", [])
    outbound = (listener for listener in listeners if listener.get("traffic_direction") == "OUTBOUND")
    return {listener["address"]["socket_address"]["address"] for listener in outbound}
