"""Clients of a public load balancer that its new security group does not admit."""

from collections.abc import Iterable, Iterator

from color_mesh.ecs import Declarations
from color_mesh.ecs.security_groups import Rule, rules_of_port
from color_mesh.migration.balancers import MigratedBalancer
from color_mesh.migration.findings import Finding, lost, to_do

_FIX = "add them with connections.allow_from(...) of the load balancer"


def admission_findings(migrated: MigratedBalancer, declarations: Declarations) -> Iterator[Finding]:
    """Yield the clients that the security groups of a load balancer admitted, and the new one does not."""
    for place in migrated.balancer.groups:
        if place not in declarations.security_groups:
            text = f"its security group {place} is in no template, and the new one admits no address for it"
            yield to_do(migrated.place, f"let the clients of the load balancer in: {text}: {_FIX}")
    has_ipv6 = migrated.balancer.address_type != "ipv4"
    for listener in migrated.listeners:
        rules = [rule for group in migrated.groups for rule in rules_of_port(group, listener.port)]
        others = dict.fromkeys(end for rule in rules if (end := _other_end(rule, has_ipv6)) is not None)
        if others:
            subject = f"{migrated.place} listener {listener.protocol} {listener.port}"
            text = f"clients that its security groups admitted: {', '.join(others)}"
            yield lost(subject, f"{text}: {_FIX}")


def unread_rules(balancers: Iterable[MigratedBalancer], declarations: Declarations) -> Iterator[Finding]:
    """Yield the rules of security groups of public load balancers that cannot be read."""
    groups = {group for each in balancers if each.balancer.public and each.created for group in each.balancer.groups}
    for each in declarations.problems:
        # It may be a rule of any group.
        is_rule = bool(groups) and each.resource_type == "AWS::EC2::SecurityGroupIngress"
        if is_rule or each.place in groups:
            yield lost(each.place, f"a rule that cannot be read, and whose clients are not admitted: {each.text}")


def _other_end(rule: Rule, has_ipv6: bool) -> str | None:
    """Return the clients of a rule that are no IPv4 addresses; without IPv6 addresses a load balancer has no others."""
    if rule.prefix_list is not None:
        return f"the prefix list {rule.prefix_list}"
    if rule.ipv6 is not None:
        return f"the IPv6 addresses {rule.ipv6}" if has_ipv6 else None
    return None if rule.group is None else f"the members of the security group {rule.group}"
