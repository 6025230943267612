"""Names of Envoy resources, the same as in App Mesh, so that dashboards and queries on them still work."""

from color_mesh.model import Listener, Mesh, VirtualGateway, VirtualNode


def ingress_cluster(mesh: Mesh, node: VirtualNode, listener: Listener) -> str:
    """Return the name of the cluster of the application behind a node's listener."""
    return f"cds_ingress_{mesh.name}_{node.name}_{listener.protocol}_{listener.port}"


def egress_cluster(mesh: Mesh, node: VirtualNode, listener: Listener, own_policy_of: str | None = None) -> str:
    """Return the name of the cluster of a listener of another node.

    A backend with its own client policy has its own cluster, with the name of the virtual service as a suffix.
    """
    name = f"cds_egress_{mesh.name}_{node.name}_{listener.protocol}_{listener.port}"
    return f"{name}_{own_policy_of}" if own_policy_of else name


def amazonaws_cluster(mesh: Mesh) -> str:
    """Return the name of the cluster of the endpoints of AWS."""
    return f"cds_egress_{mesh.name}_amazonaws"


def allow_all_cluster(mesh: Mesh) -> str:
    """Return the name of the cluster of destinations that are not in the mesh."""
    return f"cds_egress_{mesh.name}_mesh-allow-all"


def no_loop_cluster(mesh: Mesh) -> str:
    """Return the name of the cluster without endpoints, for connections to Envoy's own port."""
    return f"cds_egress_{mesh.name}_no-loop"


def self_redirect_cluster(mesh: Mesh, gateway: VirtualGateway, listener: Listener, port: int) -> str:
    """Return the name of the cluster between the first and the second hop of a gateway."""
    listener_port = f"{listener.port}_" if len(gateway.listeners) > 1 else ""
    return f"cds_ingress_{mesh.name}_{gateway.name}_self_redirect_{listener_port}{listener.protocol}_{port}"


def route_configuration(direction: str, protocol: str, port: int, service: str | None = None) -> str:
    """Return the name of the route configuration of a port, or of a port of one virtual service."""
    name = f"rds_{direction}_{protocol}_{port}"
    return f"{name}_{service}" if service else name


def stat_prefix(direction: str, listener: Listener, listeners: int) -> str:
    """Return the statistics prefix of a listener, which names the listener if there are several, as in App Mesh."""
    return direction if listeners == 1 else f"{direction}.{listener.protocol}.{listener.port}"
