"""Nodes and routers with several listeners, and nodes without listeners."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_ecs as ecs

from color_mesh import MeshError, MeshNode, MeshRouter, ServiceMesh
from color_mesh.model import Milliseconds, Protocol, RouteMatch, Timeout
from tests.support.builders import GRPC, HTTP, HTTP_8080, health_check, listener_tls, outlier_detection
from tests.support.cloudformation import Template, container, only, properties

TASK = "AWS::ECS::TaskDefinition"


@pytest.fixture
def stock(stack: Stack, any_mesh: ServiceMesh) -> MeshNode:
    """Node with two listeners."""
    return MeshNode(stack, "Stock", mesh=any_mesh, name="stock", listeners=[HTTP_8080, GRPC], virtual_service=False)


@pytest.fixture
def worker(stack: Stack, any_mesh: ServiceMesh) -> MeshNode:
    """Node without listeners."""
    return MeshNode(stack, "Worker", mesh=any_mesh, name="worker", listeners=[], virtual_service=False)


def implement(node: MeshNode, cluster: ecs.Cluster, **arguments: Any) -> None:
    image = ecs.ContainerImage.from_registry("shop/app:1")
    node.implement(node, "Task", cluster=cluster, image=image, **arguments)


# Nodes with several listeners


def test_node_has_the_listeners_given(stock: MeshNode, any_mesh: ServiceMesh) -> None:
    assert any_mesh.model.node("stock").listeners == (HTTP_8080, GRPC)
    assert stock.port == 8080


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"port": 8080}, id="port"),
        pytest.param({"protocol": "tcp"}, id="protocol"),
        pytest.param({"timeout": Timeout(per_request=Milliseconds(1))}, id="timeout"),
        pytest.param({"health_check": health_check()}, id="health-check"),
        pytest.param({"outlier_detection": outlier_detection()}, id="outlier-detection"),
        pytest.param({"tls": listener_tls()}, id="tls"),
    ],
)
def test_listeners_together_with_the_arguments_of_one_are_refused(
    stack: Stack, any_mesh: ServiceMesh, arguments: dict[str, Any]
) -> None:
    before = any_mesh.model
    with pytest.raises(MeshError) as error:
        MeshNode(stack, "Stock", mesh=any_mesh, name="stock", listeners=[HTTP], **arguments)
    assert str(error.value) == (
        "virtual node 'stock': 'listeners' excludes the arguments of one listener, "
        f"got {arguments!r} "
        "(all of it in listeners, or port, protocol, timeout, health_check, outlier_detection, connection_pool and tls)"
    )
    assert stack.node.try_find_child("Stock") is None
    assert any_mesh.model == before


def test_two_listeners_of_one_port_are_refused(stack: Stack, any_mesh: ServiceMesh) -> None:
    with pytest.raises(MeshError) as error:
        MeshNode(stack, "Stock", mesh=any_mesh, name="stock", listeners=[HTTP, HTTP])
    assert str(error.value) == (
        "virtual node 'stock': duplicate listener port, got '80' (occurs 2 times, must be unique)"
    )


def test_application_listens_on_every_port_and_the_first_has_the_name(
    stock: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
) -> None:
    implement(stock, cluster, port_name="stock-port")
    assert container(only(template(), TASK), "stock-app")["PortMappings"] == [
        {"ContainerPort": 8080, "Name": "stock-port", "Protocol": "tcp"},
        {"ContainerPort": 82, "Protocol": "tcp"},
    ]


def test_application_port_of_a_node_with_several_listeners_is_refused(stock: MeshNode, cluster: ecs.Cluster) -> None:
    with pytest.raises(MeshError) as error:
        implement(stock, cluster, app_port=8080)
    assert str(error.value) == (
        "virtual node 'stock': 'app_port' needs one listener, the node has several, got 8080 "
        "(leave app_port out: the application listens on the ports of the listeners)"
    )
    assert stock.node.try_find_child("Task") is None


@pytest.mark.parametrize(
    ("any_mesh", "ports"),
    [pytest.param("app-mesh", ["8080", "82"], id="app-mesh"), pytest.param("envoy", ["15100", "15101"], id="envoy")],
    indirect=["any_mesh"],
)
def test_security_group_admits_callers_on_the_ports_of_all_listeners(
    stack: Stack, any_mesh: ServiceMesh, ingress: Callable[[], list[str]], ports: list[str]
) -> None:
    stock = MeshNode(stack, "Stock", mesh=any_mesh, name="stock", listeners=[HTTP_8080, GRPC])
    MeshNode(stack, "Cart", mesh=any_mesh, name="cart", backends=[stock])
    assert ingress() == [f"Cart -> Stock tcp {port}" for port in ports]


# Nodes without listeners


def test_node_without_listeners_has_no_service_discovery(
    worker: MeshNode, any_mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    node = any_mesh.model.node("worker")
    assert (worker.port, worker.cloud_map_service, worker.virtual_service_name) == (None, None, None)
    assert (node.listeners, node.discovery, any_mesh.model.cloud_map_services) == ((), None, ())
    assert properties(template(), "AWS::ServiceDiscovery::Service") == []


def test_backends_admit_a_node_without_listeners(
    stack: Stack, any_mesh: ServiceMesh, worker: MeshNode, ingress: Callable[[], list[str]]
) -> None:
    worker.connect_to(MeshNode(stack, "Cart", mesh=any_mesh, name="cart", port=15100))
    assert ingress() == ["Worker -> Cart tcp 15100"]


def test_task_of_a_node_without_listeners_has_no_port_and_no_service_registry(
    worker: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
) -> None:
    implement(worker, cluster)
    synthesized = template()
    assert "PortMappings" not in container(only(synthesized, TASK), "worker-app")
    assert "ServiceRegistries" not in only(synthesized, "AWS::ECS::Service")


@pytest.mark.parametrize("any_mesh", ["app-mesh"], indirect=True)
def test_inbound_traffic_of_a_node_without_listeners_is_redirected_to_an_unused_port(
    worker: MeshNode, cluster: ecs.Cluster, template: Callable[[], Template]
) -> None:
    implement(worker, cluster)
    settings = only(template(), TASK)["ProxyConfiguration"]["ProxyConfigurationProperties"]
    assert {"Name": "AppPorts", "Value": "15000"} in settings


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        pytest.param(
            "app_port",
            8080,
            "'app_port' needs one listener, the node has none, got 8080 "
            "(leave app_port out: the application listens on the ports of the listeners)",
            id="app-port",
        ),
        pytest.param(
            "port_name",
            "jobs",
            "has a port name but no port, got 'jobs' (leave port_name out, or give it a listener)",
            id="port-name",
        ),
    ],
)
def test_application_port_of_a_node_without_listeners_is_refused(
    worker: MeshNode, cluster: ecs.Cluster, argument: str, value: object, message: str
) -> None:
    with pytest.raises(MeshError) as error:
        implement(worker, cluster, **{argument: value})
    assert str(error.value) == f"virtual node 'worker': {message}"
    assert worker.node.try_find_child("Task") is None


def test_arguments_for_callers_of_a_node_without_listeners_are_refused(stack: Stack, any_mesh: ServiceMesh) -> None:
    with pytest.raises(MeshError) as error:
        MeshNode(
            stack,
            "Worker",
            mesh=any_mesh,
            name="worker",
            listeners=[],
            cloud_map_name="jobs",
            cloud_map_description="Jobs.",
            dns_ttl=Duration.seconds(5),
        )
    assert str(error.value).splitlines() == [
        "virtual node 'worker': has a virtual service but no listener, got () (a listener, or virtual_service=False)",
        (
            "virtual node 'worker': has no Cloud Map service, "
            "got {'cloud_map_name': 'jobs', 'cloud_map_description': 'Jobs.', 'dns_ttl': 5} (leave out "
            "cloud_map_name, cloud_map_description, dns_ttl: callers do not look up a node without a listener)"
        ),
    ]
    assert stack.node.try_find_child("Worker") is None


# Routers with several listeners


@pytest.fixture
def router(stack: Stack, any_mesh: ServiceMesh, stock: MeshNode) -> MeshRouter:
    """Router with two listeners."""
    return MeshRouter(
        stack,
        "Router",
        mesh=any_mesh,
        name="router",
        virtual_service_name="stock.shop.local",
        listeners=[HTTP, GRPC],
    )


def test_router_has_the_listeners_given(router: MeshRouter, any_mesh: ServiceMesh) -> None:
    assert any_mesh.model.router("router").listeners == (HTTP, GRPC)


@pytest.mark.parametrize(
    ("arguments", "protocol"),
    [
        pytest.param({"port": 80}, "http", id="first-port"),
        pytest.param({"port": 82}, "grpc", id="second-port"),
        pytest.param({"match": RouteMatch(port=82)}, "grpc", id="second-port-in-match"),
    ],
)
def test_route_speaks_the_protocol_of_its_port(
    stack: Stack, any_mesh: ServiceMesh, router: MeshRouter, arguments: dict[str, Any], protocol: Protocol
) -> None:
    depot = MeshNode(stack, "Depot", mesh=any_mesh, name="depot", protocol=protocol)
    router.add_route("All", targets={depot: 1}, **arguments)
    (route,) = any_mesh.model.router("router").routes
    assert route.protocol == protocol


def test_router_listeners_together_with_the_arguments_of_one_are_refused(
    stack: Stack, any_mesh: ServiceMesh, stock: MeshNode
) -> None:
    before = any_mesh.model
    with pytest.raises(MeshError) as error:
        MeshRouter(
            stack,
            "Router",
            mesh=any_mesh,
            name="router",
            virtual_service_name="stock.shop.local",
            protocol="tcp",
            listeners=[HTTP],
        )
    assert str(error.value) == (
        "virtual router 'router': 'listeners' excludes the arguments of one listener, "
        "got {'protocol': 'tcp'} (all of it in listeners, or port and protocol)"
    )
    assert stack.node.try_find_child("Router") is None
    assert any_mesh.model == before


def test_router_without_a_listener_is_refused(stack: Stack, any_mesh: ServiceMesh, stock: MeshNode) -> None:
    with pytest.raises(MeshError) as error:
        MeshRouter(stack, "Router", mesh=any_mesh, name="router", virtual_service_name="stock.shop.local", listeners=[])
    assert str(error.value) == "virtual router 'router': has no listener, got 0 (one at least)"


# Targets with several listeners


def test_route_goes_to_the_first_port_of_its_targets(
    any_mesh: ServiceMesh, router: MeshRouter, stock: MeshNode
) -> None:
    router.add_route("All", targets={stock: 1}, port=80)
    (route,) = any_mesh.model.router("router").routes
    assert [target.port for target in route.targets] == [8080]


def test_route_goes_to_the_ports_given(
    stack: Stack, any_mesh: ServiceMesh, router: MeshRouter, stock: MeshNode
) -> None:
    depot = MeshNode(stack, "Depot", mesh=any_mesh, name="depot", port=9090, protocol="grpc")
    router.add_route("All", targets={stock: 1, depot: 1}, target_ports={stock: 82}, port=82)
    (route,) = any_mesh.model.router("router").routes
    assert [(target.virtual_node, target.port) for target in route.targets] == [("stock", 82), ("depot", 9090)]


def test_port_that_a_target_does_not_have_is_refused(router: MeshRouter, stock: MeshNode) -> None:
    with pytest.raises(MeshError) as error:
        router.add_route("All", name="all", targets={stock: 1}, target_ports={stock: 81}, port=80)
    assert str(error.value) == (
        "route 'all': target 'stock' has no listener for the route, got 'http/81' "
        "(listeners of 'stock': http/8080, grpc/82)"
    )


def test_target_port_of_a_node_that_is_not_a_target_is_refused(
    any_mesh: ServiceMesh, router: MeshRouter, stock: MeshNode, worker: MeshNode
) -> None:
    before = any_mesh.model
    with pytest.raises(MeshError) as error:
        router.add_route("All", name="all", targets={stock: 1}, target_ports={worker: 80}, port=80)
    assert (
        str(error.value)
        == "route 'all': 'target_ports' names a node that is not a target, got 'worker' (targets: stock)"
    )
    assert any_mesh.model == before


def test_target_without_listeners_is_refused(router: MeshRouter, worker: MeshNode) -> None:
    with pytest.raises(MeshError) as error:
        router.add_route("All", name="all", targets={worker: 1}, port=80)
    assert str(error.value) == (
        "route 'all': target 'worker' has no listener for the route, got 'http' (listeners of 'worker': none)"
    )
