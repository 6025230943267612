"""Rules for iptables: what security groups let through, and what the ECS CNI plugin redirects to Envoy."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

from color_mesh.ecs.security_groups import Rule
from color_mesh.ecs.task_definitions import ProxyConfiguration
from color_mesh.local.plan.network import Network

# The link to everything outside the VPC.
INTERNET_LINK = "internet"
# Set on what its sender's groups let out, and so is left to its receiver's.
_LET_OUT = "0x1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Interface:
    """Define a network interface in the VPC.

    Attributes:
        link: The name of its link.
        address: Its address.
        groups: Its security groups; without any, nothing is kept from it.
        public: Whether the internet reaches it.
    """

    link: str
    address: IPv4Address
    groups: tuple[str, ...]
    public: bool = False


def security_rules(network: Network, interfaces: Sequence[Interface]) -> str:
    """Write the rules of the VPC's router, for ``iptables-restore``.

    A connection must be let out by a security group of its sender and let in by one of its receiver; what belongs to
    a connection that was is let through (Amazon VPC User Guide, *Security groups*). The VPC's own resolver is open to
    everybody in it, whatever groups say.
    """
    # Groups that no template declares let everything through: nothing is known of them.
    interfaces = [replace(each, groups=tuple(g for g in each.groups if g in network.groups)) for each in interfaces]
    used = dict.fromkeys(group for interface in interfaces for group in interface.groups)
    chains = {group: f"group{number}" for number, group in enumerate(used)}
    lines = ["*filter", ":INPUT DROP [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"]
    lines += (f":{chain}-{way} - [0:0]" for chain in chains.values() for way in ("in", "out"))
    lines += _input()
    lines += _forward(interfaces, chains)
    for group, chain in chains.items():
        for rule in network.groups[group].ingress:
            lines += (f"-A {chain}-in {match} -j ACCEPT" for match in _matches(rule, "-s", interfaces))
        for rule in network.groups[group].egress:
            lines += (
                f"-A {chain}-out {match} -j MARK --set-mark {_LET_OUT}" for match in _matches(rule, "-d", interfaces)
            )
    return "\n".join((*lines, "COMMIT", ""))


def _input() -> Iterator[str]:
    yield "-A INPUT -i lo -j ACCEPT"
    yield "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
    yield "-A INPUT -p udp --dport 53 -j ACCEPT"
    yield "-A INPUT -p tcp --dport 53 -j ACCEPT"


def _forward(interfaces: Sequence[Interface], chains: Mapping[str, str]) -> Iterator[str]:
    yield "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
    # There is nothing outside; whoever tries is told at once.
    yield f"-A FORWARD -o {INTERNET_LINK} -j REJECT"
    for interface in interfaces:
        if interface.public:
            yield f"-A FORWARD -i {INTERNET_LINK} -o {interface.link} -j MARK --set-mark {_LET_OUT}"
        if not interface.groups:
            yield f"-A FORWARD -i {interface.link} -j MARK --set-mark {_LET_OUT}"
        for group in interface.groups:
            yield f"-A FORWARD -i {interface.link} -j {chains[group]}-out"
    yield f"-A FORWARD -m mark ! --mark {_LET_OUT} -j DROP"
    for interface in interfaces:
        if not interface.groups:
            yield f"-A FORWARD -o {interface.link} -j ACCEPT"
        for group in interface.groups:
            yield f"-A FORWARD -o {interface.link} -j {chains[group]}-in"


def _matches(rule: Rule, direction: str, interfaces: Iterable[Interface]) -> Iterator[str]:
    words = [] if rule.protocol == "all" else [f"-p {rule.protocol}"]
    if rule.protocol in ("tcp", "udp") and rule.first_port is not None:
        words.append(f"--dport {rule.first_port}:{rule.last_port}")
    members = [IPv4Network(each.address) for each in interfaces if rule.group in each.groups]
    for network in [rule.cidr] if rule.cidr is not None else members:
        yield " ".join((f"{direction} {network}", *words))


def redirection_rules(redirection: ProxyConfiguration) -> str:
    """Write the rules in a task's own network, for ``iptables-restore``, as the ECS CNI plugin does.

    Its order is that of ``plugins/aws-appmesh/commands/commands.go`` of aws/amazon-ecs-cni-plugins.
    """
    found = redirection
    lines = ["*nat"]
    if found.ingress_port is not None:
        ports = ",".join(map(str, found.app_ports))
        lines += (
            ":APPMESH_INGRESS - [0:0]",
            f"-A APPMESH_INGRESS -p tcp -m multiport --dports {ports} -j REDIRECT --to-port {found.ingress_port}",
            "-A PREROUTING -p tcp -m addrtype ! --src-type LOCAL -j APPMESH_INGRESS",
        )
    lines.append(":APPMESH_EGRESS - [0:0]")
    if found.ignored_uid is not None:
        lines.append(f"-A APPMESH_EGRESS -m owner --uid-owner {found.ignored_uid} -j RETURN")
    if found.ignored_gid is not None:
        lines.append(f"-A APPMESH_EGRESS -m owner --gid-owner {found.ignored_gid} -j RETURN")
    if found.ignored_ports:
        ports = ",".join(map(str, found.ignored_ports))
        lines.append(f"-A APPMESH_EGRESS -p tcp -m multiport --dports {ports} -j RETURN")
    lines += (f"-A APPMESH_EGRESS -p tcp -d {address} -j RETURN" for address in found.ignored_ips)
    lines.append(f"-A APPMESH_EGRESS -p tcp -j REDIRECT --to {found.egress_port}")
    lines.append("-A OUTPUT -p tcp -m addrtype ! --dst-type LOCAL -j APPMESH_EGRESS")
    return "\n".join((*lines, "COMMIT", ""))
