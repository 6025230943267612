"""The network of the templates: subnets, and what security groups let through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_network

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Attribute, Resource, Templates
from color_mesh.ecs.reading import Reader, key
from color_mesh.model.errors import problem

# What a VPC is taken to have that no template declares.
ASSUMED_VPC = IPv4Network("10.0.0.0/16")
ANYWHERE = IPv4Network("0.0.0.0/0")
_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "-1": "all"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """Define what a security group lets through.

    Attributes:
        protocol: ``tcp``, ``udp``, ``icmp`` or ``all``.
        first_port: The first of the ports; ``None`` for every port.
        last_port: The last of them.
        cidr: The addresses at the other end, unless it is a group.
        group: The security group at the other end.
    """

    protocol: str
    first_port: int | None = None
    last_port: int | None = None
    cidr: IPv4Network | None = None
    group: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SecurityGroup:
    """Define a security group.

    Attributes:
        key: What tells it from others.
        name: What it is called.
        ingress: What comes in.
        egress: What goes out.
    """

    key: str
    name: str
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """Define a VPC.

    Attributes:
        cidr: Its addresses.
        subnets: The addresses of its subnets, by what tells them from others.
        public: Those of them that the internet is routed to.
        groups: Its security groups.
    """

    cidr: IPv4Network
    subnets: Mapping[str, IPv4Network] = field(default_factory=dict)
    public: frozenset[str] = frozenset()
    groups: Mapping[str, SecurityGroup] = field(default_factory=dict)


def read_network(templates: Templates, reader: Reader) -> Network:
    """Read the network that templates declare."""
    vpcs = [_cidr(resource, reader) for resource in templates.resources("AWS::EC2::VPC")]
    subnets = {resource.place: _cidr(resource, reader) for resource in templates.resources("AWS::EC2::Subnet")}
    return Network(
        cidr=vpcs[0] if vpcs else ASSUMED_VPC,
        subnets=subnets,
        public=_public(templates),
        groups=_groups(templates, reader),
    )


def _cidr(resource: Resource, reader: Reader) -> IPv4Network:
    found = resource.property("CidrBlock")
    try:
        network = IPv4Network(found)
    except ValueError:
        network = None
    # Amazon VPC User Guide, VPC CIDR blocks: between /16 and /28.
    if network is None or not 16 <= network.prefixlen <= 28:
        fix = "an IPv4 network of /16 to /28, such as 10.0.0.0/16"
        reader.problems.append(problem(f"{resource.place}.CidrBlock", "is invalid", found, fix))
        return ASSUMED_VPC
    return network


def _public(templates: Templates) -> frozenset[str]:
    """Find the subnets with a route to an internet gateway."""
    tables = {
        key(route.property("RouteTableId"))
        for route in templates.resources("AWS::EC2::Route")
        if _is_gateway(route.property("GatewayId"))
    }
    associations = templates.resources("AWS::EC2::SubnetRouteTableAssociation")
    found = (key(each.property("SubnetId")) for each in associations if key(each.property("RouteTableId")) in tables)
    return frozenset(subnet for subnet in found if subnet is not None)


def _is_gateway(value: object) -> bool:
    if isinstance(value, Attribute):
        return value.resource.type == "AWS::EC2::InternetGateway"
    return str(value).startswith("igw-")


def _groups(templates: Templates, reader: Reader) -> dict[str, SecurityGroup]:
    ingress: dict[str | None, list[Rule]] = {}
    egress: dict[str | None, list[Rule]] = {}
    for kind, rules, other in (
        ("AWS::EC2::SecurityGroupIngress", ingress, "SourceSecurityGroupId"),
        ("AWS::EC2::SecurityGroupEgress", egress, "DestinationSecurityGroupId"),
    ):
        for resource in templates.resources(kind):
            found = reader.read(resource, lambda at, other=other: (key(at.value("GroupId")), _rule(at, other)))  # type: ignore[misc]
            if found is not None:
                rules.setdefault(found[0], []).append(found[1])
    groups = {}
    for resource in templates.resources("AWS::EC2::SecurityGroup"):
        group = reader.read(resource, lambda at, resource=resource: _group(at, resource))  # type: ignore[misc]
        if group is not None:
            groups[resource.place] = SecurityGroup(
                key=resource.place,
                name=group.name,
                ingress=(*group.ingress, *ingress.get(resource.place, ())),
                egress=(*group.egress, *egress.get(resource.place, ())) or (Rule(protocol="all", cidr=ANYWHERE),),
            )
    return groups


def _group(at: Fields, resource: Resource) -> SecurityGroup:
    at.ignore("GroupDescription", "VpcId", "Tags")
    return SecurityGroup(
        key=resource.place,
        name=at.optional_text("GroupName") or resource.logical_id,
        ingress=at.many("SecurityGroupIngress", lambda rule: _rule(rule, "SourceSecurityGroupId")),
        egress=at.many("SecurityGroupEgress", lambda rule: _rule(rule, "DestinationSecurityGroupId")),
    )


def _rule(at: Fields, other: str) -> Rule:
    at.ignore("Description", "GroupId", "CidrIpv6")
    protocol = at.text("IpProtocol")
    first, last = at.optional_integer("FromPort"), at.optional_integer("ToPort")
    every = first is None or first == -1 or protocol == "-1"
    cidr = at.optional_text("CidrIp")
    try:
        network = None if cidr is None else ip_network(cidr)
    except ValueError:
        at.report("CidrIp", "is no IPv4 network", "such as 0.0.0.0/0")
        network = None
    return Rule(
        protocol=_PROTOCOLS.get(protocol, protocol.lower()),
        first_port=None if every else first,
        last_port=None if every else last,
        cidr=network if isinstance(network, IPv4Network) else None,
        group=key(at.value(other)),
    )


def admits(group: SecurityGroup, protocol: str, port: int, groups: frozenset[str], address: IPv4Network) -> bool:
    """Tell whether a group lets in a connection to a port from members of groups, or from an address."""
    return any(_lets_through(rule, protocol, port, groups, address) for rule in group.ingress)


def _lets_through(rule: Rule, protocol: str, port: int, groups: frozenset[str], address: IPv4Network) -> bool:
    if rule.protocol not in ("all", protocol):
        return False
    if rule.first_port is not None and rule.last_port is not None and not rule.first_port <= port <= rule.last_port:
        return False
    return rule.group in groups if rule.cidr is None else address.subnet_of(rule.cidr)
