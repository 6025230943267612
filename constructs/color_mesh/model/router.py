"""Virtual routers and virtual gateways."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from color_mesh.model.access_log import AccessLog, check_access_log
from color_mesh.model.checks import check_name, check_tags, check_unique
from color_mesh.model.errors import problem
from color_mesh.model.health_check import PROTOCOLS, Protocol
from color_mesh.model.listener import Listener, check_listeners, check_unsupported_fields
from color_mesh.model.overlap import check_overlap
from color_mesh.model.route import AnyRoute, GatewayRoute, Route, check_gateway_route, check_route
from color_mesh.model.tls import ClientTls, check_client_tls

GATEWAY_PROTOCOLS: tuple[Protocol, ...] = ("http", "http2", "grpc")  # App Mesh API: VirtualGatewayPortMapping


MAX_ROUTES = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualRouter:
    """A virtual router: distributes the requests of a virtual service to virtual nodes.

    Attributes:
        name: Name of the router, 1 to 255 letters, digits, ``-`` and ``_``; unique in the mesh.
        listeners: Listeners, at least one.
        routes: Routes. A request that matches none is answered with 404.
        tags: Keys and values of the AWS tags, also metadata of the Envoy configuration.
    """

    name: str
    listeners: tuple[Listener, ...]
    routes: tuple[Route, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualGateway:
    """A virtual gateway: receives requests from outside the mesh.

    Attributes:
        name: Name of the gateway, 1 to 255 letters, digits, ``-`` and ``_``; unique in the mesh.
        listeners: Listeners for http, http2 or grpc, at least one.
        routes: Gateway routes. A request that matches none is answered with 404.
        client_tls: Client policy for the nodes of the mesh. Default: TLS to the nodes whose listeners have it.
        access_log: Access log of the gateway's Envoy. Default: no access log.
        tags: Keys and values of the AWS tags, also metadata of the Envoy configuration.
    """

    name: str
    listeners: tuple[Listener, ...]
    routes: tuple[GatewayRoute, ...] = ()
    client_tls: ClientTls | None = None
    access_log: AccessLog | None = None
    tags: tuple[tuple[str, str], ...] = ()


def check_virtual_router(router: VirtualRouter) -> Iterator[str]:
    """Validate a virtual router and its routes by themselves, without their references."""
    subject = f"virtual router {router.name!r}"
    yield from _check_owner(subject, router, PROTOCOLS)
    policies = ("health_check", "timeout", "connection_pool", "outlier_detection", "tls")
    yield from check_unsupported_fields(subject, router.listeners, policies)
    for route in router.routes:
        yield from _check_named_route(route, router.listeners)


def check_virtual_gateway(gateway: VirtualGateway) -> Iterator[str]:
    """Validate a virtual gateway and its routes by themselves, without their references."""
    subject = f"virtual gateway {gateway.name!r}"
    yield from _check_owner(subject, gateway, GATEWAY_PROTOCOLS)
    yield from check_unsupported_fields(subject, gateway.listeners, ("timeout", "outlier_detection"))
    yield from check_access_log(subject, gateway.access_log)
    yield from check_client_tls(subject, gateway.client_tls)
    for route in gateway.routes:
        yield from _check_named_route(route, gateway.listeners)


def check_added_route(owner: VirtualRouter | VirtualGateway, route: AnyRoute) -> Iterator[str]:
    """Validate a route that a valid router or gateway gets in addition."""
    kind = "virtual router" if isinstance(owner, VirtualRouter) else "virtual gateway"
    subject = f"{kind} {owner.name!r}"
    yield from check_unique(subject, "route", [route.name], [other.name for other in owner.routes])
    for other in owner.routes:
        yield from check_overlap(subject, other, route)
    yield from _check_named_route(route, owner.listeners)


def _check_named_route(route: AnyRoute, listeners: Sequence[Listener]) -> Iterator[str]:
    if isinstance(route, Route):
        subject = f"route {route.name!r}"
        yield from check_name(subject, route.name)
        yield from check_route(subject, route, listeners)
    else:
        subject = f"gateway route {route.name!r}"
        yield from check_name(subject, route.name)
        yield from check_gateway_route(subject, route, listeners)


def _check_owner(subject: str, owner: VirtualRouter | VirtualGateway, protocols: tuple[Protocol, ...]) -> Iterator[str]:
    yield from check_name(subject, owner.name)
    if not owner.listeners:
        yield problem(subject, "has no listener", 0, "one at least")
    yield from check_listeners(subject, owner.listeners, protocols)
    yield from check_unique(subject, "route", (route.name for route in owner.routes))
    routes: tuple[AnyRoute, ...] = owner.routes
    if len(routes) > MAX_ROUTES:
        yield problem(subject, "too many routes", len(routes), f"at most {MAX_ROUTES}, which are compared in pairs")
        return
    for first, second in combinations(routes, 2):
        yield from check_overlap(subject, first, second)
    yield from check_tags(subject, owner.tags)
