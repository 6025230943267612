"""Gateways, as two hops in one Envoy.

The first hop matches and rewrites requests by the gateway routes. The second hop matches the rewritten requests by the
routes of the virtual services. A request can be matched only once in a hop.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict

from color_mesh.envoy import names
from color_mesh.envoy.access_log import access_log, client_access_log
from color_mesh.envoy.clusters import self_redirect_cluster
from color_mesh.envoy.edge import client_connections, client_listener, dot_segment_route, health_routes
from color_mesh.envoy.filters import http_filter
from color_mesh.envoy.listeners import filter_chain, inbound_listener, outbound_listener, tls_filter_chains
from color_mesh.envoy.placement import EGRESS_PORT, Placement
from color_mesh.envoy.resources import Resources
from color_mesh.envoy.routes import DEFAULT_IDLE_MILLIS, in_order, route_match
from color_mesh.envoy.services import ServicePort, service_ports
from color_mesh.envoy.typed import Json, duration, present, tags_metadata
from color_mesh.model import GatewayRoute, Listener, Mesh, RouteMatch, VirtualGateway
from color_mesh.model.errors import problem

# Header in which the first hop passes the virtual service to the second, as in App Mesh's gateways.
SERVICE_HEADER = "x-app-mesh-virtual-service"
# Domains of the virtual host for all hosts that have none of their own.
_ALL_DOMAINS = ("*",)
# Envoy API, RouteMatch.path_separated_prefix.
_SEGMENTS = re.compile(r"[^?#]+[^?#/]")


def gateway_ports(
    mesh: Mesh, gateway: VirtualGateway, live_routes: Collection[tuple[str, str]] = ()
) -> list[ServicePort]:
    """Compile the ports of the virtual services of a gateway's routes, sorted by the names of the services.

    Args:
        mesh: The mesh.
        gateway: The gateway.
        live_routes: Routes whose weights are in Cloud Map, each after its router. Default: none.
    """
    services = sorted({route.virtual_service for route in gateway.routes})
    return [
        port
        for name in services
        for port in service_ports(mesh, mesh.service(name), gateway.client_tls, None, live_routes)
    ]


def gateway_hops(mesh: Mesh, gateway: VirtualGateway, placement: Placement) -> Resources:
    """Compile a gateway: a first hop for each listener, and one second hop on a port of the task's loopback."""
    ports = [port for port in gateway_ports(mesh, gateway, placement.live_routes) if port.protocol != "tcp"]
    first, first_routes = [], []
    address = placement.task_address(mesh.ip_preference)
    for listener in gateway.listeners:
        first_routes.append(_first_routes(mesh, gateway, listener, ports, placement))
        prefix = names.stat_prefix("ingress", listener, len(gateway.listeners))
        plaintext_filter, tls_filter = (
            http_filter(
                prefix,
                first_routes[-1],
                client_access_log(gateway.access_log),
                placement,
                **client_connections(placement, tls=tls),
            )
            for tls in (False, True)
        )
        chains = tls_filter_chains({}, listener, placement, plaintext_filter, tls_filter)
        metadata = _health_check(listener)
        first.append(
            client_listener(inbound_listener(address, listener.port, chains, redirected=False, metadata=metadata))
        )
    second_routes = _second_routes(ports)
    # Normalization after the rewrite would follow dot segments out of the new prefix.
    second_filter = http_filter(
        "egress", second_routes, access_log(gateway.access_log), placement, normalize_path=False
    )
    second = {
        **outbound_listener(placement.envoy_address, EGRESS_PORT, [filter_chain({}, second_filter)]),
        "ignore_global_conn_limit": True,
    }
    return Resources(
        listeners=(*first, second),
        routes=(*first_routes, second_routes),
        clusters=tuple(
            self_redirect_cluster(mesh, gateway, listener, placement, EGRESS_PORT) for listener in gateway.listeners
        ),
        targets=tuple(target for port in ports for target in port.targets),
        weights=tuple(weight for port in ports for weight in port.weights),
    )


def prefix_warnings(route: GatewayRoute) -> Iterator[str]:
    """Validate that no path leaves the prefix of a route, if it matches as in App Mesh.

    Neither such a prefix nor its replacement ends with a path segment, unless they end with a slash.
    """
    prefix = route.match.prefix
    if prefix is None:
        return
    replacement = prefix if route.rewrite.keep_prefix else route.rewrite.prefix or "/"
    if not replacement.endswith("/"):
        subject = f"gateway route {route.name!r}"
        fix = "end the prefix and its replacement with '/'"
        wrong = f"a request for {prefix + '-x'!r} reaches the service outside of {replacement!r}"
        yield problem(subject, wrong, f"{replacement}-x", fix)


def _health_check(listener: Listener) -> Json | None:
    """Render the health check of a gateway's listener, as metadata: Envoys do not check gateways, load balancers do."""
    check = listener.health_check
    if check is None:
        return None
    return {"filter_metadata": {"color_mesh.health_check": present(**asdict(check))}}


def _first_routes(
    mesh: Mesh, gateway: VirtualGateway, listener: Listener, ports: Sequence[ServicePort], placement: Placement
) -> Json:
    cluster = names.self_redirect_cluster(mesh, gateway, listener, EGRESS_PORT)
    # Health checks of a load balancer have the address of the task as their host.
    by_domains: dict[tuple[str, ...], list[GatewayRoute]] = {_ALL_DOMAINS: []}
    for route in gateway.routes:
        if route.protocol == listener.protocol and route.match.port in (None, listener.port):
            by_domains.setdefault(_domains(route.match), []).append(route)
    hosts = [
        {
            "name": "self_redirect" if domains == _ALL_DOMAINS else domains[0],
            "domains": list(domains),
            "routes": [
                *(health_routes(placement) if domains == _ALL_DOMAINS else []),
                *(_first_route(route, cluster, ports, placement) for route in in_order(routes)),
            ],
        }
        for domains, routes in sorted(by_domains.items())
    ]
    return present(
        name=names.route_configuration("ingress", listener.protocol, listener.port),
        virtual_hosts=hosts,
        # Clients add the port that they connect to, which is that of a load balancer or of a published port.
        ignore_port_in_host_matching=True if len(by_domains) > 1 else None,
    )


def _domains(match: RouteMatch) -> tuple[str, ...]:
    """Return the domains of a route's virtual host.

    Envoy selects the virtual host first: requests for a host that a route names match only the routes for that host.
    """
    if match.hostname is not None:
        return (match.hostname.lower(),)
    if match.hostname_suffix is not None:
        return (f"*{match.hostname_suffix.removeprefix('*').lower()}",)
    return _ALL_DOMAINS


def _first_route(route: GatewayRoute, cluster: str, ports: Sequence[ServicePort], placement: Placement) -> Json:
    target = next(_target_ports(route, ports), None)
    action = present(
        cluster=cluster,
        **_path_rewrite(route, placement),
        host_rewrite_literal=None if route.rewrite.keep_hostname else route.virtual_service,
        timeout=None if target is None or target.timeout_millis is None else duration(target.timeout_millis),
        idle_timeout=None
        if target is None or target.idle_millis == DEFAULT_IDLE_MILLIS
        else duration(target.idle_millis),
    )
    # Overwritten, so that a header of the client does not select the virtual service.
    service = {"key": SERVICE_HEADER, "value": _service_key(route.virtual_service, target)}
    header = {"header": service, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
    return present(
        name=route.name,
        match=_match(route, placement),
        metadata=tags_metadata(gateway_route=route.tags),
        route=action,
        request_headers_to_add=[header],
    )


def _match(route: GatewayRoute, placement: Placement) -> Json:
    """Render match conditions. A prefix matches whole path segments, unless it matches as in App Mesh."""
    match = route_match(route.match, route.protocol)
    # Other prefixes end with a slash, or contain `?` or `#` and match nothing. Envoy does not accept them here.
    if placement.as_in_app_mesh or not _SEGMENTS.fullmatch(match.get("prefix", "/")):
        return match
    return {"path_separated_prefix" if name == "prefix" else name: value for name, value in match.items()}


def _target_ports(route: GatewayRoute, ports: Sequence[ServicePort]) -> Iterator[ServicePort]:
    for port in ports:
        if port.service.name == route.virtual_service and route.target_port in (None, port.port):
            yield port


def _service_key(service: str, port: ServicePort | None) -> str:
    return service if port is None else f"{service}:{port.port}"


def _path_rewrite(route: GatewayRoute, placement: Placement) -> Json:
    """Render the rewrite of the path. It ends where a path segment ends, unless prefixes match as in App Mesh."""
    rewrite, match = route.rewrite, route.match
    if rewrite.path is not None and match.path_regex is not None:
        return _regex_rewrite("^.*$", rewrite.path)
    if rewrite.path is not None:
        return {"prefix_rewrite": rewrite.path}
    if match.prefix is None or rewrite.keep_prefix:
        return {}
    prefix = rewrite.prefix or "/"
    if match.prefix.endswith("/") and not prefix.endswith("/") and not placement.as_in_app_mesh:
        prefix += "/"
    if prefix.endswith("/") and not match.prefix.endswith("/"):
        # The slash after the matched prefix is part of it, so that `/chapter/` becomes `/` and not `//`.
        return _regex_rewrite(f"^{re.escape(match.prefix)}/?", prefix)
    return {"prefix_rewrite": prefix}


def _regex_rewrite(pattern: str, replacement: str) -> Json:
    return {"regex_rewrite": {"pattern": {"regex": pattern}, "substitution": replacement.replace("\\", "\\\\")}}


def _second_routes(ports: Iterable[ServicePort]) -> Json:
    routes = [
        {
            **route,
            "match": {**route["match"], "headers": [_service_condition(port), *route["match"].get("headers", [])]},
            "request_headers_to_remove": [SERVICE_HEADER],
        }
        for port in ports
        for route in port.routes
    ]
    host = {"name": "default_backend", "domains": ["*"], "routes": [dot_segment_route(), *routes]}
    return {"name": names.route_configuration("egress", "http", EGRESS_PORT), "virtual_hosts": [host]}


def _service_condition(port: ServicePort) -> Json:
    return {"name": SERVICE_HEADER, "string_match": {"exact": _service_key(port.service.name, port)}}
