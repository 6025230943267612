"""The spec of each App Mesh resource, key for key as the App Mesh API has it."""

from typing import Any

import pytest

from color_mesh.appmesh import (
    gateway_route_spec,
    mesh_spec,
    route_spec,
    virtual_gateway_spec,
    virtual_node_spec,
    virtual_router_spec,
    virtual_service_spec,
)
from color_mesh.model import (
    AccessLog,
    CloudMapDiscovery,
    EgressFilter,
    GatewayRoute,
    Listener,
    Mesh,
    Protocol,
    Route,
    RouteMatch,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    WeightedTarget,
)

HTTP = Listener(port=80)
HTTP_SPEC = {"portMapping": {"port": 80, "protocol": "http"}}
RED = CloudMapDiscovery(namespace="colors.local", service="red")
RED_SPEC = {"awsCloudMap": {"namespaceName": "colors.local", "serviceName": "red"}}
TO_RED = {"target": {"virtualService": {"virtualServiceName": "red.colors.local"}}}
WITH_PATHS = [pytest.param("http", "httpRoute", id="http"), pytest.param("http2", "http2Route", id="http2")]


def node(**parts: Any) -> VirtualNode:
    """A node that listens on port 80 and is found as red."""
    return VirtualNode(name="red", listeners=(HTTP,), discovery=RED, **parts)


def route(match: RouteMatch, *targets: WeightedTarget, **changes: Any) -> Route:
    return Route(name="all", match=match, targets=targets, **changes)


def gateway_route(match: RouteMatch, **changes: Any) -> GatewayRoute:
    return GatewayRoute(name="all", match=match, virtual_service="red.colors.local", **changes)


@pytest.mark.parametrize("egress_filter", ["DROP_ALL", "ALLOW_ALL"])
def test_a_mesh_has_an_egress_filter(egress_filter: EgressFilter) -> None:
    assert mesh_spec(Mesh(name="colors", egress_filter=egress_filter)) == {"egressFilter": {"type": egress_filter}}


def test_a_node_without_backends_and_log_has_no_such_keys() -> None:
    assert virtual_node_spec(node()) == {"listeners": [HTTP_SPEC], "serviceDiscovery": RED_SPEC}


def test_a_node_that_only_calls_has_only_backends() -> None:
    caller = VirtualNode(name="caller", backends=("red.colors.local",))
    assert virtual_node_spec(caller) == {
        "backends": [{"virtualService": {"virtualServiceName": "red.colors.local"}}],
    }


def test_a_node_keeps_the_order_of_its_listeners_and_backends() -> None:
    several = VirtualNode(
        name="red",
        listeners=(Listener(port=8080, protocol="http2"), Listener(port=80, protocol="grpc"), Listener(port=9)),
        discovery=RED,
        backends=("router.colors.local", "blue.colors.local"),
    )
    assert virtual_node_spec(several) == {
        "listeners": [
            {"portMapping": {"port": 8080, "protocol": "http2"}},
            {"portMapping": {"port": 80, "protocol": "grpc"}},
            {"portMapping": {"port": 9, "protocol": "http"}},
        ],
        "serviceDiscovery": RED_SPEC,
        "backends": [
            {"virtualService": {"virtualServiceName": "router.colors.local"}},
            {"virtualService": {"virtualServiceName": "blue.colors.local"}},
        ],
    }


@pytest.mark.parametrize(
    ("log", "file"),
    [
        pytest.param(AccessLog(), {"path": "/dev/stdout"}, id="default-format"),
        pytest.param(AccessLog(path="/tmp/red.log"), {"path": "/tmp/red.log"}, id="path"),
        pytest.param(
            AccessLog(text="[%START_TIME%] %PROTOCOL%\n"),
            {"path": "/dev/stdout", "format": {"text": "[%START_TIME%] %PROTOCOL%\n"}},
            id="text",
        ),
        pytest.param(
            AccessLog(json=(("start_time", "%START_TIME%"), ("method", "%REQ(:METHOD)%"), ("a", "%PROTOCOL%"))),
            {
                "path": "/dev/stdout",
                "format": {
                    "json": [
                        {"key": "start_time", "value": "%START_TIME%"},
                        {"key": "method", "value": "%REQ(:METHOD)%"},
                        {"key": "a", "value": "%PROTOCOL%"},
                    ]
                },
            },
            id="json-in-order",
        ),
    ],
)
def test_nodes_and_gateways_log_requests_to_a_file(log: AccessLog, file: dict[str, Any]) -> None:
    logging = {"accessLog": {"file": file}}
    gateway = VirtualGateway(name="gateway", listeners=(HTTP,), access_log=log)
    assert virtual_node_spec(node(access_log=log)) == {
        "listeners": [HTTP_SPEC],
        "serviceDiscovery": RED_SPEC,
        "logging": logging,
    }
    assert virtual_gateway_spec(gateway) == {"listeners": [HTTP_SPEC], "logging": logging}


def test_a_gateway_without_log_has_no_such_key() -> None:
    assert virtual_gateway_spec(VirtualGateway(name="gateway", listeners=(HTTP,))) == {"listeners": [HTTP_SPEC]}


@pytest.mark.parametrize("protocol", ["http", "http2", "grpc", "tcp"])
def test_a_router_has_listeners_and_leaves_its_routes_to_themselves(protocol: Protocol) -> None:
    routes = (route(RouteMatch(prefix="/"), WeightedTarget(virtual_node="red", weight=1)),)
    router = VirtualRouter(name="router", listeners=(Listener(port=81, protocol=protocol),), routes=routes)
    assert virtual_router_spec(router) == {"listeners": [{"portMapping": {"port": 81, "protocol": protocol}}]}


@pytest.mark.parametrize(
    ("service", "spec"),
    [
        pytest.param(
            VirtualService(name="red.colors.local", virtual_node="red"),
            {"provider": {"virtualNode": {"virtualNodeName": "red"}}},
            id="node",
        ),
        pytest.param(
            VirtualService(name="router.colors.local", virtual_router="color-router"),
            {"provider": {"virtualRouter": {"virtualRouterName": "color-router"}}},
            id="router",
        ),
        pytest.param(VirtualService(name="nothing.colors.local"), {}, id="none"),
    ],
)
def test_a_service_has_the_provider_it_was_given(service: VirtualService, spec: dict[str, Any]) -> None:
    assert virtual_service_spec(service) == spec


@pytest.mark.parametrize(("protocol", "key"), WITH_PATHS)
def test_a_route_with_everything_says_everything(protocol: Protocol, key: str) -> None:
    match = RouteMatch(prefix="/orders", method="GET", port=80)
    targets = (
        WeightedTarget(virtual_node="yellow", weight=1, port=80),
        WeightedTarget(virtual_node="green", weight=4, port=8080),
    )
    assert route_spec(route(match, *targets, protocol=protocol, priority=1)) == {
        "priority": 1,
        key: {
            "match": {"prefix": "/orders", "method": "GET", "port": 80},
            "action": {
                "weightedTargets": [
                    {"virtualNode": "yellow", "weight": 1, "port": 80},
                    {"virtualNode": "green", "weight": 4, "port": 8080},
                ]
            },
        },
    }


@pytest.mark.parametrize(
    ("protocol", "key"), [pytest.param("grpc", "grpcRoute", id="grpc"), pytest.param("tcp", "tcpRoute", id="tcp")]
)
def test_a_route_without_paths_matches_everything_or_a_port(protocol: Protocol, key: str) -> None:
    red = WeightedTarget(virtual_node="red", weight=100)
    action = {"weightedTargets": [{"virtualNode": "red", "weight": 100}]}
    assert route_spec(route(RouteMatch(), red, protocol=protocol)) == {key: {"match": {}, "action": action}}
    assert route_spec(route(RouteMatch(port=81), red, protocol=protocol)) == {
        key: {"match": {"port": 81}, "action": action}
    }


def test_a_route_keeps_weight_0_and_priority_0() -> None:
    targets = WeightedTarget(virtual_node="green", weight=0), WeightedTarget(virtual_node="yellow", weight=1)
    assert route_spec(route(RouteMatch(prefix="/"), *targets, priority=0)) == {
        "priority": 0,
        "httpRoute": {
            "match": {"prefix": "/"},
            "action": {
                "weightedTargets": [{"virtualNode": "green", "weight": 0}, {"virtualNode": "yellow", "weight": 1}]
            },
        },
    }


@pytest.mark.parametrize(("protocol", "key"), WITH_PATHS)
def test_a_gateway_route_with_everything_says_everything(protocol: Protocol, key: str) -> None:
    match = RouteMatch(prefix="/", method="POST", port=8080)
    assert gateway_route_spec(gateway_route(match, protocol=protocol, priority=1000)) == {
        "priority": 1000,
        key: {"match": {"prefix": "/", "method": "POST", "port": 8080}, "action": TO_RED},
    }


def test_a_gateway_route_keeps_priority_0() -> None:
    assert gateway_route_spec(gateway_route(RouteMatch(prefix="/red"), priority=0)) == {
        "priority": 0,
        "httpRoute": {"match": {"prefix": "/red"}, "action": TO_RED},
    }


def test_a_gateway_route_for_grpc_matches_everything() -> None:
    assert gateway_route_spec(gateway_route(RouteMatch(), protocol="grpc")) == {
        "grpcRoute": {"match": {}, "action": TO_RED}
    }
