"""Envoys that have their configuration with them, in the command of their container."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

from color_mesh.ecs.reading import MeshResource, mesh_resource_of
from color_mesh.envoy.document import read

Bootstrap: TypeAlias = Mapping[str, Any]


def bootstrap_in(command: Sequence[str]) -> Bootstrap:
    """Read the configuration that a command gives Envoy, as JSON in one argument or in all; without any, nothing."""
    given = [[value] for option, value in pairwise(command) if option == "--config-yaml"]
    try:
        found = read(given[0] if given else list(command))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def carried(bootstrap: Bootstrap) -> MeshResource | None:
    """Find whose configuration it is, when it is one that the compiler made."""
    node = bootstrap.get("node")
    return mesh_resource_of(str(node.get("id"))) if isinstance(node, dict) else None


def clusters_in(bootstrap: Bootstrap) -> dict[str, str]:
    """Find which nodes its clusters lead to."""
    resource = carried(bootstrap)
    if resource is None:
        return {}
    # As `color_mesh.envoy.names` made them: the mesh, the node, the protocol and the port.
    pattern = re.compile(rf"cds_egress_{re.escape(resource.mesh)}_(.+)_(http2?|grpc|tcp)_[0-9]+.*")
    clusters = bootstrap.get("static_resources", {}).get("clusters", [])
    named = ((cluster["name"], pattern.fullmatch(cluster["name"])) for cluster in clusters)
    return {name: found[1] for name, found in named if found is not None}


def outbound_addresses(bootstrap: Bootstrap) -> set[str]:
    """Find the addresses at which it takes what its task sends."""
    listeners = bootstrap.get("static_resources", {}).get("listeners", [])
    outbound = (listener for listener in listeners if listener.get("traffic_direction") == "OUTBOUND")
    return {listener["address"]["socket_address"]["address"] for listener in outbound}
