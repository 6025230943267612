"""Specification of a gateway, its routes, and invalid arguments."""

from collections.abc import Callable

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_servicediscovery as servicediscovery
from aws_cdk.assertions import Annotations, Match

from color_mesh import AccessLog, MeshError, MeshGateway, MeshNode, MeshRouter, ServiceMesh
from color_mesh.model import Protocol, Rewrite
from color_mesh.model.deployment import DataPlaneName
from tests.support.cloudformation import Properties, Template, only, properties

GATEWAY = "AWS::AppMesh::VirtualGateway"
ROUTE = "AWS::AppMesh::GatewayRoute"


@pytest.fixture
def cart(stack: Stack, mesh: ServiceMesh) -> MeshNode:
    return MeshNode(stack, "Cart", mesh=mesh, name="cart")


@pytest.fixture
def gateway(stack: Stack, mesh: ServiceMesh) -> MeshGateway:
    return MeshGateway(stack, "Gateway", mesh=mesh, name="door")


def spec(template: Template) -> Properties:
    specification: Properties = only(template, GATEWAY)["Spec"]
    return specification


def match(template: Template) -> Properties:
    specification: Properties = only(template, ROUTE)["Spec"]["HttpRoute"]["Match"]
    return specification


def target(template: Template) -> str:
    name: str = only(template, ROUTE)["Spec"]["HttpRoute"]["Action"]["Target"]["VirtualService"]["VirtualServiceName"]
    return name


def depends_on(template: Template) -> list[str]:
    """Return the logical ids that the only route depends on."""
    (route,) = (resource for resource in template["Resources"].values() if resource["Type"] == ROUTE)
    return sorted(route["DependsOn"])


# Gateway


def test_gateway_is_named_after_its_path(stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]) -> None:
    gateway = MeshGateway(stack, "Gateway", mesh=mesh)
    assert gateway.name == "Shop-Gateway"
    assert only(template(), GATEWAY)["VirtualGatewayName"] == "Shop-Gateway"


def test_gateway_has_the_name_it_is_given(gateway: MeshGateway, template: Callable[[], Template]) -> None:
    assert gateway.name == "door"
    assert only(template(), GATEWAY)["VirtualGatewayName"] == "door"


def test_gateway_listens_on_port_80_for_http_by_default(gateway: MeshGateway, template: Callable[[], Template]) -> None:
    assert gateway.port == 80
    assert spec(template())["Listeners"] == [{"PortMapping": {"Port": 80, "Protocol": "http"}}]


@pytest.mark.parametrize("port", [pytest.param(1, id="lowest"), pytest.param(65535, id="highest")])
def test_gateway_listens_on_the_port_given(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template], port: int
) -> None:
    gateway = MeshGateway(stack, "Gateway", mesh=mesh, port=port)
    assert gateway.port == port
    assert spec(template())["Listeners"][0]["PortMapping"]["Port"] == port


@pytest.mark.parametrize("protocol", ["http2", "grpc"])
def test_gateway_speaks_the_protocol_given(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template], protocol: Protocol
) -> None:
    MeshGateway(stack, "Gateway", mesh=mesh, protocol=protocol)
    assert spec(template())["Listeners"] == [{"PortMapping": {"Port": 80, "Protocol": protocol}}]


def test_gateway_logs_requests_to_standard_output_by_default(
    gateway: MeshGateway, template: Callable[[], Template]
) -> None:
    assert spec(template())["Logging"] == {"AccessLog": {"File": {"Path": "/dev/stdout"}}}


def test_gateway_without_access_log_logs_no_requests(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    MeshGateway(stack, "Gateway", mesh=mesh, access_log=None)
    assert "Logging" not in spec(template())


def test_gateway_has_the_access_log_given(stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]) -> None:
    MeshGateway(stack, "Gateway", mesh=mesh, access_log=AccessLog(text="%PATH%\n"))
    file = {"Path": "/dev/stdout", "Format": {"Text": "%PATH%\n"}}
    assert spec(template())["Logging"] == {"AccessLog": {"File": file}}


def test_gateway_has_a_security_group_without_ingress_rules_by_default(
    stack: Stack, guarded_mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    MeshGateway(stack, "Gateway", mesh=guarded_mesh, name="door")
    synthesized = template()
    group = only(synthesized, "AWS::EC2::SecurityGroup", GroupDescription="Tasks of a virtual gateway.")
    assert "SecurityGroupIngress" not in group
    assert properties(synthesized, "AWS::EC2::SecurityGroupIngress") == []


def test_security_group_of_a_gateway_is_created_with_its_tasks(
    app: App, guarded_mesh: ServiceMesh, stack: Stack, cluster: ecs.Cluster
) -> None:
    gateway = MeshGateway(stack, "Gateway", mesh=guarded_mesh, name="door")
    gateway.implement(Stack(app, "Team"), "Door", cluster=cluster)
    assert gateway.security_group.node.path == "Team/Door/SecurityGroup"


def test_access_log_that_is_text_is_refused(stack: Stack, mesh: ServiceMesh) -> None:
    with pytest.raises(MeshError) as error:
        MeshGateway(stack, "Gateway", mesh=mesh, name="door", access_log="/dev/stdout")  # type: ignore[arg-type]
    assert str(error.value) == (
        "MeshGateway 'Gateway': 'access_log' is not of the type AccessLog, got '/dev/stdout' (such as AccessLog(...))"
    )
    assert stack.node.try_find_child("Gateway") is None


def test_port_that_is_text_is_refused(stack: Stack, mesh: ServiceMesh) -> None:
    with pytest.raises(MeshError) as error:
        MeshGateway(stack, "Gateway", mesh=mesh, name="door", port="80")  # type: ignore[arg-type]
    assert str(error.value) == "virtual gateway 'door': listener port out of range, got '80' (1 to 65535)"


def test_every_problem_of_a_gateway_is_reported_and_nothing_is_created(stack: Stack, mesh: ServiceMesh) -> None:
    before = mesh.model
    with pytest.raises(MeshError) as error:
        MeshGateway(stack, "Gateway", mesh=mesh, name="the door", port=0, protocol="tcp", access_log=AccessLog(path=""))
    assert str(error.value).splitlines() == [
        ("virtual gateway 'the door': name has invalid characters, got 'the door' (letters, digits, '-' and '_')"),
        "virtual gateway 'the door': listener port out of range, got 0 (1 to 65535)",
        "virtual gateway 'the door': unknown protocol, got 'tcp' (one of: http, http2, grpc)",
        "virtual gateway 'the door': access log path has an invalid length, got '0 characters' (1 to 255)",
    ]
    assert stack.node.try_find_child("Gateway") is None
    assert mesh.model == before


# Routes


def test_route_may_go_to_a_node(gateway: MeshGateway, cart: MeshNode, template: Callable[[], Template]) -> None:
    gateway.add_route("Cart", to=cart)
    assert target(template()) == "cart.shop.local"


def test_route_may_go_to_a_router(
    stack: Stack, mesh: ServiceMesh, gateway: MeshGateway, template: Callable[[], Template]
) -> None:
    MeshNode(stack, "Stock", mesh=mesh, name="stock", virtual_service=False)
    router = MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="stock.shop.local")
    gateway.add_route("Stock", to=router)
    assert target(template()) == "stock.shop.local"


def test_route_may_go_to_an_external_service(
    mesh: ServiceMesh, gateway: MeshGateway, template: Callable[[], Template]
) -> None:
    gateway.add_route("Bank", to=mesh.external_service("bank.pay.local"))
    assert target(template()) == "bank.pay.local"


def test_route_matches_all_requests_by_default(
    gateway: MeshGateway, cart: MeshNode, template: Callable[[], Template]
) -> None:
    gateway.add_route("Cart", to=cart)
    synthesized = template()
    assert match(synthesized) == {"Prefix": "/"}
    assert "Priority" not in only(synthesized, ROUTE)["Spec"]


def test_route_is_named_after_its_path(gateway: MeshGateway, cart: MeshNode, template: Callable[[], Template]) -> None:
    gateway.add_route("Cart", to=cart)
    assert only(template(), ROUTE)["GatewayRouteName"] == "Shop-Gateway-Cart"


def test_route_has_the_name_it_is_given(gateway: MeshGateway, cart: MeshNode, template: Callable[[], Template]) -> None:
    gateway.add_route("Cart", to=cart, name="cart-route")
    route = only(template(), ROUTE)
    assert route["GatewayRouteName"] == "cart-route"
    assert route["VirtualGatewayName"] == "door"


def test_route_matches_the_prefix_given(gateway: MeshGateway, cart: MeshNode, template: Callable[[], Template]) -> None:
    gateway.add_route("Cart", to=cart, prefix="/cart")
    assert match(template()) == {"Prefix": "/cart"}


def test_route_matches_the_method_given(gateway: MeshGateway, cart: MeshNode, template: Callable[[], Template]) -> None:
    gateway.add_route("Cart", to=cart, method="POST")
    assert match(template()) == {"Prefix": "/", "Method": "POST"}


def test_route_matches_the_port_given(gateway: MeshGateway, cart: MeshNode, template: Callable[[], Template]) -> None:
    gateway.add_route("Cart", to=cart, port=80)
    assert match(template()) == {"Prefix": "/", "Port": 80}


@pytest.mark.parametrize("priority", [pytest.param(0, id="first"), pytest.param(1000, id="last")])
def test_route_has_the_priority_given(
    gateway: MeshGateway, cart: MeshNode, template: Callable[[], Template], priority: int
) -> None:
    gateway.add_route("Cart", to=cart, priority=priority)
    assert only(template(), ROUTE)["Spec"]["Priority"] == priority


def test_route_of_a_grpc_gateway_has_no_prefix(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    bank = MeshNode(stack, "Bank", mesh=mesh, name="bank", protocol="grpc")
    MeshGateway(stack, "Gateway", mesh=mesh, protocol="grpc").add_route("Bank", to=bank)
    rule = only(template(), ROUTE)["Spec"]["GrpcRoute"]
    assert "Prefix" not in rule.get("Match", {})


def test_route_of_an_http2_gateway_is_an_http2_route(
    stack: Stack, mesh: ServiceMesh, cart: MeshNode, template: Callable[[], Template]
) -> None:
    MeshGateway(stack, "Gateway", mesh=mesh, protocol="http2").add_route("Cart", to=cart)
    assert only(template(), ROUTE)["Spec"]["Http2Route"]["Match"] == {"Prefix": "/"}


def test_route_depends_on_its_gateway_and_its_virtual_service(
    stack: Stack, gateway: MeshGateway, cart: MeshNode, template: Callable[[], Template]
) -> None:
    gateway.add_route("Cart", to=cart)
    made_before = [
        stack.resolve(gateway.mesh_resources["VirtualGateway"].logical_id),
        stack.resolve(cart.mesh_resources["VirtualService"].logical_id),
    ]
    assert depends_on(template()) == sorted(made_before)


def test_route_to_an_external_service_depends_on_its_gateway_only(
    stack: Stack, mesh: ServiceMesh, gateway: MeshGateway, template: Callable[[], Template]
) -> None:
    gateway.add_route("Bank", to=mesh.external_service("bank.pay.local"))
    assert depends_on(template()) == [stack.resolve(gateway.mesh_resources["VirtualGateway"].logical_id)]


def test_mesh_resources_are_those_of_the_gateway_and_its_routes(gateway: MeshGateway, cart: MeshNode) -> None:
    gateway.add_route("Cart", to=cart)
    gateway.add_route("Basket", to=cart, prefix="/basket")
    assert list(gateway.mesh_resources) == ["VirtualGateway", "Cart", "Basket"]


# Security groups


def test_node_admits_the_gateway_on_its_port(
    stack: Stack, guarded_mesh: ServiceMesh, ingress: Callable[[], list[str]]
) -> None:
    cart = MeshNode(stack, "Cart", mesh=guarded_mesh, port=8080)
    MeshNode(stack, "Stock", mesh=guarded_mesh)
    MeshGateway(stack, "Gateway", mesh=guarded_mesh).add_route("Cart", to=cart)
    assert ingress() == ["Gateway -> Cart tcp 8080"]


def test_targets_of_a_router_admit_the_gateway_in_any_order_of_declaration(
    stack: Stack, guarded_mesh: ServiceMesh, ingress: Callable[[], list[str]]
) -> None:
    stock = MeshNode(stack, "Stock", mesh=guarded_mesh, name="stock", virtual_service=False)
    spare = MeshNode(stack, "Spare", mesh=guarded_mesh, name="spare", virtual_service=False)
    router = MeshRouter(stack, "Router", mesh=guarded_mesh, virtual_service_name="stock.shop.local")
    router.add_route("All", targets={stock: 1})
    MeshGateway(stack, "Gateway", mesh=guarded_mesh).add_route("Stock", to=router)
    router.add_route("Shelf", targets={spare: 1}, prefix="/shelf")
    assert ingress() == ["Gateway -> Stock tcp 80", "Gateway -> Spare tcp 80"]


# Invalid routes


def test_second_route_for_the_same_prefix_is_refused(mesh: ServiceMesh, gateway: MeshGateway, cart: MeshNode) -> None:
    gateway.add_route("Cart", to=cart, name="cart", prefix="/cart")
    before = mesh.model
    with pytest.raises(MeshError) as error:
        gateway.add_route("Again", to=cart, name="again", prefix="/cart")
    assert str(error.value) == (
        "virtual gateway 'door': duplicate match in route 'again', got '/cart' "
        "(also in 'cart': change one of them, or give them priorities)"
    )
    assert gateway.node.try_find_child("Again") is None
    assert mesh.model == before


def test_prefix_that_app_mesh_reserves_is_refused(gateway: MeshGateway, cart: MeshNode) -> None:
    with pytest.raises(MeshError) as error:
        gateway.add_route("Cart", to=cart, name="cart", prefix="/aws-appmesh/cart")
    assert str(error.value) == (
        "gateway route 'cart': prefix is reserved, got '/aws-appmesh/cart' "
        "(App Mesh keeps '/aws-appmesh' and '/aws-app-mesh' for itself)"
    )


def test_node_without_a_virtual_service_is_refused(stack: Stack, mesh: ServiceMesh, gateway: MeshGateway) -> None:
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock", virtual_service=False)
    with pytest.raises(MeshError) as error:
        gateway.add_route("Stock", to=stock, name="stock")
    assert str(error.value) == (
        "gateway route 'stock': backend has no virtual service, got 'stock' "
        "(give it one with virtual_service=True, or put it behind a MeshRouter)"
    )


def test_service_of_another_mesh_is_refused(
    stack: Stack, gateway: MeshGateway, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace
) -> None:
    other = ServiceMesh(stack, "Other", mesh_name="other", vpc=vpc, namespace=namespace, data_plane="app-mesh")
    with pytest.raises(MeshError) as error:
        gateway.add_route("Bank", to=other.external_service("bank.pay.local"), name="bank")
    assert str(error.value) == (
        "gateway route 'bank': backend belongs to another mesh, got 'bank.pay.local' "
        "(it is in mesh 'other', this is 'shop')"
    )


def test_target_that_is_text_is_refused(mesh: ServiceMesh, gateway: MeshGateway, cart: MeshNode) -> None:
    before = mesh.model
    with pytest.raises(MeshError) as error:
        gateway.add_route("Shop", to="a.shop.local", name="shop")  # type: ignore[arg-type]
    assert str(error.value) == (
        "gateway route 'shop': backend is text, got 'a.shop.local' "
        "(the node, router or service itself; with app-mesh external_service(...) for one that is elsewhere)"
    )
    assert gateway.node.try_find_child("Shop") is None
    assert mesh.model == before


def test_prefix_that_is_not_text_is_refused(gateway: MeshGateway, cart: MeshNode) -> None:
    with pytest.raises(MeshError) as error:
        gateway.add_route("Cart", to=cart, name="cart", prefix=7)  # type: ignore[arg-type]
    assert str(error.value) == (
        "gateway route 'cart': prefix does not start with '/', got 7 (such as '/' or '/orders')"
    )


def test_problem_of_the_target_is_reported_with_the_other_problems_of_the_route(
    stack: Stack, mesh: ServiceMesh, gateway: MeshGateway, cart: MeshNode
) -> None:
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock", virtual_service=False)
    before = mesh.model
    with pytest.raises(MeshError) as error:
        gateway.add_route("Stock", to=stock, name="the route", prefix="stock", priority=1001)
    assert str(error.value).splitlines() == [
        (
            "gateway route 'the route': backend has no virtual service, got 'stock' "
            "(give it one with virtual_service=True, or put it behind a MeshRouter)"
        ),
        ("gateway route 'the route': name has invalid characters, got 'the route' (letters, digits, '-' and '_')"),
        "gateway route 'the route': priority out of range, got 1001 (0 to 1000)",
        "gateway route 'the route': prefix does not start with '/', got 'stock' (such as '/' or '/orders')",
    ]
    assert gateway.node.try_find_child("Stock") is None
    assert mesh.model == before


def test_every_problem_of_a_route_is_reported_and_nothing_changes(
    mesh: ServiceMesh, gateway: MeshGateway, cart: MeshNode
) -> None:
    before = mesh.model
    with pytest.raises(MeshError) as error:
        gateway.add_route(
            "Cart",
            to=cart,
            name="the route",
            prefix="cart",
            method="FETCH",  # type: ignore[arg-type]
            port=81,
            priority=-1,
        )
    assert str(error.value).splitlines() == [
        ("gateway route 'the route': name has invalid characters, got 'the route' (letters, digits, '-' and '_')"),
        "gateway route 'the route': priority out of range, got -1 (0 to 1000)",
        "gateway route 'the route': no listener has its port, got 81 (listeners: http/80)",
        "gateway route 'the route': prefix does not start with '/', got 'cart' (such as '/' or '/orders')",
        (
            "gateway route 'the route': unknown method, got 'FETCH' "
            "(one of: GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE, PATCH)"
        ),
    ]
    assert gateway.node.try_find_child("Cart") is None
    assert mesh.model == before


def test_gateway_has_the_security_group_given(
    stack: Stack, guarded_mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    own = ec2.SecurityGroup(stack, "Own", vpc=guarded_mesh.vpc, allow_all_outbound=False)
    gateway = MeshGateway(stack, "Gateway", mesh=guarded_mesh, security_group=own)
    gateway.add_route("Cart", to=MeshNode(stack, "Cart", mesh=guarded_mesh, name="cart"))
    synthesized = template()
    assert gateway.security_group is own
    own_id = stack.resolve(own.security_group_id)
    assert only(synthesized, "AWS::EC2::SecurityGroupIngress")["SourceSecurityGroupId"] == own_id
    assert only(synthesized, "AWS::EC2::SecurityGroupEgress")["GroupId"] == own_id


@pytest.mark.parametrize("data_plane", ["app-mesh", "envoy"])
def test_security_group_of_a_gateway_allows_egress_to_targets_and_port_443_only_with_each_egress_filter(
    data_plane: DataPlaneName, stack: Stack, vpc: ec2.IVpc, template: Callable[[], Template]
) -> None:
    name = {"app-mesh": "shop.local", "envoy": "tasks.shop.local"}[data_plane]
    namespace = servicediscovery.PrivateDnsNamespace(stack, "Tasks", name=name, vpc=vpc)
    mesh = ServiceMesh(stack, "Mesh", vpc=vpc, namespace=namespace, data_plane=data_plane, egress_filter="ALLOW_ALL")
    gateway = MeshGateway(stack, "Gateway", mesh=mesh, name="door")
    gateway.add_route("Cart", to=MeshNode(stack, "Cart", mesh=mesh, name="cart"))
    synthesized = template()
    group = only(synthesized, "AWS::EC2::SecurityGroup", GroupDescription="Tasks of a virtual gateway.")
    rule = only(synthesized, "AWS::EC2::SecurityGroupEgress")
    assert [each["ToPort"] for each in group["SecurityGroupEgress"]] == [443]
    assert rule["GroupId"] == stack.resolve(gateway.security_group.security_group_id)


def test_rules_of_a_security_group_from_an_earlier_stack_are_in_the_stack_of_the_mesh(app: App) -> None:
    network, stack = Stack(app, "Network"), Stack(app, "Meshes")
    vpc = ec2.Vpc(network, "Vpc", max_azs=1)
    namespace = servicediscovery.PrivateDnsNamespace(network, "Namespace", name="shop.local", vpc=vpc)
    own = ec2.SecurityGroup(network, "Own", vpc=vpc, allow_all_outbound=False)
    mesh = ServiceMesh(stack, "Mesh", vpc=vpc, namespace=namespace, data_plane="app-mesh")
    gateway = MeshGateway(stack, "Gateway", mesh=mesh, security_group=own)
    gateway.add_route("Cart", to=MeshNode(stack, "Cart", mesh=mesh, name="cart"))
    app.synth()
    assert [each.node.id for each in stack.dependencies] == ["Network"]
    assert network.dependencies == []


def test_security_group_for_a_gateway_of_a_mesh_with_a_shared_group_is_refused(
    stack: Stack, mesh: ServiceMesh, mesh_group: ec2.ISecurityGroup
) -> None:
    with pytest.raises(MeshError) as error:
        MeshGateway(stack, "Gateway", mesh=mesh, name="door", security_group=mesh_group)
    assert str(error.value) == (
        "virtual gateway 'door': all tasks of its mesh share one security group, got 'Shop/MeshGroup' "
        "(leave security_group out)"
    )
    assert stack.node.try_find_child("Gateway") is None


@pytest.mark.parametrize(
    ("rewrite", "count"), [pytest.param("/public", 1, id="outside"), pytest.param("/public/", 0, id="inside")]
)
def test_route_that_requests_can_use_to_leave_its_prefix_is_a_warning(
    stack: Stack, gateway: MeshGateway, cart: MeshNode, rewrite: str, count: int
) -> None:
    gateway.add_route("Shop", to=cart, name="shop", prefix="/shop", rewrite=Rewrite(prefix=rewrite))
    warnings = Annotations.from_stack(stack).find_warning("/Shop/Gateway/Shop", Match.any_value())
    texts = [str(warning.entry.data) for warning in warnings]
    assert len(texts) == count
    assert all(
        "a request for '/shop-x' reaches the service outside of '/public', got '/public-x'" in each for each in texts
    )
