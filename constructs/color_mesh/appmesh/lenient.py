"""Parts of a mesh that make a valid one, from those that App Mesh accepted.

App Mesh accepted parts that have no effect or no defined one. Each is left out or put right by itself, so that it stops
nothing else.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TypeVar

from color_mesh.model import (
    GatewayRoute,
    Mesh,
    MeshError,
    Route,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
)
from color_mesh.model.checks import check_dns_name
from color_mesh.model.errors import problem
from color_mesh.model.index import MeshIndex, MeshParts
from color_mesh.model.node import check_virtual_node, check_virtual_service
from color_mesh.model.overlap import check_overlap, overlap
from color_mesh.model.references import check_gateway_target, check_targets
from color_mesh.model.route import AnyRoute, check_gateway_route, check_route
from color_mesh.model.router import MAX_ROUTES, check_virtual_gateway, check_virtual_router

T = TypeVar("T")
AnyRouteT = TypeVar("AnyRouteT", Route, GatewayRoute)
NO_PRIORITY = 1001  # After the last priority.


def valid_parts(parts: MeshParts) -> tuple[MeshParts, tuple[str, ...]]:
    """Return the parts that make a valid mesh, and a message about each that is left out or changed."""
    problems: list[str] = []
    nodes = _valid(parts.nodes, "virtual node", lambda node: node.name, check_virtual_node, problems)
    services = _valid(
        parts.services, "virtual service", lambda each: each.name.lower(), check_virtual_service, problems
    )
    index = _index(replace(parts, nodes=nodes, services=services))
    routers = [_router(router, index, problems) for router in parts.routers]
    routers = [*_valid(routers, "virtual router", lambda router: router.name, check_virtual_router, problems)]
    index = _index(replace(parts, nodes=nodes, services=services, routers=tuple(routers)))
    services = tuple(_service(service, index, problems) for service in services)
    index = _index(replace(parts, nodes=nodes, services=services, routers=tuple(routers)))
    known = {service.name for service in services}
    undeclared = (*parts.external_services, *(service.name for service in parts.services))
    external = dict.fromkeys(each for each in undeclared if each not in known and not [*check_dns_name("", "", each)])
    gateways = [_gateway(gateway, index, {*known, *external}, problems) for gateway in parts.gateways]
    valid_gateways = _valid(gateways, "virtual gateway", lambda each: each.name, check_virtual_gateway, problems)
    valid = replace(
        parts,
        nodes=tuple(_node(node, {*known, *external}, problems) for node in nodes),
        services=services,
        routers=tuple(routers),
        gateways=valid_gateways,
        external_services=tuple(external),
    )
    return valid, tuple(problems)


def _index(parts: MeshParts) -> MeshIndex:
    index = MeshIndex()
    index.add(parts)
    return index


def _valid(
    parts: Iterable[T],
    kind: str,
    name_of: Callable[[T], str],
    check: Callable[[T], Iterator[str]],
    problems: list[str],
) -> tuple[T, ...]:
    """Return the valid parts, of those with the same name the last one."""
    valid: dict[str, T] = {}
    for part in parts:
        name, of_part = name_of(part), [*check(part)]
        if of_part:
            problems += of_part
            continue
        if name in valid:
            problems.append(problem(f"{kind} {name!r}", "is declared twice", name, "the last one counts: remove one"))
        valid[name] = part
    return tuple(valid.values())


def _node(node: VirtualNode, known: Container[str], problems: list[str]) -> VirtualNode:
    """Return a node without the backends whose names no virtual service can have."""
    backends = tuple(each for each in node.backends if each.virtual_service in known)
    for backend in node.backends:
        if backend not in backends:
            name, subject = backend.virtual_service, f"virtual node {node.name!r}"
            problems.append(problem(subject, "backend is left out, since it is not valid", name, "correct its name"))
    return replace(node, backends=backends)


def _service(service: VirtualService, index: MeshIndex, problems: list[str]) -> VirtualService:
    """Return a virtual service, without a provider that the mesh does not have."""
    if index.provider(service) is not None or (service.virtual_node or service.virtual_router) is None:
        return service
    provider, fix = service.virtual_node or service.virtual_router, "requests to it fail: declare it"
    text = problem(f"virtual service {service.name!r}", "has a provider that the mesh does not have", provider, fix)
    problems.append(text)
    return replace(service, virtual_node=None, virtual_router=None)


def _router(router: VirtualRouter, index: MeshIndex, problems: list[str]) -> VirtualRouter:
    routes = []
    for route in _named_once(router.routes, problems):
        of_targets: list[str] = []
        of_route = [*check_route(f"route {route.name!r}", route, router.listeners)]
        targets = []
        for target in route.targets:
            of_target = [*check_targets(replace(route, targets=(target,)), index)]
            of_targets += () if of_route else of_target
            targets += [] if of_target else [target]
        if not of_route and len(targets) < len(route.targets) and not any(target.weight for target in targets):
            of_route = [problem(f"route {route.name!r}", "is left out", "no target", "correct its targets")]
        # The place of a route is known by its name and that of its router.
        prefix = f"route {route.name!r}"
        of_router = f"{prefix} of virtual router {router.name!r}"
        problems += (each.replace(prefix, of_router, 1) for each in (*of_targets, *of_route))
        if not of_route:
            routes.append(replace(route, targets=tuple(targets)))
    return replace(router, routes=_without_overlap(f"virtual router {router.name!r}", routes, problems))


def _gateway(gateway: VirtualGateway, index: MeshIndex, known: Container[str], problems: list[str]) -> VirtualGateway:
    routes = []
    for route in _named_once(gateway.routes, problems):
        subject = f"gateway route {route.name!r}"
        of_route = [*check_gateway_route(subject, route, gateway.listeners), *check_gateway_target(route, index)]
        if route.virtual_service not in known:
            text = "has a virtual service whose name is not valid"
            of_route.append(problem(subject, text, route.virtual_service, "correct its name"))
        problems += (each.replace(subject, f"{subject} of virtual gateway {gateway.name!r}", 1) for each in of_route)
        routes += [] if of_route else [route]
    return replace(gateway, routes=_without_overlap(f"virtual gateway {gateway.name!r}", routes, problems))


def _named_once(routes: Iterable[AnyRouteT], problems: list[str]) -> Sequence[AnyRouteT]:
    named: dict[str, AnyRouteT] = {}
    for route in routes:
        if route.name in named:
            subject = f"route {route.name!r}"
            problems.append(problem(subject, "is declared twice", route.name, "the last one counts: remove one"))
        named[route.name] = route
    return list(named.values())


def _without_overlap(subject: str, routes: list[AnyRouteT], problems: list[str]) -> tuple[AnyRouteT, ...]:
    """Return routes of which no two with equal precedence match a request.

    The order of such routes was not defined. Here it is that of their declaration: every route gets a priority by the
    order that all of them have.
    """
    if len(routes) > MAX_ROUTES:
        return tuple(routes)  # The validation of the router reports it.
    overlaps = [text for one, two in combinations(routes, 2) for text in check_overlap(subject, one, two)]
    if not overlaps:
        return tuple(routes)
    problems += overlaps
    remaining = [
        route
        for index, route in enumerate(routes)
        # The first tcp route takes every connection.
        if route.protocol != "tcp" or not any(overlap(other.match, route.match) for other in routes[:index])
    ]
    order = sorted(remaining, key=_rank)
    priorities = {route.name: index for index, route in enumerate(order)}
    return tuple(replace(route, priority=priorities[route.name]) for route in remaining)


def _rank(route: AnyRoute) -> tuple[int, int]:
    match = route.match
    path = match.path or match.path_regex or match.prefix or "/"
    if match.service_name is not None:
        path = f"/{match.service_name}/{match.method_name or ''}"
    return NO_PRIORITY if route.priority is None else route.priority, -len(path)


def lenient_mesh(build: Callable[[MeshParts], Mesh], parts: MeshParts) -> tuple[Mesh, tuple[str, ...]]:
    """Build a mesh of the valid parts.

    Returns:
        The mesh, and a message about each part that is left out or changed; none if all parts are valid as they are.

    Raises:
        MeshError: If the mesh itself is not valid.
    """
    try:
        return build(parts), ()
    except MeshError:
        valid, problems = valid_parts(parts)
        return build(valid), problems
