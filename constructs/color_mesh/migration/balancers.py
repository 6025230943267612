"""Load balancers whose targets are nodes and gateways: what of them is migrated."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

from color_mesh.ecs import Declarations
from color_mesh.ecs.actions import Action, Redirect
from color_mesh.ecs.conditions import Condition
from color_mesh.ecs.listeners import ListenerRule, LoadBalancerListener
from color_mesh.ecs.load_balancers import LoadBalancer
from color_mesh.ecs.mesh_resources import MeshResource
from color_mesh.ecs.reading import Reference
from color_mesh.ecs.security_groups import ANYWHERE, SecurityGroup, admitted_addresses
from color_mesh.ecs.target_groups import HTTP_PROTOCOLS, TargetGroup
from color_mesh.migration.gateway_listeners import names_of_listeners
from color_mesh.migration.placeholders import is_literal
from color_mesh.migration.workload import Workload
from color_mesh.model import Mesh

FIELDS = ("host-header", "http-header", "http-request-method", "path-pattern", "query-string", "source-ip")
# Protocols of the listeners of each type of load balancer, and those of its target groups.
PROTOCOLS: Mapping[str, Collection[str]] = {"application": HTTP_PROTOCOLS, "network": ("TCP", "TLS")}
VERSIONS = ("HTTP1", "HTTP2", "GRPC")
MAX_PORT, MAX_PRIORITY = 65535, 50_000
_MAX_VALUES = 5  # Values of a rule.


@dataclass(frozen=True, kw_only=True, slots=True)
class PartTargets:
    """Target group of the tasks of a node or a gateway.

    Attributes:
        group: Target group.
        part: The node or gateway.
        port: Port of its listener.
    """

    group: TargetGroup
    part: MeshResource
    port: int

    @property
    def owner(self) -> str:
        """Variable of the generated app that has the node or gateway."""
        return "nodes" if self.part.kind == "virtualNode" else "gateways"


@dataclass(frozen=True, kw_only=True, slots=True)
class MigratedBalancer:
    """Load balancer that forwards to nodes or gateways.

    Attributes:
        place: Place in the templates.
        balancer: Load balancer, with its listeners and their rules.
        targets: Target groups of nodes and gateways, by place.
        groups: Its security groups that are in the templates.
    """

    place: str
    balancer: LoadBalancer
    targets: Mapping[str, PartTargets]
    groups: tuple[SecurityGroup, ...] = ()

    @property
    def parts(self) -> tuple[MeshResource, ...]:
        """Nodes and gateways."""
        return tuple(each.part for each in self.created.values())

    def clients(self, listener: LoadBalancerListener) -> tuple[IPv4Network, ...]:
        """Return the addresses that a public load balancer admits to a listener: every one, without security groups.

        What a group that is in no template admits is not known: it admits none.
        """
        if not self.balancer.groups:
            return (ANYWHERE,)
        admitted = dict.fromkeys(each for group in self.groups for each in admitted_addresses(group, listener.port))
        return (ANYWHERE,) if ANYWHERE in admitted else tuple(admitted)

    @property
    def listeners(self) -> tuple[LoadBalancerListener, ...]:
        """Listeners that are migrated."""
        return tuple(each for each in self.balancer.listeners if self.obstacle(each) is None)

    def rules(self, listener: LoadBalancerListener) -> tuple[ListenerRule, ...]:
        """Return the rules of a listener that are migrated."""
        return tuple(each for each in listener.rules if self.rule_obstacle(listener, each) is None)

    def target(self, actions: Sequence[Action]) -> str | None:
        """Return the place of the target group of a node or gateway, if actions forward to it and to nothing else."""
        groups = actions[0].target_groups if len(actions) == 1 else ()
        return groups[0] if len(groups) == 1 and groups[0] in self.targets else None

    def answer(self, actions: Sequence[Action]) -> Action | None:
        """Return the action by which the load balancer itself answers; ``None`` without one that the CDK takes."""
        action = actions[0] if len(actions) == 1 else None
        return action if action is not None and _is_answer(action) else None

    def loss(self, actions: Sequence[Action]) -> str | None:
        """Return the reason why requests are answered 503 in place of actions; ``None`` if these are migrated."""
        if self.target(actions) is not None or self.answer(actions) is not None:
            return None
        if any((action.type or "").startswith("authenticate") for action in actions):
            return "it authenticates clients, and would not do so in the new app"
        return "it does not forward to one node or gateway of the mesh"

    def obstacle(self, listener: LoadBalancerListener) -> str | None:
        """Return the reason why a listener is not migrated; ``None`` if it is."""
        if listener.protocol not in PROTOCOLS[self.balancer.type] or not 0 < listener.port <= MAX_PORT:
            return f"a {self.balancer.type} load balancer of the mesh has no such listener"
        if [each.port for each in self.balancer.listeners].count(listener.port) > 1:
            return "another listener has its port"
        if any((action.type or "").startswith("authenticate") for action in listener.actions):
            return "it authenticates clients, and would not do so in the new app: add it with its authentication"
        if listener.mutual_tls != "off":
            return "it authenticates clients by their certificates: add it with its trust store"
        open_rule = next((each for each in listener.rules if self._opens(listener, each)), None)
        if open_rule is not None:
            reason = self.rule_obstacle(listener, open_rule)
            return f"without its rule with priority {open_rule.priority} more requests would be let in, but {reason}"
        if self.balancer.type == "network" and self.target(listener.actions) is None:
            return "it does not forward to one node or gateway of the mesh"
        if listener.protocol not in ("HTTPS", "TLS"):
            return None
        if not listener.certificates:
            return "its certificates are in no template"
        unknown = next((each for each in listener.certificates if isinstance(each, Reference)), None)
        if unknown is not None:
            return f"its certificate {unknown} is known only at deployment ({unknown.fix})"
        return None

    def _opens(self, listener: LoadBalancerListener, rule: ListenerRule) -> bool:
        """Return whether requests that a rule keeps from the mesh would get into it without the rule."""
        if self.rule_obstacle(listener, rule) is None or _forwards(rule):
            return False
        later = (each.actions for each in listener.rules if each.priority > rule.priority)
        return any(self.target(actions) is not None for actions in (listener.actions, *later))

    def rule_loss(self, rule: ListenerRule) -> str | None:
        """Return the reason why the requests of a rule are answered 503; ``None`` if its actions are migrated."""
        return self.loss(rule.actions) or ("it transforms requests" if rule.transforms else None)

    def rule_obstacle(self, listener: LoadBalancerListener, rule: ListenerRule) -> str | None:
        """Return the reason why a rule of a listener is not migrated; ``None`` if it is."""
        alike = [each for each in listener.rules if each.priority == rule.priority]
        if not 0 < rule.priority <= MAX_PRIORITY or len(alike) > 1:
            return f"its priority is not 1 to {MAX_PRIORITY}, or is that of another rule"
        wrong = next((each for each in rule.conditions if not _is_supported(each)), None)
        return None if wrong is None and rule.conditions else "it has a condition that the CDK has not"

    @property
    def created(self) -> Mapping[str, PartTargets]:
        """Target groups that a migrated listener or rule forwards to. Without any, nothing of it is migrated."""
        actions = [each.actions for each in self.listeners]
        rules = [rule for each in self.listeners for rule in self.rules(each)]
        actions += [rule.actions for rule in rules if self.rule_loss(rule) is None]
        reached = {self.target(each) for each in actions}
        return {place: each for place, each in self.targets.items() if place in reached}


def migrated_balancers(
    declarations: Declarations, mesh: Mesh, workloads: Sequence[Workload]
) -> tuple[MigratedBalancer, ...]:
    """Return the load balancers that forward to nodes and gateways."""
    broken = {each.place for each in declarations.problems}
    targets = {
        place: each
        for workload in workloads
        for place, each in _targets(declarations, mesh, workload)
        if place not in broken
    }
    found = (
        _migrated(place, _readable(balancer, declarations, broken), targets, declarations.security_groups)
        for place, balancer in declarations.load_balancers.items()
        if balancer.type in PROTOCOLS and place not in broken
    )
    return tuple(each for each in found if each.targets)


def _readable(balancer: LoadBalancer, declarations: Declarations, broken: Collection[str]) -> LoadBalancer:
    """Return a load balancer without the listeners and rules that have problems.

    A rule that does not forward stays, without conditions: there may be requests that it keeps from the mesh.
    """
    unreadable = [each for place, each in declarations.listeners.items() if place in broken]
    rules = [each for place, each in declarations.listener_rules.items() if place in broken]
    listeners = (
        replace(
            each,
            rules=tuple(
                replace(rule, conditions=()) if rule in rules else rule
                for rule in each.rules
                if rule not in rules or not _forwards(rule)
            ),
        )
        for each in balancer.listeners
        if replace(each, rules=()) not in unreadable
    )
    return replace(balancer, listeners=tuple(listeners))


def _migrated(
    place: str,
    balancer: LoadBalancer,
    targets: Mapping[str, PartTargets],
    groups: Mapping[str, SecurityGroup],
) -> MigratedBalancer:
    """Return a load balancer with the target groups that its kind may forward to."""
    own = {
        place: each
        for place, each in targets.items()
        if place in balancer.target_groups
        and each.group.protocol in (None, *PROTOCOLS[balancer.type])
        and each.group.protocol_version in VERSIONS
    }
    declared = tuple(groups[each] for each in balancer.groups if each in groups)
    return MigratedBalancer(place=place, balancer=balancer, targets=own, groups=declared)


def target_listeners(mesh: Mesh, part: MeshResource) -> Mapping[int, str]:
    """Return the name of the new node or gateway for each listener that a target of the new app is, by port.

    That of a node is its first one.
    """
    if part.kind == "virtualNode":
        return {each.port: part.name for each in mesh.node(part.name).listeners[:1]}
    return names_of_listeners(mesh, part.name)


def _targets(declarations: Declarations, mesh: Mesh, workload: Workload) -> Iterator[tuple[str, PartTargets]]:
    """Yield the target groups of a workload that forward to a listener which a target of the new app is."""
    listeners = target_listeners(mesh, workload.part)
    for registration in workload.service.targets:
        group = declarations.target_groups.get(registration.registry)
        port = next((each for each in listeners if registration.port in (None, each)), None)
        if group is not None and port is not None:
            part = replace(workload.part, name=listeners[port])
            yield registration.registry, PartTargets(group=group, part=part, port=port)


def _forwards(rule: ListenerRule) -> bool:
    """Return whether a rule lets all of its requests pass."""
    return len(rule.actions) == 1 and rule.actions[0].type in (None, "forward")


def _is_answer(action: Action) -> bool:
    """Return whether an action is a redirect or a response that the CDK takes."""
    redirect, response = action.redirect, action.fixed_response
    if redirect is not None:
        texts = (redirect.protocol, redirect.host, redirect.port, redirect.path, redirect.query)
        is_loop = replace(redirect, status_code=Redirect().status_code) == Redirect()
        return redirect.path.startswith("/") and not is_loop and all(map(is_literal, texts))
    return response is not None and is_literal(response.content_type) and is_literal(response.body)


def _is_supported(condition: Condition) -> bool:
    values = (*condition.values, condition.header or "", *(text for pair in condition.pairs for text in pair if text))
    has_values = 0 < len(condition.values) + len(condition.pairs) <= _MAX_VALUES
    return condition.field in FIELDS and has_values and not condition.regexes and all(map(is_literal, values))
