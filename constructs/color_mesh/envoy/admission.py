"""Admission of callers by the names in their certificates, at the Envoy of the node that they call."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from color_mesh.envoy.placement import Placement
from color_mesh.envoy.security import san_matcher
from color_mesh.envoy.typed import HTTP_RBAC, MTLS_PRINCIPAL, TCP_RBAC, Json, extension
from color_mesh.model import DnsDiscovery, Listener, Mesh, VirtualGateway, VirtualNode, VirtualRouter, VirtualService
from color_mesh.model.mesh_tls import certificate_name

# Name in no certificate (RFC 6761: names below `.invalid` do not exist).
_NOBODY = "nobody.invalid"


def admitted_names(mesh: Mesh, node: VirtualNode, listener: Listener, placement: Placement) -> tuple[str, ...] | None:
    """Return the names of the clients of a listener, sorted; ``None`` if their names do not matter.

    They matter at listeners that demand a certificate of clients, and accept any name in it.
    """
    tls, admission = listener.tls, placement.admission
    if admission is None or tls is None or not tls.accepts_any_name:
        return None
    services = {service.name for service in mesh.services if _reaches(mesh, service, node, listener)}
    callers: list[VirtualNode | VirtualGateway] = [
        *(each for each in mesh.nodes if _has_backend(each, services)),
        *(each for each in mesh.gateways if _calls(each, services, listener)),
    ]
    names = {certificate_name(each, admission.namespace) for each in callers}
    return tuple(sorted({*names, *admission.other_callers.get(node.name, ())}))


def http_filters(listener: Listener, names: Sequence[str] | None) -> Iterator[Json]:
    """Render the filter that answers requests of other clients with 403.

    At a listener that accepts plaintext too it counts them only, in ``rbac.shadow_denied``: such clients are refused
    once the listener is strict.
    """
    if names is not None:
        yield extension("envoy.filters.http.rbac", HTTP_RBAC, **_rules(listener, names))


def tcp_filters(listener: Listener, names: Sequence[str]) -> Iterator[Json]:
    """Render the filter that counts the connections of other clients at a listener that accepts plaintext too."""
    if _is_permissive(listener):
        yield extension("envoy.filters.network.rbac", TCP_RBAC, stat_prefix="ingress.", **_rules(listener, names))


def restricted(listener: Listener, names: Sequence[str]) -> Listener:
    """Return a tcp listener that ends the TLS handshakes of other clients, if it is strict.

    Envoy's RBAC filter waits for the first bytes of the client. In a protocol where the server sends first, such as
    MySQL, it would pass these bytes on to any client.
    """
    tls = listener.tls
    if tls is None or tls.validation is None or _is_permissive(listener):
        return listener
    # Without names Envoy would accept every certificate.
    validation = replace(tls.validation, subject_alternative_names=tuple(names) or (_NOBODY,))
    return replace(listener, tls=replace(tls, validation=validation))


def without_resumption(chain: Json) -> Json:
    """Return a filter chain whose TLS sessions are not resumed.

    Envoy does not verify the client certificate of a session that is resumed: RBAC would refuse all its requests, and a
    certificate that has expired would still be accepted.
    """
    if "transport_socket" not in chain:
        return chain
    socket = chain["transport_socket"]
    options = {"disable_stateless_session_resumption": True, "disable_stateful_session_resumption": True}
    return {**chain, "transport_socket": {**socket, "typed_config": {**socket["typed_config"], **options}}}


def _reaches(mesh: Mesh, service: VirtualService, node: VirtualNode, listener: Listener) -> bool:
    """Return whether requests of a service may arrive at a listener of a node."""
    provider = mesh.provider(service)
    if not isinstance(provider, VirtualRouter):
        return provider is not None and provider.name == node.name
    return any(
        target.virtual_node == node.name and target.port in (None, listener.port)
        for route in provider.routes
        for target in route.targets
    )


def _has_backend(node: VirtualNode, services: Collection[str]) -> bool:
    """Return whether a node with a certificate has one of the services as a backend. One with a hostname has none."""
    called = any(backend.virtual_service in services for backend in node.backends)
    return called and not isinstance(node.discovery, DnsDiscovery)


def _calls(gateway: VirtualGateway, services: Collection[str], listener: Listener) -> bool:
    """Return whether a gateway sends requests of one of the services to a listener."""
    routes = (route for route in gateway.routes if route.virtual_service in services)
    return listener.protocol != "tcp" and any(route.target_port in (None, listener.port) for route in routes)


def _is_permissive(listener: Listener) -> bool:
    return listener.tls is not None and listener.tls.mode == "PERMISSIVE"


def _rules(listener: Listener, names: Sequence[str]) -> Json:
    principals = [
        {"custom": extension("envoy.rbac.principals.mtls_authenticated", MTLS_PRINCIPAL, san_matcher=san_matcher(name))}
        for name in names
    ]
    policies = {"callers": {"permissions": [{"any": True}], "principals": principals}} if names else {}
    # Without a policy, no client is admitted.
    return {"shadow_rules" if _is_permissive(listener) else "rules": {"action": "ALLOW", "policies": policies}}
