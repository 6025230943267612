"""Defaults of a mesh, and the effect of each argument."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from aws_cdk import Aws, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_servicediscovery as servicediscovery
from aws_cdk.assertions import Annotations, Match
from constructs import Construct

from color_mesh import MeshError, MeshGateway, MeshNode, MeshRouter, ServiceMesh
from color_mesh.appmesh.source import read_source
from color_mesh.model.deployment import DataPlaneName
from tests.support.cloudformation import Template, container, only, properties

MESH = "AWS::AppMesh::Mesh"
NODE = "AWS::AppMesh::VirtualNode"
DEFAULT_ENVOY = "public.ecr.aws/appmesh/aws-appmesh-envoy:v1.27.0.0-prod"


def envoy_image(template: Template) -> object:
    return container(only(template, "AWS::ECS::TaskDefinition"), "envoy-sidecar")["Image"]


def mesh_id(template: Template) -> str:
    """Return the logical id of the only mesh."""
    logical_id: str
    (logical_id,) = (id for id, resource in template["Resources"].items() if resource["Type"] == MESH)
    return logical_id


def group_id(node: MeshNode) -> str:
    """Return the id of the security group of a node's tasks."""
    assert node.security_group is not None
    return node.security_group.security_group_id


def ended_warnings(stack: Stack) -> list[str]:
    warnings = Annotations.from_stack(stack).find_warning("*", Match.any_value())
    return [warning.id for warning in warnings if "AWS ended App Mesh" in str(warning.entry.data)]


def test_mesh_is_named_after_its_path(
    stack: Stack,
    vpc: ec2.IVpc,
    namespace: servicediscovery.PrivateDnsNamespace,
    template: Callable[[], Template],
) -> None:
    ServiceMesh(stack, "Mesh", vpc=vpc, namespace=namespace, data_plane="app-mesh")
    assert only(template(), MESH)["MeshName"] == "Shop-Mesh"


@pytest.mark.parametrize(
    "id",
    [
        pytest.param("Mesh", id="plain"),
        pytest.param("My_Mesh.v2 (new)", id="characters-that-aws-refuses"),
        pytest.param("Mesh" * 50, id="long"),
    ],
)
def test_default_name_is_valid_whatever_the_path(
    stack: Stack, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace, id: str
) -> None:
    mesh = ServiceMesh(Construct(stack, "Ünder_" + "way" * 50), id, vpc=vpc, namespace=namespace, data_plane="app-mesh")
    assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", mesh.model.name)


def test_meshes_in_different_places_have_different_default_names(
    stack: Stack, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace
) -> None:
    one = ServiceMesh(Construct(stack, "One"), "Mesh", vpc=vpc, namespace=namespace, data_plane="app-mesh")
    two = ServiceMesh(Construct(stack, "Two"), "Mesh", vpc=vpc, namespace=namespace, data_plane="app-mesh")
    assert one.model.name != two.model.name


def test_mesh_has_the_name_it_is_given(mesh: ServiceMesh, template: Callable[[], Template]) -> None:
    assert only(template(), MESH)["MeshName"] == "shop"


def test_nodes_reach_only_their_backends_by_default(mesh: ServiceMesh, template: Callable[[], Template]) -> None:
    assert only(template(), MESH)["Spec"] == {"EgressFilter": {"Type": "DROP_ALL"}}


def test_egress_filter_is_the_one_given(
    stack: Stack,
    vpc: ec2.IVpc,
    namespace: servicediscovery.PrivateDnsNamespace,
    template: Callable[[], Template],
) -> None:
    ServiceMesh(stack, "Mesh", vpc=vpc, namespace=namespace, egress_filter="ALLOW_ALL", data_plane="app-mesh")
    assert only(template(), MESH)["Spec"] == {"EgressFilter": {"Type": "ALLOW_ALL"}}


def test_each_node_has_its_own_security_group_by_default(
    stack: Stack, guarded_mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    cart = MeshNode(stack, "Cart", mesh=guarded_mesh)
    orders = MeshNode(stack, "Orders", mesh=guarded_mesh)
    assert guarded_mesh.security_group is None
    assert group_id(cart) != group_id(orders)
    groups = [group["GroupDescription"] for group in properties(template(), "AWS::EC2::SecurityGroup")]
    assert groups == ["Tasks that others call.", "Tasks of a virtual node.", "Tasks of a virtual node."]


def test_nodes_and_gateways_have_the_security_group_given(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    cart = MeshNode(stack, "Cart", mesh=mesh)
    gateway = MeshGateway(stack, "Gateway", mesh=mesh)
    assert group_id(cart) == "sg-mesh"
    assert gateway.security_group.security_group_id == "sg-mesh"
    assert properties(template(), "AWS::EC2::SecurityGroup") == []


def test_envoy_image_is_from_the_public_gallery_by_default(
    stack: Stack,
    mesh: ServiceMesh,
    cluster: ecs.Cluster,
    image: ecs.ContainerImage,
    template: Callable[[], Template],
) -> None:
    MeshNode(stack, "Cart", mesh=mesh).implement(stack, "CartTask", cluster=cluster, image=image)
    assert envoy_image(template()) == DEFAULT_ENVOY


def test_envoy_image_is_the_one_given(
    stack: Stack,
    vpc: ec2.IVpc,
    namespace: servicediscovery.PrivateDnsNamespace,
    cluster: ecs.Cluster,
    image: ecs.ContainerImage,
    template: Callable[[], Template],
) -> None:
    envoy = ecs.ContainerImage.from_registry("shop/envoy:2")
    mesh = ServiceMesh(stack, "Mesh", vpc=vpc, namespace=namespace, envoy_image=envoy, data_plane="app-mesh")
    MeshNode(stack, "Cart", mesh=mesh).implement(stack, "CartTask", cluster=cluster, image=image)
    assert envoy_image(template()) == "shop/envoy:2"


def test_mesh_has_its_vpc_and_its_namespace_as_attributes(
    guarded_mesh: ServiceMesh, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace
) -> None:
    assert guarded_mesh.vpc is vpc
    assert guarded_mesh.namespace is namespace
    assert guarded_mesh.namespace_name == "shop.local"


@pytest.mark.parametrize(("data_plane", "name"), [("app-mesh", "old.local"), ("envoy", "tasks.old.local")])
def test_namespace_may_be_imported(
    stack: Stack, vpc: ec2.IVpc, data_plane: DataPlaneName, name: str, template: Callable[[], Template]
) -> None:
    namespace = servicediscovery.PrivateDnsNamespace.from_private_dns_namespace_attributes(
        stack, "Imported", namespace_name=name, namespace_id="ns-old", namespace_arn="arn:aws:old"
    )
    mesh = ServiceMesh(stack, "Mesh", vpc=vpc, namespace=namespace, data_plane=data_plane)
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
    assert cart.virtual_service_name == "cart.old.local"
    assert only(template(), "AWS::ServiceDiscovery::Service")["NamespaceId"] == "ns-old"


@pytest.mark.parametrize(("data_plane", "name"), [("app-mesh", "shop.local"), ("envoy", "tasks.shop.local")])
def test_mesh_with_a_domain_has_a_namespace_of_its_own(
    stack: Stack, vpc: ec2.IVpc, data_plane: DataPlaneName, name: str, template: Callable[[], Template]
) -> None:
    mesh = ServiceMesh(stack, "Mesh", vpc=vpc, domain="shop.local", data_plane=data_plane)
    assert MeshNode(stack, "Cart", mesh=mesh, name="cart").virtual_service_name == "cart.shop.local"
    assert mesh.namespace.node.path == "Shop/Mesh/Namespace"
    assert only(template(), "AWS::ServiceDiscovery::PrivateDnsNamespace")["Name"] == name


def test_default_data_plane_is_envoy(stack: Stack, vpc: ec2.IVpc, template: Callable[[], Template]) -> None:
    mesh = ServiceMesh(stack, "Mesh", vpc=vpc, domain="shop.local")
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
    MeshNode(stack, "Orders", mesh=mesh, name="orders", backends=[cart])
    types = {resource["Type"] for resource in template()["Resources"].values()}
    assert "AWS::Route53::RecordSet" in types
    assert not any(type.startswith("AWS::AppMesh::") for type in types)


def test_mesh_without_a_domain_is_refused(stack: Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(MeshError) as error:
        ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, data_plane="app-mesh")
    assert error.value.problems == (
        "mesh 'shop': has no domain, got None (domain='shop.local', or a namespace that exists)",
    )


def test_mesh_with_a_domain_and_a_namespace_is_refused(
    stack: Stack, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace
) -> None:
    with pytest.raises(MeshError) as error:
        ServiceMesh(
            stack, "Mesh", mesh_name="shop", vpc=vpc, namespace=namespace, domain="shop.local", data_plane="app-mesh"
        )
    assert str(error.value) == "mesh 'shop': 'namespace' excludes 'domain', got 'shop.local' (leave one of them out)"


def test_domain_that_is_no_dns_name_is_refused(stack: Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(MeshError) as error:
        ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, domain="the shop")
    assert str(error.value) == (
        "mesh 'shop': domain is not a DNS name, got 'the shop' "
        "(labels of 1 to 63 letters, digits, '-' and '_', joined by dots)"
    )
    assert stack.node.try_find_child("Mesh") is None


@pytest.mark.parametrize("data_plane", ["app-mesh", "envoy"])
@pytest.mark.parametrize(
    ("domain", "problem"),
    [
        ("", "domain is not a DNS name, got '' (labels of 1 to 63 letters, digits, '-' and '_', joined by dots)"),
    ],
    ids=["empty"],
)
def test_invalid_domain_is_one_problem(
    stack: Stack, vpc: ec2.IVpc, data_plane: DataPlaneName, domain: str, problem: str
) -> None:
    with pytest.raises(MeshError) as error:
        ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, domain=domain, data_plane=data_plane)
    assert str(error.value) == f"mesh 'shop': {problem}"


@pytest.mark.parametrize("data_plane", ["app-mesh", "envoy"])
def test_two_meshes_that_create_zones_of_one_name_in_a_vpc_are_refused(
    stack: Stack, vpc: ec2.IVpc, data_plane: DataPlaneName
) -> None:
    ServiceMesh(stack, "Mesh", vpc=vpc, domain="shop.local", data_plane=data_plane)
    with pytest.raises(MeshError) as error:
        ServiceMesh(stack, "Other", mesh_name="other", vpc=vpc, domain="Shop.local", data_plane="app-mesh")
    assert str(error.value) == (
        "mesh 'other': another mesh has this domain in the VPC, got 'Shop.local' "
        "(give each mesh of a VPC a domain of its own)"
    )


def test_namespace_whose_name_is_a_token_is_refused(stack: Stack, vpc: ec2.IVpc) -> None:
    namespace = servicediscovery.PrivateDnsNamespace(stack, "Namespace", name=Aws.STACK_NAME, vpc=vpc)
    with pytest.raises(MeshError) as error:
        ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, namespace=namespace, data_plane="app-mesh")
    assert str(error.value) == (
        "mesh 'shop': name of the namespace is not known, got 'a token' (create or import it with a literal name)"
    )


def test_unknown_data_plane_is_refused(
    stack: Stack, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace
) -> None:
    with pytest.raises(MeshError) as error:
        ServiceMesh(
            stack,
            "Mesh",
            mesh_name="shop",
            vpc=vpc,
            namespace=namespace,
            data_plane="istio",  # type: ignore[arg-type]
        )
    assert str(error.value) == "mesh 'shop': unknown data plane, got 'istio' (one of: app-mesh, envoy)"


def test_known_data_plane_may_be_named(
    stack: Stack, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace
) -> None:
    mesh = ServiceMesh(stack, "Mesh", vpc=vpc, namespace=namespace, data_plane="app-mesh")
    assert isinstance(mesh.node.try_find_child("Mesh"), Construct)


def test_every_problem_is_reported_and_nothing_is_created(stack: Stack, vpc: ec2.IVpc) -> None:
    namespace = servicediscovery.PrivateDnsNamespace(stack, "Namespace", name=Aws.STACK_NAME, vpc=vpc)
    with pytest.raises(MeshError) as error:
        ServiceMesh(
            stack,
            "Mesh",
            mesh_name="the shop",
            vpc=vpc,
            namespace=namespace,
            egress_filter="SOME",  # type: ignore[arg-type]
            data_plane="istio",  # type: ignore[arg-type]
        )
    assert error.value.problems == (
        "mesh 'the shop': unknown data plane, got 'istio' (one of: app-mesh, envoy)",
        (
            "mesh 'the shop': name of the namespace is not known, got 'a token' "
            "(create or import it with a literal name)"
        ),
        "mesh 'the shop': name has invalid characters, got 'the shop' (letters, digits, '-' and '_')",
        "mesh 'the shop': unknown egress filter, got 'SOME' (one of: DROP_ALL, ALLOW_ALL)",
    )
    assert stack.node.try_find_child("Mesh") is None


def test_warning_about_the_end_of_app_mesh_appears_once(stack: Stack, mesh: ServiceMesh) -> None:
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
    MeshNode(stack, "Stock", mesh=mesh, name="stock", virtual_service=False)
    MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="stock.shop.local")
    MeshGateway(stack, "Gateway", mesh=mesh).add_route("Cart", to=cart)
    assert ended_warnings(stack) == ["/Shop/Mesh"]


def test_resources_and_model_have_the_parts_of_the_mesh(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    MeshNode(stack, "Cart", mesh=mesh, name="cart")
    MeshGateway(stack, "Gateway", mesh=mesh, name="door")
    assert mesh.model.node("cart").name == "cart"
    assert mesh.model.gateway("door").name == "door"
    synthesized = template()
    reference = {"Fn::GetAtt": [mesh_id(synthesized), "MeshName"]}
    assert only(synthesized, NODE)["MeshName"] == reference
    assert only(synthesized, "AWS::AppMesh::VirtualGateway")["MeshName"] == reference


def test_external_service_is_a_backend(stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]) -> None:
    bank = mesh.external_service("bank.pay.local")
    MeshNode(stack, "Cart", mesh=mesh, backends=[bank])
    assert only(template(), NODE)["Spec"]["Backends"] == [{"VirtualService": {"VirtualServiceName": "bank.pay.local"}}]


def test_external_service_is_a_target_of_a_gateway(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    MeshGateway(stack, "Gateway", mesh=mesh).add_route("Bank", to=mesh.external_service("bank.pay.local"))
    target = only(template(), "AWS::AppMesh::GatewayRoute")["Spec"]["HttpRoute"]["Action"]["Target"]
    assert target == {"VirtualService": {"VirtualServiceName": "bank.pay.local"}}


def test_external_service_creates_no_resource_and_no_rule(
    stack: Stack, guarded_mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    bank = guarded_mesh.external_service("bank.pay.local")
    MeshNode(stack, "Cart", mesh=guarded_mesh, virtual_service=False, backends=[bank])
    synthesized = template()
    assert properties(synthesized, "AWS::AppMesh::VirtualService") == []
    assert properties(synthesized, "AWS::EC2::SecurityGroupIngress") == []


def test_mesh_read_from_the_template_has_the_external_services(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template], tmp_path: Path
) -> None:
    MeshNode(stack, "Cart", mesh=mesh, backends=[mesh.external_service("bank.pay.local")])
    mesh.external_service("post.pay.local")
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(template()))
    (mesh_read,) = read_source([file]).meshes
    assert mesh_read.external_services == ("bank.pay.local", "post.pay.local")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("bank.pay.local", id="an-external-service"),
        pytest.param("BANK.pay.local", id="an-external-service-in-capitals"),
    ],
)
def test_second_external_service_of_one_name_is_refused(mesh: ServiceMesh, name: str) -> None:
    mesh.external_service("bank.pay.local")
    before = mesh.model
    with pytest.raises(MeshError) as error:
        mesh.external_service(name)
    assert str(error.value) == (
        "mesh 'shop': duplicate virtual service, got 'bank.pay.local' (occurs 2 times, must be unique)"
    )
    assert mesh.model == before


def test_external_service_with_the_name_of_a_node_is_refused(stack: Stack, mesh: ServiceMesh) -> None:
    MeshNode(stack, "Cart", mesh=mesh, name="cart")
    with pytest.raises(MeshError) as error:
        mesh.external_service("cart.shop.local")
    assert str(error.value) == (
        "mesh 'shop': duplicate virtual service, got 'cart.shop.local' (occurs 2 times, must be unique)"
    )


@pytest.mark.parametrize(
    "name",
    [pytest.param("", id="empty"), pytest.param("bank..local", id="empty-label"), pytest.param("a b", id="space")],
)
def test_malformed_external_service_is_refused(mesh: ServiceMesh, name: str) -> None:
    before = mesh.model
    with pytest.raises(MeshError) as error:
        mesh.external_service(name)
    assert str(error.value) == (
        f"external service {name!r}: name is not a DNS name, got {name!r} "
        "(labels of 1 to 63 letters, digits, '-' and '_', joined by dots)"
    )
    assert mesh.model == before
