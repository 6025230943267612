"""Removal of the parts and properties of a mesh that have no counterpart on self-managed Envoy."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from color_mesh.migration.findings import Finding, changed, lost
from color_mesh.migration.tags import tag_findings
from color_mesh.model import CloudMapDiscovery, DnsDiscovery, Mesh, VirtualNode


def remove_app_mesh_properties(mesh: Mesh) -> tuple[Mesh, Sequence[Finding]]:
    """Remove properties of App Mesh resources: owner, tags, IP preferences of tasks and health checks of gateways.

    Nodes with DNS discovery keep the IP preference, of their own or of the mesh: it is that of DNS lookups.
    """
    plain_mesh = replace(
        mesh,
        owner=None,
        ip_preference=None,
        tags=(),
        nodes=tuple(_plain_node(mesh, node) for node in mesh.nodes),
        services=tuple(replace(service, tags=()) for service in mesh.services),
        routers=tuple(
            replace(router, tags=(), routes=tuple(replace(route, tags=()) for route in router.routes))
            for router in mesh.routers
        ),
        gateways=tuple(
            replace(
                gateway,
                tags=(),
                listeners=tuple(replace(listener, health_check=None) for listener in gateway.listeners),
                routes=tuple(replace(route, tags=()) for route in gateway.routes),
            )
            for gateway in mesh.gateways
        ),
    )
    return plain_mesh, [*_app_mesh_properties(mesh)]


def remove_undeclared_services(mesh: Mesh) -> tuple[Mesh, Sequence[Finding]]:
    """Remove the backends and gateway routes of virtual services that no template declares."""
    undeclared = set(mesh.external_services)
    references = (
        *((f"virtual node {node.name!r}", each.virtual_service) for node in mesh.nodes for each in node.backends),
        *((f"gateway route {route.name!r}", route.virtual_service) for each in mesh.gateways for route in each.routes),
    )
    findings = [
        lost(subject, f"requests to {name!r} fail: no template declares that virtual service (add the one that does)")
        for subject, name in references
        if name in undeclared
    ]
    return replace(without_services(mesh, undeclared), external_services=()), findings


def remove_unused_routers(mesh: Mesh) -> tuple[Mesh, Sequence[Finding]]:
    """Remove the virtual routers that no virtual service refers to."""
    used = {service.virtual_router for service in mesh.services}
    findings = [
        lost(f"virtual router {router.name!r}", "is removed: no virtual service uses it")
        for router in mesh.routers
        if router.name not in used
    ]
    return replace(mesh, routers=tuple(router for router in mesh.routers if router.name in used)), findings


def without_services(mesh: Mesh, removed: Collection[str]) -> Mesh:
    """Return the mesh without some virtual services, their backends and their gateway routes."""
    return replace(
        mesh,
        nodes=tuple(
            replace(node, backends=tuple(each for each in node.backends if each.virtual_service not in removed))
            for node in mesh.nodes
        ),
        services=tuple(service for service in mesh.services if service.name not in removed),
        gateways=tuple(
            replace(gateway, routes=tuple(route for route in gateway.routes if route.virtual_service not in removed))
            for gateway in mesh.gateways
        ),
    )


def _app_mesh_properties(mesh: Mesh) -> Iterator[Finding]:
    subject = f"mesh {mesh.name!r}"
    if mesh.owner is not None:
        yield changed(subject, f"the mesh owner {mesh.owner} is removed: each task has its own Envoy configuration")
    yield from ip_preference_findings(subject, mesh.ip_preference)
    for node in mesh.nodes:
        if isinstance(node.discovery, CloudMapDiscovery):
            yield from ip_preference_findings(f"virtual node {node.name!r}", node.discovery.ip_preference)
    yield from _tags(mesh)
    for gateway in mesh.gateways:
        for listener in gateway.listeners:
            if listener.health_check is not None:
                text = "the health check is removed: Envoy did not use it, and the target group has its own"
                yield changed(f"virtual gateway {gateway.name!r} listener {listener.port}", text)


def ip_preference_findings(subject: str, preference: str | None) -> Iterator[Finding]:
    """Yield the finding about the removed IP preference of tasks, if there was one."""
    if preference in ("IPv6_ONLY", "IPv6_PREFERRED"):
        yield lost(subject, f"the IP preference {preference} is removed: tasks register IPv4 addresses")
    elif preference is not None:
        yield changed(subject, f"the IP preference {preference} is removed: all addresses of tasks are IPv4")


def _tags(mesh: Mesh) -> Iterator[Finding]:
    """Yield the tags of parts that no AWS resource stands for any more, and those that cannot be migrated."""
    yield from tag_findings(f"mesh {mesh.name!r}", mesh.tags)
    tagged: Iterable[tuple[str, tuple[tuple[str, str], ...]]] = (
        *((f"virtual service {service.name!r}", service.tags) for service in mesh.services),
        *((f"virtual router {router.name!r}", router.tags) for router in mesh.routers),
        *((f"route {route.name!r}", route.tags) for router in mesh.routers for route in router.routes),
        *((f"gateway route {route.name!r}", route.tags) for gateway in mesh.gateways for route in gateway.routes),
    )
    for subject, tags in tagged:
        if tags:
            pairs = ", ".join(f"{key}={value}" for key, value in tags)
            yield lost(subject, f"the tags {pairs} are removed with the App Mesh resource, which no other one replaces")


def _plain_node(mesh: Mesh, node: VirtualNode) -> VirtualNode:
    discovery = node.discovery
    if isinstance(discovery, DnsDiscovery):
        discovery = replace(discovery, ip_preference=discovery.ip_preference or mesh.ip_preference)
    elif discovery is not None:
        discovery = replace(discovery, ip_preference=None)
    return replace(node, tags=(), discovery=discovery)
