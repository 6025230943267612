"""How the nodes of a mesh are found on self-managed Envoy: each in a Cloud Map service of its own, or outside."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from hashlib import sha256

from color_mesh.migration.findings import Finding, changed, lost
from color_mesh.migration.names import Names
from color_mesh.migration.parts import without_services
from color_mesh.model import CloudMapDiscovery, CloudMapService, DnsDiscovery, Mesh, VirtualNode
from color_mesh.model.deployment import DNS_TTL_SECONDS
from color_mesh.model.discovery import check_cloud_map_service


def found_by_names(mesh: Mesh, names: Names, implemented: Collection[str], findings: list[Finding]) -> Mesh:
    """Give each node a Cloud Map service of its own, but those that DNS finds outside of the mesh."""
    descriptions = {each.dns_name: each.description for each in mesh.cloud_map_services}
    ours = [node for node in mesh.nodes if node.listeners and not _is_outside(node, names, implemented)]
    labels = _labels(ours, names)
    nodes, services = [], []
    for node in mesh.nodes:
        if node.name in labels:
            discovery = CloudMapDiscovery(namespace=names.namespace, service=labels[node.name])
            described = descriptions.get(node.discovery.dns_name) if node.discovery is not None else None
            services.append(
                CloudMapService(
                    name=discovery.service,
                    namespace=discovery.namespace,
                    description=described or None,
                    ttl_seconds=DNS_TTL_SECONDS["envoy"],
                )
            )
            findings += _moved(node, discovery)
            nodes.append(replace(node, discovery=discovery))
        elif node.listeners:
            findings.append(_outside(node))
            nodes.append(node)
        else:
            nodes.append(replace(node, discovery=None))
    findings += _in_zones_of_their_own(mesh, names)
    return replace(_without_empty_providers(mesh, findings), nodes=tuple(nodes), cloud_map_services=tuple(services))


def called_directly(mesh: Mesh, names: Names, implemented: Collection[str], findings: list[Finding]) -> Mesh:
    """Leave out services with the name at which DNS finds what is outside: a name has one answer.

    Were it a loopback address, the Envoy behind that would find itself there.
    """
    outside = {
        node.discovery.dns_name.lower().removesuffix("."): node
        for node in mesh.nodes
        if node.discovery is not None and _is_outside(node, names, implemented)
    }
    gone = {service.name for service in mesh.services if service.name.lower() in outside}
    for name in sorted(gone):
        ports = " and ".join(str(listener.port) for listener in outside[name.lower()].listeners)
        text = (
            f"is found by DNS at its own name: callers reach it directly, if their security groups let port {ports} out"
        )
        findings.append(lost(f"virtual service {name!r}", text))
    kept = without_services(mesh, gone)
    named = {service.virtual_node for service in kept.services}
    targets = {each.virtual_node for router in kept.routers for route in router.routes for each in route.targets}
    unused = {node.name for node in outside.values()} - named - targets if gone else set()
    return replace(kept, nodes=tuple(node for node in kept.nodes if node.name not in unused))


def _is_outside(node: VirtualNode, names: Names, implemented: Collection[str]) -> bool:
    """Tell whether a node is something that DNS finds, of which nothing says that it is a task of the mesh."""
    if not isinstance(node.discovery, DnsDiscovery) or node.name in implemented or node.backends:
        return False
    return not names.inside(node.discovery.hostname)


def _labels(nodes: Collection[VirtualNode], names: Names) -> dict[str, str]:
    """Find what each node's Cloud Map service is called: as before, where only one node had that name."""
    before = {node.name: _label(node, names) for node in nodes}
    shared = Counter(label.lower() for label in before.values())
    found: dict[str, str] = {}
    taken: set[str] = set()
    for node in nodes:
        own = before[node.name] if shared[before[node.name].lower()] == 1 else node.name
        label = next(each for each in _candidates(own, node.name) if _fits(each, names) and each.lower() not in taken)
        found[node.name] = label
        taken.add(label.lower())
    return found


def _label(node: VirtualNode, names: Names) -> str:
    """Find the label at which a node was found, if it says more of it than, say, that of a load balancer."""
    match node.discovery:
        case CloudMapDiscovery(service=service):
            return service
        case DnsDiscovery(hostname=hostname) if names.inside(hostname):
            return hostname.partition(".")[0]
    return node.name


def _candidates(own: str, name: str) -> tuple[str, ...]:
    digest = sha256(name.encode()).hexdigest()[:8]
    return own, name, f"{re.sub(r'[^A-Za-z0-9]+', '-', name)[:50].strip('-')}-{digest}".strip("-")


def _fits(label: str, names: Names) -> bool:
    return not [*check_cloud_map_service(CloudMapService(name=label, namespace=names.namespace))]


def _moved(node: VirtualNode, to: CloudMapDiscovery) -> Iterator[Finding]:
    subject = f"virtual node {node.name!r}"
    match node.discovery:
        case CloudMapDiscovery(attributes=attributes) if attributes:
            said = ", ".join(f"{key}={value}" for key, value in attributes)
            yield changed(subject, f"is not told by attributes ({said}) any more, but by a name of its own")
        case DnsDiscovery(hostname=hostname):
            yield changed(subject, f"was found by DNS at {hostname!r}, and is in Cloud Map at {to.dns_name!r}")


def _outside(node: VirtualNode) -> Finding:
    ports = ", ".join(str(listener.port) for listener in node.listeners)
    where = f"{node.discovery.dns_name!r}" if node.discovery is not None else ""
    text = f"is taken for something outside of the mesh: its callers' Envoys connect to {where} at port {ports}"
    return changed(f"virtual node {node.name!r}", text)


def _in_zones_of_their_own(mesh: Mesh, names: Names) -> Iterator[Finding]:
    for service in mesh.services:
        if not names.inside(service.name):
            text = "has a private zone of its own name, which in this VPC stands before what the internet says of it"
            yield changed(f"virtual service {service.name!r}", text)


def _without_empty_providers(mesh: Mesh, findings: list[Finding]) -> Mesh:
    """Let nothing answer to services of nodes that listen on nothing, as nothing did."""
    silent = {node.name for node in mesh.nodes if not node.listeners}
    services = []
    for service in mesh.services:
        if service.virtual_node in silent:
            text = f"its virtual node {service.virtual_node!r} listens on nothing, so that nothing answers"
            findings.append(lost(f"virtual service {service.name!r}", text))
            services.append(replace(service, virtual_node=None))
        else:
            services.append(service)
    return replace(mesh, services=tuple(services))
