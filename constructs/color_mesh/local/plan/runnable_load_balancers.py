"""Load balancers as they run on this machine: without the listeners, rules and targets that cannot."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_network

from color_mesh.ecs.declarations import Declarations
from color_mesh.ecs.listeners import Action, Condition, FixedResponse, ListenerRule, LoadBalancerListener
from color_mesh.ecs.load_balancers import LoadBalancer, with_listeners
from color_mesh.ecs.target_groups import TargetGroup
from color_mesh.local.plan.left_out import Omissions
from color_mesh.model.errors import problem

# Protocols of listeners and of their targets, by the type of the load balancer.
_LISTENERS = {"application": ("HTTP", "HTTPS"), "network": ("TCP", "TLS")}
_TARGETS = ("HTTP", "HTTPS", "TCP", "TLS")
_VERSIONS = ("HTTP1", "HTTP2", "GRPC")
_ACTIONS = ("forward", "redirect", "fixed-response")
_CONDITIONS = ("host-header", "http-header", "http-request-method", "path-pattern", "query-string", "source-ip")
_WRONG = "does not run here"


def runnable_target_groups(declarations: Declarations, omissions: Omissions) -> dict[str, TargetGroup]:
    """Return the target groups whose targets are tasks."""
    groups = {}
    for place, group in declarations.target_groups.items():
        omissions.leave_out(place, _target_group_problems(place, group))
        if place not in omissions:
            groups[place] = group
    return groups


def _target_group_problems(place: str, group: TargetGroup) -> Iterator[str]:
    if group.target_type != "ip":
        yield problem(f"{place}.TargetType", _WRONG, group.target_type, "ip")
    elif group.protocol not in _TARGETS:
        yield problem(f"{place}.Protocol", _WRONG, group.protocol, ", ".join(_TARGETS))
    elif group.protocol_version not in _VERSIONS:
        yield problem(f"{place}.ProtocolVersion", _WRONG, group.protocol_version, ", ".join(_VERSIONS))


def runnable_load_balancers(
    declarations: Declarations, groups: Mapping[str, TargetGroup], omissions: Omissions
) -> dict[str, LoadBalancer]:
    """Return the load balancers that can run, each with its listeners.

    An action that cannot run is answered 503, so that its requests go nowhere else.

    Args:
        declarations: Declarations.
        groups: Target groups that can run.
        omissions: Receives what cannot run.
    """
    for place, balancer in declarations.load_balancers.items():
        omissions.leave_out(place, _load_balancer_problems(place, balancer))
    balancers = {place: each for place, each in declarations.load_balancers.items() if place not in omissions}
    listeners = {}
    for place, listener in declarations.listeners.items():
        runnable = _runnable_listener(place, listener, declarations, groups, omissions)
        if runnable is not None:
            listeners[place] = runnable
    rules = []
    for place, rule in declarations.listener_rules.items():
        omissions.leave_out(place, _rule_problems(place, rule, declarations))
        if rule.listener in listeners and place not in omissions:
            actions = _runnable_actions(f"{place}.Actions", place, rule.actions, groups, omissions)
            if rule.transforms:
                text = problem(f"{place}.Transforms", _WRONG, rule.transforms[0], "a rule without transforms")
                omissions.leave_out_part(place, text)
                actions = (_unavailable(place),)
            rules.append(replace(rule, actions=actions))
        elif place not in omissions:
            omissions.leave_out_dependent(place, place, str(rule.listener))
    complete = with_listeners(balancers, listeners, rules)
    return {place: balancer for place, balancer in complete.items() if balancer.listeners}


def _load_balancer_problems(place: str, balancer: LoadBalancer) -> Iterator[str]:
    if balancer.type not in _LISTENERS:
        yield problem(f"{place}.Type", _WRONG, balancer.type, ", ".join(_LISTENERS))
    elif not balancer.subnets:
        yield problem(f"{place}.Subnets", "has no subnet", (), "one or more")


def _runnable_listener(
    place: str,
    listener: LoadBalancerListener,
    declarations: Declarations,
    groups: Mapping[str, TargetGroup],
    omissions: Omissions,
) -> LoadBalancerListener | None:
    balancer = declarations.load_balancers.get(listener.load_balancer or "")
    if balancer is None:
        if place not in omissions:
            fix = "declare it in the templates"
            text = problem(f"{place}.LoadBalancerArn", "refers to an undeclared resource", listener.load_balancer, fix)
            omissions.leave_out(place, [text])
        return None
    if listener.load_balancer in omissions:
        omissions.leave_out_dependent(place, place, str(listener.load_balancer))
        return None
    protocols = _LISTENERS[balancer.type]
    if listener.protocol not in protocols:
        text = problem(f"{place}.Protocol", _WRONG, listener.protocol, ", ".join(protocols))
        omissions.leave_out(place, [text])
    if place in omissions:
        return None
    actions = _runnable_actions(f"{place}.DefaultActions", place, listener.actions, groups, omissions)
    if balancer.type == "network" and not actions[-1].weights:
        omissions.leave_out_dependents_of(place)
        return None
    return replace(listener, actions=actions)


def _rule_problems(place: str, rule: ListenerRule, declarations: Declarations) -> Iterator[str]:
    if rule.listener not in declarations.listeners:
        fix = "declare it in the templates"
        yield problem(f"{place}.ListenerArn", "refers to an undeclared resource", rule.listener, fix)
    for condition in rule.conditions:
        yield from _condition_problems(f"{place}.Conditions", condition)
    if not rule.conditions:
        yield problem(f"{place}.Conditions", "has no condition", (), "one or more")


def _condition_problems(place: str, condition: Condition) -> Iterator[str]:
    if condition.field not in _CONDITIONS:
        yield problem(place, _WRONG, condition.field, ", ".join(_CONDITIONS))
    elif not (condition.values or condition.regexes or condition.pairs):
        yield problem(place, f"condition {condition.field} has no value", (), "one or more")
    elif condition.field == "http-header" and not condition.header:
        yield problem(place, "condition http-header has no header", None, "HttpHeaderName")
    elif condition.field == "source-ip":
        for value in condition.values:
            try:
                ip_network(value, strict=False)
            except ValueError:
                yield problem(place, "not a range of addresses", value, "such as 10.0.0.0/8")


def _runnable_actions(
    subject: str, place: str, actions: tuple[Action, ...], groups: Mapping[str, TargetGroup], omissions: Omissions
) -> tuple[Action, ...]:
    """Return the one action that routes requests, or in its place one that answers 503."""
    for action in actions:
        if action.type not in _ACTIONS:
            text = problem(
                subject, "does not run here, its requests are answered 503", action.type, ", ".join(_ACTIONS)
            )
            omissions.leave_out_part(place, text)
            return (_unavailable(place),)
    routing = actions[-1] if actions else Action(type=None)
    if routing.type != "forward":
        if routing.redirect is None and routing.fixed_response is None:
            text = problem(subject, "has no action", routing.type, ", ".join(_ACTIONS))
            omissions.leave_out_part(place, text)
            return (_unavailable(place),)
        return (routing,)
    for group in routing.weights:
        if group in omissions:
            omissions.leave_out_dependent_part(place, subject, group)
        elif group not in groups:
            fix = "a target group that a template declares"
            omissions.leave_out_part(place, problem(subject, "forwards to an undeclared target group", group, fix))
    weights = {group: weight for group, weight in routing.weights.items() if group in groups}
    return (replace(routing, weights=weights) if weights else _unavailable(place),)


def _unavailable(place: str) -> Action:
    response = FixedResponse(status_code=503, body=f"color-mesh up: {place} does not run here\n")
    return Action(type="fixed-response", fixed_response=response)
