"""Rules of listeners as routes: the conditions of each rule in order of priority, and its action."""

from collections.abc import Mapping

from color_mesh.ecs.actions import Action
from color_mesh.ecs.conditions import Condition
from color_mesh.ecs.listeners import ListenerRule, LoadBalancerListener
from color_mesh.ecs.load_balancers import LoadBalancer
from color_mesh.envoy.typed import HEADER_INPUT, IP_MATCHER, ROUTE, Json, extension, typed
from color_mesh.local.run.load_balancers.patterns import (
    address_range,
    contained_regex,
    host_regex,
    host_regex_of,
    path_regex,
    query_regex,
    value_regex,
)
from color_mesh.local.run.load_balancers.redirects import redirect_metadata

# The address of the client's connection and the path without the query, for the conditions: routes of Envoy match
# headers only. Targets do not get them.
SOURCE_HEADER = "x-color-mesh-source"
PATH_HEADER = "x-color-mesh-path"
_OVERWRITE = "OVERWRITE_IF_EXISTS_OR_ADD"
_SERVER = {"header": {"key": "server", "value": "awselb/2.0"}, "append_action": _OVERWRITE}


def route_configuration(
    name: str, listener: LoadBalancerListener, load_balancer: LoadBalancer, machine_ports: Mapping[int, int]
) -> Json:
    """Render the rules and the default action of a listener."""
    default = _route(listener.actions[-1], listener, machine_ports)
    host: Json = {"name": name, "domains": ["*"], "routes": [default]}
    if listener.rules:
        matchers = [_matcher(rule, listener, machine_ports) for rule in listener.rules]
        host = {
            "name": name,
            "domains": ["*"],
            "matcher": {"matcher_list": {"matchers": matchers}, "on_no_match": _on_match(default)},
        }
    removed = [SOURCE_HEADER, PATH_HEADER, "x-envoy-internal", "x-envoy-external-address"]
    if load_balancer.attributes.get("routing.http.xff_header_processing.mode") == "remove":
        removed.append("x-forwarded-for")
    return {
        "name": name,
        "virtual_hosts": [host],
        "request_headers_to_add": [
            {"header": {"key": "x-forwarded-port", "value": str(listener.port)}, "append_action": _OVERWRITE}
        ],
        "request_headers_to_remove": removed,
    }


def _matcher(rule: ListenerRule, listener: LoadBalancerListener, machine_ports: Mapping[int, int]) -> Json:
    predicates = [_predicate(condition) for condition in rule.conditions]
    predicate = predicates[0] if len(predicates) == 1 else {"and_matcher": {"predicate": predicates}}
    return {"predicate": predicate, "on_match": _on_match(_route(rule.actions[-1], listener, machine_ports))}


def _on_match(route: Json) -> Json:
    return {"action": {"name": "route", "typed_config": typed(ROUTE, **route)}}


def _route(action: Action, listener: LoadBalancerListener, machine_ports: Mapping[int, int]) -> Json:
    match = {"match": {"prefix": ""}}
    if action.redirect is not None:
        metadata = redirect_metadata(action.redirect, listener, machine_ports)
        # The Lua filter responds before this.
        return {**match, "metadata": metadata, "direct_response": {"status": action.redirect.status_code}}
    if action.fixed_response is not None:
        response = action.fixed_response
        # A percent sign would begin a variable of Envoy.
        value = response.content_type.replace("%", "%%")
        content_type = {"header": {"key": "content-type", "value": value}, "append_action": _OVERWRITE}
        body = {"body": {"inline_string": response.body}} if response.body else {}
        return {
            **match,
            "direct_response": {"status": response.status_code, **body},
            "response_headers_to_add": [content_type, _SERVER],
        }
    weights = {group: weight for group, weight in action.weights.items() if weight}
    if not weights:
        return {**match, "direct_response": {"status": 503}, "response_headers_to_add": [_SERVER]}
    clusters = [{"name": group, "weight": weight} for group, weight in weights.items()]
    # The idle timeout of the load balancer is the only limit of a request.
    return {**match, "route": {"weighted_clusters": {"clusters": clusters}, "timeout": "0s"}}


def _predicate(condition: Condition) -> Json:
    """Render a condition, which one of its values fulfils."""
    alternatives = [_single(header, match) for header, match in _matches(condition)]
    return alternatives[0] if len(alternatives) == 1 else {"or_matcher": {"predicate": alternatives}}


def _single(header: str, match: Json) -> Json:
    header_input = extension("header", HEADER_INPUT, header_name=header)
    return {"single_predicate": {"input": header_input, **match}}


def _matches(condition: Condition) -> list[tuple[str, Json]]:
    """Return the header that each value of a condition is compared with, and the comparison."""
    match condition.field:
        case "source-ip":
            ranges = [address_range(value) for value in condition.values]
            matcher = extension("ip", IP_MATCHER, cidr_ranges=ranges, stat_prefix="source_ip")
            return [(SOURCE_HEADER, {"custom_match": matcher})]
        case "http-request-method":
            return [(":method", {"value_match": {"exact": value}}) for value in condition.values]
        case "query-string":
            return [(":path", _regex(query_regex(key, value))) for key, value in condition.pairs]
        case "host-header":
            header, of_pattern, of_regex = ":authority", host_regex, host_regex_of
        case "path-pattern":
            header, of_pattern, of_regex = PATH_HEADER, path_regex, contained_regex
        case _:
            header, of_pattern, of_regex = str(condition.header).lower(), value_regex, contained_regex
    expressions = [*map(of_pattern, condition.values), *map(of_regex, condition.regexes)]
    return [(header, _regex(each)) for each in expressions]


def _regex(expression: str) -> Json:
    return {"value_match": {"safe_regex": {"google_re2": {}, "regex": expression}}}
