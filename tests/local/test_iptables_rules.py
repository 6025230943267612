"""iptables rules of security groups, and of the redirection to Envoy."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from color_mesh.ecs.security_groups import ANYWHERE, Rule, SecurityGroup
from color_mesh.ecs.task_definitions import ProxyConfiguration
from color_mesh.local.plan.network import Network
from color_mesh.local.run.network.iptables_rules import NetworkInterface, redirection_rules, security_group_rules

A = NetworkInterface(link="a", address=IPv4Address("10.0.0.4"), groups=("x",))
B = NetworkInterface(link="b", address=IPv4Address("10.0.0.5"), groups=("y",), public=True)


def render(*interfaces: NetworkInterface, **groups: SecurityGroup) -> list[str]:
    network = Network(cidr=IPv4Network("10.0.0.0/16"), groups=groups)
    return [line for line in security_group_rules(network, interfaces).splitlines() if line.startswith("-A")]


def test_rules_of_security_groups_become_chains() -> None:
    y = SecurityGroup(
        name="y",
        ingress=(
            Rule(protocol="tcp", first_port=80, last_port=81, group="x"),
            Rule(protocol="udp", first_port=53, last_port=53, cidr=IPv4Network("192.0.2.0/24")),
            Rule(protocol="all", cidr=IPv4Network("192.0.2.7/32")),
        ),
        egress=(Rule(protocol="tcp", first_port=443, last_port=443, cidr=ANYWHERE),),
    )
    x = SecurityGroup(name="x", egress=(Rule(protocol="all", cidr=ANYWHERE),))
    rules = render(A, B, x=x, y=y)
    assert rules[-5:] == [
        "-A group0-out -d 0.0.0.0/0 -j MARK --set-mark 0x1",
        "-A group1-in -s 10.0.0.4/32 -p tcp --dport 80:81 -j ACCEPT",
        "-A group1-in -s 192.0.2.0/24 -p udp --dport 53:53 -j ACCEPT",
        "-A group1-in -s 192.0.2.7/32 -j ACCEPT",
        "-A group1-out -d 0.0.0.0/0 -p tcp --dport 443:443 -j MARK --set-mark 0x1",
    ]


def test_internet_reaches_only_public_interfaces() -> None:
    rules = [rule for rule in render(A, B) if "-i internet" in rule]
    assert rules == ["-A FORWARD -i internet -o b -j MARK --set-mark 0x1"]


def test_aws_is_reached_with_the_own_address_of_an_interface_and_as_its_security_groups_allow() -> None:
    y = SecurityGroup(name="y", egress=(Rule(protocol="tcp", first_port=443, last_port=443, cidr=ANYWHERE),))
    rules = [rule for rule in render(replace(A, groups=()), B, y=y) if rule.startswith("-A INPUT")]
    assert rules[-5:] == [
        "-A INPUT -i a -s 10.0.0.4 -d 169.254.170.2 -p tcp --dport 80 -j ACCEPT",
        "-A INPUT -i a -s 10.0.0.4 -d 198.51.100.8/29 -p tcp --dport 443 -j ACCEPT",
        "-A INPUT -i b -s 10.0.0.5 -d 169.254.170.2 -p tcp --dport 80 -j ACCEPT",
        "-A INPUT -i b -s 10.0.0.5 -d 198.51.100.8/29 -p tcp --dport 443 -j group0-out",
        "-A INPUT -d 198.51.100.8/29 -p tcp --dport 443 -m mark --mark 0x1 -j ACCEPT",
    ]


def test_undeclared_security_groups_allow_all_traffic() -> None:
    assert "-A FORWARD -o a -j ACCEPT" in render(A)


def test_redirection_has_the_rules_of_the_cni_plugin() -> None:
    redirection = ProxyConfiguration(
        app_ports=(80, 8080),
        ingress_port=15000,
        egress_port=15001,
        ignored_uid=1337,
        ignored_gid=1338,
        ignored_ports=(22, 3306),
        ignored_ips=("169.254.170.2", "10.9.0.0/16"),
    )
    assert redirection_rules(redirection).splitlines() == [
        "*nat",
        ":APPMESH_INGRESS - [0:0]",
        "-A APPMESH_INGRESS -p tcp -m multiport --dports 80,8080 -j REDIRECT --to-port 15000",
        "-A PREROUTING -p tcp -m addrtype ! --src-type LOCAL -j APPMESH_INGRESS",
        ":APPMESH_EGRESS - [0:0]",
        "-A APPMESH_EGRESS -m owner --uid-owner 1337 -j RETURN",
        "-A APPMESH_EGRESS -m owner --gid-owner 1338 -j RETURN",
        "-A APPMESH_EGRESS -p tcp -m multiport --dports 22,3306 -j RETURN",
        "-A APPMESH_EGRESS -p tcp -d 169.254.170.2 -j RETURN",
        "-A APPMESH_EGRESS -p tcp -d 10.9.0.0/16 -j RETURN",
        "-A APPMESH_EGRESS -p tcp -j REDIRECT --to 15001",
        "-A OUTPUT -p tcp -m addrtype ! --dst-type LOCAL -j APPMESH_EGRESS",
        "COMMIT",
    ]


def test_redirection_without_app_ports_leaves_ingress_alone() -> None:
    rules = redirection_rules(ProxyConfiguration(egress_port=15001, ignored_gid=1))
    assert "APPMESH_INGRESS" not in rules
