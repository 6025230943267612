"""Configuration of the Envoy that stands in for a load balancer, as documents of its discovery server."""

from collections.abc import Mapping

from color_mesh.ecs.load_balancers import LoadBalancer
from color_mesh.ecs.target_groups import TargetGroup
from color_mesh.envoy.discovery import CLUSTERS_FILE, LISTENERS_FILE, routes_file
from color_mesh.envoy.placement import ServerEndpoints
from color_mesh.envoy.typed import CLUSTER, LISTENER, ROUTE_CONFIGURATION, Json, discovery_response
from color_mesh.local.run.certificate_authority import ServerCertificate
from color_mesh.local.run.load_balancers.clusters import target_group_cluster
from color_mesh.local.run.load_balancers.listeners import http_listener, listener_name, tcp_listener
from color_mesh.local.run.load_balancers.rules import route_configuration


def clusters(load_balancer: LoadBalancer, groups: Mapping[str, TargetGroup], server: ServerEndpoints) -> list[Json]:
    """Render a cluster for each target group of a load balancer, named by its place."""
    return [target_group_cluster(place, groups[place], load_balancer, server) for place in load_balancer.target_groups]


def documents(
    load_balancer: LoadBalancer,
    server: ServerEndpoints,
    certificate: ServerCertificate,
    rendered: list[Json],
    machine_ports: Mapping[int, int],
) -> dict[str, Json]:
    """Render the documents of a load balancer, apart from the endpoints.

    Args:
        load_balancer: The load balancer.
        server: Discovery server.
        certificate: Certificate of the listeners for TLS.
        rendered: Its clusters.
        machine_ports: Ports of this machine at which its ports are published, by these.
    """
    listener = http_listener if load_balancer.type == "application" else tcp_listener
    listeners = [listener(each, load_balancer, server, certificate) for each in load_balancer.listeners]
    routes = {
        routes_file(listener_name(each)): discovery_response(
            ROUTE_CONFIGURATION, route_configuration(listener_name(each), each, load_balancer, machine_ports)
        )
        for each in load_balancer.listeners
        if load_balancer.type == "application"
    }
    return {
        LISTENERS_FILE: discovery_response(LISTENER, *listeners),
        CLUSTERS_FILE: discovery_response(CLUSTER, *rendered),
        **routes,
    }
