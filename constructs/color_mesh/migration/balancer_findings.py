"""Findings about load balancers: what is lost of them, and the work that remains."""

from collections.abc import Iterator

from color_mesh.ecs import Declarations
from color_mesh.ecs.listeners import LoadBalancerListener
from color_mesh.ecs.security_groups import ANYWHERE
from color_mesh.envoy.edge import HEALTH_PATH
from color_mesh.migration.balancer_attributes import (
    BALANCER_ATTRIBUTES,
    BALANCER_DEFAULTS,
    GROUP_ATTRIBUTES,
    GROUP_DEFAULTS,
    attribute_findings,
)
from color_mesh.migration.balancer_clients import admission_findings
from color_mesh.migration.balancer_health import is_valid
from color_mesh.migration.balancers import MigratedBalancer, PartTargets
from color_mesh.migration.converted_properties import lost_properties
from color_mesh.migration.findings import Finding, changed, lost, to_do
from color_mesh.migration.tls_policies import SUBSTITUTE, tls_policy


def balancer_findings(migrated: MigratedBalancer, declarations: Declarations) -> Iterator[Finding]:
    """Yield what is lost of a load balancer, and the work that remains."""
    kind = migrated.balancer.type
    for listener in migrated.balancer.listeners:
        yield from _listener(migrated, listener)
    if not migrated.created:
        return
    for place in _places(migrated, declarations):
        yield from lost_properties(declarations, place)
    own = migrated.balancer.attributes
    yield from attribute_findings(migrated.place, own, BALANCER_ATTRIBUTES[kind], BALANCER_DEFAULTS)
    for place, targets in migrated.created.items():
        yield from attribute_findings(place, targets.group.attributes, GROUP_ATTRIBUTES[kind], GROUP_DEFAULTS)
        yield from _health_check(place, targets, kind)
    if migrated.balancer.address_type != "ipv4":
        yield lost(migrated.place, "property IpAddressType: the new load balancer has IPv4 addresses only")
    if migrated.balancer.public:
        yield from admission_findings(migrated, declarations)
    text = (
        f"change the address for clients: they connect to a new {kind} load balancer, whose security "
        f"group admits {_clients(migrated)} (security groups are not migrated)"
    )
    yield to_do(migrated.place, text)


def chained_balancers(declarations: Declarations) -> Iterator[Finding]:
    """Yield the network load balancers in front of application load balancers, which are not migrated."""
    chained = {place for place, each in declarations.target_groups.items() if each.target_type == "alb"}
    for place, balancer in declarations.load_balancers.items():
        if not chained.isdisjoint(balancer.target_groups):
            yield lost(place, "is not migrated: its target is an application load balancer")


def _listener(migrated: MigratedBalancer, listener: LoadBalancerListener) -> Iterator[Finding]:
    subject = f"{migrated.place} listener {listener.protocol} {listener.port}"
    obstacle = migrated.obstacle(listener)
    if obstacle is not None:
        yield lost(subject, obstacle)
        return
    if listener.tls_policy is not None and tls_policy(listener.tls_policy) is None:
        text = f"its security policy is {SUBSTITUTE}, since the CDK has no {listener.tls_policy}"
        yield changed(subject, text)
    loss = migrated.loss(listener.actions)
    if loss is not None:
        yield lost(subject, f"its other requests are answered 503: {loss}")
    for rule in listener.rules:
        of_rule = migrated.rule_obstacle(listener, rule)
        if of_rule is not None:
            yield lost(subject, f"the rule with priority {rule.priority}: {of_rule}")
        elif (reason := migrated.rule_loss(rule)) is not None:
            yield lost(subject, f"the requests of the rule with priority {rule.priority} are answered 503: {reason}")


def _clients(migrated: MigratedBalancer) -> str:
    """Return the clients that the new security group of a load balancer admits."""
    if not migrated.balancer.public:
        return "the VPC"
    admitted = dict.fromkeys(each for listener in migrated.listeners for each in migrated.clients(listener))
    if ANYWHERE in admitted:
        return "every address"
    return ", ".join(map(str, admitted)) or "no address"


def _places(migrated: MigratedBalancer, declarations: Declarations) -> Iterator[str]:
    """Yield the places of the load balancer, and of its target groups, listeners and rules."""
    listeners = {place for place, each in declarations.listeners.items() if each.load_balancer == migrated.place}
    yield migrated.place
    yield from migrated.created
    yield from listeners
    yield from (place for place, each in declarations.listener_rules.items() if each.listener in listeners)


def _health_check(place: str, targets: PartTargets, kind: str) -> Iterator[Finding]:
    check = targets.group.health_check
    port = check.port
    if not is_valid(check, kind):
        yield lost(place, "its health check, which has values that Elastic Load Balancing does not take")
    elif kind == "application" and targets.owner == "gateways" and check.path == "/":
        yield changed(place, f"health checks ask for {HEALTH_PATH}, at which Envoy answers when it is ready, not for /")
    if port not in (None, targets.port):
        yield changed(place, f"health checks ask at the port of the listener, {targets.port}, not at port {port}")
