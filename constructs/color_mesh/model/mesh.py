"""The mesh: everything in it, and the rule that it all fits together."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

from color_mesh.model.checks import check_choice, check_dns_name, check_known, check_name, check_tags, check_unique
from color_mesh.model.discovery import CloudMapDiscovery, CloudMapService, check_cloud_map_service, check_ip_preference
from color_mesh.model.errors import problem, refuse
from color_mesh.model.listener import IpPreference, Listener, Protocol
from color_mesh.model.node import VirtualNode, VirtualService, check_virtual_node, check_virtual_service
from color_mesh.model.route import GatewayRoute, WeightedTarget
from color_mesh.model.router import VirtualGateway, VirtualRouter, check_virtual_gateway, check_virtual_router

EgressFilter = Literal["DROP_ALL", "ALLOW_ALL"]
EGRESS_FILTERS: tuple[EgressFilter, ...] = get_args(EgressFilter)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mesh:
    """Define a service mesh. A mesh that exists is valid: its parts are checked here, together, and nowhere else.

    Attributes:
        name: 1 to 255 letters, digits, ``-`` and ``_``.
        owner: The AWS account that owns the mesh, 12 digits, when its parts name it.
        egress_filter: ``DROP_ALL`` (the default): nodes reach their backends and nothing else through Envoy.
            ``ALLOW_ALL``: any other destination too.
        ip_preference: Which addresses Envoys use; without it IPv4 before IPv6 for Cloud Map, after it for DNS.
        cloud_map_services: The names that DNS answers for the mesh, as far as they are declared with it.
        nodes: Its virtual nodes.
        services: Its virtual services.
        routers: Its virtual routers.
        gateways: Its virtual gateways.
        external_services: Names of virtual services that exist in this mesh but are declared somewhere else.
        tags: Keys and values that label it on AWS; Envoy gets them as metadata.

    Raises:
        MeshError: With every problem of every part, one a line.
    """

    name: str
    owner: str | None = None
    egress_filter: EgressFilter = "DROP_ALL"
    ip_preference: IpPreference | None = None
    cloud_map_services: tuple[CloudMapService, ...] = ()
    nodes: tuple[VirtualNode, ...] = ()
    services: tuple[VirtualService, ...] = ()
    routers: tuple[VirtualRouter, ...] = ()
    gateways: tuple[VirtualGateway, ...] = ()
    external_services: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    # Looked up for every node of a mesh, so not searched for each time.
    _nodes: dict[str, VirtualNode] = field(init=False, repr=False, compare=False)
    _services: dict[str, VirtualService] = field(init=False, repr=False, compare=False)
    _routers: dict[str, VirtualRouter] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_nodes", {node.name: node for node in self.nodes})
        object.__setattr__(self, "_services", {service.name: service for service in self.services})
        object.__setattr__(self, "_routers", {router.name: router for router in self.routers})
        refuse((*_check_parts(self), *_check_names(self), *_check_references(self)))

    def node(self, name: str) -> VirtualNode:
        """Look up a virtual node of this mesh."""
        return self._nodes[name]

    def service(self, name: str) -> VirtualService:
        """Look up a virtual service of this mesh."""
        return self._services[name]

    def router(self, name: str) -> VirtualRouter:
        """Look up a virtual router of this mesh."""
        return self._routers[name]

    def gateway(self, name: str) -> VirtualGateway:
        """Look up a virtual gateway of this mesh."""
        return next(gateway for gateway in self.gateways if gateway.name == name)

    def provider(self, service: VirtualService) -> VirtualNode | VirtualRouter | None:
        """Look up what answers to a virtual service of this mesh."""
        if service.virtual_node is not None:
            return self._nodes.get(service.virtual_node)
        return self._routers.get(service.virtual_router or "")

    @property
    def known_services(self) -> tuple[str, ...]:
        """The names of the virtual services that a node or gateway may send requests to."""
        return (*(service.name for service in self.services), *self.external_services)


def check_dns_answers(
    cloud_map_services: Iterable[CloudMapService],
    nodes: Iterable[VirtualNode],
    services: Iterable[VirtualService],
    hostnames: Iterable[str] = (),
) -> Iterator[str]:
    """Find names that DNS does not answer, in a mesh of which every Cloud Map service is known.

    Callers resolve a virtual service's name before Envoy sees the request, so one of that name must be registered, or
    be one of ``hostnames``, which DNS answers whatever is in Cloud Map.
    """
    answered = {service.dns_name.lower(): service.dns_name for service in cloud_map_services}
    for node in nodes:
        if isinstance(node.discovery, CloudMapDiscovery) and node.discovery.dns_name.lower() not in answered:
            subject = f"virtual node {node.name!r}"
            yield from check_known(subject, "Cloud Map service", node.discovery.dns_name, answered.values())
    answered |= {name.lower(): name for name in hostnames}
    for service in services:
        if str(service.name).lower() not in answered:
            subject = f"virtual service {service.name!r}"
            fix = f"name it after one of: {', '.join(sorted(answered.values())) or 'none yet'}"
            yield problem(subject, "no Cloud Map service answers its DNS name", service.name, fix)


def _check_parts(mesh: Mesh) -> Iterator[str]:
    subject = f"mesh {mesh.name!r}"
    yield from check_name(subject, mesh.name)
    if mesh.owner is not None and not (isinstance(mesh.owner, str) and re.fullmatch("[0-9]{12}", mesh.owner)):
        yield problem(subject, "owner is no AWS account", mesh.owner, "12 digits, such as '111122223333'")
    yield from check_choice(subject, "egress filter", mesh.egress_filter, EGRESS_FILTERS)
    yield from check_ip_preference(subject, mesh.ip_preference)
    yield from check_tags(subject, mesh.tags)
    for cloud_map_service in mesh.cloud_map_services:
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
    yield from check_unique(subject, "Cloud Map service", (s.dns_name.lower() for s in mesh.cloud_map_services))
    yield from check_unique(subject, "virtual service", (str(name).lower() for name in mesh.known_services))
    yield from check_unique(subject, "virtual node", (node.name for node in mesh.nodes))
    yield from check_unique(subject, "virtual router", (router.name for router in mesh.routers))
    yield from check_unique(subject, "virtual gateway", (gateway.name for gateway in mesh.gateways))


def _check_references(mesh: Mesh) -> Iterator[str]:
    services = set(mesh.known_services)
    for node in mesh.nodes:
        for backend in node.backends:
            yield from check_known(f"virtual node {node.name!r}", "backend", backend.virtual_service, services)
    yield from _check_providers(mesh)
    yield from _check_routes(mesh)
    for gateway in mesh.gateways:
        for route in gateway.routes:
            subject = f"gateway route {route.name!r}"
            yield from check_known(subject, "virtual service", route.virtual_service, services)
            yield from _check_target_port(subject, mesh, route)


def _check_providers(mesh: Mesh) -> Iterator[str]:
    for service in mesh.services:
        subject = f"virtual service {service.name!r}"
        if service.virtual_node is not None:
            yield from check_known(subject, "virtual node", service.virtual_node, mesh._nodes)
        if service.virtual_router is not None:
            yield from check_known(subject, "virtual router", service.virtual_router, mesh._routers)


def _check_routes(mesh: Mesh) -> Iterator[str]:
    for router in mesh.routers:
        for route in router.routes:
            subject = f"route {route.name!r}"
            for target in route.targets:
                yield from check_known(subject, "target", target.virtual_node, mesh._nodes)
                if target.virtual_node in mesh._nodes:
                    yield from _check_target(subject, target, mesh.node(target.virtual_node), route.protocol)


def _check_target(subject: str, target: WeightedTarget, node: VirtualNode, protocol: Protocol) -> Iterator[str]:
    fix = f"listeners of {node.name!r}: {_listed(node.listeners)}"
    if target.port is None and len(node.listeners) > 1:
        yield problem(subject, f"target {node.name!r} needs a port", target.port, fix)
        return
    for listener in node.listeners:
        if listener.protocol == protocol and target.port in (None, listener.port):
            return
    wanted = protocol if target.port is None else f"{protocol}/{target.port}"
    yield problem(subject, f"target {node.name!r} does not listen for its requests", wanted, fix)


def _check_target_port(subject: str, mesh: Mesh, route: GatewayRoute) -> Iterator[str]:
    service = mesh._services.get(route.virtual_service)
    provider = mesh.provider(service) if service else None
    if provider is None:
        return
    fix = f"listeners of {provider.name!r}: {_listed(provider.listeners)}"
    if route.target_port is None and len(provider.listeners) > 1:
        yield problem(subject, f"service {route.virtual_service!r} has several ports", route.target_port, fix)
    elif route.target_port is not None and all(route.target_port != each.port for each in provider.listeners):
        yield problem(subject, f"service {route.virtual_service!r} does not have its port", route.target_port, fix)
    elif any(each.protocol == "tcp" and route.target_port in (None, each.port) for each in provider.listeners):
        yield problem(subject, f"service {route.virtual_service!r} speaks no HTTP there", route.target_port, fix)


def _listed(listeners: Iterable[Listener]) -> str:
    return ", ".join(f"{listener.protocol}/{listener.port}" for listener in listeners) or "none"
