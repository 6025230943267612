"""Routes of virtual routers and gateway routes of virtual gateways."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from color_mesh.model.checks import (
    MAX_COUNT,
    MAX_MILLIS,
    check_characters,
    check_choice,
    check_flag,
    check_range,
    check_tags,
    check_unique,
)
from color_mesh.model.errors import problem
from color_mesh.model.health_check import PROTOCOLS, Protocol
from color_mesh.model.listener import Listener
from color_mesh.model.match import (
    GATEWAY_ROUTE_FIELDS,
    ROUTE_FIELDS,
    RouteMatch,
    check_match,
)
from color_mesh.model.policies import Timeout, check_timeout
from color_mesh.model.values import Duration, Milliseconds, as_tuple, check_duration, millis, normalize

HttpRetryEvent = Literal["server-error", "gateway-error", "client-error", "stream-error"]
HTTP_RETRY_EVENTS: tuple[HttpRetryEvent, ...] = get_args(HttpRetryEvent)
TcpRetryEvent = Literal["connection-error"]
TCP_RETRY_EVENTS: tuple[TcpRetryEvent, ...] = get_args(TcpRetryEvent)
GrpcRetryEvent = Literal["cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"]
GRPC_RETRY_EVENTS: tuple[GrpcRetryEvent, ...] = get_args(GrpcRetryEvent)

MAX_PRIORITY = 1000
MAX_TARGETS = 10
# AWS App Mesh User Guide, Gateway routes.
RESERVED_PREFIXES = ("/aws-appmesh", "/aws-app-mesh")
RESERVED_SERVICES = "aws.app-mesh"


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightedTarget:
    """A virtual node that receives a share of a route's requests.

    Attributes:
        virtual_node: Name of the virtual node.
        weight: Share of the requests, 0 to 100, relative to the weights of the route's other targets.
        port: Port of the node's listener. Required if the node has several listeners.
    """

    virtual_node: str
    weight: int
    port: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """The retry policy of a route. At least one event is required; `http` and `grpc` have default events.

    Attributes:
        max_retries: Maximum number of retries, 0 or more. Default: 2.
        per_retry_timeout: Timeout of each attempt; 0: the timeout of the request. Default: 0.
        http_events: HTTP events after which a request is retried: ``server-error`` (500 to 508, 510, 511),
            ``gateway-error`` (502, 503, 504), ``client-error`` (409), ``stream-error`` (a refused stream).
        tcp_events: TCP events after which a request is retried: ``connection-error``.
        grpc_events: gRPC status codes after which a request is retried: ``cancelled``, ``deadline-exceeded``,
            ``internal``, ``resource-exhausted``, ``unavailable``. For grpc routes only.
    """

    max_retries: int = 2
    per_retry_timeout: Duration = Milliseconds(0)
    http_events: tuple[HttpRetryEvent, ...] = ()
    tcp_events: tuple[TcpRetryEvent, ...] = ()
    grpc_events: tuple[GrpcRetryEvent, ...] = ()

    def __post_init__(self) -> None:
        normalize(self)

    @property
    def per_retry_timeout_millis(self) -> int:
        """Timeout of each attempt in milliseconds."""
        return millis(self.per_retry_timeout)

    @classmethod
    def http(
        cls,
        *,
        max_retries: int = 2,
        per_retry_timeout: Duration = Milliseconds(0),
        http_events: Sequence[HttpRetryEvent] = ("gateway-error", "stream-error"),
        tcp_events: Sequence[TcpRetryEvent] = ("connection-error",),
    ) -> "RetryPolicy":
        """Return a retry policy for http and http2 routes; see `RetryPolicy`.

        The default events say that a task is unavailable.
        """
        return cls(
            max_retries=max_retries,
            per_retry_timeout=per_retry_timeout,
            http_events=as_tuple(http_events),
            tcp_events=as_tuple(tcp_events),
        )

    @classmethod
    def grpc(
        cls,
        *,
        max_retries: int = 2,
        per_retry_timeout: Duration = Milliseconds(0),
        grpc_events: Sequence[GrpcRetryEvent] = ("unavailable",),
        http_events: Sequence[HttpRetryEvent] = ("gateway-error", "stream-error"),
        tcp_events: Sequence[TcpRetryEvent] = ("connection-error",),
    ) -> "RetryPolicy":
        """Return a retry policy for grpc routes; see `RetryPolicy`.

        The default events say that a task is unavailable.
        """
        return cls(
            max_retries=max_retries,
            per_retry_timeout=per_retry_timeout,
            http_events=as_tuple(http_events),
            tcp_events=as_tuple(tcp_events),
            grpc_events=as_tuple(grpc_events),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """A route of a virtual router.

    Attributes:
        name: Name of the route, 1 to 255 letters, digits, ``-`` and ``_``; unique in the router.
        match: Match conditions.
        targets: Virtual nodes and their weights, 1 to 10, of which at least one weight is not 0.
        protocol: Protocol of the router's listener.
        priority: Priority, 0 (first) to 1000. Default: after all routes with a priority, longest prefix first.
        retry_policy: Retry policy. Not for tcp. Default: two retries if a task is unavailable (AWS App Mesh User
            Guide, *Envoy defaults set by App Mesh*).
        timeout: Timeouts of the requests. Default: a request timeout of 15 seconds.
        tags: Keys and values of the AWS tags, also metadata of the Envoy configuration.
    """

    name: str
    match: RouteMatch
    targets: tuple[WeightedTarget, ...]
    protocol: Protocol = "http"
    priority: int | None = None
    retry_policy: RetryPolicy | None = None
    timeout: Timeout | None = None
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewrite:
    """The rewrite of requests by a gateway route.

    Attributes:
        prefix: Replacement of the matched prefix. Default: ``/``.
        path: Replacement of the path, for a route that matches on ``path`` or ``path_regex``. Default: the path is
            not rewritten.
        keep_prefix: Do not rewrite the matched prefix. Mutually exclusive with ``prefix``.
        keep_hostname: Do not rewrite the host. Default: the host becomes the name of the virtual service.
    """

    prefix: str | None = None
    path: str | None = None
    keep_prefix: bool = False
    keep_hostname: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayRoute:
    """A gateway route of a virtual gateway.

    Attributes:
        name: Name of the gateway route, 1 to 255 letters, digits, ``-`` and ``_``; unique in the gateway.
        match: Match conditions.
        virtual_service: Name of the virtual service that receives the requests.
        protocol: Protocol of the gateway's listener.
        priority: Priority, 0 (first) to 1000. Default: after all routes with a priority, longest prefix first.
        target_port: Port of the virtual service. Required if the service has several ports.
        rewrite: Rewrite of the requests. Default: the matched prefix becomes ``/``, and the host the name of the
            virtual service.
        tags: Keys and values of the AWS tags, also metadata of the Envoy configuration.
    """

    name: str
    match: RouteMatch
    virtual_service: str
    protocol: Protocol = "http"
    priority: int | None = None
    target_port: int | None = None
    rewrite: Rewrite = Rewrite()
    tags: tuple[tuple[str, str], ...] = ()


AnyRoute: TypeAlias = Route | GatewayRoute


def check_route(subject: str, route: Route, listeners: Sequence[Listener]) -> Iterator[str]:
    """Validate a route and that the router has a listener for it."""
    yield from _check_rule(subject, route, listeners)
    if route.protocol not in PROTOCOLS:
        return
    yield from check_match(subject, route.match, route.protocol, ROUTE_FIELDS[route.protocol])
    yield from check_timeout(subject, route.timeout, route.protocol)
    yield from _check_retry_policy(subject, route)
    yield from _check_targets(subject, route.targets)


def check_gateway_route(subject: str, route: GatewayRoute, listeners: Sequence[Listener]) -> Iterator[str]:
    """Validate a gateway route and that the gateway has a listener for it."""
    yield from _check_rule(subject, route, listeners)
    if route.protocol not in GATEWAY_ROUTE_FIELDS:
        return
    match = route.match
    yield from check_match(subject, match, route.protocol, GATEWAY_ROUTE_FIELDS[route.protocol])
    for field, path in (("prefix", match.prefix), ("path", match.path)):
        if isinstance(path, str) and path.startswith(RESERVED_PREFIXES):
            fix = "App Mesh keeps '/aws-appmesh' and '/aws-app-mesh' for itself"
            yield problem(subject, f"{field} is reserved", path, fix)
    if isinstance(match.service_name, str) and match.service_name.startswith(RESERVED_SERVICES):
        yield problem(subject, "service name is reserved", match.service_name, "App Mesh keeps 'aws.app-mesh'")
    if route.target_port is not None:
        yield from check_range(subject, "target port", route.target_port, 1, 65535)
    yield from _check_rewrite(subject, route)


def _check_rule(subject: str, route: AnyRoute, listeners: Sequence[Listener]) -> Iterator[str]:
    if route.priority is not None:
        yield from check_range(subject, "priority", route.priority, 0, MAX_PRIORITY)
    yield from check_tags(subject, route.tags)
    if route.protocol not in PROTOCOLS:
        yield from check_choice(subject, "protocol", route.protocol, PROTOCOLS)
        return
    fix = f"listeners: {', '.join(f'{listener.protocol}/{listener.port}' for listener in listeners) or 'none'}"
    port = route.match.port
    ports = [listener.port for listener in listeners if listener.protocol == route.protocol]
    if not ports:
        yield problem(subject, "no listener has its protocol", route.protocol, fix)
    if port is None and ports and len(listeners) > 1:
        yield problem(subject, "has no port condition, but there are several listeners", port, fix)
    if port is not None and not any(listener.port == port for listener in listeners):
        yield problem(subject, "no listener has its port", port, fix)
    elif port is not None and ports and port not in ports:
        yield problem(subject, f"the listener at its port is not {route.protocol}", port, fix)


def _check_targets(subject: str, targets: Sequence[WeightedTarget]) -> Iterator[str]:
    if not 1 <= len(targets) <= MAX_TARGETS:
        yield problem(subject, "wrong number of targets", len(targets), f"1 to {MAX_TARGETS}")
    for target in targets:
        yield from check_range(subject, f"weight of {target.virtual_node!r}", target.weight, 0, 100)
    if targets and all(target.weight == 0 for target in targets):
        weights = tuple(target.weight for target in targets)
        yield problem(subject, "every weight is 0", weights, "at least one must be 1 to 100")
    yield from check_unique(subject, "target", (_target_key(target) for target in targets))


def _check_retry_policy(subject: str, route: Route) -> Iterator[str]:
    policy = route.retry_policy
    if policy is None:
        return
    if route.protocol == "tcp":
        yield problem(subject, "retry policy is not supported for tcp routes", policy, "leave it out")
    yield from check_range(subject, "max retries", policy.max_retries, 0, MAX_COUNT)
    yield from check_duration(subject, "per retry timeout", policy.per_retry_timeout, 0, MAX_MILLIS)
    for event in policy.http_events:
        yield from check_choice(subject, "HTTP retry event", event, HTTP_RETRY_EVENTS)
    for tcp_event in policy.tcp_events:
        yield from check_choice(subject, "TCP retry event", tcp_event, TCP_RETRY_EVENTS)
    for grpc_event in policy.grpc_events:
        yield from check_choice(subject, "gRPC retry event", grpc_event, GRPC_RETRY_EVENTS)
    events = (*policy.http_events, *policy.tcp_events, *policy.grpc_events)
    yield from check_unique(subject, "retry event", map(str, events))
    if policy.grpc_events and route.protocol != "grpc":
        yield problem(
            subject,
            f"gRPC retry events are not supported for {route.protocol} routes",
            policy.grpc_events,
            "leave them out",
        )
    if not events:
        yield problem(
            subject,
            "retry policy has no event",
            events,
            "such as http_events=['gateway-error']",
        )


def _check_rewrite(subject: str, route: GatewayRoute) -> Iterator[str]:
    rewrite, match = route.rewrite, route.match
    yield from check_flag(subject, "keep_prefix", rewrite.keep_prefix)
    yield from check_flag(subject, "keep_hostname", rewrite.keep_hostname)
    if rewrite.prefix is not None and rewrite.keep_prefix:
        yield problem(subject, "'prefix' and 'keep_prefix' are mutually exclusive", rewrite.prefix, "give one of them")
    if (rewrite.prefix is not None or rewrite.keep_prefix) and match.prefix is None:
        yield problem(subject, "has a prefix rewrite but no prefix condition", rewrite.prefix, "match on a prefix")
    if rewrite.path is not None and match.path is None and match.path_regex is None:
        yield problem(subject, "has a path rewrite but no path condition", rewrite.path, "match on a path")
    for field, value in (("prefix rewrite", rewrite.prefix), ("path rewrite", rewrite.path)):
        if value is not None and not (isinstance(value, str) and value.startswith("/") and len(value) <= 255):
            yield problem(subject, f"{field} is invalid", value, "'/' and at most 254 characters more")
        elif value is not None:
            yield from check_characters(subject, field, value)


def _target_key(target: WeightedTarget) -> str:
    return target.virtual_node if target.port is None else f"{target.virtual_node}:{target.port}"
