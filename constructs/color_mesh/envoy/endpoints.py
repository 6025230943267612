"""Endpoints of a target, for files and the discovery server."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from color_mesh.envoy.clusters import endpoint, load_assignment
from color_mesh.envoy.placement import ip_preference
from color_mesh.envoy.services import Target
from color_mesh.envoy.typed import CLUSTER_LOAD_ASSIGNMENT, Json, discovery_response
from color_mesh.model import CloudMapDiscovery, IpPreference, Mesh


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """A registered task.

    Attributes:
        port: Port on which the task's Envoy accepts connections for the target's listener.
        ipv4: IPv4 address. Default: none.
        ipv6: IPv6 address. Default: none.
        attributes: Keys and values of the Cloud Map attributes.
    """

    port: int
    ipv4: str | None = None
    ipv6: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


def endpoints(mesh: Mesh, target: Target, instances: Iterable[Instance]) -> Json:
    """Render the endpoints of a target: the tasks with all attributes of the node's service discovery.

    The IP preference of the node, or else of the mesh, selects the addresses. Tasks without such an address are not
    endpoints.
    """
    discovery = target.node.discovery
    attributes = dict(discovery.attributes) if isinstance(discovery, CloudMapDiscovery) else {}
    preference = ip_preference(mesh, target.node)
    lb_endpoints = [
        endpoint(address, instance.port)
        for instance in instances
        if attributes.items() <= instance.attributes.items()
        if (address := _address(instance, preference)) is not None
    ]
    return discovery_response(CLUSTER_LOAD_ASSIGNMENT, load_assignment(target.cluster, lb_endpoints))


def _address(instance: Instance, preference: IpPreference | None) -> str | None:
    match preference:
        case "IPv4_ONLY":
            return instance.ipv4
        case "IPv6_ONLY":
            return instance.ipv6
        case "IPv6_PREFERRED":
            return instance.ipv6 or instance.ipv4
    return instance.ipv4 or instance.ipv6
