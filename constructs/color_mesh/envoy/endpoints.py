"""The endpoints of a target, for the file from which Envoy takes them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from color_mesh.envoy.clusters import endpoint, load_assignment
from color_mesh.envoy.placement import ip_preference
from color_mesh.envoy.services import Target
from color_mesh.envoy.typed import CLUSTER_LOAD_ASSIGNMENT, Json, discovery_response
from color_mesh.model import CloudMapDiscovery, IpPreference, Mesh


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """Define a registered task.

    Attributes:
        port: The port at which its Envoy takes connections for the target's listener.
        ipv4: Its IPv4 address, if it has one.
        ipv6: Its IPv6 address, if it has one.
        attributes: What it is registered with.
    """

    port: int
    ipv4: str | None = None
    ipv6: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


def endpoints(mesh: Mesh, target: Target, instances: Iterable[Instance]) -> Json:
    """Write the endpoints of a target: the tasks with all the attributes that its node asks for.

    Of their addresses those are used that the node prefers, else the mesh; a task without such an address is left out.
    """
    discovery = target.node.discovery
    wanted = dict(discovery.attributes) if isinstance(discovery, CloudMapDiscovery) else {}
    preference = ip_preference(mesh, target.node)
    found = [
        endpoint(address, instance.port)
        for instance in instances
        if wanted.items() <= instance.attributes.items()
        if (address := _address(instance, preference)) is not None
    ]
    return discovery_response(CLUSTER_LOAD_ASSIGNMENT, load_assignment(target.cluster, found))


def _address(instance: Instance, preference: IpPreference | None) -> str | None:
    match preference:
        case "IPv4_ONLY":
            return instance.ipv4
        case "IPv6_ONLY":
            return instance.ipv6
        case "IPv6_PREFERRED":
            return instance.ipv6 or instance.ipv4
    return instance.ipv4 or instance.ipv6
