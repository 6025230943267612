"""Specification of a router, its routes, and invalid arguments."""

from collections.abc import Callable

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_servicediscovery as servicediscovery

from color_mesh import MeshError, MeshNode, MeshRouter, ServiceMesh
from color_mesh.model import Protocol
from tests.support.cloudformation import Properties, Template, only, properties

ROUTER = "AWS::AppMesh::VirtualRouter"
ROUTE = "AWS::AppMesh::Route"


@pytest.fixture
def stock(stack: Stack, mesh: ServiceMesh) -> MeshNode:
    return MeshNode(stack, "Stock", mesh=mesh, name="stock", virtual_service=False)


@pytest.fixture
def spare(stack: Stack, mesh: ServiceMesh) -> MeshNode:
    return MeshNode(stack, "Spare", mesh=mesh, name="spare", virtual_service=False)


@pytest.fixture
def router(stack: Stack, mesh: ServiceMesh, stock: MeshNode) -> MeshRouter:
    return MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="stock.shop.local", name="router")


def rule(template: Template) -> Properties:
    specification: Properties = only(template, ROUTE)["Spec"]["HttpRoute"]
    return specification


def listener(template: Template) -> Properties:
    (listener,) = only(template, ROUTER)["Spec"]["Listeners"]
    port_mapping: Properties = listener["PortMapping"]
    return port_mapping


def depends_on(template: Template) -> list[str]:
    """Return the logical ids that the only route depends on."""
    (route,) = (resource for resource in template["Resources"].values() if resource["Type"] == ROUTE)
    return sorted(route["DependsOn"])


# Router


def test_router_provides_the_virtual_service(router: MeshRouter, template: Callable[[], Template]) -> None:
    service = only(template(), "AWS::AppMesh::VirtualService")
    assert router.virtual_service_name == "stock.shop.local"
    assert service["VirtualServiceName"] == "stock.shop.local"
    assert service["Spec"] == {"Provider": {"VirtualRouter": {"VirtualRouterName": "router"}}}


def test_router_is_named_after_its_path(
    stack: Stack, mesh: ServiceMesh, stock: MeshNode, template: Callable[[], Template]
) -> None:
    router = MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="stock.shop.local")
    assert router.name == "Shop-Router"
    assert only(template(), ROUTER)["VirtualRouterName"] == "Shop-Router"


def test_router_has_the_name_it_is_given(router: MeshRouter, template: Callable[[], Template]) -> None:
    assert router.name == "router"
    assert only(template(), ROUTER)["VirtualRouterName"] == "router"


def test_router_listens_on_port_80_for_http_by_default(router: MeshRouter, template: Callable[[], Template]) -> None:
    assert listener(template()) == {"Port": 80, "Protocol": "http"}


@pytest.mark.parametrize("port", [pytest.param(1, id="lowest"), pytest.param(65535, id="highest")])
def test_router_listens_on_the_port_given(
    stack: Stack, mesh: ServiceMesh, stock: MeshNode, template: Callable[[], Template], port: int
) -> None:
    MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="stock.shop.local", port=port)
    assert listener(template()) == {"Port": port, "Protocol": "http"}


@pytest.mark.parametrize("protocol", ["http2", "grpc", "tcp"])
def test_router_speaks_the_protocol_given(
    stack: Stack, mesh: ServiceMesh, stock: MeshNode, template: Callable[[], Template], protocol: Protocol
) -> None:
    MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="stock.shop.local", protocol=protocol)
    assert listener(template()) == {"Port": 80, "Protocol": protocol}


def test_virtual_service_name_that_dns_does_not_answer_is_refused(
    stack: Stack, mesh: ServiceMesh, stock: MeshNode, spare: MeshNode
) -> None:
    before = mesh.model
    with pytest.raises(MeshError) as error:
        MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="router.shop.local")
    assert str(error.value) == (
        "virtual service 'router.shop.local': has no DNS record in Cloud Map, got 'router.shop.local' "
        "(name it after one of: spare.shop.local, stock.shop.local)"
    )
    assert stack.node.try_find_child("Router") is None
    assert mesh.model == before


def test_router_in_a_mesh_without_any_node_is_refused(stack: Stack, mesh: ServiceMesh) -> None:
    before = mesh.model
    with pytest.raises(MeshError) as error:
        MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="nobody.shop.local")
    assert str(error.value) == (
        "virtual service 'nobody.shop.local': has no DNS record in Cloud Map, got 'nobody.shop.local' "
        "(name it after one of: none yet)"
    )
    assert stack.node.try_find_child("Router") is None
    assert mesh.model == before


def test_port_that_is_text_is_refused(stack: Stack, mesh: ServiceMesh, stock: MeshNode) -> None:
    with pytest.raises(MeshError) as error:
        MeshRouter(
            stack,
            "Router",
            mesh=mesh,
            virtual_service_name="stock.shop.local",
            name="router",
            port="80",  # type: ignore[arg-type]
        )
    assert str(error.value) == "virtual router 'router': listener port out of range, got '80' (1 to 65535)"


def test_virtual_service_name_of_a_node_is_refused(stack: Stack, mesh: ServiceMesh) -> None:
    MeshNode(stack, "Cart", mesh=mesh, name="cart")
    with pytest.raises(MeshError) as error:
        MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="cart.shop.local")
    assert str(error.value) == (
        "mesh 'shop': duplicate virtual service, got 'cart.shop.local' (occurs 2 times, must be unique)"
    )


def test_every_problem_of_a_router_is_reported_and_nothing_is_created(
    stack: Stack, mesh: ServiceMesh, stock: MeshNode
) -> None:
    before = mesh.model
    with pytest.raises(MeshError) as error:
        MeshRouter(
            stack,
            "Router",
            mesh=mesh,
            virtual_service_name="router.shop.local",
            name="the router",
            port=65536,
            protocol="ftp",  # type: ignore[arg-type]
        )
    assert str(error.value).splitlines() == [
        (
            "virtual service 'router.shop.local': has no DNS record in Cloud Map, got 'router.shop.local' "
            "(name it after one of: stock.shop.local)"
        ),
        ("virtual router 'the router': name has invalid characters, got 'the router' (letters, digits, '-' and '_')"),
        "virtual router 'the router': listener port out of range, got 65536 (1 to 65535)",
        "virtual router 'the router': unknown protocol, got 'ftp' (one of: http, http2, grpc, tcp)",
    ]
    assert stack.node.try_find_child("Router") is None
    assert mesh.model == before


# Routes


def test_route_matches_all_requests_by_default(
    router: MeshRouter, stock: MeshNode, template: Callable[[], Template]
) -> None:
    router.add_route("All", targets={stock: 1})
    synthesized = template()
    assert rule(synthesized)["Match"] == {"Prefix": "/"}
    assert "Priority" not in only(synthesized, ROUTE)["Spec"]


def test_route_is_named_after_its_path(router: MeshRouter, stock: MeshNode, template: Callable[[], Template]) -> None:
    router.add_route("All", targets={stock: 1})
    assert only(template(), ROUTE)["RouteName"] == "Shop-Router-All"


def test_route_has_the_name_it_is_given(router: MeshRouter, stock: MeshNode, template: Callable[[], Template]) -> None:
    router.add_route("All", targets={stock: 1}, name="all")
    route = only(template(), ROUTE)
    assert route["RouteName"] == "all"
    assert route["VirtualRouterName"] == "router"


def test_route_matches_the_prefix_given(router: MeshRouter, stock: MeshNode, template: Callable[[], Template]) -> None:
    router.add_route("Shelf", targets={stock: 1}, prefix="/shelf")
    assert rule(template())["Match"] == {"Prefix": "/shelf"}


def test_route_matches_the_method_given(router: MeshRouter, stock: MeshNode, template: Callable[[], Template]) -> None:
    router.add_route("Reads", targets={stock: 1}, method="GET")
    assert rule(template())["Match"] == {"Prefix": "/", "Method": "GET"}


def test_route_matches_the_port_given(router: MeshRouter, stock: MeshNode, template: Callable[[], Template]) -> None:
    router.add_route("All", targets={stock: 1}, port=80)
    assert rule(template())["Match"] == {"Prefix": "/", "Port": 80}


@pytest.mark.parametrize("priority", [pytest.param(0, id="first"), pytest.param(1000, id="last")])
def test_route_has_the_priority_given(
    router: MeshRouter, stock: MeshNode, template: Callable[[], Template], priority: int
) -> None:
    router.add_route("All", targets={stock: 1}, priority=priority)
    assert only(template(), ROUTE)["Spec"]["Priority"] == priority


def test_route_has_the_weights_and_the_ports_of_its_targets(
    stack: Stack, mesh: ServiceMesh, router: MeshRouter, stock: MeshNode, template: Callable[[], Template]
) -> None:
    depot = MeshNode(stack, "Depot", mesh=mesh, name="depot", port=8080, virtual_service=False)
    router.add_route("All", targets={stock: 4, depot: 1})
    assert rule(template())["Action"] == {
        "WeightedTargets": [
            {"VirtualNode": "stock", "Weight": 4, "Port": 80},
            {"VirtualNode": "depot", "Weight": 1, "Port": 8080},
        ]
    }


def test_target_may_have_weight_0(
    router: MeshRouter, stock: MeshNode, spare: MeshNode, template: Callable[[], Template]
) -> None:
    router.add_route("All", targets={stock: 100, spare: 0})
    targets = rule(template())["Action"]["WeightedTargets"]
    assert [target["Weight"] for target in targets] == [100, 0]


@pytest.mark.parametrize(
    ("protocol", "key"),
    [
        pytest.param("http2", "Http2Route", id="http2"),
        pytest.param("grpc", "GrpcRoute", id="grpc"),
        pytest.param("tcp", "TcpRoute", id="tcp"),
    ],
)
def test_route_has_the_protocol_of_its_router(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template], protocol: Protocol, key: str
) -> None:
    bank = MeshNode(stack, "Bank", mesh=mesh, name="bank", protocol=protocol, virtual_service=False)
    router = MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="bank.shop.local", protocol=protocol)
    router.add_route("All", targets={bank: 1})
    assert list(only(template(), ROUTE)["Spec"]) == [key]


@pytest.mark.parametrize(
    ("protocol", "key"), [pytest.param("grpc", "GrpcRoute", id="grpc"), pytest.param("tcp", "TcpRoute", id="tcp")]
)
def test_route_without_paths_has_no_prefix(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template], protocol: Protocol, key: str
) -> None:
    bank = MeshNode(stack, "Bank", mesh=mesh, name="bank", protocol=protocol, virtual_service=False)
    router = MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="bank.shop.local", protocol=protocol)
    router.add_route("All", targets={bank: 1})
    assert "Prefix" not in only(template(), ROUTE)["Spec"][key].get("Match", {})


def test_router_has_all_routes_that_are_added(
    router: MeshRouter, stock: MeshNode, spare: MeshNode, template: Callable[[], Template]
) -> None:
    router.add_route("All", targets={stock: 1}, name="all")
    router.add_route("Shelf", targets={spare: 1}, name="shelf", prefix="/shelf")
    assert [route["RouteName"] for route in properties(template(), ROUTE)] == ["all", "shelf"]
    assert list(router.mesh_resources) == ["VirtualRouter", "VirtualService", "All", "Shelf"]


def test_route_depends_on_its_router_and_its_targets(
    stack: Stack,
    router: MeshRouter,
    stock: MeshNode,
    spare: MeshNode,
    template: Callable[[], Template],
) -> None:
    router.add_route("All", targets={stock: 1, spare: 1})
    made_before = [
        stack.resolve(router.mesh_resources["VirtualRouter"].logical_id),
        stack.resolve(stock.mesh_resources["VirtualNode"].logical_id),
        stack.resolve(spare.mesh_resources["VirtualNode"].logical_id),
    ]
    assert depends_on(template()) == sorted(made_before)


# Invalid routes


def test_route_whose_weights_are_all_0_is_refused(router: MeshRouter, stock: MeshNode, spare: MeshNode) -> None:
    with pytest.raises(MeshError) as error:
        router.add_route("All", targets={stock: 0, spare: 0}, name="all")
    assert str(error.value) == "route 'all': every weight is 0, got (0, 0) (at least one must be 1 to 100)"


def test_route_without_targets_is_refused(router: MeshRouter) -> None:
    with pytest.raises(MeshError) as error:
        router.add_route("All", targets={}, name="all")
    assert str(error.value) == "route 'all': wrong number of targets, got 0 (1 to 10)"


@pytest.mark.parametrize("weight", [pytest.param(-1, id="too-low"), pytest.param(101, id="too-high")])
def test_weight_out_of_range_is_refused(router: MeshRouter, stock: MeshNode, weight: int) -> None:
    with pytest.raises(MeshError) as error:
        router.add_route("All", targets={stock: weight}, name="all")
    assert str(error.value) == f"route 'all': weight of 'stock' out of range, got {weight} (0 to 100)"


def test_target_of_another_protocol_is_refused(stack: Stack, mesh: ServiceMesh, router: MeshRouter) -> None:
    bank = MeshNode(stack, "Bank", mesh=mesh, name="bank", port=5432, protocol="tcp")
    with pytest.raises(MeshError) as error:
        router.add_route("All", targets={bank: 1}, name="all")
    assert str(error.value) == (
        "route 'all': target 'bank' has no listener for the route, got 'http/5432' (listeners of 'bank': tcp/5432)"
    )


def test_target_of_another_mesh_is_refused(
    stack: Stack, router: MeshRouter, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace
) -> None:
    other = ServiceMesh(stack, "Other", mesh_name="other", vpc=vpc, namespace=namespace, data_plane="app-mesh")
    bank = MeshNode(stack, "Bank", mesh=other, name="bank")
    with pytest.raises(MeshError) as error:
        router.add_route("All", targets={bank: 1}, name="all")
    assert str(error.value).splitlines() == [
        "route 'all': target belongs to another mesh, got 'bank' (a node of 'shop')",
        "route 'all': unknown target, got 'bank' (known: stock)",
    ]


def test_target_of_another_mesh_with_the_name_of_a_node_is_refused(
    stack: Stack,
    mesh: ServiceMesh,
    router: MeshRouter,
    vpc: ec2.IVpc,
    namespace: servicediscovery.PrivateDnsNamespace,
) -> None:
    other = ServiceMesh(stack, "Other", mesh_name="other", vpc=vpc, namespace=namespace, data_plane="app-mesh")
    theirs = MeshNode(stack, "Theirs", mesh=other, name="stock", cloud_map_name="their-stock")
    before = mesh.model
    with pytest.raises(MeshError) as error:
        router.add_route("All", targets={theirs: 1}, name="all")
    assert str(error.value) == "route 'all': target belongs to another mesh, got 'stock' (a node of 'shop')"
    assert router.node.try_find_child("All") is None
    assert mesh.model == before


@pytest.mark.parametrize("priority", [pytest.param(-1, id="too-low"), pytest.param(1001, id="too-high")])
def test_priority_out_of_range_is_refused(router: MeshRouter, stock: MeshNode, priority: int) -> None:
    with pytest.raises(MeshError) as error:
        router.add_route("All", targets={stock: 1}, name="all", priority=priority)
    assert str(error.value) == f"route 'all': priority out of range, got {priority} (0 to 1000)"


def test_port_that_the_router_does_not_have_is_refused(router: MeshRouter, stock: MeshNode) -> None:
    with pytest.raises(MeshError) as error:
        router.add_route("All", targets={stock: 1}, name="all", port=81)
    assert str(error.value) == "route 'all': no listener has its port, got 81 (listeners: http/80)"


def test_second_route_for_the_same_requests_is_refused(router: MeshRouter, stock: MeshNode, spare: MeshNode) -> None:
    router.add_route("All", targets={stock: 1}, name="all")
    with pytest.raises(MeshError) as error:
        router.add_route("Again", targets={spare: 1}, name="again")
    assert str(error.value) == (
        "virtual router 'router': duplicate match in route 'again', got '/' "
        "(also in 'all': change one of them, or give them priorities)"
    )


def test_every_problem_of_a_route_is_reported_and_nothing_changes(
    mesh: ServiceMesh, router: MeshRouter, stock: MeshNode
) -> None:
    before = mesh.model
    with pytest.raises(MeshError) as error:
        router.add_route(
            "All",
            targets={stock: 101},
            name="the route",
            prefix="shelf",
            method="FETCH",  # type: ignore[arg-type]
            port=81,
            priority=1001,
        )
    assert str(error.value).splitlines() == [
        "route 'the route': name has invalid characters, got 'the route' (letters, digits, '-' and '_')",
        "route 'the route': priority out of range, got 1001 (0 to 1000)",
        "route 'the route': no listener has its port, got 81 (listeners: http/80)",
        "route 'the route': prefix does not start with '/', got 'shelf' (such as '/' or '/orders')",
        (
            "route 'the route': unknown method, got 'FETCH' "
            "(one of: GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE, PATCH)"
        ),
        "route 'the route': weight of 'stock' out of range, got 101 (0 to 100)",
    ]
    assert router.node.try_find_child("All") is None
    assert mesh.model == before
