"""Tests of the bugs that were found; each fails until its bug is fixed. Move each to its construct's file then."""

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_servicediscovery as servicediscovery

from color_mesh import ColorRouter, MeshedColorNode, MeshError, MeshGateway, ServiceMesh


def test_guarded_gateway_behind_a_load_balancer_may_be_implemented_in_another_stack(
    app: App, guarded_mesh: ServiceMesh, stack: Stack, cluster: ecs.Cluster
) -> None:
    gateway = MeshGateway(stack, "Gateway", mesh=guarded_mesh)
    gateway.implement(Stack(app, "Tasks"), "Door", cluster=cluster)
    app.synth()


def test_guarded_node_of_another_stack_may_call_one_of_the_meshs_stack(
    app: App, guarded_mesh: ServiceMesh, stack: Stack
) -> None:
    cart = MeshedColorNode(stack, "Cart", mesh=guarded_mesh)
    MeshedColorNode(Stack(app, "Team"), "Orders", mesh=guarded_mesh, backends=[cart])
    app.synth()


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param("PaymentAuthorizationServiceNodeEurope", "PaymentAuthorizationServiceNodeAmerica", id="long"),
        pytest.param("Cart_One", "CartOne", id="underscore"),
    ],
)
def test_different_ids_make_different_default_names(stack: Stack, mesh: ServiceMesh, one: str, two: str) -> None:
    first = MeshedColorNode(stack, one, mesh=mesh)
    second = MeshedColorNode(stack, two, mesh=mesh)
    assert first.name != second.name


def test_target_of_another_mesh_is_refused_though_its_name_is_known_here(
    stack: Stack, mesh: ServiceMesh, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace
) -> None:
    other = ServiceMesh(stack, "Other", mesh_name="other", vpc=vpc, namespace=namespace)
    theirs = MeshedColorNode(stack, "Theirs", mesh=other, name="cart", cloud_map_name="their-cart")
    MeshedColorNode(stack, "Ours", mesh=mesh, name="cart", virtual_service=False)
    router = ColorRouter(stack, "Router", mesh=mesh, virtual_service_name="cart.shop.local")
    with pytest.raises(MeshError):
        router.add_route("All", targets={theirs: 1}, name="all")


def test_router_without_any_cloud_map_service_is_refused(stack: Stack, mesh: ServiceMesh) -> None:
    with pytest.raises(MeshError):
        ColorRouter(stack, "Router", mesh=mesh, virtual_service_name="nobody.shop.local")


def test_empty_container_name_is_refused(
    stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster, image: ecs.ContainerImage
) -> None:
    cart = MeshedColorNode(stack, "Cart", mesh=mesh, name="cart")
    with pytest.raises(MeshError):
        cart.implement(stack, "CartTask", cluster=cluster, image=image, container_name="")


def test_impossible_family_is_refused(
    stack: Stack, mesh: ServiceMesh, cluster: ecs.Cluster, image: ecs.ContainerImage
) -> None:
    cart = MeshedColorNode(stack, "Cart", mesh=mesh, name="cart")
    with pytest.raises(MeshError):
        cart.implement(stack, "CartTask", cluster=cluster, image=image, family="the cart")


def test_gateway_route_to_an_unnameable_node_has_one_message(stack: Stack, mesh: ServiceMesh) -> None:
    stock = MeshedColorNode(stack, "Stock", mesh=mesh, name="stock", virtual_service=False)
    with pytest.raises(MeshError) as refused:
        MeshGateway(stack, "Gateway", mesh=mesh).add_route("Stock", to=stock, name="stock")
    assert len(refused.value.problems) == 1


def test_backend_of_another_mesh_has_one_message(
    stack: Stack, mesh: ServiceMesh, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace
) -> None:
    other = ServiceMesh(stack, "Other", mesh_name="other", vpc=vpc, namespace=namespace)
    stock = MeshedColorNode(stack, "Stock", mesh=other, name="stock")
    with pytest.raises(MeshError) as refused:
        MeshedColorNode(stack, "Cart", mesh=mesh, name="cart", backends=[stock])
    assert len(refused.value.problems) == 1


def test_second_construct_of_one_id_leaves_the_model_as_it_was(stack: Stack, mesh: ServiceMesh) -> None:
    MeshedColorNode(stack, "Cart", mesh=mesh, name="cart")
    before = mesh.model
    with pytest.raises(RuntimeError):
        MeshedColorNode(stack, "Cart", mesh=mesh, name="basket")
    assert mesh.model == before
