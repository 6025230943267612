"""Reading of ECS services, and of the Cloud Map services and networks that they use."""

from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from color_mesh.ecs.cloud_map import DiscoveryService
from color_mesh.ecs.security_groups import ANYWHERE, Rule, SecurityGroup, admits
from color_mesh.ecs.services import Registration, Service
from tests.support.local_templates import Change, declared, resource, with_properties

SUBNET, GROUP, NAME = (f"shop.template.json: {name}" for name in ("Subnet", "Group", "Name"))
NAMESPACE = "shop.template.json: Namespace"


def service(folder: Path, **properties: Any) -> Service:
    (value,) = declared(folder, with_properties("Service", **properties)).services.values()
    return value


def test_defaults_of_a_service_are_those_of_ecs(tmp_path: Path) -> None:
    assert service(tmp_path, ServiceName=None) == Service(
        name="Service",
        task_definition="shop.template.json: Task",
        desired_count=1,
        subnets=(SUBNET,),
        groups=(GROUP,),
        public=False,
        discovery=(Registration(registry=NAME),),
        minimum_percent=100,
        maximum_percent=200,
        grace_seconds=0,
        deployment_controller="ECS",
        scheduling_strategy="REPLICA",
    )


def test_every_property_of_a_service_is_read(tmp_path: Path) -> None:
    network = {"Subnets": ["subnet-1"], "SecurityGroups": ["sg-1"], "AssignPublicIp": "ENABLED"}
    assert service(
        tmp_path,
        DesiredCount=0,
        TaskDefinition="red:7",
        NetworkConfiguration={"AwsvpcConfiguration": network},
        ServiceRegistries=[{"RegistryArn": "arn:aws:servicediscovery:1", "Port": 80}],
        LoadBalancers=[{"TargetGroupArn": "arn:aws:elasticloadbalancing:1", "ContainerPort": 8080}],
        DeploymentConfiguration={"MinimumHealthyPercent": 0, "MaximumPercent": 150},
        HealthCheckGracePeriodSeconds=20,
        LaunchType="EC2",
        DeploymentController={"Type": "CODE_DEPLOY"},
        SchedulingStrategy="DAEMON",
        EnableExecuteCommand=True,
    ) == Service(
        name="stock-svc",
        declared_name="stock-svc",
        task_definition="red:7",
        desired_count=0,
        subnets=("subnet-1",),
        groups=("sg-1",),
        public=True,
        discovery=(Registration(registry="arn:aws:servicediscovery:1", port=80),),
        targets=(Registration(registry="arn:aws:elasticloadbalancing:1", port=8080),),
        minimum_percent=0,
        maximum_percent=150,
        grace_seconds=20,
        launch_type="EC2",
        deployment_controller="CODE_DEPLOY",
        scheduling_strategy="DAEMON",
        execute_command=True,
    )


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param(
            {"DnsConfig": {"DnsRecords": [{"Type": "SRV", "TTL": 5}], "RoutingPolicy": "WEIGHTED"}},
            DiscoveryService(
                name="stock", namespace="shop.local", records=(("SRV", 5),), weighted=True, namespace_key=NAMESPACE
            ),
            id="weighted",
        ),
        pytest.param(
            {"NamespaceId": "ns-1"},
            DiscoveryService(name="stock", namespace=None, records=(("A", 60),)),
            id="undeclared-namespace",
        ),
        pytest.param(
            {"DnsConfig": None},
            DiscoveryService(name="stock", namespace="shop.local", namespace_key=NAMESPACE),
            id="without-dns",
        ),
    ],
)
def test_cloud_map_services_have_records_and_a_policy(
    tmp_path: Path, properties: dict[str, Any], expected: DiscoveryService
) -> None:
    assert declared(tmp_path, with_properties("Name", **properties)).discovery_services == {NAME: expected}


def test_dns_name_is_below_the_namespace() -> None:
    assert DiscoveryService(name="stock", namespace="shop.local").dns_name == "stock.shop.local"


def test_address_ranges_of_the_vpc_and_its_subnets_are_read(tmp_path: Path) -> None:
    declarations = declared(tmp_path)
    assert list(declarations.vpcs.values()) == [IPv4Network("10.1.0.0/16")]
    assert declarations.subnets == {SUBNET: IPv4Network("10.1.2.0/24")}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(
            with_properties("Subnet", CidrBlock="10.0.0.0/8"),
            "Subnet.CidrBlock: is not a range of a VPC, got '10.0.0.0/8'",
            id="too-large",
        ),
        pytest.param(
            with_properties("Vpc", CidrBlock="ten"), "Vpc.CidrBlock: is not a range of a VPC, got 'ten'", id="no-range"
        ),
    ],
)
def test_invalid_address_range_is_a_problem(tmp_path: Path, change: Change, expected: str) -> None:
    fix = "(an IPv4 network of /16 to /28, such as 10.0.0.0/16)"
    assert [each.text for each in declared(tmp_path, change).problems] == [f"shop.template.json: {expected} {fix}"]


def test_rules_of_a_security_group_may_be_resources_of_their_own(tmp_path: Path) -> None:
    group = {"Fn::GetAtt": ["Group", "GroupId"]}
    more = {
        "In": resource(
            "AWS::EC2::SecurityGroupIngress",
            GroupId=group,
            IpProtocol="6",
            FromPort=80,
            ToPort=81,
            SourceSecurityGroupId=group,
        ),
        "Out": resource("AWS::EC2::SecurityGroupEgress", GroupId=group, IpProtocol="-1", CidrIp="10.0.0.0/8"),
    }
    change = with_properties(
        "Group", SecurityGroupIngress=[{"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "CidrIp": "0.0.0.0/0"}]
    )
    assert declared(tmp_path, change, more).security_groups[GROUP] == SecurityGroup(
        name="tasks",
        ingress=(
            Rule(protocol="udp", first_port=53, last_port=53, cidr=ANYWHERE),
            Rule(protocol="tcp", first_port=80, last_port=81, group=GROUP),
        ),
        egress=(Rule(protocol="all", cidr=IPv4Network("10.0.0.0/8")),),
    )


@pytest.mark.parametrize("protocol", ["tcp", "ICMP", "icmpv6", "-1", "0", "50", "255"])
def test_protocols_of_rules_have_names_or_numbers(tmp_path: Path, protocol: str) -> None:
    rule = {"IpProtocol": protocol, "CidrIp": "0.0.0.0/0"}
    assert not declared(tmp_path, with_properties("Group", SecurityGroupIngress=[rule])).problems


@pytest.mark.parametrize("protocol", ["tcp -j ACCEPT", "tcp\n-A INPUT -j ACCEPT", "256", "\u0661", "http", "-2"])
def test_protocol_that_is_none_is_a_problem(tmp_path: Path, protocol: str) -> None:
    rule = {"IpProtocol": protocol, "CidrIp": "0.0.0.0/0"}
    (found,) = declared(tmp_path, with_properties("Group", SecurityGroupIngress=[rule])).problems
    fix = "tcp, udp, icmp, icmpv6, -1, or 0 to 255"
    assert found.text.endswith(f".IpProtocol: is not a protocol, got {protocol!r} ({fix})")


@pytest.mark.parametrize("ports", [{"FromPort": 80}, {"FromPort": 81, "ToPort": 80}, {"FromPort": 1, "ToPort": 65536}])
def test_ports_that_are_no_range_are_a_problem(tmp_path: Path, ports: dict[str, int]) -> None:
    rule = {"IpProtocol": "tcp", "CidrIp": "0.0.0.0/0", **ports}
    (found,) = declared(tmp_path, with_properties("Group", SecurityGroupIngress=[rule])).problems
    assert found.text.endswith(f".ToPort: does not end a range of ports, got {ports.get('ToPort')} (FromPort to 65535)")


def test_addresses_of_a_rule_may_have_the_bits_of_a_host(tmp_path: Path) -> None:
    rule = {"IpProtocol": "-1", "CidrIp": "100.68.0.18/18"}
    declarations = declared(tmp_path, with_properties("Group", SecurityGroupIngress=[rule]))
    assert not declarations.problems
    assert declarations.security_groups[GROUP].ingress == (Rule(protocol="all", cidr=IPv4Network("100.68.0.0/18")),)


def test_outbound_rule_with_a_problem_does_not_allow_all_traffic(tmp_path: Path) -> None:
    rule = {"IpProtocol": "tcp", "CidrIp": "ten"}
    declarations = declared(tmp_path, with_properties("Group", SecurityGroupEgress=[rule]))
    assert len(declarations.problems) == 1
    assert declarations.security_groups[GROUP].egress == ()


def test_security_group_without_rules_allows_outbound_traffic(tmp_path: Path) -> None:
    assert declared(tmp_path).security_groups[GROUP].egress == (Rule(protocol="all", cidr=ANYWHERE),)


@pytest.mark.parametrize(
    ("rule", "admitted"),
    [
        pytest.param(Rule(protocol="tcp", first_port=80, last_port=81, group="callers"), True, id="member"),
        pytest.param(Rule(protocol="tcp", first_port=80, last_port=81, group="others"), False, id="other-group"),
        pytest.param(Rule(protocol="tcp", first_port=82, last_port=90, group="callers"), False, id="other-port"),
        pytest.param(Rule(protocol="udp", group="callers"), False, id="other-protocol"),
        pytest.param(Rule(protocol="all", cidr=IPv4Network("10.0.0.0/8")), True, id="address"),
        pytest.param(Rule(protocol="all", cidr=IPv4Network("192.0.2.0/24")), False, id="other-address"),
    ],
)
def test_rule_admits_members_of_a_group_or_addresses(rule: Rule, admitted: bool) -> None:
    group = SecurityGroup(name="tasks", ingress=(rule,))
    assert admits(group, "tcp", 81, frozenset({"callers"}), IPv4Network("10.1.2.0/24")) is admitted
