"""Validation of load balancers: what does not run here, and what Elastic Load Balancing and Envoy would refuse."""

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_network

from color_mesh.ecs.actions import Action, FixedResponse, Redirect
from color_mesh.ecs.conditions import Condition
from color_mesh.ecs.listeners import ListenerRule, LoadBalancerListener
from color_mesh.ecs.load_balancers import LoadBalancer
from color_mesh.ecs.target_groups import TargetGroup
from color_mesh.model.checks import check_choice, check_range, check_text, is_number
from color_mesh.model.errors import problem
from color_mesh.model.regex import check_regex

# Protocols of listeners and of their targets, by the type of the load balancer.
PROTOCOLS = {"application": ("HTTP", "HTTPS"), "network": ("TCP", "TLS")}
_CHECK_PROTOCOLS = ("HTTP", "HTTPS", "TCP")
_VERSIONS = ("HTTP1", "HTTP2", "GRPC")
_ACTIONS = {"application": ("forward", "redirect", "fixed-response"), "network": ("forward",)}
_CONDITIONS = ("host-header", "http-header", "http-request-method", "path-pattern", "query-string", "source-ip")
_WITH_REGEXES = ("host-header", "http-header", "path-pattern")
_UNSUPPORTED = "does not run here"
# Elastic Load Balancing API Reference, LoadBalancerAttribute, TargetGroupAttribute, RuleCondition and TargetGroupTuple.
_ATTRIBUTES = {
    "idle_timeout.timeout_seconds": (1, 4000),
    "client_keep_alive.seconds": (60, 604_800),
    "deregistration_delay.timeout_seconds": (0, 3600),
}
_MAX_VALUE, _MAX_BODY, _MAX_WEIGHT = 128, 1024, 999
_CODES = re.compile(r"[1-5][0-9]{2}(-[1-5][0-9]{2})?(,[1-5][0-9]{2}(-[1-5][0-9]{2})?)*")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~A-Za-z0-9-]{1,40}")
_METHOD = re.compile(r"[A-Z_-]{1,40}")


def load_balancer_problems(place: str, balancer: LoadBalancer) -> Iterator[str]:
    """Validate a load balancer."""
    if balancer.type not in PROTOCOLS:
        yield problem(f"{place}.Type", _UNSUPPORTED, balancer.type, ", ".join(PROTOCOLS))
    elif not balancer.subnets:
        yield problem(f"{place}.Subnets", "has no subnet", (), "one or more")
    yield from _attribute_problems(f"{place}.LoadBalancerAttributes", balancer.attributes)


def target_group_problems(place: str, group: TargetGroup) -> Iterator[str]:
    """Validate a target group, whose targets are tasks."""
    protocols = [protocol for each in PROTOCOLS.values() for protocol in each]
    check = group.health_check
    if group.target_type != "ip":
        yield problem(f"{place}.TargetType", _UNSUPPORTED, group.target_type, "ip")
        return
    if group.protocol not in protocols:
        yield problem(f"{place}.Protocol", _UNSUPPORTED, group.protocol, ", ".join(protocols))
        return
    yield from check_choice(f"{place}.ProtocolVersion", "protocol version", group.protocol_version, _VERSIONS)
    yield from check_choice(f"{place}.HealthCheckProtocol", "protocol", check.protocol, _CHECK_PROTOCOLS)
    if check.port is not None:
        yield from check_range(f"{place}.HealthCheckPort", "port", check.port, 1, 65535)
    if not check.path.startswith("/"):
        yield problem(f"{place}.HealthCheckPath", "is not a path", check.path, "it begins with a slash")
    yield from check_text(f"{place}.HealthCheckPath", "path", check.path, _MAX_BODY, "a path")
    if not _CODES.fullmatch(check.codes):
        yield problem(f"{place}.Matcher.HttpCode", "is not a list of status codes", check.codes, "such as 200,300-399")
    yield from check_range(f"{place}.HealthCheckIntervalSeconds", "interval", check.interval_seconds, 1, 300)
    yield from check_range(f"{place}.HealthCheckTimeoutSeconds", "timeout", check.timeout_seconds, 1, 300)
    yield from check_range(f"{place}.HealthyThresholdCount", "threshold", check.healthy_threshold, 1, 10)
    yield from check_range(f"{place}.UnhealthyThresholdCount", "threshold", check.unhealthy_threshold, 1, 10)
    yield from _attribute_problems(f"{place}.TargetGroupAttributes", group.attributes)


def listener_problems(place: str, listener: LoadBalancerListener, balancer: LoadBalancer) -> Iterator[str]:
    """Validate a listener, without its actions."""
    protocols = PROTOCOLS[balancer.type]
    if listener.protocol not in protocols:
        yield problem(f"{place}.Protocol", _UNSUPPORTED, listener.protocol, ", ".join(protocols))
    yield from check_range(f"{place}.Port", "port", listener.port, 1, 65535)


def rule_problems(place: str, rule: ListenerRule) -> Iterator[str]:
    """Validate the conditions of a rule."""
    if not rule.conditions:
        yield problem(f"{place}.Conditions", "has no condition", (), "one or more")
    for condition in rule.conditions:
        yield from _condition_problems(f"{place}.Conditions", condition)


def action_problems(subject: str, action: Action, balancer_type: str) -> Iterator[str]:
    """Validate an action."""
    actions = _ACTIONS[balancer_type]
    if action.type not in actions:
        yield problem(subject, "does not run here, its requests are answered 503", action.type, ", ".join(actions))
    elif action.type == "redirect":
        yield from _redirect_problems(subject, action.redirect)
    elif action.type == "fixed-response":
        yield from _response_problems(subject, action.fixed_response)
    for weight in action.weights.values():
        yield from check_range(subject, "weight", weight, 0, _MAX_WEIGHT)


def _attribute_problems(subject: str, attributes: Mapping[str, str]) -> Iterator[str]:
    for name, (low, high) in _ATTRIBUTES.items():
        value = attributes.get(name)
        if value is not None:
            yield from check_range(subject, name, int(value) if is_number(value) else value, low, high)


def _condition_problems(subject: str, condition: Condition) -> Iterator[str]:
    kind, values = condition.field, condition.values
    if kind not in _CONDITIONS:
        yield problem(subject, _UNSUPPORTED, kind, ", ".join(_CONDITIONS))
        return
    regexes = condition.regexes if kind in _WITH_REGEXES else ()
    if not (condition.pairs if kind == "query-string" else (*values, *regexes)):
        yield problem(subject, f"condition {kind} has no value", (), "one or more")
    texts = (*values, *regexes, *(text for pair in condition.pairs for text in pair if text is not None))
    for text in texts:
        yield from check_text(subject, f"value of condition {kind}", text, _MAX_VALUE, "text")
    for regex in regexes:
        yield from check_regex(subject, f"value of condition {kind}", regex)
    if kind == "http-header" and not _HEADER.fullmatch(condition.header or ""):
        yield problem(subject, "condition http-header has no valid header", condition.header, "HttpHeaderName")
    if kind == "http-request-method":
        for value in (each for each in values if not _METHOD.fullmatch(each)):
            yield problem(subject, "is not a method", value, "such as GET")
    if kind == "source-ip":
        for value in (each for each in values if not _is_range(each)):
            yield problem(subject, "is not a range of addresses", value, "such as 10.0.0.0/8")


def _is_range(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _redirect_problems(subject: str, redirect: Redirect | None) -> Iterator[str]:
    if redirect is None:
        yield problem(subject, "has no redirect", None, "RedirectConfig")
        return
    yield from check_choice(subject, "status code", redirect.status_code, (301, 302))
    for text in (redirect.protocol, redirect.host, redirect.port, redirect.path, redirect.query or "-"):
        yield from check_text(subject, "part of a redirect", text, _MAX_VALUE, "text")


def _response_problems(subject: str, response: FixedResponse | None) -> Iterator[str]:
    if response is None:
        yield problem(subject, "has no response", None, "FixedResponseConfig")
        return
    if len(response.body) > _MAX_BODY:
        yield problem(subject, "body is too long", f"{len(response.body)} characters", f"at most {_MAX_BODY}")
    yield from check_text(subject, "content type", response.content_type, _MAX_VALUE, "such as text/plain")
