"""Specification of a node, its security group, and invalid arguments."""

from collections.abc import Callable

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from color_mesh import AccessLog, MeshError, MeshGateway, MeshNode, MeshRouter, ServiceMesh
from color_mesh.model import Protocol
from tests.support.cloudformation import Properties, Template, only, properties

NODE = "AWS::AppMesh::VirtualNode"
SERVICE = "AWS::AppMesh::VirtualService"
CLOUD_MAP = "AWS::ServiceDiscovery::Service"


def spec(template: Template, name: str = "cart") -> Properties:
    specification: Properties = only(template, NODE, VirtualNodeName=name)["Spec"]
    return specification


def backends(template: Template, name: str) -> list[str]:
    return [backend["VirtualService"]["VirtualServiceName"] for backend in spec(template, name)["Backends"]]


# Name


def test_node_is_named_after_its_path(stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]) -> None:
    cart = MeshNode(stack, "Cart", mesh=mesh)
    assert cart.name == "Shop-Cart"
    assert only(template(), NODE)["VirtualNodeName"] == "Shop-Cart"


def test_node_has_the_name_it_is_given(stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]) -> None:
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
    assert cart.name == "cart"
    assert only(template(), NODE)["VirtualNodeName"] == "cart"


def test_nodes_in_different_places_have_different_default_names(stack: Stack, mesh: ServiceMesh) -> None:
    one = MeshNode(Construct(stack, "One"), "Cart", mesh=mesh)
    two = MeshNode(Construct(stack, "Two"), "Cart", mesh=mesh)
    assert one.name != two.name


@pytest.mark.parametrize(
    ("id", "name"),
    [
        pytest.param("PaymentAuthorizationServiceNode", "Shop-PaymentAuthorizationServiceNode", id="short"),
        pytest.param("A" * 58, f"Shop-{'A' * 58}", id="longest-that-is-whole"),
        pytest.param("A" * 59, f"{'A' * 54}-d9e1449e", id="cut"),
        pytest.param("Cart_One", "Shop-Cart-One-ab549515", id="underscore-replaced"),
        pytest.param("Ünder", "Shop-nder-d31fdf7e", id="letter-beyond-ascii-replaced"),
    ],
)
def test_default_name_has_a_hash_if_characters_of_the_path_are_replaced(
    stack: Stack, mesh: ServiceMesh, id: str, name: str
) -> None:
    assert MeshNode(stack, id, mesh=mesh).name == name


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param("PaymentAuthorizationServiceNodeEurope", "PaymentAuthorizationServiceNodeAmerica", id="long-ids"),
        pytest.param("Europe" + "Node" * 20, "America" + "Node" * 20, id="cut-at-the-same-end"),
        pytest.param("Cart_One", "CartOne", id="underscore-left-out"),
        pytest.param("Cart_One", "Cart-One", id="underscore-and-dash"),
    ],
)
def test_nodes_of_different_ids_have_different_default_names(
    stack: Stack, mesh: ServiceMesh, one: str, two: str
) -> None:
    first = MeshNode(stack, one, mesh=mesh)
    second = MeshNode(stack, two, mesh=mesh)
    assert first.name != second.name


def test_ids_with_a_dash_and_nested_ids_have_different_default_names(stack: Stack, mesh: ServiceMesh) -> None:
    dashed = MeshNode(stack, "Team-Cart", mesh=mesh)
    inside = MeshNode(Construct(stack, "Team"), "Cart", mesh=mesh)
    assert inside.name == "Shop-Team-Cart"
    assert dashed.name != inside.name


def test_second_node_of_one_name_is_refused(stack: Stack, mesh: ServiceMesh) -> None:
    MeshNode(stack, "Cart", mesh=mesh, name="cart")
    with pytest.raises(MeshError) as error:
        MeshNode(stack, "Other", mesh=mesh, name="cart", cloud_map_name="other")
    assert str(error.value) == ("mesh 'shop': duplicate virtual node, got 'cart' (occurs 2 times, must be unique)")


# Listener


def test_node_listens_on_port_80_for_http_by_default(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
    assert cart.port == 80
    assert spec(template())["Listeners"] == [{"PortMapping": {"Port": 80, "Protocol": "http"}}]


@pytest.mark.parametrize("port", [pytest.param(1, id="lowest"), pytest.param(65535, id="highest")])
def test_node_listens_on_the_port_given(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template], port: int
) -> None:
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart", port=port)
    assert cart.port == port
    assert spec(template())["Listeners"][0]["PortMapping"]["Port"] == port


@pytest.mark.parametrize("port", [pytest.param(0, id="too-low"), pytest.param(65536, id="too-high")])
def test_port_out_of_range_is_refused(stack: Stack, mesh: ServiceMesh, port: int) -> None:
    with pytest.raises(MeshError) as error:
        MeshNode(stack, "Cart", mesh=mesh, name="cart", port=port)
    assert str(error.value) == f"virtual node 'cart': listener port out of range, got {port} (1 to 65535)"


@pytest.mark.parametrize("protocol", ["http2", "grpc", "tcp"])
def test_node_speaks_the_protocol_given(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template], protocol: Protocol
) -> None:
    MeshNode(stack, "Cart", mesh=mesh, name="cart", protocol=protocol)
    assert spec(template())["Listeners"] == [{"PortMapping": {"Port": 80, "Protocol": protocol}}]


def test_unknown_protocol_is_refused(stack: Stack, mesh: ServiceMesh) -> None:
    with pytest.raises(MeshError) as error:
        MeshNode(stack, "Cart", mesh=mesh, name="cart", protocol="ftp")  # type: ignore[arg-type]
    assert str(error.value) == ("virtual node 'cart': unknown protocol, got 'ftp' (one of: http, http2, grpc, tcp)")


# Backends


def test_node_has_no_backends_by_default(stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]) -> None:
    MeshNode(stack, "Cart", mesh=mesh, name="cart")
    assert "Backends" not in spec(template())


def test_backends_may_be_nodes_routers_and_external_services(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock")
    MeshNode(stack, "Prices", mesh=mesh, name="prices", virtual_service=False)
    prices = MeshRouter(stack, "PriceRouter", mesh=mesh, virtual_service_name="prices.shop.local")
    bank = mesh.external_service("bank.pay.local")
    MeshNode(stack, "Cart", mesh=mesh, name="cart", backends=[stock, prices, bank])
    assert backends(template(), "cart") == ["stock.shop.local", "prices.shop.local", "bank.pay.local"]


def test_connect_to_equals_the_backends_argument(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock")
    MeshNode(stack, "Prices", mesh=mesh, name="prices", virtual_service=False)
    prices = MeshRouter(stack, "PriceRouter", mesh=mesh, virtual_service_name="prices.shop.local")
    cart.connect_to(stock, prices, mesh.external_service("bank.pay.local"))
    assert backends(template(), "cart") == ["stock.shop.local", "prices.shop.local", "bank.pay.local"]


def test_connect_to_adds_backends(stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]) -> None:
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock")
    prices = MeshNode(stack, "Prices", mesh=mesh, name="prices")
    orders = MeshNode(stack, "Orders", mesh=mesh, name="orders")
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart", backends=[stock])
    cart.connect_to(prices)
    cart.connect_to(orders)
    assert backends(template(), "cart") == ["stock.shop.local", "prices.shop.local", "orders.shop.local"]


def test_connect_to_changes_only_the_backends(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart", port=8080, protocol="grpc")
    cart.connect_to(MeshNode(stack, "Stock", mesh=mesh, name="stock"))
    assert spec(template()) == {
        "Backends": [{"VirtualService": {"VirtualServiceName": "stock.shop.local"}}],
        "Listeners": [{"PortMapping": {"Port": 8080, "Protocol": "grpc"}}],
        "Logging": {"AccessLog": {"File": {"Path": "/dev/stdout"}}},
        "ServiceDiscovery": {"AWSCloudMap": {"NamespaceName": "shop.local", "ServiceName": "cart"}},
    }


def test_nodes_may_call_each_other(stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]) -> None:
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock", backends=[cart])
    cart.connect_to(stock)
    synthesized = template()
    assert backends(synthesized, "cart") == ["stock.shop.local"]
    assert backends(synthesized, "stock") == ["cart.shop.local"]


def test_duplicate_backend_is_refused_and_changes_nothing(stack: Stack, mesh: ServiceMesh) -> None:
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock")
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart", backends=[stock])
    before = mesh.model
    with pytest.raises(MeshError) as error:
        cart.connect_to(stock)
    assert str(error.value) == (
        "virtual node 'cart': duplicate backend, got 'stock.shop.local' (occurs 2 times, must be unique)"
    )
    assert mesh.model == before


def test_backend_of_another_mesh_is_refused(
    stack: Stack, mesh: ServiceMesh, vpc: ec2.IVpc, namespace: servicediscovery.PrivateDnsNamespace
) -> None:
    other = ServiceMesh(stack, "Other", mesh_name="other", vpc=vpc, namespace=namespace, data_plane="app-mesh")
    stock = MeshNode(stack, "Stock", mesh=other, name="stock")
    with pytest.raises(MeshError) as error:
        MeshNode(stack, "Cart", mesh=mesh, name="cart", backends=[stock])
    assert str(error.value) == (
        "virtual node 'cart': backend belongs to another mesh, got 'stock' (it is in mesh 'other', this is 'shop')"
    )
    assert stack.node.try_find_child("Cart") is None


# Virtual service


def test_virtual_service_has_the_dns_name_of_the_node_by_default(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
    service = only(template(), SERVICE)
    assert cart.virtual_service_name == "cart.shop.local"
    assert service["VirtualServiceName"] == "cart.shop.local"
    assert service["Spec"] == {"Provider": {"VirtualNode": {"VirtualNodeName": "cart"}}}


def test_virtual_service_has_the_name_given(stack: Stack, any_mesh: ServiceMesh) -> None:
    MeshNode(stack, "Stock", mesh=any_mesh, name="stock", virtual_service=False)
    cart = MeshNode(stack, "Cart", mesh=any_mesh, name="cart", virtual_service_name="stock.shop.local")
    assert cart.virtual_service_name == "stock.shop.local"
    assert any_mesh.model.service("stock.shop.local").virtual_node == "cart"


def test_virtual_service_name_that_dns_does_not_answer_is_refused(stack: Stack, mesh: ServiceMesh) -> None:
    with pytest.raises(MeshError) as error:
        MeshNode(stack, "Cart", mesh=mesh, name="cart", virtual_service_name="basket.shop.local")
    assert str(error.value) == (
        "virtual service 'basket.shop.local': has no DNS record in Cloud Map, got 'basket.shop.local' "
        "(name it after one of: cart.shop.local)"
    )


def test_virtual_service_name_of_a_node_without_a_virtual_service_is_refused(
    stack: Stack, any_mesh: ServiceMesh
) -> None:
    with pytest.raises(MeshError) as error:
        MeshNode(
            stack, "Cart", mesh=any_mesh, name="cart", virtual_service=False, virtual_service_name="cart.shop.local"
        )
    assert str(error.value) == (
        "virtual node 'cart': has a name but no virtual service, got 'cart.shop.local' "
        "(virtual_service=True, or leave virtual_service_name out)"
    )
    assert stack.node.try_find_child("Cart") is None


def test_node_without_a_virtual_service_declares_none(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart", virtual_service=False)
    assert cart.virtual_service_name is None
    assert properties(template(), SERVICE) == []


def test_node_without_a_virtual_service_is_refused_as_a_backend(stack: Stack, mesh: ServiceMesh) -> None:
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock", virtual_service=False)
    with pytest.raises(MeshError) as error:
        MeshNode(stack, "Cart", mesh=mesh, name="cart", backends=[stock])
    assert str(error.value) == (
        "virtual node 'cart': backend has no virtual service, got 'stock' "
        "(give it one with virtual_service=True, or put it behind a MeshRouter)"
    )


def test_node_without_a_virtual_service_is_refused_when_connecting(stack: Stack, mesh: ServiceMesh) -> None:
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock", virtual_service=False)
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
    before = mesh.model
    with pytest.raises(MeshError) as error:
        cart.connect_to(stock)
    assert str(error.value) == (
        "virtual node 'cart': backend has no virtual service, got 'stock' "
        "(give it one with virtual_service=True, or put it behind a MeshRouter)"
    )
    assert mesh.model == before


def test_backend_that_is_text_is_refused(stack: Stack, mesh: ServiceMesh) -> None:
    before = mesh.model
    with pytest.raises(MeshError) as error:
        MeshNode(stack, "Cart", mesh=mesh, name="cart", backends=["a.shop.local"])  # type: ignore[list-item]
    assert str(error.value) == (
        "virtual node 'cart': backend is text, got 'a.shop.local' "
        "(the node, router or service itself; with app-mesh external_service(...) for one that is elsewhere)"
    )
    assert stack.node.try_find_child("Cart") is None
    assert mesh.model == before


def test_backend_that_is_text_is_refused_when_connecting(stack: Stack, mesh: ServiceMesh) -> None:
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
    before = mesh.model
    with pytest.raises(MeshError) as error:
        cart.connect_to("a.shop.local")  # type: ignore[arg-type]
    assert str(error.value) == (
        "virtual node 'cart': backend is text, got 'a.shop.local' "
        "(the node, router or service itself; with app-mesh external_service(...) for one that is elsewhere)"
    )
    assert mesh.model == before


def test_mesh_resources_are_the_virtual_node_and_the_virtual_service(stack: Stack, mesh: ServiceMesh) -> None:
    cart = MeshNode(stack, "Cart", mesh=mesh)
    types = {id: resource.cfn_resource_type for id, resource in cart.mesh_resources.items()}
    assert types == {"VirtualNode": NODE, "VirtualService": SERVICE}


def test_mesh_resources_of_a_node_without_a_virtual_service_are_the_virtual_node(
    stack: Stack, mesh: ServiceMesh
) -> None:
    cart = MeshNode(stack, "Cart", mesh=mesh, virtual_service=False)
    assert list(cart.mesh_resources) == ["VirtualNode"]


# Access log


def test_requests_are_logged_to_standard_output_by_default(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    MeshNode(stack, "Cart", mesh=mesh, name="cart")
    assert spec(template())["Logging"] == {"AccessLog": {"File": {"Path": "/dev/stdout"}}}


def test_node_without_access_log_logs_no_requests(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    MeshNode(stack, "Cart", mesh=mesh, name="cart", access_log=None)
    assert "Logging" not in spec(template())


@pytest.mark.parametrize(
    ("log", "file"),
    [
        pytest.param(AccessLog(path="/tmp/log"), {"Path": "/tmp/log"}, id="path"),
        pytest.param(AccessLog(text="%PATH%\n"), {"Path": "/dev/stdout", "Format": {"Text": "%PATH%\n"}}, id="text"),
        pytest.param(
            AccessLog(json=(("to", "%PATH%"), ("code", "%RESPONSE_CODE%"))),
            {
                "Path": "/dev/stdout",
                "Format": {"Json": [{"Key": "to", "Value": "%PATH%"}, {"Key": "code", "Value": "%RESPONSE_CODE%"}]},
            },
            id="json",
        ),
    ],
)
def test_node_has_the_access_log_given(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template], log: AccessLog, file: Properties
) -> None:
    MeshNode(stack, "Cart", mesh=mesh, name="cart", access_log=log)
    assert spec(template())["Logging"] == {"AccessLog": {"File": file}}


# Service discovery


def test_cloud_map_service_has_the_name_of_the_node_by_default(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    MeshNode(stack, "Cart", mesh=mesh, name="cart")
    synthesized = template()
    discovery = {"AWSCloudMap": {"NamespaceName": "shop.local", "ServiceName": "cart"}}
    assert only(synthesized, CLOUD_MAP)["Name"] == "cart"
    assert spec(synthesized)["ServiceDiscovery"] == discovery


def test_cloud_map_service_has_the_name_given(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart", cloud_map_name="basket")
    synthesized = template()
    discovery = {"AWSCloudMap": {"NamespaceName": "shop.local", "ServiceName": "basket"}}
    assert cart.virtual_service_name == "basket.shop.local"
    assert only(synthesized, CLOUD_MAP)["Name"] == "basket"
    assert only(synthesized, SERVICE)["VirtualServiceName"] == "basket.shop.local"
    assert spec(synthesized)["ServiceDiscovery"] == discovery


def test_cloud_map_service_has_no_description_by_default(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    MeshNode(stack, "Cart", mesh=mesh)
    assert "Description" not in only(template(), CLOUD_MAP)


def test_cloud_map_service_has_the_description_given(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    MeshNode(stack, "Cart", mesh=mesh, cloud_map_description="What is in the basket.")
    assert only(template(), CLOUD_MAP)["Description"] == "What is in the basket."


def test_ttl_is_60_seconds_by_default(stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]) -> None:
    MeshNode(stack, "Cart", mesh=mesh)
    dns = only(template(), CLOUD_MAP)["DnsConfig"]
    assert dns["DnsRecords"] == [{"TTL": 60, "Type": "A"}]
    assert dns["RoutingPolicy"] == "MULTIVALUE"


@pytest.mark.parametrize("seconds", [pytest.param(0, id="lowest"), pytest.param(2147483647, id="highest")])
def test_ttl_is_the_one_given(stack: Stack, mesh: ServiceMesh, template: Callable[[], Template], seconds: int) -> None:
    MeshNode(stack, "Cart", mesh=mesh, dns_ttl=Duration.seconds(seconds))
    assert only(template(), CLOUD_MAP)["DnsConfig"]["DnsRecords"] == [{"TTL": seconds, "Type": "A"}]


# Security group


def test_security_group_of_a_node_has_no_ingress_rules_by_default(
    stack: Stack, guarded_mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    MeshNode(stack, "Cart", mesh=guarded_mesh, name="cart")
    synthesized = template()
    group = only(synthesized, "AWS::EC2::SecurityGroup", GroupDescription="Tasks of a virtual node.")
    assert "SecurityGroupIngress" not in group
    assert properties(synthesized, "AWS::EC2::SecurityGroupIngress") == []


def test_security_group_of_a_node_has_a_description(
    stack: Stack, guarded_mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    MeshNode(stack, "Cart", mesh=guarded_mesh, name="cart")
    group = only(template(), "AWS::EC2::SecurityGroup", GroupDescription="Tasks of a virtual node.")
    assert group["VpcId"] == "vpc-shop"


def test_security_group_that_is_used_before_the_tasks_exist_is_in_the_scope_of_the_node(
    app: App, guarded_mesh: ServiceMesh
) -> None:
    cart = MeshNode(Stack(app, "Team"), "Cart", mesh=guarded_mesh, name="cart")
    assert cart.security_group is not None
    assert cart.security_group.node.path == "Team/Cart/SecurityGroup"


def test_node_admits_its_callers_on_its_port_only(
    stack: Stack, guarded_mesh: ServiceMesh, ingress: Callable[[], list[str]]
) -> None:
    stock = MeshNode(stack, "Stock", mesh=guarded_mesh, port=8080)
    MeshNode(stack, "Cart", mesh=guarded_mesh, backends=[stock])
    MeshNode(stack, "Orders", mesh=guarded_mesh, backends=[stock])
    MeshNode(stack, "Prices", mesh=guarded_mesh)
    assert ingress() == ["Cart -> Stock tcp 8080", "Orders -> Stock tcp 8080"]


def test_node_admits_a_caller_that_connects_later(
    stack: Stack, guarded_mesh: ServiceMesh, ingress: Callable[[], list[str]]
) -> None:
    cart = MeshNode(stack, "Cart", mesh=guarded_mesh)
    stock = MeshNode(stack, "Stock", mesh=guarded_mesh, port=8080)
    cart.connect_to(stock)
    assert ingress() == ["Cart -> Stock tcp 8080"]


def test_nodes_that_call_each_other_admit_each_other(
    stack: Stack, guarded_mesh: ServiceMesh, ingress: Callable[[], list[str]]
) -> None:
    cart = MeshNode(stack, "Cart", mesh=guarded_mesh)
    stock = MeshNode(stack, "Stock", mesh=guarded_mesh, port=8080, backends=[cart])
    cart.connect_to(stock)
    assert ingress() == ["Cart -> Stock tcp 8080", "Stock -> Cart tcp 80"]


def test_target_admits_the_callers_of_its_router(
    stack: Stack, guarded_mesh: ServiceMesh, ingress: Callable[[], list[str]]
) -> None:
    stock = MeshNode(stack, "Stock", mesh=guarded_mesh, name="stock", port=8080, virtual_service=False)
    router = MeshRouter(stack, "Router", mesh=guarded_mesh, virtual_service_name="stock.shop.local", port=8080)
    router.add_route("All", targets={stock: 1})
    MeshNode(stack, "Cart", mesh=guarded_mesh, backends=[router])
    assert ingress() == ["Cart -> Stock tcp 8080"]


def test_target_admits_callers_that_the_router_had_before_the_route(
    stack: Stack, guarded_mesh: ServiceMesh, ingress: Callable[[], list[str]]
) -> None:
    stock = MeshNode(stack, "Stock", mesh=guarded_mesh, name="stock", port=8080, virtual_service=False)
    router = MeshRouter(stack, "Router", mesh=guarded_mesh, virtual_service_name="stock.shop.local", port=8080)
    MeshNode(stack, "Cart", mesh=guarded_mesh, backends=[router])
    router.add_route("All", targets={stock: 1})
    assert ingress() == ["Cart -> Stock tcp 8080"]


def test_caller_of_a_node_and_of_its_router_is_admitted_once(
    stack: Stack, guarded_mesh: ServiceMesh, ingress: Callable[[], list[str]]
) -> None:
    stock = MeshNode(stack, "Stock", mesh=guarded_mesh, name="stock")
    MeshNode(stack, "Prices", mesh=guarded_mesh, name="prices", virtual_service=False)
    router = MeshRouter(stack, "Router", mesh=guarded_mesh, virtual_service_name="prices.shop.local")
    router.add_route("All", targets={stock: 1})
    MeshNode(stack, "Cart", mesh=guarded_mesh, backends=[stock, router])
    assert ingress() == ["Cart -> Stock tcp 80"]


def test_shared_security_group_gets_no_rules(stack: Stack, mesh: ServiceMesh, ingress: Callable[[], list[str]]) -> None:
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock")
    MeshNode(stack, "Cart", mesh=mesh, backends=[stock])
    MeshGateway(stack, "Gateway", mesh=mesh).add_route("Stock", to=stock)
    assert ingress() == []


def test_connections_admit_other_peers(
    stack: Stack, guarded_mesh: ServiceMesh, ingress: Callable[[], list[str]]
) -> None:
    admin = ec2.SecurityGroup.from_security_group_id(stack, "Admin", "sg-admin")
    cart = MeshNode(stack, "Cart", mesh=guarded_mesh)
    cart.connections.allow_from(admin, ec2.Port.tcp(9901))
    assert ingress() == ["sg-admin -> Cart tcp 9901"]


# Invalid arguments


def test_every_problem_of_a_node_is_reported_and_nothing_is_created(stack: Stack, mesh: ServiceMesh) -> None:
    stock = MeshNode(stack, "Stock", mesh=mesh, name="stock", virtual_service=False)
    before = mesh.model
    with pytest.raises(MeshError) as error:
        MeshNode(
            stack,
            "Cart",
            mesh=mesh,
            name="the cart",
            port=0,
            protocol="ftp",  # type: ignore[arg-type]
            backends=[stock],
            virtual_service=False,
            access_log=AccessLog(text="%PATH%", json=(("to", "%PATH%"),)),
            cloud_map_name="-cart",
            cloud_map_description="c" * 1025,
            dns_ttl=Duration.seconds(2147483648),
        )
    assert str(error.value).splitlines() == [
        (
            "virtual node 'the cart': backend has no virtual service, got 'stock' "
            "(give it one with virtual_service=True, or put it behind a MeshRouter)"
        ),
        (
            "Cloud Map service '-cart': name is not a DNS name, got '-cart' "
            "(labels of 1 to 63 letters, digits, '-' and '_', joined by dots)"
        ),
        "Cloud Map service '-cart': TTL out of range, got 2147483648 (0 to 2147483647)",
        "Cloud Map service '-cart': description too long, got '1025 characters' (0 to 1024)",
        "virtual node 'the cart': name has invalid characters, got 'the cart' (letters, digits, '-' and '_')",
        "virtual node 'the cart': listener port out of range, got 0 (1 to 65535)",
        "virtual node 'the cart': unknown protocol, got 'ftp' (one of: http, http2, grpc, tcp)",
        (
            "virtual node 'the cart': service discovery is not a DNS name, got '-cart.shop.local' "
            "(labels of 1 to 63 letters, digits, '-' and '_', joined by dots)"
        ),
        "virtual node 'the cart': access log has two formats, got 'text and json' (give one of them)",
    ]
    assert stack.node.try_find_child("Cart") is None
    assert mesh.model == before
