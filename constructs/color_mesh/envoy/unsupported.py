"""Features of a mesh that cannot be compiled for Envoy. All others are in the configuration."""

from collections.abc import Iterable, Iterator, Sequence

from color_mesh.envoy.edge import has_dot_segment
from color_mesh.envoy.egress import backend_ports
from color_mesh.envoy.gateway import gateway_ports
from color_mesh.envoy.placement import (
    ADMIN_PORT,
    ALL_ADDRESSES,
    EGRESS_PORT,
    INBOUND_PORT,
    INGRESS_PORT,
    Loopback,
    Placement,
    backend_address,
)
from color_mesh.envoy.security import policy_for, speaks_tls
from color_mesh.envoy.services import ServicePort, Target, services_at_all_addresses
from color_mesh.model import (
    ClientTls,
    GatewayRoute,
    Listener,
    Mesh,
    SdsCertificate,
    SdsTrust,
    VirtualGateway,
    VirtualNode,
)
from color_mesh.model.certificates import Certificate, Trust
from color_mesh.model.errors import problem

NO_SDS = "give the path of the Unix socket of the Secret Discovery Service"
ENVOY_PORTS = f"Envoy uses {ADMIN_PORT}, and {INBOUND_PORT} and up for the listeners of the node: change the port"
REDIRECTED_PORTS = f"Envoy uses {INGRESS_PORT} and {EGRESS_PORT} for redirected connections: change the port"
APP_ELSEWHERE = (
    "make the application listen on 127.0.0.1 and set app_address='127.0.0.1', or give the services another port than "
    "the application, such as 80, and set app_port to that of the application"
)
GATEWAY_ENVOY_PORTS = (
    f"Envoy uses {ADMIN_PORT} for its admin interface and {EGRESS_PORT} for the second hop: change the port"
)
MAX_PREFIX_BYTES = 900  # A rewrite is a regular expression with the prefix, whose size Envoy limits to 1000.
PREFIX_SIZE = f"at most {MAX_PREFIX_BYTES} bytes"
EXTERNAL = "add the source that declares it"


def unsupported_features(mesh: Mesh, part: VirtualNode | VirtualGateway, placement: Placement) -> Iterator[str]:
    """Validate that the mesh around a node or gateway can be compiled: yield a message for each unsupported feature."""
    kind = "virtual node" if isinstance(part, VirtualNode) else "virtual gateway"
    subject = f"{kind} {part.name!r}"
    yield from _external(subject, mesh, part)
    for listener in part.listeners:
        yield from _listener(f"{subject} listener {listener.port}", listener, placement)
    ports = _ports(mesh, part, placement)
    for port in ports:
        for target in port.targets:
            yield from _target(f"{subject} backend {port.service.name!r}", target, placement)
    if isinstance(part, VirtualGateway):
        for listener in part.listeners:
            if listener.port in (ADMIN_PORT, EGRESS_PORT):
                yield problem(subject, "listener port is used by Envoy", listener.port, GATEWAY_ENVOY_PORTS)
        for route in part.routes:
            yield from _gateway_route(f"{subject} route {route.name!r}", route)
    elif isinstance(placement.interception, Loopback):
        yield from _loopback_collisions(subject, mesh, part, ports, placement.interception)
    else:
        yield from _port_collisions(subject, ports)


def _ports(mesh: Mesh, part: VirtualNode | VirtualGateway, placement: Placement) -> Sequence[ServicePort]:
    if any(name in mesh.external_services for name in _called(part)):
        return ()
    live_routes = placement.live_routes
    if isinstance(part, VirtualNode):
        return backend_ports(mesh, part, live_routes)
    return gateway_ports(mesh, part, live_routes)


def _called(part: VirtualNode | VirtualGateway) -> Iterable[str]:
    if isinstance(part, VirtualNode):
        return (backend.virtual_service for backend in part.backends)
    return dict.fromkeys(route.virtual_service for route in part.routes)


def _external(subject: str, mesh: Mesh, part: VirtualNode | VirtualGateway) -> Iterator[str]:
    for name in _called(part):
        if name in mesh.external_services:
            yield problem(subject, "sends requests to a virtual service that is declared elsewhere", name, EXTERNAL)


def _gateway_route(subject: str, route: GatewayRoute) -> Iterator[str]:
    for path in (route.rewrite.prefix, route.rewrite.path):
        if path is not None and has_dot_segment(path):
            yield problem(subject, "rewrite has a segment '.' or '..'", path, "give the path that it leads to")
    prefix = route.match.prefix or ""
    if len(prefix.encode()) > MAX_PREFIX_BYTES:
        yield problem(subject, "prefix is too long for Envoy", f"{len(prefix.encode())} bytes", PREFIX_SIZE)


def _listener(subject: str, listener: Listener, placement: Placement) -> Iterator[str]:
    tls = listener.tls
    if tls is None or not speaks_tls(listener):
        return
    yield from _certificate(subject, tls.certificate, placement)
    if tls.validation is not None:
        yield from _trust(subject, tls.validation.trust, placement)


def _target(subject: str, target: Target, placement: Placement) -> Iterator[str]:
    policy = policy_for(target.listener, target.client_tls)
    if policy is not None:
        yield from _client_tls(subject, policy, placement)


def _client_tls(subject: str, policy: ClientTls, placement: Placement) -> Iterator[str]:
    yield from _trust(subject, policy.validation.trust, placement)
    if policy.certificate is not None:
        yield from _certificate(subject, policy.certificate, placement)


def _certificate(subject: str, certificate: Certificate, placement: Placement) -> Iterator[str]:
    if isinstance(certificate, SdsCertificate) and placement.sds_socket is None:
        yield problem(subject, "has a certificate from SDS", certificate.secret_name, NO_SDS)


def _trust(subject: str, trust: Trust, placement: Placement) -> Iterator[str]:
    if isinstance(trust, SdsTrust) and placement.sds_socket is None:
        yield problem(subject, "trusts certificate authorities from SDS", trust.secret_name, NO_SDS)


def _loopback_collisions(
    subject: str, mesh: Mesh, node: VirtualNode, ports: Sequence[ServicePort], loopback: Loopback
) -> Iterator[str]:
    """Validate that no two listeners of a task have the same address and port, and that each answers for its own."""
    backends = {backend.virtual_service for backend in node.backends}
    by_address: dict[str, list[str]] = {}
    for service in mesh.services:
        by_address.setdefault(backend_address(loopback, service.name), []).append(service.name)
    for address, names in by_address.items():
        if len(names) > 1 and not backends.isdisjoint(names):
            wrong = f"a backend shares loopback address {address} with other services"
            yield problem(subject, wrong, tuple(names), "rename one of them")
    inbound = range(INBOUND_PORT, INBOUND_PORT + len(node.listeners))
    app_ports = {loopback.app_port or listener.port for listener in node.listeners}
    for number in sorted(app_ports & {ADMIN_PORT, *inbound}):
        yield problem(subject, "port of the application is used by Envoy", number, ENVOY_PORTS)
    for port in ports:
        backend = f"backend {port.service.name!r}"
        if port.port in inbound:
            yield problem(subject, f"{backend} has a port that is used by Envoy", port.port, ENVOY_PORTS)
    others = tuple(name for name in services_at_all_addresses(mesh, node, inbound) if name not in backends)
    if others:
        yield problem(subject, "services have a port at which Envoy listens on all addresses", others, ENVOY_PORTS)
    services = services_at_all_addresses(mesh, node, app_ports) if loopback.app_address in ALL_ADDRESSES else ()
    if services:
        wrong = "the application listens on all addresses, which include those of services with the same port"
        yield problem(subject, wrong, services, APP_ELSEWHERE)


def _port_collisions(subject: str, ports: Sequence[ServicePort]) -> Iterator[str]:
    """Validate that the destination port identifies the backend of a tcp connection.

    Backends of http, http2 and grpc may share a port: one listener takes HTTP/1.1 and HTTP/2, and requests name a host.
    """
    by_port: dict[int, dict[str, str]] = {}
    for port in ports:
        by_port.setdefault(port.port, {})[port.service.name] = port.protocol
    for number, protocols in sorted(by_port.items()):
        if len(protocols) > 1 and "tcp" in protocols.values():
            fix = "transparent interception selects tcp backends by port alone: change a port"
            yield problem(subject, f"backends share port {number}", protocols, fix)
    for port in ports:
        if port.protocol == "tcp" and port.weights and port.port in (INGRESS_PORT, EGRESS_PORT):
            wrong = f"backend {port.service.name!r} has weights and a port that is used by Envoy"
            yield problem(subject, wrong, port.port, REDIRECTED_PORTS)
