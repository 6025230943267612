"""Nodes with a hostname, which have no tasks in the mesh."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_servicediscovery as servicediscovery

from color_mesh import MeshError, MeshGateway, MeshNode, MeshRouter, ServiceMesh
from color_mesh.model import DnsDiscovery, Listener, VirtualServiceBackend
from tests.support.builders import TCP
from tests.support.cloudformation import Template, container, only, properties

DATABASE, HTTPS = Listener(port=5432, protocol="tcp"), Listener(port=443)
TASK = "AWS::ECS::TaskDefinition"

Declare = Callable[..., MeshNode]


@pytest.fixture
def declare(stack: Stack, any_mesh: ServiceMesh) -> Declare:
    """Declare another company's API with the arguments of the test."""
    return partial(MeshNode, stack, "Bank", mesh=any_mesh, name="bank", hostname="api.bank.example")


@pytest.fixture
def bank(stack: Stack, any_mesh: ServiceMesh, declare: Declare) -> MeshNode:
    """Node of that API."""
    MeshNode(stack, "Stock", mesh=any_mesh, name="stock", virtual_service=False)
    return declare(port=8443, virtual_service_name="stock.shop.local")


def targets(template: Template, family: str, name: str = "envoy-sidecar") -> list[tuple[str, int]]:
    """Return the address or Cloud Map service, and the port, of an Envoy's clusters for other tasks."""
    command = container(only(template, TASK, Family=family), name)["Command"]
    clusters: Any = json.loads(" ".join(command))["static_resources"]["clusters"]
    return [_target(each) for each in clusters if "_egress_" in each["name"]]


def _target(cluster: Any) -> tuple[str, int]:
    if cluster.get("type") == "EDS":
        service, _, query = cluster["eds_cluster_config"]["service_name"].partition("?")
        return service, int(parse_qs(query)["port"][0])
    address = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
    return address["address"], address["port_value"]


# Specification


def test_node_with_a_hostname_has_dns_discovery(bank: MeshNode, any_mesh: ServiceMesh) -> None:
    node = any_mesh.model.node("bank")
    assert node.discovery == DnsDiscovery(hostname="api.bank.example", response_type="LOADBALANCER")
    assert (bank.port, bank.virtual_service_name) == (8443, "stock.shop.local")


def test_node_with_a_hostname_has_the_response_type_given(any_mesh: ServiceMesh, declare: Declare) -> None:
    declare(response_type="ENDPOINTS", virtual_service=False)
    expected = DnsDiscovery(hostname="api.bank.example", response_type="ENDPOINTS")
    assert any_mesh.model.node("bank").discovery == expected


def test_node_with_a_hostname_has_no_cloud_map_service_and_no_security_group(
    declare: Declare, template: Callable[[], Template]
) -> None:
    bank = declare(virtual_service=False)
    synthesized = template()
    assert (bank.cloud_map_service, bank.security_group, bank.connections.security_groups) == (None, None, [])
    assert properties(synthesized, "AWS::ServiceDiscovery::Service") == []
    assert only(synthesized, "AWS::EC2::SecurityGroup")["GroupDescription"] == "Tasks that others call."


@pytest.mark.parametrize("any_mesh", ["app-mesh"], indirect=True)
def test_virtual_node_resource_has_the_hostname(
    bank: MeshNode, any_mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    spec = only(template(), "AWS::AppMesh::VirtualNode", VirtualNodeName="bank")["Spec"]
    assert spec["ServiceDiscovery"] == {"DNS": {"Hostname": "api.bank.example", "ResponseType": "LOADBALANCER"}}


# Callers


@pytest.mark.parametrize("any_mesh", ["app-mesh"], indirect=True)
def test_transparent_service_may_have_the_name_of_its_hostname(
    stack: Stack, any_mesh: ServiceMesh, declare: Declare
) -> None:
    bank = declare(virtual_service_name="API.bank.example")
    cart = MeshNode(stack, "Cart", mesh=any_mesh, name="cart", backends=[bank])
    backends = any_mesh.model.node(cart.name).backends
    assert backends == (VirtualServiceBackend(virtual_service="API.bank.example"),)


@pytest.mark.parametrize("any_mesh", ["app-mesh"], indirect=True)
def test_transparent_router_may_have_the_name_of_a_hostname(
    stack: Stack, any_mesh: ServiceMesh, declare: Declare
) -> None:
    declare(virtual_service=False)
    MeshRouter(stack, "Router", mesh=any_mesh, virtual_service_name="api.bank.example")
    assert any_mesh.model.known_services == ("api.bank.example",)


@pytest.mark.parametrize("any_mesh", ["app-mesh"], indirect=True)
def test_transparent_service_name_that_dns_does_not_answer_is_refused(stack: Stack, declare: Declare) -> None:
    with pytest.raises(MeshError) as error:
        declare()
    assert str(error.value) == (
        "virtual service 'bank.shop.local': has no DNS record in Cloud Map, got 'bank.shop.local' "
        "(name it after one of: api.bank.example)"
    )
    assert stack.node.try_find_child("Bank") is None


@pytest.mark.parametrize("any_mesh", ["envoy"], indirect=True)
def test_loopback_service_of_a_node_with_a_hostname_is_in_the_domain_by_default(
    stack: Stack, any_mesh: ServiceMesh, declare: Declare, template: Callable[[], Template]
) -> None:
    bank = declare()
    assert bank.virtual_service_name == "bank.shop.local"
    MeshNode(stack, "Cart", mesh=any_mesh, name="cart", backends=[bank])
    assert only(template(), "AWS::Route53::RecordSet")["Name"] == "bank.shop.local"


@pytest.mark.parametrize("any_mesh", ["envoy"], indirect=True)
def test_callers_connect_to_a_hostname_on_its_own_port_and_to_tasks_on_the_port_of_envoy(
    stack: Stack, any_mesh: ServiceMesh, declare: Declare, cluster: ecs.Cluster, template: Callable[[], Template]
) -> None:
    image = ecs.ContainerImage.from_registry("shop/app:1")
    stock = MeshNode(stack, "Stock", mesh=any_mesh, name="stock", port=81)
    cart = MeshNode(stack, "Cart", mesh=any_mesh, name="cart", backends=[stock])
    cart.implement(cart, "Task", cluster=cluster, image=image, family="cart")
    bank = declare(port=8443)
    cart.connect_to(bank)
    synthesized = template()
    assert targets(synthesized, "cart") == [("api.bank.example", 8443), ("tasks.shop.local/stock", 15100)]


@pytest.mark.parametrize("any_mesh", ["envoy"], indirect=True)
def test_gateway_connects_to_a_hostname_on_its_own_port(
    stack: Stack, any_mesh: ServiceMesh, declare: Declare, cluster: ecs.Cluster, template: Callable[[], Template]
) -> None:
    bank = declare(port=8443)
    gateway = MeshGateway(stack, "Gateway", mesh=any_mesh, name="door")
    gateway.add_route("Bank", to=bank)
    gateway.implement(gateway, "Task", cluster=cluster, family="door")
    assert targets(template(), "door", "envoy-proxy") == [("api.bank.example", 8443)]


# Egress rules of callers


@pytest.mark.parametrize("any_mesh", ["envoy"], indirect=True)
def test_security_groups_of_callers_allow_the_ports_of_a_hostname_to_all_addresses(
    stack: Stack, any_mesh: ServiceMesh, declare: Declare, template: Callable[[], Template]
) -> None:
    bank = declare(listeners=[TCP, DATABASE, HTTPS])
    MeshNode(stack, "Cart", mesh=any_mesh, name="cart", backends=[bank])
    synthesized = template()
    rules = properties(synthesized, "AWS::EC2::SecurityGroupEgress")
    assert [(rule["CidrIp"], rule["FromPort"], rule["ToPort"]) for rule in rules] == [
        ("0.0.0.0/0", port, port) for port in (83, 5432, 443)
    ]
    assert properties(synthesized, "AWS::EC2::SecurityGroupIngress") == []


def test_security_group_that_allows_all_egress_gets_no_rule_for_a_hostname(
    stack: Stack, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace, template: Callable[[], Template]
) -> None:
    mesh = ServiceMesh(stack, "Mesh", vpc=vpc, namespace=namespace, egress_filter="ALLOW_ALL", data_plane="app-mesh")
    bank = MeshNode(stack, "Bank", mesh=mesh, hostname="bank.example", virtual_service_name="bank.example")
    MeshNode(stack, "Cart", mesh=mesh, name="cart", backends=[bank])
    synthesized = template()
    assert properties(synthesized, "AWS::EC2::SecurityGroupEgress") == []
    group = only(synthesized, "AWS::EC2::SecurityGroup", GroupDescription="Tasks of a virtual node.")
    (rule,) = group["SecurityGroupEgress"]
    assert (rule["IpProtocol"], rule["CidrIp"]) == ("-1", "0.0.0.0/0")


def test_shared_security_group_gets_no_rule_for_a_hostname(
    stack: Stack, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace, template: Callable[[], Template]
) -> None:
    group = ec2.SecurityGroup(stack, "Closed", vpc=vpc, allow_all_outbound=False)
    mesh = ServiceMesh(stack, "Mesh", vpc=vpc, namespace=namespace, security_group=group, data_plane="app-mesh")
    bank = MeshNode(
        stack,
        "Bank",
        mesh=mesh,
        hostname="api.bank.example",
        virtual_service_name="api.bank.example",
    )
    MeshNode(stack, "Cart", mesh=mesh, backends=[bank])
    (rule,) = only(template(), "AWS::EC2::SecurityGroup")["SecurityGroupEgress"]
    assert rule["Description"] == "Disallow all traffic"


def test_backends_admit_no_caller_with_a_hostname(
    stack: Stack, any_mesh: ServiceMesh, declare: Declare, ingress: Callable[[], list[str]]
) -> None:
    stock = MeshNode(stack, "Stock", mesh=any_mesh, name="stock")
    declare(virtual_service=False, backends=[stock])
    assert ingress() == []


# Invalid arguments


@pytest.mark.parametrize("hostname", ["db.shop.local", "DB.shop.local", "db.shop.local."])
@pytest.mark.parametrize("any_mesh", ["envoy"], indirect=True)
def test_hostname_that_is_a_service_name_is_refused(
    stack: Stack, any_mesh: ServiceMesh, declare: Declare, hostname: str
) -> None:
    MeshRouter(stack, "Router", mesh=any_mesh, virtual_service_name="Db.shop.local")
    before = any_mesh.model
    with pytest.raises(MeshError) as error:
        declare(hostname=hostname, virtual_service=False)
    assert str(error.value) == (
        f"virtual node 'bank': hostname is the name of a virtual service, got '{hostname}' "
        "(give the service another name: DNS answers for it with a loopback address)"
    )
    assert stack.node.try_find_child("Bank") is None
    assert any_mesh.model == before


@pytest.mark.parametrize("any_mesh", ["envoy"], indirect=True)
def test_service_name_that_is_a_hostname_is_refused(stack: Stack, any_mesh: ServiceMesh, declare: Declare) -> None:
    declare(hostname="DB.shop.local", virtual_service=False)
    with pytest.raises(MeshError) as error:
        MeshRouter(stack, "Router", mesh=any_mesh, virtual_service_name="db.shop.local")
    assert str(error.value) == (
        "virtual node 'bank': hostname is the name of a virtual service, got 'DB.shop.local' "
        "(give the service another name: DNS answers for it with a loopback address)"
    )
    assert stack.node.try_find_child("Router") is None


def test_implementation_of_a_node_with_a_hostname_is_refused(
    bank: MeshNode, cluster: ecs.Cluster, image: ecs.ContainerImage
) -> None:
    with pytest.raises(MeshError) as error:
        bank.implement(bank, "Task", cluster=cluster, image=image, desired_count=-1)
    assert str(error.value).splitlines() == [
        (
            "virtual node 'bank': has a hostname and no tasks, got 'api.bank.example' "
            "(leave it out: a node with a hostname runs elsewhere, a node without one has tasks)"
        ),
        "task 'bank': desired count out of range, got -1 (0 to 5000)",
    ]
    assert bank.node.try_find_child("Task") is None


def test_every_problem_of_a_hostname_is_reported(stack: Stack, declare: Declare) -> None:
    with pytest.raises(MeshError) as error:
        declare(
            virtual_service=False,
            cloud_map_name="bank",
            cloud_map_description="Money.",
            dns_ttl=Duration.seconds(5),
            hostname="api..example",
            response_type="SOME",
        )
    assert str(error.value).splitlines() == [
        (
            "virtual node 'bank': has no Cloud Map service, "
            "got {'cloud_map_name': 'bank', 'cloud_map_description': 'Money.', 'dns_ttl': 5} "
            "(leave out cloud_map_name, cloud_map_description, dns_ttl: DNS looks up its hostname)"
        ),
        (
            "virtual node 'bank': service discovery is not a DNS name, got 'api..example' "
            "(labels of 1 to 63 letters, digits, '-' and '_', joined by dots)"
        ),
        "virtual node 'bank': unknown DNS response type, got 'SOME' (one of: LOADBALANCER, ENDPOINTS)",
    ]
    assert stack.node.try_find_child("Bank") is None


def test_response_type_without_a_hostname_is_refused(declare: Declare) -> None:
    with pytest.raises(MeshError) as error:
        declare(hostname=None, response_type="ENDPOINTS")
    assert str(error.value) == (
        "virtual node 'bank': has a response type but no hostname, got 'ENDPOINTS' "
        "(a hostname, or leave response_type out)"
    )


def test_ip_preference_without_a_hostname_is_refused(declare: Declare) -> None:
    with pytest.raises(MeshError) as error:
        declare(hostname=None, ip_preference="IPv4_ONLY")
    assert str(error.value) == (
        "virtual node 'bank': has an IP preference but no hostname, got 'IPv4_ONLY' "
        "(a hostname, or leave ip_preference out)"
    )


def test_ip_preference_is_that_of_the_dns_lookup(any_mesh: ServiceMesh, declare: Declare) -> None:
    declare(ip_preference="IPv4_ONLY", virtual_service=False)
    assert any_mesh.model.node("bank").discovery == DnsDiscovery(hostname="api.bank.example", ip_preference="IPv4_ONLY")
