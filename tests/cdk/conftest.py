"""Stack for the tests of constructs: a VPC, a namespace ``shop.local``, a cluster, and meshes of several kinds."""

import re
from collections.abc import Callable

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_servicediscovery as servicediscovery
from aws_cdk.assertions import Template as Assertions

from color_mesh import ServiceMesh
from tests.support.cloudformation import Template, properties
from tests.support.tasks_by_hand import use_nodes


@pytest.fixture
def app() -> App:
    return App(builtin_cloud_formation_validation=False)


@pytest.fixture
def stack(app: App) -> Stack:
    return Stack(app, "Shop")


@pytest.fixture
def vpc(stack: Stack) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-shop",
        availability_zones=["a", "b"],
        public_subnet_ids=["public-a", "public-b"],
        private_subnet_ids=["private-a", "private-b"],
        vpc_cidr_block="10.7.0.0/16",
    )


@pytest.fixture
def namespace(stack: Stack, vpc: ec2.IVpc) -> servicediscovery.PrivateDnsNamespace:
    return servicediscovery.PrivateDnsNamespace(stack, "Namespace", name="shop.local", vpc=vpc)


@pytest.fixture
def cluster(stack: Stack, vpc: ec2.IVpc) -> ecs.Cluster:
    return ecs.Cluster(stack, "Cluster", vpc=vpc)


@pytest.fixture
def image() -> ecs.ContainerImage:
    return ecs.ContainerImage.from_registry("shop/app:1")


@pytest.fixture
def mesh_group(stack: Stack) -> ec2.ISecurityGroup:
    return ec2.SecurityGroup.from_security_group_id(stack, "MeshGroup", "sg-mesh")


@pytest.fixture
def mesh(
    stack: Stack, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace, mesh_group: ec2.ISecurityGroup
) -> ServiceMesh:
    """Mesh whose tasks share one security group."""
    return ServiceMesh(
        stack, "Mesh", mesh_name="shop", vpc=vpc, namespace=namespace, security_group=mesh_group, data_plane="app-mesh"
    )


@pytest.fixture
def guarded_mesh(stack: Stack, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace) -> ServiceMesh:
    """Mesh in which each node has its own security group."""
    return ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, namespace=namespace, data_plane="app-mesh")


@pytest.fixture(params=["app-mesh", "envoy"])
def any_mesh(request: pytest.FixtureRequest, stack: Stack, vpc: ec2.IVpc) -> ServiceMesh:
    """Mesh with services in ``shop.local`` on each data plane, in which each node has its own security group."""
    name = {"app-mesh": "shop.local", "envoy": "tasks.shop.local"}[request.param]
    namespace = servicediscovery.PrivateDnsNamespace(stack, "Tasks", name=name, vpc=vpc)
    return ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, namespace=namespace, data_plane=request.param)


@pytest.fixture
def template(stack: Stack) -> Callable[[], Template]:
    """Synthesize the stack, with all that nodes have for tasks. A test can do this once, at its end."""

    def template() -> Template:
        use_nodes(stack)
        return dict(Assertions.from_stack(stack).to_json())

    return template


@pytest.fixture
def ingress(template: Callable[[], Template]) -> Callable[[], list[str]]:
    """Synthesize the stack and return its ingress rules by names, such as ``Orders -> Cart tcp 80``."""

    def ingress() -> list[str]:
        return [
            f"{_owner(rule['SourceSecurityGroupId'])} -> {_owner(rule['GroupId'])} {_ports(rule)}"
            for rule in properties(template(), "AWS::EC2::SecurityGroupIngress")
        ]

    return ingress


def _owner(group: str | dict[str, list[str]]) -> str:
    # CartSecurityGroup01234567 is the security group of node Cart, DoorEntrySecurityGroup01234567 that of an entry.
    own = r"(SecurityGroup)?[0-9A-F]{8}$"
    return group if isinstance(group, str) else re.sub(own, "", group["Fn::GetAtt"][0])


def _ports(rule: dict[str, object]) -> str:
    first, last = rule["FromPort"], rule["ToPort"]
    return f"{rule['IpProtocol']} {first}" if first == last else f"{rule['IpProtocol']} {first}-{last}"
