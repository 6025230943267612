"""Virtual routers and virtual gateways: the parts that own routes."""

from collections.abc import Iterator
from dataclasses import dataclass

from color_mesh.model.checks import check_name, check_unique
from color_mesh.model.errors import problem
from color_mesh.model.listener import PROTOCOLS, AccessLog, Listener, Protocol, check_access_log, check_listeners
from color_mesh.model.route import GatewayRoute, Route, check_overlaps, check_route, check_targets

GATEWAY_PROTOCOLS: tuple[Protocol, ...] = ("http", "http2", "grpc")  # App Mesh API: VirtualGatewayPortMapping
RESERVED_PREFIXES = ("/aws-appmesh", "/aws-app-mesh")  # AWS App Mesh User Guide, Gateway routes


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualRouter:
    """Define what spreads a virtual service's requests over virtual nodes.

    Attributes:
        name: 1 to 255 letters, digits, ``-`` and ``_``; unique in the mesh.
        listeners: What it takes requests on, one at least.
        routes: Where they go. Without one the router answers every request with 404.
    """

    name: str
    listeners: tuple[Listener, ...]
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualGateway:
    """Define the way into the mesh from outside.

    Attributes:
        name: 1 to 255 letters, digits, ``-`` and ``_``; unique in the mesh.
        listeners: What it takes requests on, one at least; http, http2 or grpc.
        routes: Which virtual services they go to. Without one the gateway answers every request with 404.
        access_log: Where Envoy logs requests; without it Envoy logs none.
    """

    name: str
    listeners: tuple[Listener, ...]
    routes: tuple[GatewayRoute, ...] = ()
    access_log: AccessLog | None = None


def check_virtual_router(router: VirtualRouter) -> Iterator[str]:
    """Find what App Mesh refuses of a router and its routes, whatever else is in the mesh."""
    subject = f"virtual router {router.name!r}"
    yield from _check_owner(subject, router, PROTOCOLS)
    for route in router.routes:
        route_subject = f"route {route.name!r}"
        yield from check_name(route_subject, route.name)
        yield from check_route(route_subject, route, router.listeners)
        yield from check_targets(route_subject, route.targets)


def check_virtual_gateway(gateway: VirtualGateway) -> Iterator[str]:
    """Find what App Mesh refuses of a gateway and its routes, whatever else is in the mesh."""
    subject = f"virtual gateway {gateway.name!r}"
    yield from _check_owner(subject, gateway, GATEWAY_PROTOCOLS)
    yield from check_access_log(subject, gateway.access_log)
    for route in gateway.routes:
        route_subject = f"gateway route {route.name!r}"
        yield from check_name(route_subject, route.name)
        yield from check_route(route_subject, route, gateway.listeners)
        if isinstance(route.match.prefix, str) and route.match.prefix.startswith(RESERVED_PREFIXES):
            fix = "App Mesh keeps '/aws-appmesh' and '/aws-app-mesh' for itself"
            yield problem(route_subject, "prefix is reserved", route.match.prefix, fix)


def _check_owner(subject: str, owner: VirtualRouter | VirtualGateway, protocols: tuple[Protocol, ...]) -> Iterator[str]:
    yield from check_name(subject, owner.name)
    if not owner.listeners:
        yield problem(subject, "has no listener", 0, "one at least")
    yield from check_listeners(subject, owner.listeners, protocols)
    yield from check_unique(subject, "route", (route.name for route in owner.routes))
    yield from check_overlaps(subject, owner.routes)
