"""Validation of the parts of a mesh against each other: unique names, and references that lead to something."""

from collections.abc import Iterable, Iterator, Mapping

from color_mesh.model.checks import check_dns_name, check_known, check_unique
from color_mesh.model.discovery import CloudMapDiscovery, CloudMapService, check_cloud_map_service
from color_mesh.model.errors import problem
from color_mesh.model.health_check import Protocol
from color_mesh.model.index import MeshIndex, MeshParts
from color_mesh.model.listener import Listener
from color_mesh.model.node import VirtualNode, VirtualService, check_virtual_node, check_virtual_service
from color_mesh.model.route import GatewayRoute, Route, WeightedTarget
from color_mesh.model.router import check_virtual_gateway, check_virtual_router


def check_parts(subject: str, parts: MeshParts, index: MeshIndex, declared: MeshIndex) -> Iterator[str]:
    """Validate parts by themselves, against each other, and against the parts that are declared already.

    Args:
        subject: Beginning of the messages about the mesh itself.
        parts: The parts to validate.
        index: The index of ``parts`` and of those declared already.
        declared: The index of those declared already, a valid mesh.

    Yields:
        A message for each problem.
    """
    yield from _check_alone(parts)
    yield from _check_names(subject, parts, declared)
    for node in parts.nodes:
        yield from check_backends(node, index)
    for service in parts.services:
        yield from _check_provider(service, index)
    for router in parts.routers:
        for route in router.routes:
            yield from check_targets(route, index)
    for gateway in parts.gateways:
        for gateway_route in gateway.routes:
            yield from check_gateway_target(gateway_route, index)


def check_backends(node: VirtualNode, index: MeshIndex) -> Iterator[str]:
    """Validate that the mesh has the backends of a node."""
    for backend in node.backends:
        yield from _check_service(f"virtual node {node.name!r}", "backend", backend.virtual_service, index)


def check_targets(route: Route, index: MeshIndex) -> Iterator[str]:
    """Validate that the mesh has the targets of a route, and that they listen for its requests."""
    subject = f"route {route.name!r}"
    for target in route.targets:
        yield from check_known(subject, "target", target.virtual_node, index.nodes)
        if target.virtual_node in index.nodes:
            yield from _check_target(subject, target, index.nodes[target.virtual_node], route.protocol)


def check_gateway_target(route: GatewayRoute, index: MeshIndex) -> Iterator[str]:
    """Validate that the mesh has the virtual service of a gateway route, and that this has the route's port."""
    subject = f"gateway route {route.name!r}"
    yield from _check_service(subject, "virtual service", route.virtual_service, index)
    yield from _check_target_port(subject, index, route)


def check_dns_answers(
    cloud_map_services: Mapping[str, CloudMapService],
    nodes: Iterable[VirtualNode],
    services: Iterable[VirtualService],
    hostnames: Mapping[str, Mapping[str, str]] | None = None,
) -> Iterator[str]:
    """Validate that DNS answers for nodes and services, in a mesh of which every Cloud Map service is known.

    Callers resolve the name of a virtual service before Envoy receives the request. The name must be that of a Cloud
    Map service, or a hostname, which DNS answers independently of Cloud Map.

    Args:
        cloud_map_services: Cloud Map services of the mesh, as `MeshIndex` has them.
        nodes: The nodes to validate.
        services: The virtual services to validate.
        hostnames: Hostnames of the mesh's nodes, as `MeshIndex` has them.

    Yields:
        A message for each problem.
    """
    hostnames = hostnames or {}
    for node in nodes:
        if isinstance(node.discovery, CloudMapDiscovery) and node.discovery.dns_name.lower() not in cloud_map_services:
            subject = f"virtual node {node.name!r}"
            known = [service.dns_name for service in cloud_map_services.values()]
            yield from check_known(subject, "Cloud Map service", node.discovery.dns_name, known)
    for service in services:
        name = str(service.name).lower()
        if name not in cloud_map_services and name not in hostnames:
            answered = {key: service.dns_name for key, service in cloud_map_services.items()}
            answered |= {key: list(of_nodes.values())[-1] for key, of_nodes in hostnames.items()}
            fix = f"name it after one of: {', '.join(sorted(answered.values())) or 'none yet'}"
            subject = f"virtual service {service.name!r}"
            yield problem(subject, "has no DNS record in Cloud Map", service.name, fix)


def _check_service(subject: str, field: str, name: str, index: MeshIndex) -> Iterator[str]:
    if name not in index.services and name not in index.external_services:
        yield from check_known(subject, field, name, [*index.services, *index.external_services])


def _check_alone(parts: MeshParts) -> Iterator[str]:
    for cloud_map_service in parts.cloud_map_services:
        yield from check_cloud_map_service(cloud_map_service)
    for node in parts.nodes:
        yield from check_virtual_node(node)
    for service in parts.services:
        yield from check_virtual_service(service)
    for name in parts.external_services:
        yield from check_dns_name(f"external service {name!r}", "name", name)
    for router in parts.routers:
        yield from check_virtual_router(router)
    for gateway in parts.gateways:
        yield from check_virtual_gateway(gateway)


def _check_names(subject: str, parts: MeshParts, declared: MeshIndex) -> Iterator[str]:
    # DNS and Envoy compare the names of Cloud Map services and virtual services without regard to case.
    addresses = (service.dns_name.lower() for service in parts.cloud_map_services)
    services = (*(service.name for service in parts.services), *parts.external_services)
    names = (str(name).lower() for name in services)
    yield from check_unique(subject, "Cloud Map service", addresses, declared.cloud_map_services)
    yield from check_unique(subject, "virtual service", names, declared.service_names)
    yield from check_unique(subject, "virtual node", (node.name for node in parts.nodes), declared.nodes)
    yield from check_unique(subject, "virtual router", (router.name for router in parts.routers), declared.routers)
    yield from check_unique(subject, "virtual gateway", (each.name for each in parts.gateways), declared.gateways)


def _check_provider(service: VirtualService, index: MeshIndex) -> Iterator[str]:
    subject = f"virtual service {service.name!r}"
    if service.virtual_node is not None:
        yield from check_known(subject, "virtual node", service.virtual_node, index.nodes)
    if service.virtual_router is not None:
        yield from check_known(subject, "virtual router", service.virtual_router, index.routers)


def _check_target(subject: str, target: WeightedTarget, node: VirtualNode, protocol: Protocol) -> Iterator[str]:
    fix = f"listeners of {node.name!r}: {_listed(node.listeners)}"
    if target.port is None and len(node.listeners) > 1:
        yield problem(subject, f"target {node.name!r} needs a port", target.port, fix)
        return
    for listener in node.listeners:
        if listener.protocol == protocol and target.port in (None, listener.port):
            return
    wanted = protocol if target.port is None else f"{protocol}/{target.port}"
    yield problem(subject, f"target {node.name!r} has no listener for the route", wanted, fix)


def _check_target_port(subject: str, index: MeshIndex, route: GatewayRoute) -> Iterator[str]:
    service = index.services.get(route.virtual_service)
    provider = index.provider(service) if service else None
    if provider is None:
        return
    fix = f"listeners of {provider.name!r}: {_listed(provider.listeners)}"
    if route.target_port is None and len(provider.listeners) > 1:
        yield problem(subject, f"service {route.virtual_service!r} has several ports", route.target_port, fix)
    elif route.target_port is not None and all(route.target_port != each.port for each in provider.listeners):
        yield problem(subject, f"service {route.virtual_service!r} has no listener on the port", route.target_port, fix)
    elif any(each.protocol == "tcp" and route.target_port in (None, each.port) for each in provider.listeners):
        yield problem(
            subject, f"service {route.virtual_service!r} has a tcp listener on the port", route.target_port, fix
        )


def _listed(listeners: Iterable[Listener]) -> str:
    return ", ".join(f"{listener.protocol}/{listener.port}" for listener in listeners) or "none"
