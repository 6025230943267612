"""What of a mesh has no counterpart where the mesh is no resource of AWS any more."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from color_mesh.migration.findings import Finding, changed, lost
from color_mesh.model import GatewayRoute, Listener, Mesh, VirtualGateway, VirtualNode


def left_behind(mesh: Mesh) -> Iterator[Finding]:
    """Find what `plain` takes away."""
    subject = f"mesh {mesh.name!r}"
    if mesh.owner is not None:
        yield changed(subject, f"its owner {mesh.owner} is not named: each task carries its share of the mesh itself")
    yield from _ip_preference(subject, mesh.ip_preference)
    for node in mesh.nodes:
        if node.discovery is not None:
            yield from _ip_preference(f"virtual node {node.name!r}", node.discovery.ip_preference)
    yield from _tags(mesh)
    for gateway in mesh.gateways:
        for listener in gateway.listeners:
            if listener.health_check is not None:
                of_listener = f"virtual gateway {gateway.name!r} listener {listener.port}"
                yield changed(of_listener, "its health check, which no Envoy used: the target group has its own")


def plain(mesh: Mesh) -> Mesh:
    """Take away what only resources of App Mesh have: owner, tags, IP preferences, health checks of gateways."""
    return replace(
        mesh,
        owner=None,
        ip_preference=None,
        tags=(),
        nodes=tuple(_plain_node(node) for node in mesh.nodes),
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


def gateways_of_one_listener(mesh: Mesh, findings: list[Finding]) -> Mesh:
    """Leave gateways their first listener, and the routes that it can have."""
    return replace(mesh, gateways=tuple(_with_one_listener(gateway, findings) for gateway in mesh.gateways))


def known_services(mesh: Mesh, findings: list[Finding]) -> Mesh:
    """Leave out who calls a service of which only the name is known: no Envoy can be told where it is."""
    external = set(mesh.external_services)
    called = (
        *((f"virtual node {node.name!r}", each.virtual_service) for node in mesh.nodes for each in node.backends),
        *((f"gateway route {route.name!r}", route.virtual_service) for each in mesh.gateways for route in each.routes),
    )
    findings += (
        lost(subject, f"its requests to {name!r}, which is declared in no template at hand: give what declares it too")
        for subject, name in called
        if name in external
    )
    return replace(without_services(mesh, external), external_services=())


def without_services(mesh: Mesh, gone: Collection[str]) -> Mesh:
    """Leave out services, and who calls them."""
    return replace(
        mesh,
        nodes=tuple(
            replace(node, backends=tuple(each for each in node.backends if each.virtual_service not in gone))
            for node in mesh.nodes
        ),
        services=tuple(service for service in mesh.services if service.name not in gone),
        gateways=tuple(
            replace(gateway, routes=tuple(route for route in gateway.routes if route.virtual_service not in gone))
            for gateway in mesh.gateways
        ),
    )


def named_routers(mesh: Mesh, findings: list[Finding]) -> Mesh:
    """Leave out routers that no service names, to which no request ever came."""
    named = {service.virtual_router for service in mesh.services}
    findings += (
        lost(f"virtual router {router.name!r}", "no virtual service names it, so that nothing ever reached its routes")
        for router in mesh.routers
        if router.name not in named
    )
    return replace(mesh, routers=tuple(router for router in mesh.routers if router.name in named))


def _ip_preference(subject: str, preference: str | None) -> Iterator[Finding]:
    if preference in ("IPv6_ONLY", "IPv6_PREFERRED"):
        yield lost(subject, f"its IP preference {preference}: tasks are registered and found by IPv4 addresses")
    elif preference is not None:
        yield changed(subject, f"its IP preference {preference} is not said: all is found by IPv4 addresses")


def _tags(mesh: Mesh) -> Iterator[Finding]:
    tagged: Iterable[tuple[str, tuple[tuple[str, str], ...]]] = (
        (f"mesh {mesh.name!r}", mesh.tags),
        *((f"virtual node {node.name!r}", node.tags) for node in mesh.nodes),
        *((f"virtual service {service.name!r}", service.tags) for service in mesh.services),
        *((f"virtual router {router.name!r}", router.tags) for router in mesh.routers),
        *((f"route {route.name!r}", route.tags) for router in mesh.routers for route in router.routes),
        *((f"virtual gateway {gateway.name!r}", gateway.tags) for gateway in mesh.gateways),
        *((f"gateway route {route.name!r}", route.tags) for gateway in mesh.gateways for route in gateway.routes),
    )
    for subject, tags in tagged:
        if tags:
            said = ", ".join(f"{key}={value}" for key, value in tags)
            yield lost(subject, f"its tags ({said}): it is no resource any more; tag what is with Tags.of(...)")


def _plain_node(node: VirtualNode) -> VirtualNode:
    discovery = None if node.discovery is None else replace(node.discovery, ip_preference=None)
    return replace(node, tags=(), discovery=discovery)


def _with_one_listener(gateway: VirtualGateway, findings: list[Finding]) -> VirtualGateway:
    kept, *others = gateway.listeners
    if not others:
        return gateway
    subject = f"virtual gateway {gateway.name!r}"
    findings += (lost(f"{subject} listener {each.port}", "a gateway has one listener here") for each in others)
    gone = [route for route in gateway.routes if not _reaches(route, kept)]
    findings += (lost(f"gateway route {route.name!r}", "it is for a listener that is lost") for route in gone)
    routes = tuple(route for route in gateway.routes if route not in gone)
    return replace(gateway, listeners=(kept,), routes=routes)


def _reaches(route: GatewayRoute, listener: Listener) -> bool:
    return route.match.port in (None, listener.port) and route.protocol == listener.protocol
