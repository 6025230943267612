"""The mesh: everything in it, and the rule that it all fits together."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from color_mesh.model.checks import check_choice, check_dns_name, check_known, check_name, check_unique
from color_mesh.model.errors import problem, refuse
from color_mesh.model.listener import Protocol
from color_mesh.model.node import (
    CloudMapService,
    VirtualNode,
    VirtualService,
    check_cloud_map_service,
    check_virtual_node,
    check_virtual_service,
)
from color_mesh.model.route import WeightedTarget
from color_mesh.model.router import VirtualGateway, VirtualRouter, check_virtual_gateway, check_virtual_router

EgressFilter = Literal["DROP_ALL", "ALLOW_ALL"]
EGRESS_FILTERS: tuple[EgressFilter, ...] = get_args(EgressFilter)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mesh:
    """Define a service mesh. A mesh that exists is valid: its parts are checked here, together, and nowhere else.

    Attributes:
        name: 1 to 255 letters, digits, ``-`` and ``_``.
        egress_filter: ``DROP_ALL`` (the default): nodes reach their backends and nothing else through Envoy.
            ``ALLOW_ALL``: any other destination too.
        cloud_map_services: The names that DNS answers for the mesh; ``None`` when they are not known here.
        nodes: Its virtual nodes.
        services: Its virtual services. Callers resolve a service's name before Envoy sees the request, so a mesh
            whose Cloud Map services are known needs one of that name for each.
        routers: Its virtual routers.
        gateways: Its virtual gateways.
        external_services: Names of virtual services that exist in this mesh but are declared somewhere else.

    Raises:
        MeshError: With every problem of every part, one a line.
    """

    name: str
    egress_filter: EgressFilter = "DROP_ALL"
    cloud_map_services: tuple[CloudMapService, ...] | None = None
    nodes: tuple[VirtualNode, ...] = ()
    services: tuple[VirtualService, ...] = ()
    routers: tuple[VirtualRouter, ...] = ()
    gateways: tuple[VirtualGateway, ...] = ()
    external_services: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        refuse((*_check_parts(self), *_check_names(self), *_check_references(self)))

    def node(self, name: str) -> VirtualNode:
        """Look up a virtual node of this mesh."""
        return next(node for node in self.nodes if node.name == name)

    def router(self, name: str) -> VirtualRouter:
        """Look up a virtual router of this mesh."""
        return next(router for router in self.routers if router.name == name)

    def gateway(self, name: str) -> VirtualGateway:
        """Look up a virtual gateway of this mesh."""
        return next(gateway for gateway in self.gateways if gateway.name == name)

    @property
    def known_services(self) -> tuple[str, ...]:
        """The names of the virtual services that a node or gateway may send requests to."""
        return (*(service.name for service in self.services), *self.external_services)


def _check_parts(mesh: Mesh) -> Iterator[str]:
    subject = f"mesh {mesh.name!r}"
    yield from check_name(subject, mesh.name)
    yield from check_choice(subject, "egress filter", mesh.egress_filter, EGRESS_FILTERS)
    for cloud_map_service in mesh.cloud_map_services or ():
        yield from check_cloud_map_service(cloud_map_service)
    for node in mesh.nodes:
        yield from check_virtual_node(node)
    for service in mesh.services:
        yield from check_virtual_service(service)
    for name in mesh.external_services:
        yield from check_dns_name(f"external service {name!r}", "name", name)
    for router in mesh.routers:
        yield from check_virtual_router(router)
    for gateway in mesh.gateways:
        yield from check_virtual_gateway(gateway)


def _check_names(mesh: Mesh) -> Iterator[str]:
    subject = f"mesh {mesh.name!r}"
    # DNS and Envoy compare these without regard to case.
    yield from check_unique(subject, "Cloud Map service", (s.dns_name.lower() for s in mesh.cloud_map_services or ()))
    yield from check_unique(subject, "virtual service", (str(name).lower() for name in mesh.known_services))
    yield from check_unique(subject, "virtual node", (node.name for node in mesh.nodes))
    yield from check_unique(subject, "virtual router", (router.name for router in mesh.routers))
    yield from check_unique(subject, "virtual gateway", (gateway.name for gateway in mesh.gateways))


def _check_references(mesh: Mesh) -> Iterator[str]:
    services = mesh.known_services
    for node in mesh.nodes:
        for backend in node.backends:
            yield from check_known(f"virtual node {node.name!r}", "backend", backend, services)
    yield from _check_dns(mesh)
    yield from _check_providers(mesh)
    yield from _check_routes(mesh)
    for gateway in mesh.gateways:
        for route in gateway.routes:
            subject = f"gateway route {route.name!r}"
            yield from check_known(subject, "virtual service", route.virtual_service, services)


def _check_dns(mesh: Mesh) -> Iterator[str]:
    if mesh.cloud_map_services is None:
        return
    answered = {service.dns_name.lower(): service.dns_name for service in mesh.cloud_map_services}
    for node in mesh.nodes:
        if node.discovery is not None and node.discovery.dns_name.lower() not in answered:
            subject = f"virtual node {node.name!r}"
            yield from check_known(subject, "Cloud Map service", node.discovery.dns_name, answered.values())
    for service in mesh.services:
        if str(service.name).lower() not in answered:
            subject = f"virtual service {service.name!r}"
            fix = f"name it after one of: {', '.join(sorted(answered.values())) or 'none yet'}"
            yield problem(subject, "no Cloud Map service answers its DNS name", service.name, fix)


def _check_providers(mesh: Mesh) -> Iterator[str]:
    nodes = {node.name for node in mesh.nodes}
    routers = {router.name for router in mesh.routers}
    for service in mesh.services:
        subject = f"virtual service {service.name!r}"
        if service.virtual_node is not None:
            yield from check_known(subject, "virtual node", service.virtual_node, nodes)
        if service.virtual_router is not None:
            yield from check_known(subject, "virtual router", service.virtual_router, routers)


def _check_routes(mesh: Mesh) -> Iterator[str]:
    nodes = {node.name: node for node in mesh.nodes}
    for router in mesh.routers:
        for route in router.routes:
            subject = f"route {route.name!r}"
            for target in route.targets:
                yield from check_known(subject, "target", target.virtual_node, nodes)
                if target.virtual_node in nodes:
                    yield from _check_target(subject, target, nodes[target.virtual_node], route.protocol)


def _check_target(subject: str, target: WeightedTarget, node: VirtualNode, protocol: Protocol) -> Iterator[str]:
    listeners = ", ".join(f"{listener.protocol}/{listener.port}" for listener in node.listeners) or "none"
    fix = f"listeners of {node.name!r}: {listeners}"
    if target.port is None and len(node.listeners) > 1:
        yield problem(subject, f"target {node.name!r} needs a port", target.port, fix)
        return
    for listener in node.listeners:
        if listener.protocol == protocol and target.port in (None, listener.port):
            return
    wanted = protocol if target.port is None else f"{protocol}/{target.port}"
    yield problem(subject, f"target {node.name!r} does not listen for its requests", wanted, fix)
