"""The names of Envoy's resources, as App Mesh gave them, so that dashboards and queries on them still work."""

from color_mesh.model import Listener, Mesh, VirtualGateway, VirtualNode


def ingress_cluster(mesh: Mesh, node: VirtualNode, listener: Listener) -> str:
    """Name the cluster of the application behind a node's listener."""
    return f"cds_ingress_{mesh.name}_{node.name}_{listener.protocol}_{listener.port}"


def egress_cluster(mesh: Mesh, node: VirtualNode, listener: Listener, own_policy_of: str | None = None) -> str:
    """Name the cluster of a listener of another node.

    A backend with a client policy of its own has a cluster of its own, named after its virtual service too.
    """
    name = f"cds_egress_{mesh.name}_{node.name}_{listener.protocol}_{listener.port}"
    return f"{name}_{own_policy_of}" if own_policy_of else name


def amazonaws_cluster(mesh: Mesh) -> str:
    """Name the cluster of AWS's own endpoints."""
    return f"cds_egress_{mesh.name}_amazonaws"


def allow_all_cluster(mesh: Mesh) -> str:
    """Name the cluster of everything that is not in the mesh."""
    return f"cds_egress_{mesh.name}_mesh-allow-all"


def no_loop_cluster(mesh: Mesh) -> str:
    """Name the cluster without endpoints that ends connections to Envoy's own port."""
    return f"cds_egress_{mesh.name}_no-loop"


def self_redirect_cluster(mesh: Mesh, gateway: VirtualGateway, listener: Listener, port: int) -> str:
    """Name the cluster that leads from a gateway's first hop to its second."""
    listener_port = f"{listener.port}_" if len(gateway.listeners) > 1 else ""
    return f"cds_ingress_{mesh.name}_{gateway.name}_self_redirect_{listener_port}{listener.protocol}_{port}"


def route_configuration(direction: str, protocol: str, port: int, service: str | None = None) -> str:
    """Name the routes of a port; where every backend has an address of its own, of a backend's port."""
    name = f"rds_{direction}_{protocol}_{port}"
    return f"{name}_{service}" if service else name


def stat_prefix(direction: str, listener: Listener, listeners: int) -> str:
    """Name the statistics of a listener; App Mesh tells several of them apart."""
    return direction if listeners == 1 else f"{direction}.{listener.protocol}.{listener.port}"
