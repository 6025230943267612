"""All rules, in the order of their findings within a severity."""

from color_mesh.analysis.rule import Rule
from color_mesh.analysis.rules import (
    caller_timeout_cut_short,
    gateway_host_hides_routes,
    gateway_path_without_route,
    idle_timeout_cut_short,
    node_without_service,
    path_never_matches,
    request_timeout_cut_short,
    request_timeout_exceeds_idle_timeout,
    retries_exceed_timeout,
    route_is_shadowed,
    router_without_callers,
    service_without_provider,
    stop_timeout_shorter_than_requests,
    weight_is_zero,
)

RULES: tuple[Rule, ...] = (
    request_timeout_cut_short.RULE,
    caller_timeout_cut_short.RULE,
    request_timeout_exceeds_idle_timeout.RULE,
    idle_timeout_cut_short.RULE,
    retries_exceed_timeout.RULE,
    stop_timeout_shorter_than_requests.RULE,
    path_never_matches.RULE,
    route_is_shadowed.RULE,
    gateway_path_without_route.RULE,
    gateway_host_hides_routes.RULE,
    service_without_provider.RULE,
    weight_is_zero.RULE,
    router_without_callers.RULE,
    node_without_service.RULE,
)
