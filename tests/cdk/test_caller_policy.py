"""Retries and timeouts for callers of nodes and services without a router of the user."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Annotations, Match

from color_mesh import Listener, MeshError, MeshNode, MeshRouter, MeshService, RetryPolicy, ServiceMesh, Timeout
from color_mesh.model import RouteMatch, VirtualService
from tests.support.cloudformation import Template, only, properties

MINUTE = Timeout(per_request=Duration.seconds(60))
RETRIES = RetryPolicy.http(max_retries=5)


@pytest.fixture(params=["app-mesh", "envoy"])
def any_mesh(stack: Stack, vpc: ec2.IVpc, request: pytest.FixtureRequest) -> ServiceMesh:
    return ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local", data_plane=request.param)


@pytest.fixture
def envoy_mesh(stack: Stack, vpc: ec2.IVpc) -> ServiceMesh:
    return ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local")


def test_node_with_a_timeout_for_callers_has_a_router(stack: Stack, any_mesh: ServiceMesh) -> None:
    MeshNode(stack, "Stock", mesh=any_mesh, name="stock", retry_policy=RETRIES, caller_timeout=MINUTE)
    model = any_mesh.model
    assert model.services == (VirtualService(name="stock.shop.local", virtual_router="stock"),)
    (router,) = model.routers
    (route,) = router.routes
    assert (router.name, router.listeners) == ("stock", (Listener(port=80),))
    assert (route.match, route.retry_policy, route.timeout) == (RouteMatch(prefix="/"), RETRIES, MINUTE)
    assert [(each.virtual_node, each.weight, each.port) for each in route.targets] == [("stock", 1, 80)]


def test_node_without_policies_has_no_router(stack: Stack, any_mesh: ServiceMesh) -> None:
    MeshNode(stack, "Stock", mesh=any_mesh, name="stock")
    assert any_mesh.model.routers == ()


def test_each_listener_has_a_route(stack: Stack, any_mesh: ServiceMesh) -> None:
    listeners = [Listener.http(80), Listener.grpc(81)]
    MeshNode(stack, "Stock", mesh=any_mesh, name="stock", listeners=listeners, caller_timeout=MINUTE)
    (router,) = any_mesh.model.routers
    assert [(each.name, each.protocol, each.match) for each in router.routes] == [
        ("stock-80", "http", RouteMatch(prefix="/", port=80)),
        ("stock-81", "grpc", RouteMatch(port=81)),
    ]


def test_app_mesh_has_the_router_and_its_route(stack: Stack, vpc: ec2.IVpc, template: Callable[[], Template]) -> None:
    mesh = ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local", data_plane="app-mesh")
    node = MeshNode(stack, "Stock", mesh=mesh, name="stock", caller_timeout=MINUTE)
    assert sorted(node.mesh_resources) == ["Route", "VirtualNode", "VirtualRouter", "VirtualService"]
    synthesized = template()
    route = only(synthesized, "AWS::AppMesh::Route")["Spec"]["HttpRoute"]
    assert route["Timeout"] == {"PerRequest": {"Unit": "s", "Value": 60}}
    assert "VirtualRouter" in only(synthesized, "AWS::AppMesh::VirtualService")["Spec"]["Provider"]


def test_envoy_of_a_caller_has_the_policies(
    stack: Stack, envoy_mesh: ServiceMesh, cluster: ecs.Cluster, template: Callable[[], Template]
) -> None:
    stock = MeshNode(
        stack, "Stock", mesh=envoy_mesh, name="stock", port=8080, retry_policy=RETRIES, caller_timeout=MINUTE
    )
    shop = MeshNode(stack, "Shop", mesh=envoy_mesh, name="shop", backends=[stock])
    shop.implement(stack, "Task", cluster=cluster, image=ecs.ContainerImage.from_registry("app"))
    (task,) = properties(template(), "AWS::ECS::TaskDefinition")
    (envoy,) = [each for each in task["ContainerDefinitions"] if each["Name"] == "envoy-sidecar"]
    (route,) = [each for each in actions(json.loads(" ".join(envoy["Command"]))) if each.get("timeout") == "60s"]
    assert route["retry_policy"]["num_retries"] == 5


def actions(value: Any) -> list[Any]:
    """Return the actions of all routes in a configuration."""
    if isinstance(value, list):
        return [action for each in value for action in actions(each)]
    if not isinstance(value, dict):
        return []
    own = [value["route"]] if isinstance(value.get("route"), dict) else []
    return own + [action for each in value.values() for action in actions(each)]


def test_service_of_a_node_takes_policies(stack: Stack, any_mesh: ServiceMesh) -> None:
    stock = MeshNode(stack, "Stock", mesh=any_mesh, name="stock", cloud_map_name="slow", virtual_service=False)
    MeshService(
        stack, "Slow", mesh=any_mesh, virtual_service_name="slow.shop.local", provider=stock, caller_timeout=MINUTE
    )
    (router,) = any_mesh.model.routers
    assert any_mesh.model.services == (VirtualService(name="slow.shop.local", virtual_router=router.name),)
    assert [each.timeout for each in router.routes] == [MINUTE]


def test_policies_without_a_virtual_service_are_refused(stack: Stack, any_mesh: ServiceMesh) -> None:
    with pytest.raises(
        MeshError, match=r"virtual node 'stock': policies for callers need a virtual service that a node provides"
    ):
        MeshNode(stack, "Stock", mesh=any_mesh, name="stock", virtual_service=False, caller_timeout=MINUTE)


def test_policies_of_the_service_of_a_router_are_refused(stack: Stack, envoy_mesh: ServiceMesh) -> None:
    router = MeshRouter(stack, "Router", mesh=envoy_mesh, virtual_service_name="router.shop.local")
    with pytest.raises(MeshError) as error:
        MeshService(
            stack,
            "Name",
            mesh=envoy_mesh,
            virtual_service_name="name.shop.local",
            provider=router,
            caller_timeout=MINUTE,
        )
    assert str(error.value) == (
        "virtual service 'name.shop.local': policies for callers need a virtual service that a node provides, got "
        "{'caller_timeout': Timeout(per_request=60000 ms, idle=None)} "
        "(leave them out: callers use the policies of the routes of a router)"
    )


def test_timeout_that_callers_cut_short_is_a_warning(app: App, stack: Stack, envoy_mesh: ServiceMesh) -> None:
    MeshNode(stack, "Slow", mesh=envoy_mesh, name="slow", timeout=MINUTE)
    fast = MeshNode(stack, "Fast", mesh=envoy_mesh, name="fast", virtual_service=False)
    router = MeshRouter(stack, "Router", mesh=envoy_mesh, virtual_service_name="router.shop.local")
    router.add_route("Route", name="all", targets={fast: 1}, timeout=MINUTE)
    MeshNode(stack, "Right", mesh=envoy_mesh, name="right", timeout=MINUTE, caller_timeout=MINUTE)
    warnings = Annotations.from_stack(stack)
    found = warnings.find_warning("*", Match.string_like_regexp("request-timeout-cut-short"))
    assert sorted(each.id for each in found) == ["/Shop/Router", "/Shop/Slow"]
