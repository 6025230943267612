"""Bootstrap of the Envoy that stands in for a load balancer. Everything else comes from its discovery server."""

from color_mesh.ecs.load_balancers import LoadBalancer
from color_mesh.envoy.discovery import dynamic_resources, server_cluster
from color_mesh.envoy.placement import ADMIN_PORT, ServerEndpoints
from color_mesh.envoy.typed import Json, socket_address


def load_balancer_bootstrap(load_balancer: LoadBalancer, server: ServerEndpoints) -> Json:
    """Render the bootstrap."""
    return {
        "node": {"id": load_balancer.name, "cluster": load_balancer.name},
        "admin": {"address": socket_address("127.0.0.1", ADMIN_PORT)},
        "dynamic_resources": dynamic_resources(server),
        "static_resources": {"clusters": [server_cluster(server)]},
    }
