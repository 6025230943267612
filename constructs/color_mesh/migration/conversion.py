"""Conversion of a mesh of App Mesh to the mesh that the constructs declare on self-managed Envoy."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from color_mesh.envoy import Loopback, configure
from color_mesh.envoy.idle_timeouts import CLIENT_IDLE_MILLIS
from color_mesh.envoy.services import services_at_all_addresses
from color_mesh.migration.discovery import register_in_cloud_map, remove_directly_called_services
from color_mesh.migration.domain import Domain, choose_domain, rename_services
from color_mesh.migration.findings import Finding, changed, to_do
from color_mesh.migration.gateway_listeners import split_gateways
from color_mesh.migration.removals import (
    remove_app_mesh_properties,
    remove_undeclared_services,
    remove_unused_routers,
)
from color_mesh.migration.tls import keep_tls_without_sds
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
from color_mesh.model.match import with_default_prefix
from color_mesh.model.node import hostnames

R = TypeVar("R", Route, GatewayRoute)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvertedMesh:
    """A mesh as the constructs of the generated app declare it.

    Attributes:
        mesh: The mesh, with its parts in the order in which the app creates them.
        domain: Domain of the mesh's private hosted zone.
        findings: Differences from the mesh of App Mesh.
        tags: Tags of the mesh.
    """

    mesh: Mesh
    domain: Domain
    findings: tuple[Finding, ...]
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def external_nodes(self) -> frozenset[str]:
        """Names of the virtual nodes that stand for endpoints outside of the mesh, which DNS resolves."""
        return frozenset(hostnames(self.mesh.nodes))

    def primary_service(self, owner: VirtualNode | VirtualRouter) -> VirtualService | None:
        """Return the virtual service that the construct of a node or router creates."""
        return _primary_service(self.mesh, owner)

    def other_services(self) -> tuple[VirtualService, ...]:
        """Return the virtual services that need a construct of their own."""
        return _other_services(self.mesh)

    def app_address(self, node: VirtualNode) -> AppAddress:
        """Return the address that the node's application has to listen on.

        It is 127.0.0.1 when another service has the same port, because its name resolves to a loopback address.
        """
        own_ports = {listener.port for listener in node.listeners}
        return "127.0.0.1" if services_at_all_addresses(self.mesh, node, own_ports) else "0.0.0.0"


def convert_mesh(mesh: Mesh, implemented: Collection[str]) -> ConvertedMesh:
    """Return the mesh for self-managed Envoy, and everything in it that differs.

    Args:
        mesh: Mesh that was read.
        implemented: Names of the virtual nodes that have a task definition.

    Raises:
        MeshError: When Envoy cannot be configured for the converted mesh.
    """
    domain, tags = choose_domain(mesh), mesh.tags
    passes: tuple[Callable[[Mesh], tuple[Mesh, Sequence[Finding]]], ...] = (
        remove_app_mesh_properties,
        partial(rename_services, domain=domain),
        keep_tls_without_sds,
        split_gateways,
        remove_undeclared_services,
        partial(remove_directly_called_services, domain=domain, implemented=implemented),
        remove_unused_routers,
        partial(register_in_cloud_map, domain=domain, implemented=implemented),
    )
    findings: list[Finding] = []
    for apply in passes:
        mesh, differences = apply(mesh)
        findings += differences
    converted = ConvertedMesh(mesh=_as_declared(mesh), domain=domain, findings=tuple(findings), tags=tags)
    refuse((*_check_targets(converted.mesh), *_check_envoys(converted)))
    loopback_findings = _loopback_findings(converted, implemented)
    behavior = (*_gateway_findings(converted.mesh), *_idle_findings(converted.mesh))
    return replace(converted, findings=(*loopback_findings, *findings, *behavior))


def _primary_service(mesh: Mesh, owner: VirtualNode | VirtualRouter) -> VirtualService | None:
    return next((each for each in mesh.services if mesh.provider(each) is owner), None)


def _primary_services(mesh: Mesh) -> list[VirtualService]:
    owners: list[VirtualNode | VirtualRouter] = [*mesh.nodes, *mesh.routers]
    services = (_primary_service(mesh, owner) for owner in owners)
    return [service for service in services if service is not None]


def _other_services(mesh: Mesh) -> tuple[VirtualService, ...]:
    primary_services = _primary_services(mesh)
    return tuple(each for each in mesh.services if each not in primary_services)


def _as_declared(mesh: Mesh) -> Mesh:
    """Return the mesh with its services in the order of creation, and with the defaults that constructs fill in."""
    services = (*_primary_services(mesh), *_other_services(mesh))
    routers = (
        replace(router, routes=tuple(_with_target_ports(mesh, _with_prefix(route)) for route in router.routes))
        for router in mesh.routers
    )
    gateways = (
        replace(gateway, routes=tuple(_with_prefix(route) for route in gateway.routes)) for gateway in mesh.gateways
    )
    return replace(mesh, services=services, routers=tuple(routers), gateways=tuple(gateways))


def _with_prefix(route: R) -> R:
    return replace(route, match=with_default_prefix(route.match, route.protocol))


def _with_target_ports(mesh: Mesh, route: Route) -> Route:
    """Return a route with the port of each target."""

    def with_port(target: WeightedTarget) -> WeightedTarget:
        return target if target.port is not None else replace(target, port=_first_port(mesh, target.virtual_node))

    return replace(route, targets=tuple(with_port(each) for each in route.targets))


def _first_port(mesh: Mesh, node: str) -> int:
    return mesh.node(node).listeners[0].port


def _check_targets(mesh: Mesh) -> Iterator[str]:
    """Validate that a route has one target per node: the constructs take weights by node."""
    for router in mesh.routers:
        for route in router.routes:
            yield from check_unique(f"route {route.name!r}", "target", (each.virtual_node for each in route.targets))


def _check_envoys(converted: ConvertedMesh) -> Iterator[str]:
    """Validate that the Envoy configuration of every node and gateway compiles."""
    mesh, external = converted.mesh, converted.external_nodes
    parts: list[tuple[VirtualNode | VirtualGateway, AppAddress]] = [
        *((node, converted.app_address(node)) for node in mesh.nodes if node.name not in external),
        *((gateway, "127.0.0.1") for gateway in mesh.gateways),
    ]
    for part, address in parts:
        try:
            configure(mesh, part, interception=Loopback(app_address=address, outside=external))
        except MeshError as error:
            yield from error.problems


def _loopback_findings(converted: ConvertedMesh, implemented: Collection[str]) -> Iterator[Finding]:
    for node in converted.mesh.nodes:
        if node.name in implemented and converted.app_address(node) == "127.0.0.1":
            ports = " and ".join(str(listener.port) for listener in node.listeners)
            text = (
                f"the application must not listen on all addresses, because port {ports} of loopback addresses is that "
                f"of other services: make it listen on 127.0.0.1:{ports} only, or change its port by environment or "
                "command and set app_port=..."
            )
            yield to_do(f"virtual node {node.name!r}", text)


def _gateway_findings(mesh: Mesh) -> Iterator[Finding]:
    for route in (route for gateway in mesh.gateways for route in gateway.routes):
        prefix = route.match.prefix
        if prefix is not None and not prefix.endswith("/"):
            text = f"the prefix {prefix!r} matches whole path segments only, and not {prefix + '-x'!r} any more"
            yield changed(f"gateway route {route.name!r}", text)


def _idle_findings(mesh: Mesh) -> Iterator[Finding]:
    for node in mesh.nodes:
        for listener in node.listeners:
            if listener.protocol == "tcp" and (listener.timeout is None or listener.timeout.idle is None):
                text = (
                    f"idle connections to port {listener.port} end after {CLIENT_IDLE_MILLIS // 60_000} minutes, and "
                    "not after an hour: set the idle timeouts of the listener and of a route for longer pauses"
                )
                yield changed(f"virtual node {node.name!r}", text)
