"""Service discovery of a migrated mesh: one Cloud Map service per node, and DNS for external endpoints."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from color_mesh.migration.domain import Domain, choose_domain
from color_mesh.migration.findings import Finding, changed, lost
from color_mesh.migration.removals import ip_preference_findings, without_services
from color_mesh.model import CloudMapDiscovery, CloudMapService, DnsDiscovery, Mesh, VirtualNode
from color_mesh.model.deployment import DNS_TTL_SECONDS
from color_mesh.model.discovery import check_cloud_map_service


def register_in_cloud_map(mesh: Mesh, domain: Domain, implemented: Collection[str]) -> tuple[Mesh, Sequence[Finding]]:
    """Give every node with a listener its own Cloud Map service, except nodes that stand for external endpoints."""
    descriptions = {each.dns_name: each.description for each in mesh.cloud_map_services}
    registered = [node for node in mesh.nodes if node.listeners and not _is_external(node, domain, implemented)]
    labels = _labels(registered, domain)
    nodes, services = [], []
    findings: list[Finding] = []
    for node in mesh.nodes:
        if node.name in labels:
            service = _cloud_map_service(node, labels[node.name], domain, descriptions)
            services.append(service)
            nodes.append(replace(node, discovery=_discovery(service)))
            findings += _discovery_findings(node, service)
        elif node.listeners:
            nodes.append(node)
            findings.append(_external_finding(node))
        else:
            nodes.append(replace(node, discovery=None))
    findings += _zone_findings(mesh, domain)
    converted, more_findings = _without_listenerless_providers(mesh)
    return replace(converted, nodes=tuple(nodes), cloud_map_services=tuple(services)), [*findings, *more_findings]


def remove_directly_called_services(
    mesh: Mesh, domain: Domain, implemented: Collection[str]
) -> tuple[Mesh, Sequence[Finding]]:
    """Remove the virtual services that have the DNS name of an external endpoint.

    The mesh would resolve that name to a loopback address, and Envoy could not resolve the endpoint any more.
    """
    external = {
        node.discovery.dns_name.lower().removesuffix("."): node
        for node in mesh.nodes
        if node.discovery is not None and _is_external(node, domain, implemented)
    }
    removed = sorted({service.name for service in mesh.services if service.name.lower() in external})
    findings = []
    for name in removed:
        ports = " and ".join(str(listener.port) for listener in external[name.lower()].listeners)
        text = (
            "is removed, because DNS has to resolve its name to the external endpoint: clients connect directly, if "
            f"their security groups allow port {ports}"
        )
        findings.append(lost(f"virtual service {name!r}", text))
    remaining = without_services(mesh, removed)
    return (_without_unused_nodes(remaining, external.values()) if removed else remaining), findings


def _without_unused_nodes(mesh: Mesh, candidates: Collection[VirtualNode]) -> Mesh:
    used = {service.virtual_node for service in mesh.services}
    used |= {each.virtual_node for router in mesh.routers for route in router.routes for each in route.targets}
    unused = {node.name for node in candidates} - used
    return replace(mesh, nodes=tuple(node for node in mesh.nodes if node.name not in unused))


def external_nodes(mesh: Mesh, implemented: Collection[str]) -> frozenset[str]:
    """Return the names of the nodes that stand for endpoints outside of the mesh.

    Args:
        mesh: The mesh.
        implemented: Names of the nodes whose tasks are known.
    """
    domain = choose_domain(mesh)
    return frozenset(node.name for node in mesh.nodes if _is_external(node, domain, implemented))


def _is_external(node: VirtualNode, domain: Domain, implemented: Collection[str]) -> bool:
    """Return whether a node stands for an endpoint outside of the mesh: a DNS name that no task of the mesh has."""
    if not isinstance(node.discovery, DnsDiscovery) or node.name in implemented or node.backends:
        return False
    return not domain.contains(node.discovery.hostname)


def _labels(nodes: Sequence[VirtualNode], domain: Domain) -> dict[str, str]:
    """Return the name of each node's Cloud Map service: the previous one, when no other node has the same."""
    previous = {node.name: _previous_label(node, domain) for node in nodes}
    uses = Counter(label.lower() for label in previous.values())
    labels: dict[str, str] = {}
    taken: set[str] = set()
    for node in nodes:
        preferred = previous[node.name] if uses[previous[node.name].lower()] == 1 else node.name
        candidates = (each for each in _candidates(preferred, node.name) if each.lower() not in taken)
        labels[node.name] = next(each for each in candidates if _is_valid_label(each, domain))
        taken.add(labels[node.name].lower())
    return labels


def _previous_label(node: VirtualNode, domain: Domain) -> str:
    """Return the Cloud Map service or the first label of the host name; a name outside the domain does not count."""
    match node.discovery:
        case CloudMapDiscovery(service=service):
            return service
        case DnsDiscovery(hostname=hostname) if domain.contains(hostname):
            return hostname.partition(".")[0]
    return node.name


def _candidates(preferred: str, name: str) -> tuple[str, ...]:
    digest = sha256(name.encode()).hexdigest()[:8]
    return preferred, name, f"{re.sub(r'[^A-Za-z0-9]+', '-', name)[:50].strip('-')}-{digest}".strip("-")


def _is_valid_label(label: str, domain: Domain) -> bool:
    return not [*check_cloud_map_service(CloudMapService(name=label, namespace=domain.namespace))]


def _cloud_map_service(
    node: VirtualNode, label: str, domain: Domain, descriptions: Mapping[str, str | None]
) -> CloudMapService:
    description = descriptions.get(node.discovery.dns_name) if node.discovery is not None else None
    return CloudMapService(
        name=label,
        namespace=domain.namespace,
        description=description or None,
        ttl_seconds=DNS_TTL_SECONDS["envoy"],
    )


def _discovery(service: CloudMapService) -> CloudMapDiscovery:
    return CloudMapDiscovery(namespace=service.namespace, service=service.name)


def _discovery_findings(node: VirtualNode, service: CloudMapService) -> Iterator[Finding]:
    subject = f"virtual node {node.name!r}"
    match node.discovery:
        case CloudMapDiscovery(attributes=attributes) if attributes:
            pairs = ", ".join(f"{key}={value}" for key, value in attributes)
            yield changed(subject, f"its own Cloud Map service replaces the attributes {pairs}")
        case DnsDiscovery(hostname=hostname, ip_preference=preference):
            yield changed(subject, f"is discovered by Cloud Map as {service.dns_name!r}, not by DNS as {hostname!r}")
            yield from ip_preference_findings(subject, preference)


def _external_finding(node: VirtualNode) -> Finding:
    ports = ", ".join(str(listener.port) for listener in node.listeners)
    hostname = f"{node.discovery.dns_name!r}" if node.discovery is not None else ""
    text = f"is treated as an external endpoint: Envoy of each client connects to {hostname} port {ports}"
    return changed(f"virtual node {node.name!r}", text)


def _zone_findings(mesh: Mesh, domain: Domain) -> Iterator[Finding]:
    for service in mesh.services:
        if not domain.contains(service.name):
            text = "gets a private hosted zone of its name, which hides the public DNS records of that name in the VPC"
            yield changed(f"virtual service {service.name!r}", text)


def _without_listenerless_providers(mesh: Mesh) -> tuple[Mesh, Sequence[Finding]]:
    """Remove the provider of virtual services whose node has no listener: App Mesh sent it no requests either."""
    listenerless = {node.name for node in mesh.nodes if not node.listeners}
    findings = [
        lost(
            f"virtual service {service.name!r}",
            f"has no provider any more: virtual node {service.virtual_node!r} has no listener",
        )
        for service in mesh.services
        if service.virtual_node in listenerless
    ]
    services = (
        replace(service, virtual_node=None) if service.virtual_node in listenerless else service
        for service in mesh.services
    )
    return replace(mesh, services=tuple(services)), findings
