"""Egress of a node: connections to its backends, to AWS, and to other destinations if the egress filter allows them."""

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby

from color_mesh.envoy import names
from color_mesh.envoy.access_log import access_log
from color_mesh.envoy.clusters import empty_cluster, original_destination_cluster
from color_mesh.envoy.filters import http_filter, tcp_filter
from color_mesh.envoy.listeners import (
    filter_chain,
    outbound_listener,
    redirected_outbound_listener,
    weighted_outbound_listener,
    with_chain_of_server_name,
)
from color_mesh.envoy.placement import (
    EGRESS_PORT,
    GUARD_ADDRESS,
    Loopback,
    Placement,
    Transparent,
    backend_address,
    ip_preference,
)
from color_mesh.envoy.resources import Resources
from color_mesh.envoy.services import LiveWeight, ServicePort, Target, service_ports
from color_mesh.envoy.typed import DIRECT_RESPONSE, Json, extension
from color_mesh.model import Mesh, VirtualNode

STAT_PREFIX = "egress"
# AWS App Mesh API Reference, EgressFilter: nodes can always connect to AWS services.
_AWS_PORT, _AWS_SUFFIX = 443, ".amazonaws.com"


def backend_ports(mesh: Mesh, node: VirtualNode, live_routes: Collection[tuple[str, str]] = ()) -> list[ServicePort]:
    """Compile the ports of a node's backends, sorted by the names of the backends.

    Args:
        mesh: The mesh.
        node: The node.
        live_routes: Routes whose weights are in Cloud Map, each after its router. Default: none.
    """
    backends = sorted(node.backends, key=lambda backend: backend.virtual_service)
    return [
        port
        for backend in backends
        for port in service_ports(
            mesh, mesh.service(backend.virtual_service), node.client_tls, backend.client_tls, live_routes
        )
    ]


def egress(mesh: Mesh, node: VirtualNode, placement: Placement) -> Resources:
    """Compile the egress of a node."""
    ports = backend_ports(mesh, node, placement.live_routes)
    log = access_log(node.access_log)
    match placement.interception:
        case Loopback() as loopback:
            return _loopback_egress(loopback, ports, log, placement) + _guards(node, placement)
        case Transparent():
            return _transparent_egress(mesh, node, ports, log, placement)


def _loopback_egress(
    loopback: Loopback, ports: Sequence[ServicePort], log: list[Json] | None, placement: Placement
) -> Resources:
    """Compile one listener for each port of a backend. Services that are not backends have no address."""
    listeners, routes = [], []
    for port in ports:
        address = backend_address(loopback, port.service.name)
        if port.protocol == "tcp":
            listeners += _tcp_listeners(address, port, log, placement)
            continue
        name = names.route_configuration("egress", port.protocol, port.port, port.service.name)
        routes.append({"name": name, "virtual_hosts": [_virtual_host(port)]})
        chain = filter_chain({}, http_filter(STAT_PREFIX, routes[-1], log, placement))
        listeners.append(outbound_listener(address, port.port, [chain]))
    return Resources(listeners=tuple(listeners), routes=tuple(routes), targets=_targets(ports), weights=_weights(ports))


def _guards(node: VirtualNode, placement: Placement) -> Resources:
    """Compile the listeners that keep the application from listening on all addresses, one for each of its ports.

    Such an application would receive the calls to services that are not backends, whose names resolve to loopback
    addresses too. Linux refuses to bind a port on all addresses while another process listens on one of them.
    """
    loopback = placement.interception
    if not isinstance(loopback, Loopback) or loopback.app_address not in (None, "127.0.0.1"):
        return Resources()
    close = extension("envoy.filters.network.direct_response", DIRECT_RESPONSE)
    ports = dict.fromkeys(placement.app_port(listener) for listener in node.listeners)
    guards = (outbound_listener(GUARD_ADDRESS, port, [filter_chain({}, close)]) for port in ports)
    # An application with the user id of Envoy could share a port that is marked for reuse.
    return Resources(listeners=tuple({**guard, "enable_reuse_port": False} for guard in guards))


def _transparent_egress(
    mesh: Mesh, node: VirtualNode, ports: Sequence[ServicePort], log: list[Json] | None, placement: Placement
) -> Resources:
    """Compile one listener for all connections of a node, with one filter chain for each port.

    A listener has matches of its filter chains or a matcher, so ports with weights have listeners of their own.
    """
    address = placement.task_address(ip_preference(mesh, node))
    chains, routes = [], []
    weighted: list[Json] = []
    allow_all = mesh.egress_filter == "ALLOW_ALL"
    to_aws = tcp_filter(STAT_PREFIX, {"cluster": names.amazonaws_cluster(mesh)}, log)
    for number, group in groupby(sorted(ports, key=lambda port: port.port), key=lambda port: port.port):
        same_port = list(group)
        match = {"destination_port": number}
        if same_port[0].protocol == "tcp":
            if same_port[0].weights:
                of_port = _tcp_listeners(address, same_port[0], log, placement)
                if number == _AWS_PORT:
                    # Connections are handed to this listener before the chain of AWS is selected.
                    of_port = [
                        with_chain_of_server_name(each, _AWS_SUFFIX, filter_chain({}, to_aws)) for each in of_port
                    ]
                weighted += ({**listener, "bind_to_port": False} for listener in of_port)
            else:
                chains += _tcp_chains(match, same_port[0], log, placement)
            continue
        routes.append(_routes(mesh, same_port, allow_all))
        chains.append(filter_chain(match, http_filter(STAT_PREFIX, routes[-1], log, placement)))
    chains.append(filter_chain({"destination_port": _AWS_PORT, "server_names": [f"*{_AWS_SUFFIX}"]}, to_aws))
    clusters = [original_destination_cluster(names.amazonaws_cluster(mesh))]
    if allow_all:
        chains += _allow_all_chains(mesh, {port.port for port in ports}, log)
        clusters += [
            original_destination_cluster(names.allow_all_cluster(mesh)),
            empty_cluster(names.no_loop_cluster(mesh)),
        ]
    return Resources(
        listeners=(redirected_outbound_listener(address, chains, hands_off=bool(weighted)), *weighted),
        routes=tuple(routes),
        clusters=tuple(clusters),
        targets=_targets(ports),
        weights=_weights(ports),
    )


def _allow_all_chains(mesh: Mesh, backend_ports: set[int], log: list[Json] | None) -> list[Json]:
    """Render the filter chains of destinations that are not in the mesh.

    Port 443 needs its own chain: Envoy would select the chain of AWS by the port and then find no match for the server
    name. Connections to Envoy's own port would loop until Envoy has no file descriptors left.
    """
    allow = tcp_filter(STAT_PREFIX, {"cluster": names.allow_all_cluster(mesh)}, log)
    reject = tcp_filter(STAT_PREFIX, {"cluster": names.no_loop_cluster(mesh)}, log)
    return [
        filter_chain({}, allow),
        *([filter_chain({"destination_port": _AWS_PORT}, allow)] if _AWS_PORT not in backend_ports else []),
        *([filter_chain({"destination_port": EGRESS_PORT}, reject)] if EGRESS_PORT not in backend_ports else []),
    ]


def _routes(mesh: Mesh, ports: Sequence[ServicePort], allow_all: bool) -> Json:
    hosts = [_virtual_host(port) for port in ports]
    if allow_all:
        cluster = names.allow_all_cluster(mesh)
        route = {"match": {"prefix": "/"}, "route": {"cluster": cluster}}
        hosts.append({"name": "mesh-allow-all", "domains": ["*"], "routes": [route]})
    name = names.route_configuration(STAT_PREFIX, ports[0].protocol, ports[0].port)
    return {"name": name, "virtual_hosts": hosts}


def _virtual_host(port: ServicePort) -> Json:
    name = port.service.name
    return {"name": name, "domains": [name, f"{name}:{port.port}"], "routes": list(port.routes)}


def _tcp_listeners(address: str, port: ServicePort, log: list[Json] | None, placement: Placement) -> list[Json]:
    """Compile the listener of a tcp port, which has none without a route."""
    chains = _tcp_chains({}, port, log, placement)
    if port.weights:
        keys = (weight.key for weight in port.weights)
        return [weighted_outbound_listener(address, port.port, dict(zip(keys, chains, strict=True)))]
    return [outbound_listener(address, port.port, chains)] if chains else []


def _tcp_chains(match: Json, port: ServicePort, log: list[Json] | None, placement: Placement) -> list[Json]:
    timeout = placement.client_idle_timeout
    proxies = ({**proxy, "idle_timeout": proxy.get("idle_timeout", timeout)} for proxy in port.proxies)
    return [filter_chain(match, tcp_filter(STAT_PREFIX, proxy, log), metadata=port.metadata) for proxy in proxies]


def _targets(ports: Iterable[ServicePort]) -> tuple[Target, ...]:
    return tuple(target for port in ports for target in port.targets)


def _weights(ports: Iterable[ServicePort]) -> tuple[LiveWeight, ...]:
    return tuple(weight for port in ports for weight in port.weights)
