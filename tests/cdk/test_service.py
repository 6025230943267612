"""Virtual services that are declared by themselves."""

from collections.abc import Callable

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_servicediscovery as servicediscovery

from color_mesh import MeshError, MeshGateway, MeshNode, MeshRouter, MeshService, ServiceMesh
from color_mesh.model import VirtualService
from tests.support.cloudformation import Template, only

SERVICE = "AWS::AppMesh::VirtualService"


@pytest.fixture
def stock(stack: Stack, any_mesh: ServiceMesh) -> MeshNode:
    return MeshNode(stack, "Stock", mesh=any_mesh, name="stock", virtual_service=False)


@pytest.fixture
def router(stack: Stack, any_mesh: ServiceMesh, stock: MeshNode) -> MeshRouter:
    """Router with a virtual service of its own, and the only node as its target."""
    MeshNode(stack, "Spare", mesh=any_mesh, name="spare", virtual_service=False)
    router = MeshRouter(stack, "Router", mesh=any_mesh, name="router", virtual_service_name="spare.shop.local")
    router.add_route("All", targets={stock: 1})
    return router


def test_service_names_a_node(stack: Stack, any_mesh: ServiceMesh, stock: MeshNode) -> None:
    service = MeshService(stack, "Name", mesh=any_mesh, virtual_service_name="stock.shop.local", provider=stock)
    assert any_mesh.model.services == (VirtualService(name="stock.shop.local", virtual_node="stock"),)
    assert (service.name, service.virtual_service_name) == ("stock.shop.local", "stock.shop.local")


def test_service_is_a_further_name_of_a_router(
    stack: Stack, any_mesh: ServiceMesh, stock: MeshNode, router: MeshRouter
) -> None:
    MeshService(stack, "Name", mesh=any_mesh, virtual_service_name="stock.shop.local", provider=router)
    assert any_mesh.model.services == (
        VirtualService(name="spare.shop.local", virtual_router="router"),
        VirtualService(name="stock.shop.local", virtual_router="router"),
    )


def test_service_has_no_provider_by_default(
    stack: Stack, any_mesh: ServiceMesh, stock: MeshNode, ingress: Callable[[], list[str]]
) -> None:
    service = MeshService(stack, "Name", mesh=any_mesh, virtual_service_name="stock.shop.local")
    MeshNode(stack, "Cart", mesh=any_mesh, name="cart", backends=[service])
    assert any_mesh.model.service("stock.shop.local") == VirtualService(name="stock.shop.local")
    assert ingress() == []


@pytest.mark.parametrize(
    ("any_mesh", "port"),
    [pytest.param("app-mesh", 80, id="app-mesh"), pytest.param("envoy", 15100, id="envoy")],
    indirect=["any_mesh"],
)
def test_provider_admits_the_callers_of_its_service(
    stack: Stack, any_mesh: ServiceMesh, router: MeshRouter, ingress: Callable[[], list[str]], port: int
) -> None:
    service = MeshService(stack, "Name", mesh=any_mesh, virtual_service_name="stock.shop.local", provider=router)
    MeshNode(stack, "Cart", mesh=any_mesh, name="cart", backends=[service])
    assert ingress() == [f"Cart -> Stock tcp {port}"]


def test_a_gateway_routes_to_a_service(stack: Stack, any_mesh: ServiceMesh, stock: MeshNode) -> None:
    service = MeshService(stack, "Name", mesh=any_mesh, virtual_service_name="stock.shop.local", provider=stock)
    MeshGateway(stack, "Gateway", mesh=any_mesh, name="door").add_route("All", to=service)
    (route,) = any_mesh.model.gateway("door").routes
    assert route.virtual_service == "stock.shop.local"


@pytest.mark.parametrize("any_mesh", ["app-mesh"], indirect=True)
def test_service_depends_on_its_provider(
    stack: Stack, any_mesh: ServiceMesh, stock: MeshNode, template: Callable[[], Template]
) -> None:
    service = MeshService(stack, "Name", mesh=any_mesh, virtual_service_name="stock.shop.local", provider=stock)
    synthesized = template()
    resource = synthesized["Resources"][stack.resolve(service.mesh_resources["VirtualService"].logical_id)]
    assert resource["Properties"]["Spec"] == {"Provider": {"VirtualNode": {"VirtualNodeName": "stock"}}}
    assert resource["DependsOn"] == [stack.resolve(stock.mesh_resources["VirtualNode"].logical_id)]


@pytest.mark.parametrize("any_mesh", ["app-mesh"], indirect=True)
def test_virtual_service_resource_without_a_provider_has_an_empty_specification(
    stack: Stack, any_mesh: ServiceMesh, stock: MeshNode, template: Callable[[], Template]
) -> None:
    MeshService(stack, "Name", mesh=any_mesh, virtual_service_name="stock.shop.local")
    assert only(template(), SERVICE)["Spec"] == {}


@pytest.mark.parametrize("any_mesh", ["envoy"], indirect=True)
def test_service_has_a_record(
    stack: Stack, any_mesh: ServiceMesh, stock: MeshNode, template: Callable[[], Template]
) -> None:
    service = MeshService(stack, "Name", mesh=any_mesh, virtual_service_name="shelf.shop.local", provider=stock)
    MeshNode(stack, "Orders", mesh=any_mesh, backends=[service])
    assert only(template(), "AWS::Route53::RecordSet")["Name"] == "shelf.shop.local"


def test_second_service_of_one_name_is_refused(
    stack: Stack, any_mesh: ServiceMesh, stock: MeshNode, router: MeshRouter
) -> None:
    before = any_mesh.model
    with pytest.raises(MeshError) as error:
        MeshService(stack, "Name", mesh=any_mesh, virtual_service_name="spare.shop.local", provider=stock)
    assert str(error.value) == (
        "mesh 'shop': duplicate virtual service, got 'spare.shop.local' (occurs 2 times, must be unique)"
    )
    assert stack.node.try_find_child("Name") is None
    assert any_mesh.model == before


def test_provider_of_another_mesh_is_refused(
    stack: Stack, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace, mesh: ServiceMesh
) -> None:
    other = ServiceMesh(stack, "Other", mesh_name="other", vpc=vpc, namespace=namespace, data_plane="app-mesh")
    stock = MeshNode(stack, "Stock", mesh=other, name="stock")
    MeshNode(stack, "Cart", mesh=mesh, name="cart", virtual_service=False)
    with pytest.raises(MeshError) as error:
        MeshService(stack, "Name", mesh=mesh, virtual_service_name="cart.shop.local", provider=stock)
    assert str(error.value) == (
        "virtual service 'cart.shop.local': provider belongs to another mesh, got 'stock' "
        "(it is in mesh 'other', this is 'shop')"
    )
    assert stack.node.try_find_child("Name") is None


def test_provider_without_a_listener_is_refused(stack: Stack, any_mesh: ServiceMesh, stock: MeshNode) -> None:
    worker = MeshNode(stack, "Worker", mesh=any_mesh, name="worker", listeners=[], virtual_service=False)
    with pytest.raises(MeshError) as error:
        MeshService(stack, "Name", mesh=any_mesh, virtual_service_name="stock.shop.local", provider=worker)
    assert str(error.value) == (
        "virtual service 'stock.shop.local': provider has no listener, got 'worker' (a node that listens, or a router)"
    )
    assert stack.node.try_find_child("Name") is None


@pytest.mark.parametrize("any_mesh", ["envoy"], indirect=True)
def test_every_problem_of_a_service_is_reported(stack: Stack, any_mesh: ServiceMesh, stock: MeshNode) -> None:
    silent = MeshNode(stack, "Silent", mesh=any_mesh, name="silent", listeners=[], virtual_service=False)
    before = any_mesh.model
    with pytest.raises(MeshError) as error:
        MeshService(stack, "Name", mesh=any_mesh, virtual_service_name="-.shop.local", provider=silent)
    assert str(error.value).splitlines() == [
        ("virtual service '-.shop.local': provider has no listener, got 'silent' (a node that listens, or a router)"),
        (
            "virtual service '-.shop.local': name is not a DNS name, got '-.shop.local' "
            "(labels of 1 to 63 letters, digits, '-' and '_', joined by dots)"
        ),
    ]
    assert any_mesh.model == before
