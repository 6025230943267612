"""Routes, with their match conditions, clusters, timeouts and retry policies."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from color_mesh.envoy.typed import PREVIOUS_HOSTS, Json, duration, extension, present
from color_mesh.model import (
    GatewayRoute,
    HeaderMatch,
    QueryParameterMatch,
    RetryPolicy,
    Route,
    RouteMatch,
    Timeout,
)
from color_mesh.model.route import AnyRoute

AnyRouteT = TypeVar("AnyRouteT", Route, GatewayRoute)

DEFAULT_TIMEOUT_MILLIS = 15000
DEFAULT_IDLE_MILLIS = 300000  # Envoy's default stream_idle_timeout
NO_PRIORITY = 1001  # After the last priority, 1000.

# AWS App Mesh User Guide, Envoy defaults set by App Mesh: default route retry policy.
_DEFAULT_RETRY_ON = ("reset", "unavailable", "connect-failure", "refused-stream", "retriable-status-codes")
_DEFAULT_RETRIES = 2
# AWS App Mesh API Reference, HttpRetryPolicy.
_STATUS_CODES = {
    "server-error": (500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511),
    "gateway-error": (502, 503, 504),
    "client-error": (409,),
}


def in_order(routes: Iterable[AnyRouteT]) -> list[AnyRouteT]:
    """Sort routes by precedence: by priority, then the longest path first, then alphabetically.

    An exact path precedes a prefix of the same length.
    """
    return sorted(routes, key=_rank)


def route_match(match: RouteMatch, protocol: str) -> Json:
    """Render match conditions."""
    kind, path = _path(match)
    headers = [
        *([_pseudo_header(":method", match.method)] if match.method else []),
        *([_pseudo_header(":scheme", match.scheme)] if match.scheme else []),
        *(_header(header) for header in (*match.headers, *match.metadata)),
    ]
    return present(
        **{kind: {"regex": path} if kind == "safe_regex" else path},
        headers=headers or None,
        query_parameters=[_query_parameter(parameter) for parameter in match.query_parameters] or None,
        grpc={} if protocol == "grpc" else None,
    )


def virtual_node_route(cluster: str, metadata: Json | None) -> Json:
    """Render the route of a service that a virtual node provides, with App Mesh's default timeout and retry policy."""
    action = {"cluster": cluster, "timeout": duration(DEFAULT_TIMEOUT_MILLIS), "retry_policy": retry_policy(None)}
    return present(match={"prefix": "/"}, metadata=metadata, route=action)


def router_route(
    route: Route, clusters: Sequence[tuple[str, int]], metadata: Json | None, runtime_prefix: str | None
) -> Json:
    """Render a route of a virtual router, to clusters with their weights.

    Args:
        route: The route.
        clusters: Names of the clusters, and their weights.
        metadata: Metadata of the route.
        runtime_prefix: Prefix of the runtime keys of the weights. ``None``: the weights are static.
    """
    action = {
        **cluster_specifier(clusters, runtime_prefix),
        **timeouts(route.timeout),
        "retry_policy": retry_policy(route.retry_policy),
    }
    match = route_match(route.match, route.protocol)
    return present(name=route.name, match=match, metadata=metadata, route=action)


def cluster_specifier(clusters: Sequence[tuple[str, int]], runtime_prefix: str | None = None) -> Json:
    """Render the cluster of a route, or its weighted clusters."""
    if len(clusters) == 1:
        return {"cluster": clusters[0][0]}
    weighted = [{"name": name, "weight": weight} for name, weight in clusters]
    return {"weighted_clusters": present(clusters=weighted, runtime_key_prefix=runtime_prefix)}


def timeouts(timeout: Timeout | None) -> Json:
    """Render timeouts, by default App Mesh's request timeout of 15 seconds; 0 disables a timeout."""
    per_request = timeout.per_request_millis if timeout else None
    idle = timeout.idle_millis if timeout else None
    return present(
        timeout=duration(DEFAULT_TIMEOUT_MILLIS if per_request is None else per_request),
        idle_timeout=None if idle is None else duration(idle),
    )


def retry_policy(policy: RetryPolicy | None) -> Json:
    """Render a retry policy, by default that of App Mesh."""
    if policy is None:
        return _retries(_DEFAULT_RETRY_ON, (503,), _DEFAULT_RETRIES, 0)
    codes = tuple(dict.fromkeys(code for event in policy.http_events for code in _STATUS_CODES.get(event, ())))
    return _retries(_retry_on(policy, codes), codes, policy.max_retries, policy.per_retry_timeout_millis)


def _retries(retry_on: Sequence[str], codes: Sequence[int], retries: int, per_try_millis: int) -> Json:
    """Render a retry policy that prefers endpoints that have not been tried."""
    return present(
        retry_on=",".join(retry_on),
        num_retries=retries,
        per_try_timeout=duration(per_try_millis) if per_try_millis else None,
        retriable_status_codes=list(codes) or None,
        retry_host_predicate=[extension("envoy.retry_host_predicates.previous_hosts", PREVIOUS_HOSTS)],
        host_selection_retry_max_attempts=5,
    )


def _retry_on(policy: RetryPolicy, codes: Sequence[int]) -> tuple[str, ...]:
    """Return the values of ``retry_on``.

    App Mesh's server and gateway errors include a missing response, which is ``reset`` in Envoy.
    """
    return (
        *(("reset",) if {"server-error", "gateway-error"} & set(policy.http_events) else ()),
        *(("refused-stream",) if "stream-error" in policy.http_events else ()),
        *(("connect-failure",) if policy.tcp_events else ()),
        *policy.grpc_events,
        *(("retriable-status-codes",) if codes else ()),
    )


def _rank(route: AnyRoute) -> tuple[int, int, int, str]:
    kind, path = _path(route.match)
    priority = NO_PRIORITY if route.priority is None else route.priority
    return priority, -len(path), ("path", "prefix", "safe_regex").index(kind), path


def _path(match: RouteMatch) -> tuple[str, str]:
    if match.path is not None:
        return "path", match.path
    if match.path_regex is not None:
        return "safe_regex", match.path_regex
    if match.service_name is not None and match.method_name is not None:
        return "path", f"/{match.service_name}/{match.method_name}"
    if match.service_name is not None:
        return "prefix", f"/{match.service_name}/"
    return "prefix", "/" if match.prefix is None else match.prefix


def _pseudo_header(name: str, value: str) -> Json:
    return {"name": name, "string_match": {"exact": value}}


def _header(header: HeaderMatch) -> Json:
    invert = True if header.invert else None
    if header.range is not None:
        bounds = {"start": header.range[0], "end": header.range[1]}
        return present(name=header.name, range_match=bounds, invert_match=invert)
    if header.regex is not None:
        return present(name=header.name, string_match={"safe_regex": {"regex": header.regex}}, invert_match=invert)
    for condition in ("exact", "prefix", "suffix"):
        value = getattr(header, condition)
        if value is not None:
            return present(name=header.name, string_match={condition: value}, invert_match=invert)
    return present(name=header.name, present_match=True, invert_match=invert)


def _query_parameter(parameter: QueryParameterMatch) -> Json:
    if parameter.exact is None:
        return {"name": parameter.name, "present_match": True}
    return {"name": parameter.name, "string_match": {"exact": parameter.exact}}
