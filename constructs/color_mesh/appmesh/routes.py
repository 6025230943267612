"""Routes and gateway routes: rendered and read."""

from collections.abc import Mapping
from typing import cast

from color_mesh.appmesh.fields import Fields
from color_mesh.appmesh.listeners import duration_spec, read_duration, read_timeout, timeout_spec
from color_mesh.appmesh.matches import match_spec, read_match
from color_mesh.appmesh.spec import Spec, compact
from color_mesh.model import GatewayRoute, Protocol, RetryPolicy, Rewrite, Route, RouteMatch, Timeout, WeightedTarget
from color_mesh.model.route import GrpcRetryEvent, HttpRetryEvent, TcpRetryEvent

ROUTE_KEYS: Mapping[Protocol, str] = {
    "http": "httpRoute",
    "http2": "http2Route",
    "grpc": "grpcRoute",
    "tcp": "tcpRoute",
}
GATEWAY_ROUTE_KEYS: Mapping[Protocol, str] = {key: value for key, value in ROUTE_KEYS.items() if key != "tcp"}


def route_spec(route: Route) -> Spec:
    """Render the spec of a route."""
    targets = [
        compact(virtualNode=target.virtual_node, weight=target.weight, port=target.port) for target in route.targets
    ]
    rule = compact(
        match=match_spec(route.match, route.protocol),
        action={"weightedTargets": targets},
        retryPolicy=_retry_policy(route.retry_policy),
        timeout=timeout_spec(route.timeout),
    )
    return compact(priority=route.priority) | {ROUTE_KEYS[route.protocol]: rule}


def read_route(fields: Fields, name: str, tags: tuple[tuple[str, str], ...]) -> Route:
    """Read the spec of a route."""
    priority = fields.optional_integer("priority")
    protocol, rule = _read_rule(fields, ROUTE_KEYS)
    match, targets, retry_policy, timeout = rule or (RouteMatch(), (), None, None)
    return Route(
        name=name,
        protocol=protocol,
        priority=priority,
        match=match,
        targets=targets,
        retry_policy=retry_policy,
        timeout=timeout,
        tags=tags,
    )


def gateway_route_spec(route: GatewayRoute) -> Spec:
    """Render the spec of a gateway route."""
    target = compact(virtualService={"virtualServiceName": route.virtual_service}, port=route.target_port)
    action = compact(target=target, rewrite=_rewrite(route.rewrite))
    rule = {"match": match_spec(route.match, route.protocol), "action": action}
    return compact(priority=route.priority) | {ROUTE_KEYS[route.protocol]: rule}


def read_gateway_route(fields: Fields, name: str, tags: tuple[tuple[str, str], ...]) -> GatewayRoute:
    """Read the spec of a gateway route."""
    priority = fields.optional_integer("priority")
    protocol = _protocol(fields, GATEWAY_ROUTE_KEYS)
    key = GATEWAY_ROUTE_KEYS[protocol]
    match, (service, port, rewrite) = fields.required(
        key,
        lambda rule: (
            rule.required("match", lambda match: read_match(match, protocol)),
            rule.required("action", _read_gateway_action),
        ),
    )
    return GatewayRoute(
        name=name,
        protocol=protocol,
        priority=priority,
        match=match,
        virtual_service=service,
        target_port=port,
        rewrite=rewrite,
        tags=tags,
    )


_Rule = tuple[RouteMatch, tuple[WeightedTarget, ...], RetryPolicy | None, Timeout | None]


def _read_rule(fields: Fields, keys: Mapping[Protocol, str]) -> tuple[Protocol, _Rule]:
    protocol = _protocol(fields, keys)

    def read(rule: Fields) -> _Rule:
        # The match is optional for tcp routes only.
        read_object = rule.optional if protocol == "tcp" else rule.required
        match = read_object("match", lambda match: read_match(match, protocol)) or RouteMatch()
        targets = rule.required("action", lambda action: action.many("weightedTargets", _read_target))
        if protocol == "tcp":
            return match, targets, None, rule.optional("timeout", read_timeout)
        return (
            match,
            targets,
            rule.optional("retryPolicy", _read_retry_policy),
            rule.optional("timeout", read_timeout),
        )

    return protocol, fields.required(keys[protocol], read)


def _protocol(fields: Fields, keys: Mapping[Protocol, str]) -> Protocol:
    protocols = [protocol for protocol, key in keys.items() if fields.has(key)]
    if len(protocols) > 1:
        fields.report(keys[protocols[1]], "is a second route type", f"remove {keys[protocols[0]]} or this one")
    return protocols[0] if protocols else "http"


def _read_target(fields: Fields) -> WeightedTarget:
    return WeightedTarget(
        virtual_node=fields.text("virtualNode"), weight=fields.integer("weight"), port=fields.optional_integer("port")
    )


def _retry_policy(policy: RetryPolicy | None) -> Spec | None:
    if policy is None:
        return None
    return compact(
        maxRetries=policy.max_retries,
        perRetryTimeout=duration_spec(policy.per_retry_timeout_millis),
        httpRetryEvents=list(policy.http_events),
        tcpRetryEvents=list(policy.tcp_events),
        grpcRetryEvents=list(policy.grpc_events),
    )


def _read_retry_policy(fields: Fields) -> RetryPolicy:
    return RetryPolicy(
        max_retries=fields.integer("maxRetries"),
        per_retry_timeout=fields.required("perRetryTimeout", read_duration),
        http_events=cast(tuple[HttpRetryEvent, ...], fields.texts("httpRetryEvents")),
        tcp_events=cast(tuple[TcpRetryEvent, ...], fields.texts("tcpRetryEvents")),
        grpc_events=cast(tuple[GrpcRetryEvent, ...], fields.texts("grpcRetryEvents")),
    )


def _rewrite(rewrite: Rewrite) -> Spec | None:
    prefix = {"value": rewrite.prefix} if rewrite.prefix is not None else None
    spec = compact(
        hostname={"defaultTargetHostname": "DISABLED"} if rewrite.keep_hostname else None,
        prefix={"defaultPrefix": "DISABLED"} if rewrite.keep_prefix else prefix,
        path={"exact": rewrite.path} if rewrite.path is not None else None,
    )
    return spec or None


def _read_gateway_action(fields: Fields) -> tuple[str, int | None, Rewrite]:
    service, port = fields.required(
        "target",
        lambda target: (
            target.required("virtualService", lambda service: service.text("virtualServiceName")),
            target.optional_integer("port"),
        ),
    )
    return service, port, fields.optional("rewrite", _read_rewrite) or Rewrite()


def _read_rewrite(fields: Fields) -> Rewrite:
    keep_prefix, prefix = fields.optional("prefix", _read_prefix_rewrite) or (False, None)
    return Rewrite(
        keep_hostname=fields.optional("hostname", lambda hostname: _is_disabled(hostname, "defaultTargetHostname"))
        or False,
        keep_prefix=keep_prefix,
        prefix=prefix,
        path=fields.optional("path", lambda path: path.text("exact")),
    )


def _read_prefix_rewrite(fields: Fields) -> tuple[bool, str | None]:
    return _is_disabled(fields, "defaultPrefix"), fields.optional_text("value")


def _is_disabled(fields: Fields, key: str) -> bool:
    value = fields.optional_text(key)
    if value not in (None, "ENABLED", "DISABLED"):
        fields.report(key, "is unknown", "'ENABLED' or 'DISABLED'")
    return value == "DISABLED"
