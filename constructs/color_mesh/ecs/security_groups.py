"""Security groups."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_network
from typing import TypeAlias

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Resource
from color_mesh.ecs.reading import Reader, resource_key

ANYWHERE = IPv4Network("0.0.0.0/0")
_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "-1": "all"}
# EC2 API Reference, IpPermission: these names, or a number.
_PROTOCOL_NAMES = ("tcp", "udp", "icmp", "icmpv6", "all")
_MAX_PROTOCOL, _MAX_PORT = 255, 65535


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """Rule of a security group. The other end is a range of addresses, a prefix list or a security group.

    Attributes:
        protocol: ``tcp``, ``udp``, ``icmp`` or ``all``.
        first_port: First port of the range; ``None`` for every port.
        last_port: Last port of the range.
        cidr: Addresses of the other end.
        ipv6: IPv6 addresses of the other end.
        prefix_list: Prefix list of the other end.
        group: Security group of the other end.
    """

    protocol: str
    first_port: int | None = None
    last_port: int | None = None
    cidr: IPv4Network | None = None
    ipv6: str | None = None
    prefix_list: str | None = None
    group: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SecurityGroup:
    """Security group.

    Attributes:
        name: Name; the logical id if the template declares none.
        ingress: Rules for inbound traffic.
        egress: Rules for outbound traffic.
    """

    name: str
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()


_Rules: TypeAlias = tuple[Rule | None, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Group:
    name: str
    ingress: _Rules
    egress: _Rules


def admits(group: SecurityGroup, protocol: str, port: int, members: frozenset[str], address: IPv4Network) -> bool:
    """Return whether a group allows inbound connections from members of security groups or from an address."""
    return any(_admits(rule, protocol, port, members, address) for rule in group.ingress)


def admitted_addresses(group: SecurityGroup, port: int) -> tuple[IPv4Network, ...]:
    """Return the ranges of addresses from which a group allows inbound TCP connections to a port."""
    ranges = dict.fromkeys(rule.cidr for rule in group.ingress if rule.cidr is not None)
    return tuple(each for each in ranges if admits(group, "tcp", port, frozenset(), each))


def rules_of_port(group: SecurityGroup, port: int) -> tuple[Rule, ...]:
    """Return the rules of a group that allow inbound TCP connections to a port."""
    return tuple(rule for rule in group.ingress if _is_about(rule, "tcp", port))


def allows_outbound(group: SecurityGroup, protocol: str, port: int, address: IPv4Address) -> bool:
    """Return whether a group allows outbound connections to an address."""
    return any(_admits(rule, protocol, port, frozenset(), IPv4Network(address)) for rule in group.egress)


def _is_about(rule: Rule, protocol: str, port: int) -> bool:
    if rule.protocol not in ("all", protocol):
        return False
    return rule.first_port is None or rule.last_port is None or rule.first_port <= port <= rule.last_port


def _admits(rule: Rule, protocol: str, port: int, members: frozenset[str], address: IPv4Network) -> bool:
    if not _is_about(rule, protocol, port):
        return False
    return rule.group in members if rule.cidr is None else address.subnet_of(rule.cidr)


def read_security_groups(reader: Reader) -> dict[str, SecurityGroup]:
    """Read the security groups, by place, with the rules that are resources of their own."""
    ingress = _own_rules(reader, "AWS::EC2::SecurityGroupIngress", "Source")
    egress = _own_rules(reader, "AWS::EC2::SecurityGroupEgress", "Destination")
    groups = reader.read_all("AWS::EC2::SecurityGroup", _group)
    return {
        place: _security_group(
            group.name, (*group.ingress, *ingress.get(place, ())), (*group.egress, *egress.get(place, ()))
        )
        for place, group in groups.items()
    }


def _security_group(name: str, ingress: _Rules, egress: _Rules) -> SecurityGroup:
    # Without a rule for outbound traffic a group allows all of it (Amazon VPC User Guide, Security groups). One with a
    # problem is a rule all the same.
    outbound = egress or (Rule(protocol="all", cidr=ANYWHERE),)
    return SecurityGroup(
        name=name,
        ingress=tuple(rule for rule in ingress if rule is not None),
        egress=tuple(rule for rule in outbound if rule is not None),
    )


def _own_rules(reader: Reader, resource_type: str, other: str) -> dict[str | None, list[Rule | None]]:
    """Read the rules of a type of resource, by security group."""
    rules: dict[str | None, list[Rule | None]] = {}
    declared = reader.read_all(
        resource_type, lambda fields, _: (resource_key(fields.value("GroupId")), _rule(fields, other))
    )
    for group, rule in declared.values():
        rules.setdefault(group, []).append(rule)
    return rules


def _group(fields: Fields, resource: Resource) -> _Group:
    return _Group(
        name=fields.optional_text("GroupName") or resource.logical_id,
        ingress=fields.many("SecurityGroupIngress", lambda rule: _rule(rule, "Source")),
        egress=fields.many("SecurityGroupEgress", lambda rule: _rule(rule, "Destination")),
    )


def _rule(fields: Fields, other: str) -> Rule | None:
    """Read a rule; ``None`` for one with a problem, which allows nothing."""
    protocol = fields.text("IpProtocol")
    first, last = fields.optional_integer("FromPort"), fields.optional_integer("ToPort")
    every_port = first is None or first == -1 or protocol == "-1"
    cidr = fields.optional_text("CidrIp")
    try:
        # AWS clears the bits of a host (EC2 API Reference, IpRange).
        network = None if cidr is None else ip_network(cidr, strict=False)
    except ValueError:
        fields.report("CidrIp", "is not an IPv4 network", "such as 0.0.0.0/0")
        network = None
    protocol_name = _PROTOCOLS.get(protocol, protocol.lower())
    is_number = re.fullmatch("[0-9]{1,3}", protocol_name) is not None and int(protocol_name) <= _MAX_PROTOCOL
    if protocol_name not in _PROTOCOL_NAMES and not is_number:
        fields.report("IpProtocol", "is not a protocol", f"tcp, udp, icmp, icmpv6, -1, or 0 to {_MAX_PROTOCOL}")
    if not fields.has_problems and protocol_name in ("tcp", "udp") and not every_port and not _is_range(first, last):
        fields.report("ToPort", "does not end a range of ports", f"FromPort to {_MAX_PORT}")
    if fields.has_problems:
        return None
    return Rule(
        protocol=protocol_name,
        first_port=None if every_port else first,
        last_port=None if every_port else last,
        cidr=network if isinstance(network, IPv4Network) else None,
        ipv6=fields.optional_text("CidrIpv6"),
        prefix_list=resource_key(fields.value(f"{other}PrefixListId")),
        group=resource_key(fields.value(f"{other}SecurityGroupId")),
    )


def _is_range(first: int | None, last: int | None) -> bool:
    return first is not None and last is not None and 0 <= first <= last <= _MAX_PORT
