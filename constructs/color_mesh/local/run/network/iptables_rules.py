"""iptables rules: those of security groups, and those with which the ECS CNI plugin redirects traffic to Envoy."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

from color_mesh.ecs.security_groups import Rule
from color_mesh.ecs.task_definitions import ProxyConfiguration
from color_mesh.local.plan.network import API_ADDRESSES, API_PORT, Network

# Link to everything outside the VPC.
INTERNET_LINK = "internet"
# Endpoint of credentials (Amazon ECS Developer Guide, Task IAM role). It is on the loopback interface of the router, as
# the APIs of AWS are.
CREDENTIALS_ENDPOINT = IPv4Address("169.254.170.2"), 80
# Mark of packets that a security group of the sender allows; those of the receiver decide next.
_ALLOWED_OUT = "0x1"


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkInterface:
    """Network interface in the VPC.

    Attributes:
        link: Name of the router's link to it.
        address: Private IPv4 address.
        groups: Security groups. An interface without any allows all traffic.
        public: True if the internet reaches it.
    """

    link: str
    address: IPv4Address
    groups: tuple[str, ...]
    public: bool = False


def security_group_rules(network: Network, interfaces: Sequence[NetworkInterface]) -> str:
    """Render the rules of the VPC's router, as input of ``iptables-restore``.

    An egress rule of the sender and an ingress rule of the receiver must allow a connection; after that all packets of
    it pass (Amazon VPC User Guide, *Security groups*). Security groups do not apply to the VPC's resolver.
    """
    # The rules of groups that no template declares are unknown: such groups allow all traffic.
    interfaces = [replace(each, groups=tuple(g for g in each.groups if g in network.groups)) for each in interfaces]
    used = dict.fromkeys(group for interface in interfaces for group in interface.groups)
    chains = {group: f"group{number}" for number, group in enumerate(used)}
    lines = ["*filter", ":INPUT DROP [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"]
    lines += (f":{chain}-{way} - [0:0]" for chain in chains.values() for way in ("in", "out"))
    lines += _input_rules(interfaces, chains)
    lines += _forward_rules(interfaces, chains)
    for group, chain in chains.items():
        for rule in network.groups[group].ingress:
            lines += (f"-A {chain}-in {match} -j ACCEPT" for match in _matches(rule, "-s", interfaces))
        for rule in network.groups[group].egress:
            matches = _matches(rule, "-d", interfaces)
            lines += (f"-A {chain}-out {match} -j MARK --set-mark {_ALLOWED_OUT}" for match in matches)
    return "\n".join((*lines, "COMMIT", ""))


def _input_rules(interfaces: Sequence[NetworkInterface], chains: Mapping[str, str]) -> Iterator[str]:
    yield "-A INPUT -i lo -j ACCEPT"
    yield "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
    yield "-A INPUT -p udp --dport 53 -j ACCEPT"
    yield "-A INPUT -p tcp --dport 53 -j ACCEPT"
    credentials = f"-d {CREDENTIALS_ENDPOINT[0]} -p tcp --dport {CREDENTIALS_ENDPOINT[1]}"
    api = f"-d {API_ADDRESSES} -p tcp --dport {API_PORT}"
    for interface in interfaces:
        # The address of a task stands for the task, so no other task may send with it.
        sender = f"-A INPUT -i {interface.link} -s {interface.address}"
        yield f"{sender} {credentials} -j ACCEPT"
        if not interface.groups:
            yield f"{sender} {api} -j ACCEPT"
        for group in interface.groups:
            yield f"{sender} {api} -j {chains[group]}-out"
    yield f"-A INPUT {api} -m mark --mark {_ALLOWED_OUT} -j ACCEPT"


def _forward_rules(interfaces: Sequence[NetworkInterface], chains: Mapping[str, str]) -> Iterator[str]:
    yield "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
    # Nothing exists outside the VPC. Rejected connections fail at once, dropped ones would time out.
    yield f"-A FORWARD -o {INTERNET_LINK} -j REJECT"
    for interface in interfaces:
        if interface.public:
            yield f"-A FORWARD -i {INTERNET_LINK} -o {interface.link} -j MARK --set-mark {_ALLOWED_OUT}"
        if not interface.groups:
            yield f"-A FORWARD -i {interface.link} -j MARK --set-mark {_ALLOWED_OUT}"
        for group in interface.groups:
            yield f"-A FORWARD -i {interface.link} -j {chains[group]}-out"
    yield f"-A FORWARD -m mark ! --mark {_ALLOWED_OUT} -j DROP"
    for interface in interfaces:
        if not interface.groups:
            yield f"-A FORWARD -o {interface.link} -j ACCEPT"
        for group in interface.groups:
            yield f"-A FORWARD -o {interface.link} -j {chains[group]}-in"


def _matches(rule: Rule, direction: str, interfaces: Iterable[NetworkInterface]) -> Iterator[str]:
    words = [] if rule.protocol == "all" else [f"-p {rule.protocol}"]
    if rule.protocol in ("tcp", "udp") and rule.first_port is not None:
        words.append(f"--dport {rule.first_port}:{rule.last_port}")
    members = [IPv4Network(each.address) for each in interfaces if rule.group in each.groups]
    for network in [rule.cidr] if rule.cidr is not None else members:
        yield " ".join((f"{direction} {network}", *words))


def redirection_rules(redirection: ProxyConfiguration) -> str:
    """Render the rules in the network namespace of a task, as input of ``iptables-restore``.

    Rules and their order are those of ``plugins/aws-appmesh/commands/commands.go`` of aws/amazon-ecs-cni-plugins.
    """
    lines = ["*nat"]
    if redirection.ingress_port is not None:
        ports = ",".join(map(str, redirection.app_ports))
        lines += (
            ":APPMESH_INGRESS - [0:0]",
            f"-A APPMESH_INGRESS -p tcp -m multiport --dports {ports} -j REDIRECT --to-port {redirection.ingress_port}",
            "-A PREROUTING -p tcp -m addrtype ! --src-type LOCAL -j APPMESH_INGRESS",
        )
    lines.append(":APPMESH_EGRESS - [0:0]")
    if redirection.ignored_uid is not None:
        lines.append(f"-A APPMESH_EGRESS -m owner --uid-owner {redirection.ignored_uid} -j RETURN")
    if redirection.ignored_gid is not None:
        lines.append(f"-A APPMESH_EGRESS -m owner --gid-owner {redirection.ignored_gid} -j RETURN")
    if redirection.ignored_ports:
        ports = ",".join(map(str, redirection.ignored_ports))
        lines.append(f"-A APPMESH_EGRESS -p tcp -m multiport --dports {ports} -j RETURN")
    ipv4_addresses = [address for address in redirection.ignored_ips if ":" not in address]
    lines += (f"-A APPMESH_EGRESS -p tcp -d {address} -j RETURN" for address in ipv4_addresses)
    lines.append(f"-A APPMESH_EGRESS -p tcp -j REDIRECT --to {redirection.egress_port}")
    lines.append("-A OUTPUT -p tcp -m addrtype ! --dst-type LOCAL -j APPMESH_EGRESS")
    return "\n".join((*lines, "COMMIT", ""))
