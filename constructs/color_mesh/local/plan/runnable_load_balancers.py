"""Load balancers as they run on this machine: without the listeners, rules and targets that cannot."""

from collections.abc import Mapping
from dataclasses import replace

from color_mesh.ecs.actions import Action, FixedResponse
from color_mesh.ecs.declarations import Declarations
from color_mesh.ecs.listeners import ListenerRule, LoadBalancerListener
from color_mesh.ecs.load_balancers import LoadBalancer, with_listeners
from color_mesh.ecs.target_groups import TargetGroup
from color_mesh.local.plan.left_out import Omissions, undeclared_problem
from color_mesh.local.plan.load_balancer_problems import (
    PROTOCOLS,
    action_problems,
    listener_problems,
    load_balancer_problems,
    rule_problems,
    target_group_problems,
)
from color_mesh.model.errors import problem


def runnable_target_groups(declarations: Declarations, omissions: Omissions) -> dict[str, TargetGroup]:
    """Return the target groups whose targets are tasks."""
    for place, group in declarations.target_groups.items():
        if place not in omissions:
            omissions.leave_out(place, target_group_problems(place, group))
    return {place: each for place, each in declarations.target_groups.items() if place not in omissions}


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
        omissions.leave_out(place, load_balancer_problems(place, balancer))
    balancers = {place: each for place, each in declarations.load_balancers.items() if place not in omissions}
    listeners: dict[str, LoadBalancerListener] = {}
    for place, listener in declarations.listeners.items():
        owner, others = listener.load_balancer or "", listeners.values()
        if _depends(place, "LoadBalancerArn", owner, balancers, omissions):
            continue
        if any((each.load_balancer, each.port) == (owner, listener.port) for each in others):
            fix = "another port"
            omissions.leave_out(place, [problem(f"{place}.Port", "has another listener", listener.port, fix)])
        omissions.leave_out(place, listener_problems(place, listener, balancers[owner]))
        if place not in omissions:
            routing = _Routing(place, "DefaultActions", balancers[owner], groups, omissions)
            actions = routing.runnable(listener.actions)
            # Connections cannot be answered 503.
            if balancers[owner].type == "application" or actions[-1].weights:
                listeners[place] = replace(listener, actions=actions)
            else:
                omissions.leave_out_dependents_of(place)
    rules = _runnable_rules(declarations, balancers, listeners, groups, omissions)
    complete = with_listeners(balancers, listeners, rules)
    return {place: balancer for place, balancer in complete.items() if balancer.listeners}


def _runnable_rules(
    declarations: Declarations,
    balancers: Mapping[str, LoadBalancer],
    listeners: Mapping[str, LoadBalancerListener],
    groups: Mapping[str, TargetGroup],
    omissions: Omissions,
) -> list[ListenerRule]:
    rules = []
    for place, rule in declarations.listener_rules.items():
        owner = rule.listener or ""
        if _depends(place, "ListenerArn", owner, listeners, omissions):
            continue
        omissions.leave_out(place, rule_problems(place, rule))
        if place not in omissions:
            balancer = balancers[listeners[owner].load_balancer or ""]
            actions = _Routing(place, "Actions", balancer, groups, omissions).runnable(rule.actions)
            if rule.transforms:
                fix = "a rule without transforms"
                text = problem(f"{place}.Transforms", "does not run here", rule.transforms[0], fix)
                omissions.leave_out_part(place, text)
                actions = (_unavailable(place),)
            rules.append(replace(rule, actions=actions))
    return rules


def _depends(place: str, key: str, owner: str, runnable: Mapping[str, object], omissions: Omissions) -> bool:
    """Leave out a resource whose owner does not run; return whether it is left out."""
    if place not in omissions and owner not in runnable:
        if owner in omissions:
            omissions.leave_out_dependent(place, place, owner)
        else:
            omissions.leave_out(place, [undeclared_problem(f"{place}.{key}", owner)])
    return place in omissions


class _Routing:
    """The actions of a listener or a rule.

    Args:
        place: Place of the listener or the rule.
        key: Property with the actions.
        balancer: Load balancer.
        groups: Target groups that can run.
        omissions: Receives what cannot run.
    """

    def __init__(
        self, place: str, key: str, balancer: LoadBalancer, groups: Mapping[str, TargetGroup], omissions: Omissions
    ) -> None:
        self._place = place
        self._subject = f"{place}.{key}"
        self._balancer = balancer
        self._groups = groups
        self._omissions = omissions

    def runnable(self, actions: tuple[Action, ...]) -> tuple[Action, ...]:
        """Return the one action that routes requests, or in its place one that answers 503."""
        texts = [text for each in actions for text in action_problems(self._subject, each, self._balancer.type)]
        if not actions:
            texts.append(problem(self._subject, "has no action", (), "one or more"))
        if texts:
            self._omissions.leave_out_part(self._place, texts[0])
            return (_unavailable(self._place),)
        action = actions[-1]
        if action.type != "forward":
            return (action,)
        weights = {group: weight for group, weight in action.weights.items() if self._forwards_to(group)}
        return (replace(action, weights=weights) if weights else _unavailable(self._place),)

    def _forwards_to(self, group: str) -> bool:
        if group in self._omissions:
            self._omissions.leave_out_dependent_part(self._place, self._subject, group)
            return False
        if group not in self._groups:
            fix = "a target group that a template declares"
            text = problem(self._subject, "forwards to an undeclared target group", group, fix)
            self._omissions.leave_out_part(self._place, text)
            return False
        protocols, protocol = PROTOCOLS[self._balancer.type], self._groups[group].protocol
        if protocol not in protocols:
            text = problem(self._subject, "forwards to another protocol", protocol, ", ".join(protocols))
            self._omissions.leave_out_part(self._place, text)
        return protocol in protocols


def _unavailable(place: str) -> Action:
    response = FixedResponse(status_code=503, body=f"color-mesh up: {place} does not run here\n")
    return Action(type="fixed-response", fixed_response=response)
