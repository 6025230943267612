"""What requests a route takes, and where it sends them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias, get_args

from color_mesh.model.checks import check_choice, check_range, check_unique
from color_mesh.model.errors import problem
from color_mesh.model.listener import PROTOCOLS, Listener, Protocol

Method = Literal["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]
METHODS: tuple[Method, ...] = get_args(Method)
MAX_PRIORITY = 1000
MAX_TARGETS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteMatch:
    """Define which requests a route takes. A route takes a request when everything given matches.

    Attributes:
        prefix: The start of the path, from ``/``. Needed for http and http2, refused for grpc and tcp.
        method: The HTTP method; without one, any. For http and http2 only.
        port: The listener's port; without one, any.
    """

    prefix: str | None = None
    method: Method | None = None
    port: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightedTarget:
    """Define a virtual node's share of a route's requests.

    Attributes:
        virtual_node: The node's name.
        weight: Its share, 0 to 100, relative to the weights of the route's other targets. 0: it gets none.
        port: The node's listener; without one, the node's only listener.
    """

    virtual_node: str
    weight: int
    port: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Define where a virtual router sends the requests that match.

    Attributes:
        name: 1 to 255 letters, digits, ``-`` and ``_``; unique in the router.
        match: Which requests it takes.
        targets: 1 to 10 nodes with their weights, not all of them 0.
        protocol: That of the router's listener.
        priority: 0 (asked first) to 1000. Routes without one are asked last, longest prefix first.
    """

    name: str
    match: RouteMatch
    targets: tuple[WeightedTarget, ...]
    protocol: Protocol = "http"
    priority: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayRoute:
    """Define where a virtual gateway sends the requests that match.

    The matched prefix is rewritten to ``/`` and the host to the virtual service's name, as App Mesh does by default.

    Attributes:
        name: 1 to 255 letters, digits, ``-`` and ``_``; unique in the gateway.
        match: Which requests it takes.
        virtual_service: The name of the service that gets them.
        protocol: That of the gateway's listener.
        priority: 0 (asked first) to 1000. Routes without one are asked last, longest prefix first.
    """

    name: str
    match: RouteMatch
    virtual_service: str
    protocol: Protocol = "http"
    priority: int | None = None


AnyRoute: TypeAlias = Route | GatewayRoute


def check_route(subject: str, route: AnyRoute, listeners: Sequence[Listener]) -> Iterator[str]:
    """Find a match or priority that cannot be, or that the owner's listeners never see."""
    if route.priority is not None:
        yield from check_range(subject, "priority", route.priority, 0, MAX_PRIORITY)
    if route.protocol not in PROTOCOLS:
        yield from check_choice(subject, "protocol", route.protocol, PROTOCOLS)
        return
    yield from _check_match(subject, route)
    have = f"listeners: {', '.join(f'{listener.protocol}/{listener.port}' for listener in listeners) or 'none'}"
    if not any(listener.protocol == route.protocol for listener in listeners):
        yield problem(subject, "no listener speaks its protocol", route.protocol, have)
    if route.match.port is not None and not any(listener.port == route.match.port for listener in listeners):
        yield problem(subject, "no listener has its port", route.match.port, have)


def check_targets(subject: str, targets: Sequence[WeightedTarget]) -> Iterator[str]:
    """Find weights that cannot be, or that leave a route with nowhere to send a request."""
    if not 1 <= len(targets) <= MAX_TARGETS:
        yield problem(subject, "wrong number of targets", len(targets), f"1 to {MAX_TARGETS}")
    for target in targets:
        yield from check_range(subject, f"weight of {target.virtual_node!r}", target.weight, 0, 100)
    if targets and all(target.weight == 0 for target in targets):
        weights = tuple(target.weight for target in targets)
        yield problem(subject, "every weight is 0", weights, "at least one must be 1 to 100")
    yield from check_unique(subject, "target", (_target_key(target) for target in targets))


def check_overlaps(subject: str, routes: Sequence[AnyRoute]) -> Iterator[str]:
    """Find two routes that would take the same requests, so that chance decides between them."""
    for first, second in combinations(routes, 2):
        same = first.protocol == second.protocol and first.priority == second.priority
        if same and _overlap(first.match, second.match):
            fix = f"also in {first.name!r}: change one of them, or give them priorities"
            yield problem(subject, f"duplicate match in route {second.name!r}", _match_text(second.match), fix)


def _check_match(subject: str, route: AnyRoute) -> Iterator[str]:
    match = route.match
    if route.protocol in ("http", "http2"):
        if not isinstance(match.prefix, str) or not match.prefix.startswith("/"):
            yield problem(subject, "prefix does not start with '/'", match.prefix, "such as '/' or '/orders'")
        if match.method is not None:
            yield from check_choice(subject, "method", match.method, METHODS)
    elif match.prefix is not None or match.method is not None:
        got = match.prefix if match.method is None else match.method
        yield problem(subject, f"a {route.protocol} route has no path or method", got, "leave prefix and method out")


def _overlap(first: RouteMatch, second: RouteMatch) -> bool:
    return (
        first.prefix == second.prefix
        and (first.method == second.method or None in (first.method, second.method))
        and (first.port == second.port or None in (first.port, second.port))
    )


def _match_text(match: RouteMatch) -> str:
    port = f"port {match.port}" if match.port is not None else None
    return " ".join(part for part in (match.method, match.prefix, port) if part) or "any request"


def _target_key(target: WeightedTarget) -> str:
    return target.virtual_node if target.port is None else f"{target.virtual_node}:{target.port}"
