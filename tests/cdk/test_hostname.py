"""Nodes outside the mesh's tasks, which DNS finds at names of their own."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_servicediscovery as servicediscovery

from color_mesh import ColorRouter, MeshedColorNode, MeshError, MeshGateway, ServiceMesh
from color_mesh.model import DnsDiscovery, Listener, VirtualServiceBackend
from tests.support.builders import TCP
from tests.support.cloudformation import Template, container, only, properties

DATABASE, HTTPS = Listener(port=5432, protocol="tcp"), Listener(port=443)
TASK = "AWS::ECS::TaskDefinition"

Declare = Callable[..., MeshedColorNode]


@pytest.fixture
def declare(stack: Stack, any_mesh: ServiceMesh) -> Declare:
    """Declare another company's API; each test gives the arguments that it is about."""
    return partial(MeshedColorNode, stack, "Bank", mesh=any_mesh, name="bank", hostname="api.bank.example")


@pytest.fixture
def bank(stack: Stack, any_mesh: ServiceMesh, declare: Declare) -> MeshedColorNode:
    """That API, called by the name of a node."""
    MeshedColorNode(stack, "Stock", mesh=any_mesh, name="stock", virtual_service=False)
    return declare(port=8443, virtual_service_name="stock.shop.local")


def targets(template: Template, family: str, name: str = "envoy-sidecar") -> list[tuple[str, int]]:
    """Where the clusters of an Envoy lead that are not its own application."""
    command = container(only(template, TASK, Family=family), name)["Command"]
    clusters: Any = json.loads(" ".join(command))["static_resources"]["clusters"]
    addresses = [
        each["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
        for each in clusters
        if "_egress_" in each["name"]
    ]
    return [(address["address"], address["port_value"]) for address in addresses]


# What it is


def test_node_at_a_hostname_is_found_by_dns(bank: MeshedColorNode, any_mesh: ServiceMesh) -> None:
    node = any_mesh.model.node("bank")
    assert node.discovery == DnsDiscovery(hostname="api.bank.example", response_type="LOADBALANCER")
    assert (bank.port, bank.virtual_service_name) == (8443, "stock.shop.local")


def test_node_at_a_hostname_has_the_response_type_given(any_mesh: ServiceMesh, declare: Declare) -> None:
    declare(response_type="ENDPOINTS", virtual_service=False)
    expected = DnsDiscovery(hostname="api.bank.example", response_type="ENDPOINTS")
    assert any_mesh.model.node("bank").discovery == expected


def test_node_at_a_hostname_has_no_cloud_map_service_and_no_group(
    declare: Declare, template: Callable[[], Template]
) -> None:
    bank = declare(virtual_service=False)
    found = template()
    assert (bank.cloud_map_service, bank.security_group, bank.connections.security_groups) == (None, None, [])
    assert properties(found, "AWS::ServiceDiscovery::Service") == []
    assert properties(found, "AWS::EC2::SecurityGroup") == []


@pytest.mark.parametrize("any_mesh", ["app-mesh"], indirect=True)
def test_app_mesh_is_told_the_hostname(
    bank: MeshedColorNode, any_mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    spec = only(template(), "AWS::AppMesh::VirtualNode", VirtualNodeName="bank")["Spec"]
    assert spec["ServiceDiscovery"] == {"DNS": {"Hostname": "api.bank.example", "ResponseType": "LOADBALANCER"}}


# How it is called


@pytest.mark.parametrize("any_mesh", ["app-mesh"], indirect=True)
def test_transparent_service_may_have_the_name_of_its_hostname(
    stack: Stack, any_mesh: ServiceMesh, declare: Declare
) -> None:
    bank = declare(virtual_service_name="API.bank.example")
    cart = MeshedColorNode(stack, "Cart", mesh=any_mesh, name="cart", backends=[bank])
    backends = any_mesh.model.node(cart.name).backends
    assert backends == (VirtualServiceBackend(virtual_service="API.bank.example"),)


@pytest.mark.parametrize("any_mesh", ["app-mesh"], indirect=True)
def test_transparent_router_may_have_the_name_of_a_hostname(
    stack: Stack, any_mesh: ServiceMesh, declare: Declare
) -> None:
    declare(virtual_service=False)
    ColorRouter(stack, "Router", mesh=any_mesh, virtual_service_name="api.bank.example")
    assert any_mesh.model.known_services == ("api.bank.example",)


@pytest.mark.parametrize("any_mesh", ["app-mesh"], indirect=True)
def test_transparent_service_of_a_node_at_a_hostname_must_be_answered(stack: Stack, declare: Declare) -> None:
    with pytest.raises(MeshError) as refused:
        declare()
    assert str(refused.value) == (
        "virtual service 'bank.shop.local': has no DNS record in Cloud Map, got 'bank.shop.local' "
        "(name it after one of: api.bank.example)"
    )
    assert stack.node.try_find_child("Bank") is None


@pytest.mark.parametrize("any_mesh", ["envoy"], indirect=True)
def test_loopback_service_of_a_node_at_a_hostname_is_in_the_domain_by_default(
    declare: Declare, template: Callable[[], Template]
) -> None:
    bank = declare()
    assert bank.virtual_service_name == "bank.shop.local"
    assert only(template(), "AWS::Route53::RecordSet")["Name"] == "bank.shop.local"


@pytest.mark.parametrize("any_mesh", ["envoy"], indirect=True)
def test_callers_reach_a_hostname_at_its_own_port_and_tasks_at_that_of_their_envoy(
    stack: Stack, any_mesh: ServiceMesh, declare: Declare, cluster: ecs.Cluster, template: Callable[[], Template]
) -> None:
    image = ecs.ContainerImage.from_registry("shop/app:1")
    stock = MeshedColorNode(stack, "Stock", mesh=any_mesh, name="stock", port=81)
    cart = MeshedColorNode(stack, "Cart", mesh=any_mesh, name="cart", backends=[stock])
    cart.implement(cart, "Task", cluster=cluster, image=image, family="cart")
    bank = declare(port=8443)
    cart.connect_to(bank)
    found = template()
    assert targets(found, "cart") == [("api.bank.example", 8443), ("stock.tasks.shop.local", 15100)]


@pytest.mark.parametrize("any_mesh", ["envoy"], indirect=True)
def test_a_gateway_reaches_a_hostname_at_its_own_port(
    stack: Stack, any_mesh: ServiceMesh, declare: Declare, cluster: ecs.Cluster, template: Callable[[], Template]
) -> None:
    bank = declare(port=8443)
    gateway = MeshGateway(stack, "Gateway", mesh=any_mesh, name="door")
    gateway.add_route("Bank", to=bank)
    gateway.implement(gateway, "Task", cluster=cluster, family="door")
    assert targets(template(), "door", "envoy-proxy") == [("api.bank.example", 8443)]


# What callers' groups let out


@pytest.mark.parametrize("any_mesh", ["envoy"], indirect=True)
def test_callers_let_out_to_any_address_at_the_ports_of_a_hostname(
    stack: Stack, any_mesh: ServiceMesh, declare: Declare, template: Callable[[], Template]
) -> None:
    bank = declare(listeners=[TCP, DATABASE, HTTPS])
    MeshedColorNode(stack, "Cart", mesh=any_mesh, name="cart", backends=[bank])
    found = template()
    rules = only(found, "AWS::EC2::SecurityGroup")["SecurityGroupEgress"]
    assert [(rule["CidrIp"], rule["FromPort"], rule["ToPort"]) for rule in rules] == [
        ("0.0.0.0/0", port, port) for port in (443, 83, 5432)
    ]
    assert properties(found, "AWS::EC2::SecurityGroupIngress") == []


@pytest.mark.parametrize("any_mesh", ["app-mesh"], indirect=True)
def test_callers_that_let_everything_out_need_no_rule(
    bank: MeshedColorNode, stack: Stack, any_mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    MeshedColorNode(stack, "Cart", mesh=any_mesh, name="cart", backends=[bank])
    groups = properties(template(), "AWS::EC2::SecurityGroup")
    assert [[rule["IpProtocol"] for rule in group["SecurityGroupEgress"]] for group in groups] == [["-1"], ["-1"]]


def test_the_one_group_of_a_mesh_is_taken_as_it_is(
    stack: Stack, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace, template: Callable[[], Template]
) -> None:
    group = ec2.SecurityGroup(stack, "Closed", vpc=vpc, allow_all_outbound=False)
    mesh = ServiceMesh(stack, "Mesh", vpc=vpc, namespace=namespace, security_group=group)
    bank = MeshedColorNode(
        stack,
        "Bank",
        mesh=mesh,
        hostname="api.bank.example",
        virtual_service_name="api.bank.example",
    )
    MeshedColorNode(stack, "Cart", mesh=mesh, backends=[bank])
    (rule,) = only(template(), "AWS::EC2::SecurityGroup")["SecurityGroupEgress"]
    assert rule["Description"] == "Disallow all traffic"


def test_a_node_at_a_hostname_opens_nothing_as_a_caller(
    stack: Stack, any_mesh: ServiceMesh, declare: Declare, ingress: Callable[[], list[str]]
) -> None:
    stock = MeshedColorNode(stack, "Stock", mesh=any_mesh, name="stock")
    declare(virtual_service=False, backends=[stock])
    assert ingress() == []


# What is refused


@pytest.mark.parametrize("hostname", ["db.shop.local", "DB.shop.local", "db.shop.local."])
@pytest.mark.parametrize("any_mesh", ["envoy"], indirect=True)
def test_hostname_of_a_service_is_refused(stack: Stack, any_mesh: ServiceMesh, declare: Declare, hostname: str) -> None:
    ColorRouter(stack, "Router", mesh=any_mesh, virtual_service_name="Db.shop.local")
    before = any_mesh.model
    with pytest.raises(MeshError) as refused:
        declare(hostname=hostname, virtual_service=False)
    assert str(refused.value) == (
        f"virtual node 'bank': hostname is the name of a virtual service, got '{hostname}' "
        "(give the service another name: DNS answers for it with a loopback address)"
    )
    assert stack.node.try_find_child("Bank") is None
    assert any_mesh.model == before


@pytest.mark.parametrize("any_mesh", ["envoy"], indirect=True)
def test_service_of_a_hostname_is_refused(stack: Stack, any_mesh: ServiceMesh, declare: Declare) -> None:
    declare(hostname="DB.shop.local", virtual_service=False)
    with pytest.raises(MeshError) as refused:
        ColorRouter(stack, "Router", mesh=any_mesh, virtual_service_name="db.shop.local")
    assert str(refused.value) == (
        "virtual node 'bank': hostname is the name of a virtual service, got 'DB.shop.local' "
        "(give the service another name: DNS answers for it with a loopback address)"
    )
    assert stack.node.try_find_child("Router") is None


def test_implementing_a_node_at_a_hostname_is_refused(
    bank: MeshedColorNode, cluster: ecs.Cluster, image: ecs.ContainerImage
) -> None:
    with pytest.raises(MeshError) as refused:
        bank.implement(bank, "Task", cluster=cluster, image=image, desired_count=-1)
    assert str(refused.value).splitlines() == [
        (
            "virtual node 'bank': has a hostname and no tasks, got 'api.bank.example' "
            "(leave implement out: a node with a hostname runs elsewhere, a node without one has tasks)"
        ),
        "task 'bank': desired count out of range, got -1 (0 to 5000)",
    ]
    assert bank.node.try_find_child("Task") is None


def test_every_problem_of_a_hostname_is_reported(stack: Stack, declare: Declare) -> None:
    with pytest.raises(MeshError) as refused:
        declare(
            virtual_service=False,
            cloud_map_name="bank",
            cloud_map_description="Money.",
            dns_ttl_seconds=5,
            hostname="api..example",
            response_type="SOME",
        )
    assert str(refused.value).splitlines() == [
        (
            "virtual node 'bank': has no Cloud Map service, "
            "got {'cloud_map_name': 'bank', 'cloud_map_description': 'Money.', 'dns_ttl_seconds': 5} "
            "(leave out cloud_map_name, cloud_map_description, dns_ttl_seconds: DNS looks up its hostname)"
        ),
        (
            "virtual node 'bank': service discovery is not a DNS name, got 'api..example' "
            "(labels of 1 to 63 letters, digits, '-' and '_', joined by dots)"
        ),
        "virtual node 'bank': unknown DNS response type, got 'SOME' (one of: LOADBALANCER, ENDPOINTS)",
    ]
    assert stack.node.try_find_child("Bank") is None


def test_response_type_without_a_hostname_is_refused(declare: Declare) -> None:
    with pytest.raises(MeshError) as refused:
        declare(hostname=None, response_type="ENDPOINTS")
    assert str(refused.value) == (
        "virtual node 'bank': has a response type but no hostname, got 'ENDPOINTS' "
        "(a hostname, or leave response_type out)"
    )
