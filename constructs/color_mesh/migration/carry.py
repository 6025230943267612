"""From any mesh of App Mesh to the same mesh as the constructs declare it on self-managed Envoy."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from color_mesh.envoy import Loopback, configure
from color_mesh.envoy.egress import backend_ports
from color_mesh.migration.discovery import called_directly, found_by_names
from color_mesh.migration.findings import Finding, to_do
from color_mesh.migration.names import Names, name_services
from color_mesh.migration.parts import (
    gateways_of_one_listener,
    known_services,
    left_behind,
    named_routers,
    plain,
)
from color_mesh.migration.security import keep_files
from color_mesh.model import (
    GatewayRoute,
    Mesh,
    MeshError,
    Route,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    WeightedTarget,
)
from color_mesh.model.checks import check_unique
from color_mesh.model.deployment import AppAddress
from color_mesh.model.errors import refuse
from color_mesh.model.node import hostnames

R = TypeVar("R", Route, GatewayRoute)


@dataclass(frozen=True, kw_only=True, slots=True)
class CarriedMesh:
    """Hold a mesh as the constructs of the generated app declare it.

    Attributes:
        mesh: The mesh, its parts in the order in which the app makes them.
        names: Where its names are.
        findings: What is otherwise than before.
    """

    mesh: Mesh
    names: Names
    findings: tuple[Finding, ...]

    @property
    def outside(self) -> frozenset[str]:
        """The nodes that are no tasks of the mesh: DNS finds them at names of their own."""
        return frozenset(hostnames(self.mesh.nodes))

    def primary_service(self, owner: VirtualNode | VirtualRouter) -> VirtualService | None:
        """Find the virtual service that a node's or router's own construct makes."""
        return _primary(self.mesh, owner)

    def other_services(self) -> tuple[VirtualService, ...]:
        """Find the virtual services that take a construct of their own."""
        return _others(self.mesh)

    def app_address(self, node: VirtualNode) -> AppAddress:
        """Find where a node's application may listen: in its task alone, when it shares a port with a backend."""
        own = {listener.port for listener in node.listeners}
        called = {port.port for port in backend_ports(self.mesh, node)}
        return "127.0.0.1" if own & called else "0.0.0.0"


def carry(mesh: Mesh, implemented: Collection[str]) -> CarriedMesh:
    """Carry a mesh over; ``implemented`` are the nodes whose tasks are at hand.

    Raises:
        MeshError: With what no Envoy can be configured for, however it is carried.
    """
    findings = [*left_behind(mesh)]
    kept, names, renamed = name_services(plain(mesh))
    findings += renamed
    kept = keep_files(kept, findings)
    kept = gateways_of_one_listener(kept, findings)
    kept = known_services(kept, findings)
    kept = called_directly(kept, names, implemented, findings)
    kept = named_routers(kept, findings)
    kept = found_by_names(kept, names, implemented, findings)
    carried = CarriedMesh(mesh=_in_order(kept), names=names, findings=tuple(findings))
    refuse((*_twice(carried.mesh), *_not_compiled(carried)))
    return replace(carried, findings=(*_to_listen_locally(carried, implemented), *findings))


def _primary(mesh: Mesh, owner: VirtualNode | VirtualRouter) -> VirtualService | None:
    return next((each for each in mesh.services if mesh.provider(each) is owner), None)


def _primaries(mesh: Mesh) -> list[VirtualService]:
    owners: list[VirtualNode | VirtualRouter] = [*mesh.nodes, *mesh.routers]
    found = (_primary(mesh, owner) for owner in owners)
    return [service for service in found if service is not None]


def _others(mesh: Mesh) -> tuple[VirtualService, ...]:
    primary = _primaries(mesh)
    return tuple(each for each in mesh.services if each not in primary)


def _in_order(mesh: Mesh) -> Mesh:
    """Put services in the order in which the app makes them, and say what goes without saying, as constructs do."""
    services = (*_primaries(mesh), *_others(mesh))
    routers = (
        replace(router, routes=tuple(_with_ports(mesh, _with_path(route)) for route in router.routes))
        for router in mesh.routers
    )
    gateways = (
        replace(gateway, routes=tuple(_with_path(route) for route in gateway.routes)) for gateway in mesh.gateways
    )
    return replace(mesh, services=services, routers=tuple(routers), gateways=tuple(gateways))


def _with_path(route: R) -> R:
    """Say that a route of HTTP without a path takes every path."""
    match = route.match
    if route.protocol in ("http", "http2") and match.prefix is match.path is match.path_regex is None:
        return replace(route, match=replace(match, prefix="/"))
    return route


def _with_ports(mesh: Mesh, route: Route) -> Route:
    """Say which port of each target gets its share."""

    def target(old: WeightedTarget) -> WeightedTarget:
        return old if old.port is not None else replace(old, port=mesh.node(old.virtual_node).listeners[0].port)

    return replace(route, targets=tuple(target(each) for each in route.targets))


def _twice(mesh: Mesh) -> Iterator[str]:
    """Find routes with two targets of one node, whose shares the constructs tell apart by nodes."""
    for router in mesh.routers:
        for route in router.routes:
            yield from check_unique(f"route {route.name!r}", "target", (each.virtual_node for each in route.targets))


def _not_compiled(carried: CarriedMesh) -> Iterator[str]:
    mesh = carried.mesh
    parts: list[tuple[VirtualNode | VirtualGateway, AppAddress]] = [
        *((node, carried.app_address(node)) for node in mesh.nodes if node.name not in carried.outside),
        *((gateway, "127.0.0.1") for gateway in mesh.gateways),
    ]
    for part, address in parts:
        try:
            configure(mesh, part, interception=Loopback(app_address=address, outside=carried.outside))
        except MeshError as error:
            yield from error.problems


def _to_listen_locally(carried: CarriedMesh, implemented: Collection[str]) -> Iterator[Finding]:
    for node in carried.mesh.nodes:
        if node.name in implemented and carried.app_address(node) == "127.0.0.1":
            ports = " and ".join(str(listener.port) for listener in node.listeners)
            text = (
                f"its application does not start while it listens at every address: its Envoy has port {ports} of the "
                f"loopback addresses of its backends. Let it listen on 127.0.0.1:{ports} alone; or tell it another "
                "port, by its environment or command, and say that with app_port=..."
            )
            yield to_do(f"virtual node {node.name!r}", text)
