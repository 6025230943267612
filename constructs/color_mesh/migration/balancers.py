"""Application load balancers whose targets are nodes: what of them is migrated, and the findings about the rest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from color_mesh.cloudformation import hidden_parameters, set_option
from color_mesh.ecs import Declarations
from color_mesh.ecs.actions import Action
from color_mesh.ecs.conditions import Condition
from color_mesh.ecs.listeners import ListenerRule, LoadBalancerListener
from color_mesh.ecs.load_balancers import LoadBalancer
from color_mesh.ecs.reading import Reference
from color_mesh.ecs.target_groups import HTTP_PROTOCOLS, TargetGroup
from color_mesh.migration.findings import Finding, lost, to_do
from color_mesh.migration.placeholders import without_placeholders
from color_mesh.migration.workload import Workload

FIELDS = ("host-header", "http-header", "http-request-method", "path-pattern", "query-string", "source-ip")


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeTargets:
    """Target group of the tasks of a node.

    Attributes:
        group: Target group.
        node: Name of the node.
    """

    group: TargetGroup
    node: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MigratedBalancer:
    """Application load balancer that forwards to nodes.

    Attributes:
        place: Place in the templates.
        balancer: Load balancer, with its listeners and their rules.
        targets: Target groups of nodes, by place.
    """

    place: str
    balancer: LoadBalancer
    targets: Mapping[str, NodeTargets]

    @property
    def listeners(self) -> tuple[LoadBalancerListener, ...]:
        """Listeners that are migrated."""
        return tuple(each for each in self.balancer.listeners if _obstacle(each) is None)

    def rules(self, listener: LoadBalancerListener) -> tuple[ListenerRule, ...]:
        """Return the rules of a listener that are migrated."""
        return tuple(each for each in listener.rules if self._rule_obstacle(each) is None)

    def target(self, actions: Sequence[Action]) -> str | None:
        """Return the place of the target group of a node, if actions forward to it and to nothing else."""
        groups = actions[0].target_groups if len(actions) == 1 else ()
        return groups[0] if len(groups) == 1 and groups[0] in self.targets else None

    def findings(self) -> Iterator[Finding]:
        """Yield what is lost of it, and the work that remains."""
        for listener in self.balancer.listeners:
            subject = f"{self.place} listener {listener.protocol} {listener.port}"
            obstacle = _obstacle(listener)
            if obstacle is not None:
                yield lost(subject, obstacle)
                continue
            action = listener.actions[-1] if listener.actions else None
            if action is not None and not (self.target(listener.actions) or action.redirect or action.fixed_response):
                yield lost(subject, "its other requests are answered 503: the target is no node of the mesh")
            for rule in listener.rules:
                of_rule = self._rule_obstacle(rule)
                if of_rule is not None:
                    yield lost(subject, f"the rule with priority {rule.priority}: {of_rule}")
        clients = "every address" if self.balancer.public else "the VPC"
        text = (
            "change the address for clients: they connect to a new application load balancer, whose security group "
            f"admits {clients} (security groups are not migrated)"
        )
        yield to_do(self.place, text)

    def _rule_obstacle(self, rule: ListenerRule) -> str | None:
        """Return the reason why a rule is not migrated; ``None`` if it is."""
        if self.target(rule.actions) is None:
            return "it does not forward to one node of the mesh"
        if rule.transforms:
            return "it transforms requests"
        wrong = next((each for each in rule.conditions if not _is_supported(each)), None)
        return None if wrong is None and rule.conditions else "it has a condition that the CDK has not"


def migrated_balancers(declarations: Declarations, workloads: Sequence[Workload]) -> tuple[MigratedBalancer, ...]:
    """Return the application load balancers of the templates that forward to nodes."""
    targets = {
        group: NodeTargets(group=declarations.target_groups[group], node=workload.part.name)
        for workload in workloads
        for group in workload.target_groups
        if workload.part.kind == "virtualNode" and group in declarations.target_groups
    }
    forwarding = (
        MigratedBalancer(
            place=place,
            balancer=balancer,
            targets={group: each for group, each in targets.items() if group in balancer.target_groups},
        )
        for place, balancer in declarations.load_balancers.items()
        if balancer.type == "application"
    )
    return tuple(each for each in forwarding if each.targets and each.listeners)


def _obstacle(listener: LoadBalancerListener) -> str | None:
    """Return the reason why a listener is not migrated; ``None`` if it is."""
    if listener.protocol not in HTTP_PROTOCOLS:
        return "is no listener of an application load balancer"
    if any((action.type or "").startswith("authenticate") for action in listener.actions):
        return "it authenticates clients, and would not do so in the new app: add it with its authentication"
    if listener.protocol == "HTTPS":
        if not listener.certificates:
            return "its certificates are in no template"
        unknown = next((each for each in listener.certificates if isinstance(each, Reference)), None)
        if unknown is not None:
            return f"its certificate {unknown} is known only at deployment (add {set_option(str(unknown))})"
    return None


def _is_supported(condition: Condition) -> bool:
    values = (*condition.values, condition.header or "", *(text for pair in condition.pairs for text in pair if text))
    is_literal = all(not hidden_parameters(each) and without_placeholders(each) == each for each in values)
    has_values = bool(condition.values or condition.pairs)
    return condition.field in FIELDS and has_values and not condition.regexes and is_literal
