"""Properties beyond the tutorial: timeouts, retry policies, health checks, TLS, matches and rewrites."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import Stack

from color_mesh import MeshError, MeshGateway, MeshNode, MeshRouter, ServiceMesh
from color_mesh.model import (
    ClientTls,
    ConnectionPool,
    FileCertificate,
    FileTrust,
    HeaderMatch,
    HealthCheck,
    ListenerTls,
    Milliseconds,
    OutlierDetection,
    RetryPolicy,
    Rewrite,
    RouteMatch,
    Timeout,
    TlsValidation,
    VirtualServiceBackend,
)
from tests.support.builders import health_check, outlier_detection, retry_policy
from tests.support.cloudformation import Template, only

CERTIFICATE = FileCertificate(certificate_chain="/tls/chain.pem", private_key="/tls/key.pem")
CLIENT_TLS = ClientTls(validation=TlsValidation(trust=FileTrust(certificate_chain="/tls/ca.pem")))


@pytest.mark.parametrize(
    ("given", "key", "expected"),
    [
        pytest.param(
            {"timeout": Timeout(per_request=Milliseconds(500))},
            "Timeout",
            {"HTTP": {"PerRequest": {"Unit": "ms", "Value": 500}}},
            id="timeout",
        ),
        pytest.param(
            {"connection_pool": ConnectionPool(max_connections=7)},
            "ConnectionPool",
            {"HTTP": {"MaxConnections": 7}},
            id="connection-pool",
        ),
        pytest.param(
            {"tls": ListenerTls(mode="STRICT", certificate=CERTIFICATE)},
            "TLS",
            {
                "Mode": "STRICT",
                "Certificate": {"File": {"CertificateChain": "/tls/chain.pem", "PrivateKey": "/tls/key.pem"}},
            },
            id="tls",
        ),
    ],
)
def test_listener_of_a_node_has_the_properties_given(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template], given: Any, key: str, expected: Any
) -> None:
    MeshNode(stack, "Stock", mesh=mesh, name="stock", **given)
    (listener,) = only(template(), "AWS::AppMesh::VirtualNode")["Spec"]["Listeners"]
    assert listener[key] == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [("health_check", health_check()), ("outlier_detection", outlier_detection())],
    ids=["health-check", "outlier-detection"],
)
def test_node_has_the_health_check_and_the_outlier_detection_given(
    stack: Stack, mesh: ServiceMesh, name: str, value: HealthCheck | OutlierDetection
) -> None:
    given: dict[str, Any] = {name: value}
    MeshNode(stack, "Stock", mesh=mesh, name="stock", **given)
    (listener,) = mesh.model.node("stock").listeners
    assert getattr(listener, name) == value


def test_node_and_gateway_have_the_tls_given(stack: Stack, mesh: ServiceMesh) -> None:
    MeshNode(stack, "Stock", mesh=mesh, name="stock", client_tls=CLIENT_TLS)
    MeshGateway(stack, "Door", mesh=mesh, name="door", client_tls=CLIENT_TLS)
    assert mesh.model.node("stock").client_tls == mesh.model.gateway("door").client_tls == CLIENT_TLS


@pytest.mark.parametrize(
    ("given", "expected"),
    [pytest.param({}, None, id="as-to-the-others"), pytest.param({"client_tls": CLIENT_TLS}, CLIENT_TLS, id="given")],
)
def test_backend_has_the_client_tls_given_to_connect_to(
    stack: Stack, any_mesh: ServiceMesh, given: Any, expected: ClientTls | None
) -> None:
    stock = MeshNode(stack, "Stock", mesh=any_mesh, name="stock")
    prices = MeshNode(stack, "Prices", mesh=any_mesh, name="prices", port=81)
    cart = MeshNode(stack, "Cart", mesh=any_mesh, name="cart", port=82, backends=[stock])
    cart.connect_to(prices, **given)
    assert any_mesh.model.node("cart").backends == (
        VirtualServiceBackend(virtual_service="stock.shop.local"),
        VirtualServiceBackend(virtual_service="prices.shop.local", client_tls=expected),
    )


def test_invalid_client_tls_is_refused_by_connect_to(stack: Stack, any_mesh: ServiceMesh) -> None:
    stock = MeshNode(stack, "Stock", mesh=any_mesh, name="stock")
    cart = MeshNode(stack, "Cart", mesh=any_mesh, name="cart")
    before = any_mesh.model
    with pytest.raises(MeshError) as error:
        cart.connect_to(stock, client_tls=replace(CLIENT_TLS, ports=(0,)))
    assert str(error.value) == (
        "virtual node 'cart' backend 'stock.shop.local': client policy port out of range, got 0 (1 to 65535)"
    )
    assert any_mesh.model == before


def test_optional_properties_are_absent_by_default(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    MeshNode(stack, "Stock", mesh=mesh, name="stock")
    spec = only(template(), "AWS::AppMesh::VirtualNode")["Spec"]
    assert spec["Listeners"] == [{"PortMapping": {"Port": 80, "Protocol": "http"}}]
    assert set(spec) == {"Listeners", "Logging", "ServiceDiscovery"}


def test_route_has_the_retry_policy_and_the_timeout_given(
    stack: Stack, mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    router = routed(stack, mesh)
    retries: RetryPolicy = retry_policy()
    router.add_route(
        "All", targets={node(stack, mesh): 1}, retry_policy=retries, timeout=Timeout(per_request=Milliseconds(900))
    )
    (route,) = mesh.model.router("router").routes
    assert (route.retry_policy, route.timeout) == (retries, Timeout(per_request=Milliseconds(900)))
    rule = only(template(), "AWS::AppMesh::Route")["Spec"]["HttpRoute"]
    assert rule["Timeout"] == {"PerRequest": {"Unit": "ms", "Value": 900}}
    assert "RetryPolicy" in rule


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        pytest.param(
            RouteMatch(path="/stock", headers=(HeaderMatch(name="canary", exact="yes"),)),
            RouteMatch(path="/stock", headers=(HeaderMatch(name="canary", exact="yes"),)),
            id="all-of-it",
        ),
        pytest.param(
            RouteMatch(headers=(HeaderMatch(name="canary"),)),
            RouteMatch(prefix="/", headers=(HeaderMatch(name="canary"),)),
            id="any-path",
        ),
    ],
)
def test_route_has_all_conditions_of_its_match(
    stack: Stack, mesh: ServiceMesh, match: RouteMatch, expected: RouteMatch
) -> None:
    routed(stack, mesh).add_route("Canary", targets={node(stack, mesh): 1}, match=match)
    (route,) = mesh.model.router("router").routes
    assert route.match == expected


def test_gateway_route_has_the_host_and_the_rewrite_given(stack: Stack, mesh: ServiceMesh) -> None:
    door = MeshGateway(stack, "Door", mesh=mesh, name="door")
    door.add_route(
        "Stock",
        to=MeshNode(stack, "Stock", mesh=mesh, name="stock"),
        match=RouteMatch(hostname="stock.example.com", prefix="/old/"),
        target_port=80,
        rewrite=Rewrite(prefix="/new/", keep_hostname=True),
    )
    (route,) = mesh.model.gateway("door").routes
    assert route.match == RouteMatch(hostname="stock.example.com", prefix="/old/")
    assert (route.target_port, route.rewrite) == (80, Rewrite(prefix="/new/", keep_hostname=True))


def test_match_together_with_prefix_is_refused(stack: Stack, mesh: ServiceMesh) -> None:
    router = routed(stack, mesh)
    with pytest.raises(
        MeshError, match="route 'all': 'match' excludes 'prefix', 'method' and 'port', got {'prefix': '/a'}"
    ):
        router.add_route("All", name="all", targets={node(stack, mesh): 1}, prefix="/a", match=RouteMatch(prefix="/b"))
    assert mesh.model.router("router").routes == ()


def node(stack: Stack, mesh: ServiceMesh) -> MeshNode:
    construct = stack.node.try_find_child("Stock")
    assert isinstance(construct, MeshNode)
    return construct


def routed(stack: Stack, mesh: ServiceMesh) -> MeshRouter:
    MeshNode(stack, "Stock", mesh=mesh, name="stock", virtual_service=False)
    return MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="stock.shop.local", name="router")
