"""Implementation of a gateway: tasks, load balancer, security groups, and the effect of each argument."""

import re
from collections.abc import Callable
from functools import partial

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_servicediscovery as servicediscovery
from aws_cdk.assertions import Template as Assertions

from color_mesh import MeshError, MeshGateway, ServiceMesh
from color_mesh.cdk import GatewayImplementation
from tests.support.cloudformation import Properties, Template, container, only, properties, statements

GROUP = "AWS::EC2::SecurityGroup"
INGRESS = "AWS::EC2::SecurityGroupIngress"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
LOG_GROUP = "AWS::Logs::LogGroup"
SERVICE = "AWS::ECS::Service"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
TASK = "AWS::ECS::TaskDefinition"
SIZES = "256, 512, 1024, 2048, 4096, 8192, 16384"

Implement = Callable[..., GatewayImplementation]


@pytest.fixture
def gateway(stack: Stack, mesh: ServiceMesh) -> MeshGateway:
    return MeshGateway(stack, "Gateway", mesh=mesh, name="door")


@pytest.fixture
def implement(stack: Stack, gateway: MeshGateway, cluster: ecs.Cluster) -> Implement:
    """Implement the gateway with the arguments of the test."""
    return partial(gateway.implement, stack, "Door", cluster=cluster)


@pytest.fixture
def implement_at_8080(stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster) -> Implement:
    """Implement a gateway that listens on port 8080."""
    return partial(MeshGateway(stack, "Gateway", mesh=mesh, port=8080).implement, stack, "Door", cluster=cluster)


@pytest.fixture
def guarded_gateway(stack: Stack, guarded_mesh: ServiceMesh) -> MeshGateway:
    return MeshGateway(stack, "Gateway", mesh=guarded_mesh)


@pytest.fixture
def implement_guarded(stack: Stack, guarded_gateway: MeshGateway, cluster: ecs.Cluster) -> Implement:
    """Implement a gateway with its own security group."""
    return partial(guarded_gateway.implement, stack, "Door", cluster=cluster)


@pytest.fixture
def clients(stack: Stack) -> ec2.ISecurityGroup:
    """Security group that admits clients, created outside the gateway."""
    return ec2.SecurityGroup.from_security_group_id(stack, "Clients", "sg-clients")


def imports_of(stack: Stack) -> set[tuple[str, str]]:
    """Return the stack and the construct of each import of a stack."""
    template = str(Assertions.from_stack(stack).to_json())
    return set(re.findall(r"'Fn::ImportValue': '(\w+):ExportsOutput(?:Ref|FnGetAtt)(\w+?)[0-9A-F]{8}", template))


def envoy_of(template: Template) -> Properties:
    return container(only(template, TASK), "envoy-proxy")


def network_of(template: Template) -> Properties:
    network: Properties = only(template, SERVICE)["NetworkConfiguration"]["AwsvpcConfiguration"]
    return network


def id_of(stack: Stack, group: ec2.ISecurityGroup | None) -> object:
    assert group is not None
    return stack.resolve(group.security_group_id)


# Load balancer


def test_load_balancer_for_the_internet_is_in_the_public_subnets_and_tasks_in_the_private_ones(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement(exposure="internet")
    synthesized = template()
    balancer = only(synthesized, LOAD_BALANCER)
    assert (balancer["Type"], balancer["Scheme"]) == ("network", "internet-facing")
    assert balancer["Subnets"] == ["public-a", "public-b"]
    assert network_of(synthesized)["Subnets"] == ["private-a", "private-b"]
    assert network_of(synthesized)["AssignPublicIp"] == "DISABLED"


class TestInternal:
    """The default: clients in the VPC."""

    @pytest.fixture
    def implementation(self, implement_guarded: Implement) -> GatewayImplementation:
        return implement_guarded()

    @pytest.mark.usefixtures("implementation")
    def test_load_balancer_is_in_the_private_subnets(self, template: Callable[[], Template]) -> None:
        balancer = only(template(), LOAD_BALANCER)
        assert (balancer["Scheme"], balancer["Subnets"]) == ("internal", ["private-a", "private-b"])

    def test_internal_load_balancer_admits_clients_of_the_vpc_only(
        self, stack: Stack, implementation: GatewayImplementation, template: Callable[[], Template]
    ) -> None:
        synthesized = template()
        (entry,) = (
            each
            for each in properties(synthesized, GROUP)
            if each["GroupDescription"] == "Clients of a virtual gateway."
        )
        assert [(rule["CidrIp"], rule["FromPort"]) for rule in entry["SecurityGroupIngress"]] == [("10.7.0.0/16", 80)]
        assert only(synthesized, LOAD_BALANCER)["SecurityGroups"] == [id_of(stack, implementation.entry_security_group)]

    @pytest.mark.usefixtures("implementation")
    def test_internal_load_balancer_acknowledges_no_finding_about_public_access(
        self, template: Callable[[], Template]
    ) -> None:
        assert "AwsSolutions-EC23" not in str(template())


def test_internal_load_balancer_in_a_vpc_of_unknown_cidr_block_is_refused(
    implement_in_a_vpc_of_unknown_cidr_block: Implement,
) -> None:
    with pytest.raises(MeshError) as error:
        implement_in_a_vpc_of_unknown_cidr_block()
    assert str(error.value) == (
        "virtual gateway 'door': CIDR block of its VPC is not known, got 'Shop/Unknown' "
        "(import it with vpc_cidr_block, or give an entry_security_group)"
    )


def test_internal_load_balancer_has_the_entry_security_group_given(
    implement_in_a_vpc_of_unknown_cidr_block: Implement, clients: ec2.ISecurityGroup, template: Callable[[], Template]
) -> None:
    implement_in_a_vpc_of_unknown_cidr_block(entry_security_group=clients)
    balancer = only(template(), LOAD_BALANCER)
    assert (balancer["Subnets"], balancer["SecurityGroups"]) == (["private-a"], ["sg-mesh", "sg-clients"])


@pytest.mark.parametrize("exposure", ["internal", "internet"])
def test_load_balancer_is_a_network_load_balancer(
    exposure: str, implement: Implement, template: Callable[[], Template]
) -> None:
    implement(exposure=exposure)
    assert only(template(), LOAD_BALANCER)["Type"] == "network"


def test_load_balancer_forwards_connections_to_the_port_of_envoy(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    synthesized = template()
    listener, target_group = only(synthesized, LISTENER), only(synthesized, TARGET_GROUP)
    (target,) = only(synthesized, SERVICE)["LoadBalancers"]
    assert (listener["Protocol"], listener["Port"]) == ("TCP", 80)
    assert (target_group["Protocol"], target_group["Port"], target_group["TargetType"]) == ("TCP", 80, "ip")
    assert (target["ContainerName"], target["ContainerPort"]) == ("envoy-proxy", 80)
    assert listener["DefaultActions"] == [{"TargetGroupArn": target["TargetGroupArn"], "Type": "forward"}]


def test_target_group_has_a_frequent_health_check(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    target_group = only(template(), TARGET_GROUP)
    assert target_group["HealthCheckEnabled"] is True
    assert (target_group["HealthCheckIntervalSeconds"], target_group["HealthCheckTimeoutSeconds"]) == (10, 5)
    assert (target_group["HealthyThresholdCount"], target_group["UnhealthyThresholdCount"]) == (2, 3)


def test_load_balancer_and_target_group_have_generated_names_by_default(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    synthesized = template()
    assert "Name" not in only(synthesized, LOAD_BALANCER)
    assert "Name" not in only(synthesized, TARGET_GROUP)


def test_load_balancer_has_the_name_given(implement: Implement, template: Callable[[], Template]) -> None:
    implement(load_balancer_name="door-lb")
    assert only(template(), LOAD_BALANCER)["Name"] == "door-lb"


def test_target_group_has_the_name_given(implement: Implement, template: Callable[[], Template]) -> None:
    implement(target_group_name="door-tg")
    assert only(template(), TARGET_GROUP)["Name"] == "door-tg"


def test_load_balancer_target_group_and_container_have_the_port_of_the_gateway(
    implement_at_8080: Implement, template: Callable[[], Template]
) -> None:
    implement_at_8080()
    synthesized = template()
    (target,) = only(synthesized, SERVICE)["LoadBalancers"]
    assert only(synthesized, LISTENER)["Port"] == 8080
    assert only(synthesized, TARGET_GROUP)["Port"] == 8080
    assert target["ContainerPort"] == 8080
    assert envoy_of(synthesized)["PortMappings"] == [{"ContainerPort": 8080, "Protocol": "tcp"}]


def test_url_is_the_address_of_the_load_balancer(stack: Stack, implement: Implement) -> None:
    implementation = implement()
    assert implementation.load_balancer is not None
    name = stack.resolve(implementation.load_balancer.load_balancer_dns_name)
    assert stack.resolve(implementation.url) == {"Fn::Join": ["", ["http://", name]]}


def test_url_includes_a_port_other_than_80(stack: Stack, implement_at_8080: Implement) -> None:
    implementation = implement_at_8080()
    assert implementation.load_balancer is not None
    name = stack.resolve(implementation.load_balancer.load_balancer_dns_name)
    assert stack.resolve(implementation.url) == {"Fn::Join": ["", ["http://", name, ":8080"]]}


# Public IP addresses


def test_tasks_with_public_ip_addresses_are_in_the_public_subnets_without_a_load_balancer(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implementation = implement(exposure="public-ip")
    synthesized = template()
    assert network_of(synthesized)["AssignPublicIp"] == "ENABLED"
    assert network_of(synthesized)["Subnets"] == ["public-a", "public-b"]
    assert properties(synthesized, LOAD_BALANCER) == []
    assert properties(synthesized, TARGET_GROUP) == []
    assert "LoadBalancers" not in only(synthesized, SERVICE)
    assert (implementation.load_balancer, implementation.target_group, implementation.listener) == (None, None, None)


def test_url_of_tasks_with_public_ip_addresses_is_a_shell_expression(stack: Stack, implement: Implement) -> None:
    parts = stack.resolve(implement(exposure="public-ip").url)["Fn::Join"][1]
    assert parts[0] == "http://$(aws ec2 describe-network-interfaces --region "
    assert parts[1] == {"Ref": "AWS::Region"}
    assert parts[-1].endswith("--query 'NetworkInterfaces[0].Association.PublicIp' --output text)")


def test_url_of_tasks_with_public_ip_addresses_names_the_cluster_and_the_service(
    stack: Stack, implement: Implement
) -> None:
    implementation = implement(exposure="public-ip")
    parts = stack.resolve(implementation.url)["Fn::Join"][1]
    # Name of the cluster, from arn:…:service/cluster/name.
    assert {"Fn::Select": [1, {"Fn::Split": ["/", stack.resolve(implementation.fargate_service.service_arn)]}]} in parts
    assert stack.resolve(implementation.fargate_service.service_name) in parts


def test_url_of_tasks_with_public_ip_addresses_includes_a_port_other_than_80(
    stack: Stack, implement_at_8080: Implement
) -> None:
    parts = stack.resolve(implement_at_8080(exposure="public-ip").url)["Fn::Join"][1]
    assert parts[-1].endswith("--output text):8080")


def test_unknown_exposure_is_refused(stack: Stack, implement: Implement) -> None:
    with pytest.raises(MeshError) as error:
        implement(exposure="private")
    assert str(error.value) == (
        "virtual gateway 'door': unknown exposure, got 'private' (one of: internal, internet, public-ip, none)"
    )
    assert stack.node.try_find_child("Door") is None


# Subnets


def implement_in(
    vpc: ec2.IVpc,
    stack: Stack,
    namespace: servicediscovery.PrivateDnsNamespace,
    mesh_group: ec2.ISecurityGroup,
) -> Implement:
    """Implement a gateway in a VPC."""
    mesh = ServiceMesh(
        stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local", security_group=mesh_group, data_plane="app-mesh"
    )
    cluster = ecs.Cluster(stack, "Cluster", vpc=vpc)
    return partial(MeshGateway(stack, "Gateway", mesh=mesh, name="door").implement, stack, "Door", cluster=cluster)


@pytest.fixture
def implement_in_a_vpc_of_unknown_cidr_block(
    stack: Stack,
    namespace: servicediscovery.PrivateDnsNamespace,
    mesh_group: ec2.ISecurityGroup,
) -> Implement:
    """Implement a gateway in an imported VPC whose CIDR block is not known."""
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Unknown", vpc_id="vpc-unknown", availability_zones=["a"], private_subnet_ids=["private-a"]
    )
    return implement_in(vpc, stack, namespace, mesh_group)


@pytest.fixture
def implement_in_public_subnets(
    stack: Stack,
    namespace: servicediscovery.PrivateDnsNamespace,
    mesh_group: ec2.ISecurityGroup,
) -> Implement:
    """Implement a gateway in a VPC that has public subnets only."""
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Open",
        vpc_id="vpc-open",
        availability_zones=["a"],
        public_subnet_ids=["open-a"],
        vpc_cidr_block="10.8.0.0/16",
    )
    return implement_in(vpc, stack, namespace, mesh_group)


@pytest.fixture
def implement_in_private_subnets(
    stack: Stack,
    namespace: servicediscovery.PrivateDnsNamespace,
    mesh_group: ec2.ISecurityGroup,
) -> Implement:
    """Implement a gateway in a VPC that has private subnets only."""
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Closed", vpc_id="vpc-closed", availability_zones=["a"], private_subnet_ids=["closed-a"]
    )
    return implement_in(vpc, stack, namespace, mesh_group)


@pytest.mark.parametrize("exposure", ["internal", "internet"])
def test_tasks_behind_a_load_balancer_are_refused_in_a_vpc_without_private_subnets(
    exposure: str, stack: Stack, implement_in_public_subnets: Implement
) -> None:
    with pytest.raises(MeshError) as error:
        implement_in_public_subnets(exposure=exposure)
    assert str(error.value) == (
        "virtual gateway 'door': VPC has no private subnets with egress, got 'Shop/Open' "
        "(subnets with a route to a NAT gateway)"
    )
    assert stack.node.try_find_child("Door") is None


def test_tasks_with_public_ip_addresses_need_no_private_subnets(
    implement_in_public_subnets: Implement, template: Callable[[], Template]
) -> None:
    implement_in_public_subnets(exposure="public-ip")
    assert network_of(template())["Subnets"] == ["open-a"]


@pytest.mark.parametrize("exposure", ["internet", "public-ip"])
def test_gateway_for_the_internet_is_refused_in_a_vpc_without_public_subnets(
    stack: Stack, implement_in_private_subnets: Implement, exposure: str
) -> None:
    with pytest.raises(MeshError) as error:
        implement_in_private_subnets(exposure=exposure)
    assert str(error.value) == (
        "virtual gateway 'door': VPC has no public subnets, got 'Shop/Closed' "
        "(subnets with a route to an internet gateway)"
    )
    assert stack.node.try_find_child("Door") is None


def test_missing_subnets_are_reported_with_the_problems_of_the_task(implement_in_private_subnets: Implement) -> None:
    with pytest.raises(MeshError) as error:
        implement_in_private_subnets(exposure="internet", desired_count=5001)
    assert str(error.value).splitlines() == [
        (
            "virtual gateway 'door': VPC has no public subnets, got 'Shop/Closed' "
            "(subnets with a route to an internet gateway)"
        ),
        "task 'door': desired count out of range, got 5001 (0 to 5000)",
    ]


# Security groups


@pytest.mark.parametrize("exposure", ["internet", "public-ip"])
def test_entry_security_group_of_a_gateway_for_the_internet_admits_all_addresses_on_the_port(
    exposure: str, implement_at_8080: Implement, template: Callable[[], Template]
) -> None:
    implement_at_8080(exposure=exposure)
    assert only(template(), GROUP)["SecurityGroupIngress"] == [
        {
            "CidrIp": "0.0.0.0/0",
            "Description": "clients from anywhere",
            "IpProtocol": "tcp",
            "FromPort": 8080,
            "ToPort": 8080,
        }
    ]


def test_load_balancer_has_the_entry_security_group_and_the_shared_one(
    stack: Stack, implement: Implement, template: Callable[[], Template]
) -> None:
    implementation = implement()
    synthesized = template()
    assert only(synthesized, LOAD_BALANCER)["SecurityGroups"] == [
        "sg-mesh",
        id_of(stack, implementation.entry_security_group),
    ]
    assert network_of(synthesized)["SecurityGroups"] == ["sg-mesh"]


def test_load_balancer_has_the_entry_security_group_given(
    implement: Implement, clients: ec2.ISecurityGroup, template: Callable[[], Template]
) -> None:
    implementation = implement(entry_security_group=clients)
    synthesized = template()
    assert implementation.entry_security_group is clients
    assert only(synthesized, LOAD_BALANCER)["SecurityGroups"] == ["sg-mesh", "sg-clients"]
    assert properties(synthesized, GROUP) == []


def test_new_entry_security_group_has_a_description(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    assert only(template(), GROUP)["GroupDescription"] == "Clients of a virtual gateway."


def test_own_security_group_of_a_gateway_admits_the_load_balancer_on_its_port_only(
    implement_guarded: Implement, ingress: Callable[[], list[str]]
) -> None:
    implement_guarded()
    assert ingress() == ["DoorEntry -> Door tcp 80"]


def test_own_security_group_of_a_gateway_admits_the_entry_security_group_given(
    implement_guarded: Implement, clients: ec2.ISecurityGroup, ingress: Callable[[], list[str]]
) -> None:
    implement_guarded(entry_security_group=clients)
    assert ingress() == ["sg-clients -> Door tcp 80"]


def test_load_balancer_of_a_gateway_with_its_own_security_group_has_the_entry_security_group_only(
    stack: Stack, implement_guarded: Implement, template: Callable[[], Template]
) -> None:
    implementation = implement_guarded()
    assert only(template(), LOAD_BALANCER)["SecurityGroups"] == [id_of(stack, implementation.entry_security_group)]


NOTHING = "255.255.255.255/32"  # The CDK's rule for a group without outbound traffic.


@pytest.mark.parametrize("exposure", ["internal", "internet"])
def test_load_balancer_may_send_to_the_tasks_on_the_port_of_the_gateway_only(
    exposure: str,
    stack: Stack,
    implement_guarded: Implement,
    guarded_gateway: MeshGateway,
    template: Callable[[], Template],
) -> None:
    implementation = implement_guarded(exposure=exposure)
    synthesized = template()
    entry = only(synthesized, GROUP, GroupDescription="Clients of a virtual gateway.")
    rule = only(synthesized, "AWS::EC2::SecurityGroupEgress")
    assert [each["CidrIp"] for each in entry["SecurityGroupEgress"]] == [NOTHING]
    assert rule == {
        "Description": "the tasks of the gateway",
        "DestinationSecurityGroupId": id_of(stack, guarded_gateway.security_group),
        "GroupId": id_of(stack, implementation.entry_security_group),
        "IpProtocol": "tcp",
        "FromPort": 80,
        "ToPort": 80,
    }


def test_load_balancer_may_send_to_tasks_with_a_shared_security_group_on_the_port_of_the_gateway_only(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    rule = only(template(), "AWS::EC2::SecurityGroupEgress")
    assert (rule["DestinationSecurityGroupId"], rule["FromPort"], rule["ToPort"]) == ("sg-mesh", 80, 80)


def test_entry_security_group_of_tasks_with_public_ip_addresses_allows_no_outbound_traffic(
    implement_guarded: Implement, template: Callable[[], Template]
) -> None:
    implement_guarded(exposure="public-ip")
    synthesized = template()
    entry = only(synthesized, GROUP, GroupDescription="Clients of a virtual gateway.")
    assert [each["CidrIp"] for each in entry["SecurityGroupEgress"]] == [NOTHING]
    assert properties(synthesized, "AWS::EC2::SecurityGroupEgress") == []


def test_entry_security_group_given_that_restricts_outbound_traffic_gets_a_rule_for_the_tasks(
    stack: Stack, implement_guarded: Implement, guarded_gateway: MeshGateway, template: Callable[[], Template]
) -> None:
    closed = ec2.SecurityGroup(stack, "Closed", vpc=guarded_gateway.mesh.vpc, allow_all_outbound=False)
    implement_guarded(entry_security_group=closed)
    rule = only(template(), "AWS::EC2::SecurityGroupEgress")
    assert (rule["GroupId"], rule["ToPort"]) == (id_of(stack, closed), 80)


def test_shared_security_group_gets_no_rules(implement: Implement, ingress: Callable[[], list[str]]) -> None:
    implement()
    assert ingress() == []


def test_tasks_with_public_ip_addresses_have_the_entry_security_group_too(
    implement: Implement, clients: ec2.ISecurityGroup, template: Callable[[], Template]
) -> None:
    implement(exposure="public-ip", entry_security_group=clients)
    assert network_of(template())["SecurityGroups"] == ["sg-mesh", "sg-clients"]


def test_own_security_group_of_tasks_with_public_ip_addresses_gets_no_rules(
    stack: Stack, implement_guarded: Implement, guarded_gateway: MeshGateway, template: Callable[[], Template]
) -> None:
    implementation = implement_guarded(exposure="public-ip")
    synthesized = template()
    assert network_of(synthesized)["SecurityGroups"] == [
        id_of(stack, guarded_gateway.security_group),
        id_of(stack, implementation.entry_security_group),
    ]
    assert properties(synthesized, "AWS::EC2::SecurityGroupIngress") == []


# Task


def test_envoy_is_the_only_container_and_has_all_cpu_and_memory(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    task = only(template(), TASK)
    (envoy,) = task["ContainerDefinitions"]
    assert (task["Cpu"], task["Memory"]) == ("256", "512")
    assert (envoy["Name"], envoy["Cpu"], envoy["Memory"]) == ("envoy-proxy", 256, 512)


@pytest.mark.parametrize(
    ("cpu", "memory"), [pytest.param(512, 1024, id="512-least"), pytest.param(16384, 122880, id="largest")]
)
def test_envoy_has_all_cpu_and_memory_of_the_size_given(
    implement: Implement, template: Callable[[], Template], cpu: int, memory: int
) -> None:
    implement(cpu=cpu, memory_mib=memory)
    synthesized = template()
    task, envoy = only(synthesized, TASK), envoy_of(synthesized)
    assert (task["Cpu"], task["Memory"]) == (str(cpu), str(memory))
    assert (envoy["Cpu"], envoy["Memory"]) == (cpu, memory)


def test_gateway_has_no_proxy_configuration(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    synthesized = template()
    assert "ProxyConfiguration" not in only(synthesized, TASK)


def test_envoy_of_app_mesh_is_not_root_and_may_bind_low_ports(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    envoy = envoy_of(template())
    assert envoy["User"] == "1337"
    assert envoy["SystemControls"] == [{"Namespace": "net.ipv4.ip_unprivileged_port_start", "Value": "0"}]


def test_envoy_receives_the_arn_of_its_virtual_gateway(
    implement: Implement, template: Callable[[], Template], resource_arn: Properties
) -> None:
    implement()
    assert envoy_of(template())["Environment"] == [{"Name": "APPMESH_RESOURCE_ARN", "Value": resource_arn}]


def test_envoy_has_a_health_check_of_its_state(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    command = envoy_of(template())["HealthCheck"]["Command"]
    assert command == ["CMD-SHELL", "curl -s http://localhost:9901/server_info | grep state | grep -q LIVE"]


def test_port_has_no_name_by_default(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    assert envoy_of(template())["PortMappings"] == [{"ContainerPort": 80, "Protocol": "tcp"}]


def test_port_has_the_name_given(implement: Implement, template: Callable[[], Template]) -> None:
    implement(port_name="door-port")
    assert envoy_of(template())["PortMappings"] == [{"ContainerPort": 80, "Name": "door-port", "Protocol": "tcp"}]


def test_task_runs_on_the_default_architecture(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    assert "RuntimePlatform" not in only(template(), TASK)


def test_task_runs_on_the_architecture_given(implement: Implement, template: Callable[[], Template]) -> None:
    implement(cpu_architecture=ecs.CpuArchitecture.ARM64)
    assert only(template(), TASK)["RuntimePlatform"] == {"CpuArchitecture": "ARM64"}


def test_every_problem_of_a_task_is_reported_and_nothing_is_created(stack: Stack, implement: Implement) -> None:
    with pytest.raises(MeshError) as error:
        implement(exposure="private", cpu=300, desired_count=5001)
    assert str(error.value).splitlines() == [
        "virtual gateway 'door': unknown exposure, got 'private' (one of: internal, internet, public-ip, none)",
        f"task 'door': CPU is not a Fargate size, got 300 (one of: {SIZES})",
        "task 'door': desired count out of range, got 5001 (0 to 5000)",
    ]
    assert stack.node.try_find_child("Door") is None


# Names


def test_family_and_service_have_generated_names_by_default(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    synthesized = template()
    assert only(synthesized, TASK)["Family"].startswith("ShopDoorTaskDefinition")
    assert "ServiceName" not in only(synthesized, SERVICE)


def test_family_is_the_one_given(implement: Implement, template: Callable[[], Template]) -> None:
    implement(family="door")
    assert only(template(), TASK)["Family"] == "door"


def test_service_has_the_name_given(implement: Implement, template: Callable[[], Template]) -> None:
    implement(service_name="door-svc")
    assert only(template(), SERVICE)["ServiceName"] == "door-svc"


@pytest.mark.parametrize(
    ("argument", "subject"),
    [
        pytest.param("load_balancer_name", "virtual gateway 'door': load balancer name", id="load-balancer"),
        pytest.param("target_group_name", "virtual gateway 'door': target group name", id="target-group"),
    ],
)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("the door", id="space"),
        pytest.param("the_door", id="underscore"),
        pytest.param("-door", id="dash-first"),
        pytest.param("door-", id="dash-last"),
        pytest.param("d" * 33, id="long"),
    ],
)
def test_name_that_elastic_load_balancing_does_not_accept_is_refused(
    stack: Stack, implement: Implement, argument: str, subject: str, name: str
) -> None:
    fix = "1 to 32 letters, digits and '-', with no '-' at either end and no 'internal-' at the start"
    with pytest.raises(MeshError) as error:
        implement(**{argument: name})
    assert str(error.value) == f"{subject} is invalid, got {name!r} ({fix})"
    assert stack.node.try_find_child("Door") is None


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("d", id="shortest"),
        pytest.param("d" * 32, id="longest"),
        pytest.param("My-door-1", id="every-kind-of-character"),
    ],
)
def test_name_within_the_limits_of_elastic_load_balancing_is_accepted(
    implement: Implement, template: Callable[[], Template], name: str
) -> None:
    implement(load_balancer_name=name, target_group_name=name)
    synthesized = template()
    assert only(synthesized, LOAD_BALANCER)["Name"] == name
    assert only(synthesized, TARGET_GROUP)["Name"] == name


def test_every_invalid_name_is_reported_and_nothing_is_created(stack: Stack, implement: Implement) -> None:
    with pytest.raises(MeshError) as error:
        implement(
            load_balancer_name="the door",
            target_group_name="-door",
            family="the door",
            service_name="the service",
            port_name="the port",
        )
    balancer = "1 to 32 letters, digits and '-', with no '-' at either end and no 'internal-' at the start"
    ecs_name = "letters, digits, '-' and '_'"
    port_name = "1 to 64 lower-case letters, digits, '_' and '-', with no '-' at the start"
    assert str(error.value).splitlines() == [
        f"virtual gateway 'door': load balancer name is invalid, got 'the door' ({balancer})",
        f"virtual gateway 'door': target group name is invalid, got '-door' ({balancer})",
        f"task 'door': family has invalid characters, got 'the door' ({ecs_name})",
        f"task 'door': service name has invalid characters, got 'the service' ({ecs_name})",
        f"container 'envoy-proxy': port name is invalid, got 'the port' ({port_name})",
    ]
    assert stack.node.try_find_child("Door") is None


# Service


def test_deployments_keep_the_number_of_tasks_by_default(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    assert "DesiredCount" not in only(template(), SERVICE)


@pytest.mark.parametrize("count", [pytest.param(0, id="least"), pytest.param(5000, id="most")])
def test_service_has_the_desired_count_given(
    implement: Implement, template: Callable[[], Template], count: int
) -> None:
    implement(desired_count=count)
    assert only(template(), SERVICE)["DesiredCount"] == count


def test_service_rolls_back_a_failed_deployment(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    deployment = only(template(), SERVICE)["DeploymentConfiguration"]
    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}


def test_gateway_is_not_registered_in_cloud_map(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    assert not only(template(), SERVICE).get("ServiceRegistries")


# Roles and logs


@pytest.fixture
def resource_arn() -> Properties:
    return {
        "Fn::Join": [
            "",
            [
                "arn:",
                {"Ref": "AWS::Partition"},
                ":appmesh:",
                {"Ref": "AWS::Region"},
                ":",
                {"Ref": "AWS::AccountId"},
                ":mesh/shop/virtualGateway/door",
            ],
        ]
    }


def test_task_may_only_stream_the_configuration_of_its_own_gateway(
    implement: Implement, template: Callable[[], Template], resource_arn: Properties
) -> None:
    implement()
    assert statements(template(), "DoorTaskRole") == [
        {"Action": "appmesh:StreamAggregatedResources", "Effect": "Allow", "Resource": resource_arn}
    ]


def test_ecs_exec_is_disabled_by_default(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    assert "EnableExecuteCommand" not in only(template(), SERVICE)


@pytest.mark.parametrize("enabled", [False, True])
def test_envoy_with_ecs_exec_has_an_init_process(
    implement: Implement, template: Callable[[], Template], enabled: bool
) -> None:
    implement(execute_command=enabled)
    (envoy,) = only(template(), "AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    assert envoy.get("LinuxParameters", {}).get("InitProcessEnabled", False) is enabled


def test_ecs_exec_grants_four_actions(implement: Implement, template: Callable[[], Template]) -> None:
    implement(execute_command=True)
    synthesized = template()
    _, more = statements(synthesized, "DoorTaskRole")
    assert only(synthesized, SERVICE)["EnableExecuteCommand"] is True
    assert more["Action"] == [
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
    ]


def test_task_has_a_log_group_with_a_retention_of_one_week_by_default(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    assert only(template(), LOG_GROUP) == {"RetentionInDays": 7}


def test_envoy_logs_to_the_log_group_given_and_has_permission_for_it_only(
    stack: Stack, implement: Implement, template: Callable[[], Template]
) -> None:
    implement(log_group=logs.LogGroup.from_log_group_arn(stack, "Logs", "arn:aws:logs:eu-west-1:1:log-group:shop"))
    synthesized = template()
    options = envoy_of(synthesized)["LogConfiguration"]["Options"]
    (statement,) = statements(synthesized, "DoorTaskDefinitionExecutionRole")
    assert properties(synthesized, LOG_GROUP) == []
    assert (options["awslogs-group"], options["awslogs-stream-prefix"]) == ("shop", "door-envoy-proxy")
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert statement["Resource"] == "arn:aws:logs:eu-west-1:1:log-group:shop:*"


# Specification and implementation in two stacks


def test_implementation_in_another_stack_imports_the_needs_of_the_service_and_no_app_mesh_resource(app: App) -> None:
    network = Stack(app, "Network")
    vpc = ec2.Vpc(network, "Vpc", max_azs=1)
    cluster = ecs.Cluster(network, "Cluster", vpc=vpc)
    namespace = servicediscovery.PrivateDnsNamespace(network, "Namespace", name="shop.local", vpc=vpc)
    entry = ec2.SecurityGroup(network, "Entry", vpc=vpc)
    mesh = ServiceMesh(Stack(app, "Specification"), "Mesh", vpc=vpc, namespace=namespace, data_plane="app-mesh")
    gateway = MeshGateway(mesh, "Gateway", mesh=mesh)
    tasks = Stack(app, "Tasks")
    gateway.implement(tasks, "Door", cluster=cluster, exposure="internet", entry_security_group=entry)
    assert imports_of(tasks) == {
        ("Network", "Cluster"),
        ("Network", "Entry"),
        ("Network", "Vpc"),
        ("Network", "VpcPrivateSubnet1Subnet"),
        ("Network", "VpcPublicSubnet1Subnet"),
    }


def test_rule_that_admits_the_load_balancer_is_in_the_stack_of_the_tasks(
    app: App, stack: Stack, guarded_gateway: MeshGateway, cluster: ecs.Cluster
) -> None:
    tasks = Stack(app, "Tasks")
    implementation = guarded_gateway.implement(tasks, "Door", cluster=cluster)
    rule = only(dict(Assertions.from_stack(tasks).to_json()), INGRESS)
    assert rule["SourceSecurityGroupId"] == id_of(tasks, implementation.entry_security_group)
    assert rule["GroupId"] == id_of(tasks, guarded_gateway.security_group)
    assert (rule["FromPort"], rule["ToPort"]) == (80, 80)
    assert properties(dict(Assertions.from_stack(stack).to_json()), INGRESS) == []


# Returned constructs


def test_envoy_container_is_returned(implement: Implement, template: Callable[[], Template]) -> None:
    implement().envoy_container.add_environment("ENVOY_LOG_LEVEL", "debug")
    assert envoy_of(template())["Environment"][-1] == {"Name": "ENVOY_LOG_LEVEL", "Value": "debug"}


def test_returned_task_role_accepts_more_permissions(implement: Implement, template: Callable[[], Template]) -> None:
    implement().task_role.add_to_principal_policy(
        iam.PolicyStatement(actions=["s3:GetObject"], resources=["arn:aws:s3:::a/*"])
    )
    assert statements(template(), "DoorTaskRole")[-1]["Action"] == "s3:GetObject"


def test_returned_service_can_be_scaled(implement: Implement, template: Callable[[], Template]) -> None:
    implement().fargate_service.auto_scale_task_count(max_capacity=4)
    assert only(template(), "AWS::ApplicationAutoScaling::ScalableTarget")["MaxCapacity"] == 4


def test_load_balancer_target_group_and_listener_are_returned(
    stack: Stack, implement: Implement, template: Callable[[], Template]
) -> None:
    implementation = implement()
    assert implementation.load_balancer is not None
    assert implementation.target_group is not None
    assert implementation.listener is not None
    arn = stack.resolve(implementation.listener.listener_arn)
    synthesized = template()
    listener = only(synthesized, LISTENER)
    assert synthesized["Resources"][arn["Ref"]]["Properties"] == listener
    assert listener["LoadBalancerArn"] == stack.resolve(implementation.load_balancer.load_balancer_arn)
    assert listener["DefaultActions"][0]["TargetGroupArn"] == stack.resolve(
        implementation.target_group.target_group_arn
    )


def test_trusted_hops_are_refused_with_app_mesh(stack: Stack, implement: Implement) -> None:
    with pytest.raises(MeshError) as error:
        implement(trusted_hops=1)
    assert str(error.value) == (
        "virtual gateway 'door': App Mesh does not support 'trusted_hops', got 1 (leave it out, or use "
        "data_plane='envoy')"
    )
    assert stack.node.try_find_child("Door") is None
