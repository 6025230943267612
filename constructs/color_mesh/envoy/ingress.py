"""Ingress of a node: its listeners and the connections to its application."""

from collections.abc import Sequence

from color_mesh.envoy import names
from color_mesh.envoy.access_log import access_log
from color_mesh.envoy.admission import admitted_names, http_filters, restricted, tcp_filters, without_resumption
from color_mesh.envoy.clusters import application_cluster
from color_mesh.envoy.filters import ROUTER_FILTER, http_filter, tcp_filter
from color_mesh.envoy.listeners import inbound_listener, tls_filter_chains
from color_mesh.envoy.placement import INGRESS_PORT, Loopback, Placement, Transparent, ip_preference
from color_mesh.envoy.resources import Resources
from color_mesh.envoy.routes import timeouts
from color_mesh.envoy.typed import Json, duration, present
from color_mesh.model import Listener, Mesh, VirtualNode


def ingress(mesh: Mesh, node: VirtualNode, placement: Placement) -> Resources:
    """Compile the ingress of a node."""
    chains = [(listener, _chains(mesh, node, listener, placement)) for listener in node.listeners]
    address = placement.task_address(ip_preference(mesh, node))
    match placement.interception:
        case Transparent() if chains:
            all_chains = [chain for _, listener_chains in chains for chain in listener_chains]
            listeners = [inbound_listener(address, INGRESS_PORT, all_chains, redirected=True)]
        case Transparent():
            listeners = []
        case Loopback():
            listeners = [
                inbound_listener(address, placement.inbound_port(node, listener), listener_chains, redirected=False)
                for listener, listener_chains in chains
            ]
    return Resources(
        listeners=tuple(listeners),
        routes=tuple(_routes(mesh, node, each) for each in node.listeners if each.protocol != "tcp"),
        clusters=tuple(application_cluster(mesh, node, listener, placement) for listener in node.listeners),
    )


def _chains(mesh: Mesh, node: VirtualNode, listener: Listener, placement: Placement) -> list[Json]:
    match = {"destination_port": listener.port} if isinstance(placement.interception, Transparent) else {}
    callers = admitted_names(mesh, node, listener, placement)
    network_filter = _filter(mesh, node, listener, placement, callers)
    if callers is None:
        return tls_filter_chains(match, listener, placement, network_filter)
    if listener.protocol != "tcp":
        return [without_resumption(each) for each in tls_filter_chains(match, listener, placement, network_filter)]
    chains = tls_filter_chains(match, restricted(listener, callers), placement, network_filter)
    filters = tuple(tcp_filters(listener, callers))
    return [{**without_resumption(each), "filters": [*filters, *each["filters"]]} for each in chains]


def _filter(
    mesh: Mesh, node: VirtualNode, listener: Listener, placement: Placement, callers: Sequence[str] | None
) -> Json:
    prefix = names.stat_prefix("ingress", listener, len(node.listeners))
    log = access_log(node.access_log)
    idle = placement.server_idle_timeout
    if listener.protocol != "tcp":
        options = idle and {"idle_timeout": idle}
        routes = _routes(mesh, node, listener)
        filters = [*http_filters(listener, callers), ROUTER_FILTER]
        return http_filter(prefix, routes, log, placement, common_http_protocol_options=options, http_filters=filters)
    if listener.timeout is not None and listener.timeout.idle_millis is not None:
        idle = duration(listener.timeout.idle_millis)
    return tcp_filter(prefix, present(cluster=names.ingress_cluster(mesh, node, listener), idle_timeout=idle), log)


def _routes(mesh: Mesh, node: VirtualNode, listener: Listener) -> Json:
    action = {"cluster": names.ingress_cluster(mesh, node, listener), **timeouts(listener.timeout)}
    host = {"name": "ingress", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": action}]}
    name = names.route_configuration("ingress", listener.protocol, listener.port)
    return {"name": name, "virtual_hosts": [host]}
