"""Things of other apps or teams that a mesh uses, on each data plane."""

from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_servicediscovery as servicediscovery

from color_mesh import MeshGateway, MeshNode, ServiceMesh
from color_mesh.model.deployment import DataPlaneName
from tests.support.cloudformation import Template, only, properties

SERVICE = "AWS::ECS::Service"
PLANES: tuple[DataPlaneName, ...] = ("app-mesh", "envoy")


def build(data_plane: DataPlaneName) -> Template:
    """Synthesize a node and a gateway in a network of which everything is imported."""
    app = App(builtin_cloud_formation_validation=False)
    stack = Stack(app, "Tasks")
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-old",
        availability_zones=["a", "b"],
        private_subnet_ids=["subnet-1", "subnet-2"],
        vpc_cidr_block="10.0.0.0/16",
    )
    name = {"app-mesh": "old.local", "envoy": "tasks.old.local"}[data_plane]
    namespace = servicediscovery.PrivateDnsNamespace.from_private_dns_namespace_attributes(
        stack,
        "Namespace",
        namespace_name=name,
        namespace_id="ns-old",
        namespace_arn="arn:aws:servicediscovery:eu-west-1:111122223333:namespace/ns-old",
    )
    cluster = ecs.Cluster.from_cluster_attributes(stack, "Cluster", cluster_name="old", vpc=vpc)
    group = ec2.SecurityGroup.from_security_group_id(stack, "Gateways", "sg-gateways", allow_all_outbound=False)
    entry = ec2.SecurityGroup.from_security_group_id(stack, "Clients", "sg-clients")
    log_group = logs.LogGroup.from_log_group_name(stack, "Logs", "/old")
    mesh = ServiceMesh(stack, "Mesh", mesh_name="old", vpc=vpc, namespace=namespace, data_plane=data_plane)
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
    image = ecs.ContainerImage.from_registry("shop/app:1")
    cart.implement(stack, "CartTask", cluster=cluster, image=image, app_address="127.0.0.1", log_group=log_group)
    gateway = MeshGateway(stack, "Gateway", mesh=mesh, name="door", security_group=group)
    gateway.add_route("Cart", to=cart)
    gateway.implement(stack, "Door", cluster=cluster, entry_security_group=entry, log_group=log_group)
    template: Template = app.synth().get_stack_by_name("Tasks").template
    return template


@pytest.fixture(scope="module", params=PLANES)
def template(request: pytest.FixtureRequest) -> Template:
    return build(request.param)


def service_of(template: Template, first_group: str) -> dict[str, Any]:
    (service,) = (
        each
        for each in properties(template, SERVICE)
        if first_group in str(each["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"][0])
    )
    return service


def test_imported_vpc_has_the_tasks_and_the_security_groups(template: Template) -> None:
    network = service_of(template, "sg-gateways")["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["Subnets"] == ["subnet-1", "subnet-2"]
    assert {group["VpcId"] for group in properties(template, "AWS::EC2::SecurityGroup")} == {"vpc-old"}


def test_imported_cluster_runs_the_services(template: Template) -> None:
    assert [service["Cluster"] for service in properties(template, SERVICE)] == ["old", "old"]


def test_imported_namespace_has_the_tasks(template: Template) -> None:
    assert only(template, "AWS::ServiceDiscovery::Service")["NamespaceId"] == "ns-old"
    assert properties(template, "AWS::ServiceDiscovery::PrivateDnsNamespace") == []


def test_imported_security_group_of_a_gateway_is_admitted_and_let_out(template: Template) -> None:
    (rule,) = (
        each
        for each in properties(template, "AWS::EC2::SecurityGroupIngress")
        if each["SourceSecurityGroupId"] == "sg-gateways"
    )
    assert "CartTask" in rule["GroupId"]["Fn::GetAtt"][0]
    (out,) = (
        each for each in properties(template, "AWS::EC2::SecurityGroupEgress") if each["Description"] == "backends"
    )
    assert out["GroupId"] == "sg-gateways"


def test_imported_security_group_of_clients_reaches_the_gateway(template: Template) -> None:
    (rule,) = (
        each
        for each in properties(template, "AWS::EC2::SecurityGroupIngress")
        if each["SourceSecurityGroupId"] == "sg-clients"
    )
    assert rule["GroupId"] == "sg-gateways"


def test_imported_log_group_has_the_logs(template: Template) -> None:
    assert properties(template, "AWS::Logs::LogGroup") == []
