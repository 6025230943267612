"""Complete messages for the problems of a mesh, except those of routes."""

from dataclasses import replace
from typing import Any

import pytest

from color_mesh.model import (
    AccessLog,
    CloudMapDiscovery,
    CloudMapService,
    DnsDiscovery,
    GatewayRoute,
    Listener,
    Mesh,
    MeshError,
    RouteMatch,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    WeightedTarget,
)
from color_mesh.model.index import MeshIndex, MeshParts
from color_mesh.model.references import check_dns_answers
from tests.support.builders import HTTP, dns, gateway, mesh, node, refusal, route, router, service, to

TCP = Listener(port=80, protocol="tcp")
PAIRS = "such as (('method', '%REQ(:METHOD)%'),)"


def index(cloud_map_services: tuple[CloudMapService, ...] = (), nodes: tuple[VirtualNode, ...] = ()) -> MeshIndex:
    parts = MeshIndex()
    parts.add(MeshParts(cloud_map_services=cloud_map_services, nodes=nodes))
    return parts


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        pytest.param(
            {"name": "color mesh"},
            "mesh 'color mesh': name has invalid characters, got 'color mesh' (letters, digits, '-' and '_')",
            id="name",
        ),
        pytest.param(
            {"egress_filter": "DENY"},
            "mesh 'colors': unknown egress filter, got 'DENY' (one of: DROP_ALL, ALLOW_ALL)",
            id="egress-filter",
        ),
        pytest.param(
            {"nodes": (node(listeners=(Listener(port=0),)),)},
            "virtual node 'red': listener port out of range, got 0 (1 to 65535)",
            id="port",
        ),
        pytest.param(
            {"nodes": (node(listeners=(Listener(port=80, protocol="udp"),)),)},  # type: ignore[arg-type]
            "virtual node 'red': unknown protocol, got 'udp' (one of: http, http2, grpc, tcp)",
            id="node-protocol",
        ),
        pytest.param(
            {"routers": (router("router", Listener(port=80, protocol="HTTP")),)},  # type: ignore[arg-type]
            "virtual router 'router': unknown protocol, got 'HTTP' (one of: http, http2, grpc, tcp)",
            id="router-protocol",
        ),
        pytest.param(
            {"gateways": (gateway("gateway", TCP),)},
            "virtual gateway 'gateway': unknown protocol, got 'tcp' (one of: http, http2, grpc)",
            id="gateway-refuses-tcp",
        ),
        pytest.param(
            {"routers": (VirtualRouter(name="router", listeners=()),)},
            "virtual router 'router': has no listener, got 0 (one at least)",
            id="router-without-listener",
        ),
        pytest.param(
            {"gateways": (VirtualGateway(name="gateway", listeners=()),)},
            "virtual gateway 'gateway': has no listener, got 0 (one at least)",
            id="gateway-without-listener",
        ),
        pytest.param(
            {"nodes": (node(discovery=None),)},
            "virtual node 'red': has a listener but no service discovery, got None "
            "(name the Cloud Map service that its tasks are registered in)",
            id="node-without-discovery",
        ),
        pytest.param(
            {"nodes": (node("-red"),)},
            "virtual node '-red': service discovery is not a DNS name, got '-red.colors.local' "
            "(labels of 1 to 63 letters, digits, '-' and '_', joined by dots)",
            id="discovery",
        ),
        pytest.param(
            {"nodes": (node(discovery=CloudMapDiscovery(namespace=f"{'a.' * 124}aa", service="red")),)},
            "virtual node 'red': service discovery too long, got '254 characters' (1 to 253)",
            id="discovery-too-long",
        ),
        pytest.param(
            {"external_services": ("blue colors",)},
            "external service 'blue colors': name is not a DNS name, got 'blue colors' "
            "(labels of 1 to 63 letters, digits, '-' and '_', joined by dots)",
            id="external-service",
        ),
    ],
)
def test_invalid_part_is_rejected(parts: dict[str, Any], message: str) -> None:
    assert refusal(mesh, **parts) == message


@pytest.mark.parametrize(
    ("parts", "wrong"),
    [
        pytest.param({"nodes": (node(), node())}, "mesh 'colors': duplicate virtual node, got 'red'", id="node"),
        pytest.param(
            {"routers": (router(), router())}, "mesh 'colors': duplicate virtual router, got 'router'", id="router"
        ),
        pytest.param(
            {"gateways": (gateway(), gateway())},
            "mesh 'colors': duplicate virtual gateway, got 'gateway'",
            id="gateway",
        ),
        pytest.param(
            {"services": (service(), service())},
            "mesh 'colors': duplicate virtual service, got 'red.colors.local'",
            id="service",
        ),
        pytest.param(
            {"services": (service(), service("RED.colors.local"))},
            "mesh 'colors': duplicate virtual service, got 'red.colors.local'",
            id="service-but-for-case",
        ),
        pytest.param(
            {"services": (service(),), "external_services": ("Red.Colors.Local",)},
            "mesh 'colors': duplicate virtual service, got 'red.colors.local'",
            id="service-that-is-also-external",
        ),
        pytest.param(
            {"cloud_map_services": (dns(), dns())},
            "mesh 'colors': duplicate Cloud Map service, got 'red.colors.local'",
            id="cloud-map-service",
        ),
        pytest.param(
            {"cloud_map_services": (dns("red"), dns("Red"))},
            "mesh 'colors': duplicate Cloud Map service, got 'red.colors.local'",
            id="cloud-map-service-but-for-case",
        ),
        pytest.param(
            {"nodes": (node(listeners=(HTTP, TCP)),)},
            "virtual node 'red': duplicate listener port, got '80'",
            id="node-listener",
        ),
        pytest.param(
            {"routers": (router("router", HTTP, TCP),)},
            "virtual router 'router': duplicate listener port, got '80'",
            id="router-listener",
        ),
        pytest.param(
            {"gateways": (gateway("gateway", HTTP, HTTP),)},
            "virtual gateway 'gateway': duplicate listener port, got '80'",
            id="gateway-listener",
        ),
        pytest.param(
            {"nodes": (node(backends=(to("red.colors.local"),) * 2),), "external_services": ("red.colors.local",)},
            "virtual node 'red': duplicate backend, got 'red.colors.local'",
            id="backend",
        ),
    ],
)
def test_duplicate_is_rejected(parts: dict[str, Any], wrong: str) -> None:
    assert refusal(mesh, **parts) == f"{wrong} (occurs 2 times, must be unique)"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        pytest.param(
            {
                "nodes": (node(backends=(to("rad.colors.local"),)),),
                "services": (service(), service("blue.colors.local")),
            },
            "virtual node 'red': unknown backend, got 'rad.colors.local' (known: blue.colors.local, red.colors.local)",
            id="backend",
        ),
        pytest.param(
            {"nodes": (node(backends=(to("rad.colors.local"),)),)},
            "virtual node 'red': unknown backend, got 'rad.colors.local' (known: none)",
            id="backend-without-any-service",
        ),
        pytest.param(
            {"nodes": (node(),), "services": (service(virtual_node="blue"),)},
            "virtual service 'red.colors.local': unknown virtual node, got 'blue' (known: red)",
            id="provider-node",
        ),
        pytest.param(
            {"nodes": (node(),), "services": (service(virtual_router="red"),)},
            "virtual service 'red.colors.local': unknown virtual router, got 'red' (known: none)",
            id="provider-router",
        ),
        pytest.param(
            {
                "nodes": (node(),),
                "routers": (router(),),
                "services": (service(virtual_node="red", virtual_router="router"),),
            },
            "virtual service 'red.colors.local': has two providers, got ('red', 'router') "
            "(a virtual node or a virtual router)",
            id="two-providers",
        ),
    ],
)
def test_reference_to_an_unknown_part_is_rejected(parts: dict[str, Any], message: str) -> None:
    assert refusal(mesh, **parts) == message


@pytest.mark.parametrize(
    ("answered", "nodes", "services", "message"),
    [
        pytest.param(
            (dns("yellow"), dns("blue")),
            (),
            (service(),),
            "virtual service 'red.colors.local': has no DNS record in Cloud Map, got 'red.colors.local' "
            "(name it after one of: blue.colors.local, yellow.colors.local)",
            id="service",
        ),
        pytest.param(
            (),
            (),
            (service(),),
            "virtual service 'red.colors.local': has no DNS record in Cloud Map, got 'red.colors.local' "
            "(name it after one of: none yet)",
            id="service-without-a-dns-record",
        ),
        pytest.param(
            (dns("yellow"), dns("blue")),
            (node(),),
            (),
            "virtual node 'red': unknown Cloud Map service, got 'red.colors.local' "
            "(known: blue.colors.local, yellow.colors.local)",
            id="node",
        ),
        pytest.param(
            (),
            (node(),),
            (),
            "virtual node 'red': unknown Cloud Map service, got 'red.colors.local' (known: none)",
            id="node-without-a-dns-record",
        ),
    ],
)
def test_name_without_a_dns_record_is_reported(
    answered: tuple[CloudMapService, ...],
    nodes: tuple[VirtualNode, ...],
    services: tuple[VirtualService, ...],
    message: str,
) -> None:
    assert list(check_dns_answers(index(answered).cloud_map_services, nodes, services)) == [message]


def test_node_with_dns_discovery_needs_no_cloud_map_service() -> None:
    nodes = (node(discovery=DnsDiscovery(hostname="red.example.com")),)
    assert list(check_dns_answers(index((dns("blue"),)).cloud_map_services, nodes, ())) == []


def test_hostname_of_a_node_may_be_the_name_of_a_virtual_service() -> None:
    hostnames = index(nodes=(node(discovery=DnsDiscovery(hostname="red.example.com")),)).hostnames
    messages = check_dns_answers({}, (), (service("RED.example.com"), service()), hostnames)
    assert list(messages) == [
        (
            "virtual service 'red.colors.local': has no DNS record in Cloud Map, got 'red.colors.local' "
            "(name it after one of: red.example.com)"
        )
    ]


def test_every_name_without_a_dns_record_is_reported() -> None:
    answered = (dns("blue"),)
    nodes = node("red"), node("blue"), node("caller", listeners=(), discovery=None)
    services = service("blue.colors.local"), service("green.colors.local")
    messages = check_dns_answers(index(answered).cloud_map_services, nodes, services)
    assert list(messages) == [
        "virtual node 'red': unknown Cloud Map service, got 'red.colors.local' (known: blue.colors.local)",
        (
            "virtual service 'green.colors.local': has no DNS record in Cloud Map, got 'green.colors.local' "
            "(name it after one of: blue.colors.local)"
        ),
    ]


def test_access_log_with_two_formats_is_rejected() -> None:
    log = AccessLog(text="%PROTOCOL%", json=(("protocol", "%PROTOCOL%"),))
    wrong = "access log has two formats, got 'text and json' (give one of them)"
    assert refusal(mesh, nodes=(node(access_log=log),)) == f"virtual node 'red': {wrong}"
    assert refusal(mesh, gateways=(gateway(access_log=log),)) == f"virtual gateway 'gateway': {wrong}"


@pytest.mark.parametrize(
    ("json", "wrong"),
    [
        pytest.param((), f"access log json is not a tuple of pairs, got () ({PAIRS})", id="no-keys"),
        pytest.param("to", f"access log json is not a tuple of pairs, got 'to' ({PAIRS})", id="text"),
        pytest.param(
            {"to": "%PATH%"}, f"access log json is not a tuple of pairs, got {{'to': '%PATH%'}} ({PAIRS})", id="dict"
        ),
        pytest.param((("to",),), f"access log json is not a tuple of pairs, got (('to',),) ({PAIRS})", id="no-value"),
        pytest.param((("to", 1),), f"access log json is not a tuple of pairs, got (('to', 1),) ({PAIRS})", id="number"),
        pytest.param(
            (("to", "%PATH%"), ("code", "%RESPONSE_CODE%"), ("to", "%PROTOCOL%")),
            "duplicate access log key, got 'to' (occurs 2 times, must be unique)",
            id="duplicate-key",
        ),
    ],
)
def test_access_log_with_invalid_json_is_rejected(json: Any, wrong: str) -> None:
    log = AccessLog(json=json)
    assert refusal(mesh, nodes=(node(access_log=log),)) == f"virtual node 'red': {wrong}"
    assert refusal(mesh, gateways=(gateway(access_log=log),)) == f"virtual gateway 'gateway': {wrong}"


@pytest.mark.parametrize(
    ("log", "wrong"),
    [
        pytest.param(
            "/dev/stdout",
            "access log is not an AccessLog, got '/dev/stdout' (such as AccessLog(path='/dev/stdout'))",
            id="log",
        ),
        pytest.param(
            AccessLog(path=1),  # type: ignore[arg-type]
            "access log path is not text, got 1 (such as '/dev/stdout')",
            id="path",
        ),
        pytest.param(
            AccessLog(text=1),  # type: ignore[arg-type]
            "access log text is not text, got 1 (1 to 1000 characters)",
            id="text",
        ),
    ],
)
def test_access_log_of_a_wrong_type_is_rejected(log: Any, wrong: str) -> None:
    assert refusal(mesh, nodes=(node(access_log=log),)) == f"virtual node 'red': {wrong}"
    assert refusal(mesh, gateways=(gateway(access_log=log),)) == f"virtual gateway 'gateway': {wrong}"


def test_description_that_is_not_text_is_rejected() -> None:
    described = replace(dns(), description=1)  # type: ignore[arg-type]
    assert refusal(mesh, cloud_map_services=(described,)) == (
        "Cloud Map service 'red': description is not text, got 1 (0 to 1024 characters)"
    )


def test_problems_of_different_parts_come_in_one_error_in_order() -> None:
    with pytest.raises(MeshError) as error:
        Mesh(
            name="",
            gateways=(gateway("gateway", TCP),),
            routers=(router("router", Listener(port=0)), router("router")),
            nodes=(node("red", backends=(to("rad.colors.local"),)), node("blue", listeners=(Listener(port=65536),))),
            services=(service(virtual_node="green"),),
            cloud_map_services=(dns("red"), dns("blue"), replace(dns("green"), ttl_seconds=-1)),
        )
    assert error.value.problems == (
        "mesh '': name is empty, got '' (1 to 255 characters)",
        "Cloud Map service 'green': TTL out of range, got -1 (0 to 2147483647)",
        "virtual node 'blue': listener port out of range, got 65536 (1 to 65535)",
        "virtual router 'router': listener port out of range, got 0 (1 to 65535)",
        "virtual gateway 'gateway': unknown protocol, got 'tcp' (one of: http, http2, grpc)",
        "mesh '': duplicate virtual router, got 'router' (occurs 2 times, must be unique)",
        "virtual node 'red': unknown backend, got 'rad.colors.local' (known: red.colors.local)",
        "virtual service 'red.colors.local': unknown virtual node, got 'green' (known: blue, red)",
    )
    assert str(error.value) == "\n".join(error.value.problems)


def test_a_mesh_error_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="^mesh '': name is empty"):
        Mesh(name="")


def test_parts_of_different_kinds_may_share_a_name() -> None:
    red = mesh(name="red", nodes=(node("red"),), routers=(router("red"),), gateways=(gateway("red"),))
    assert (red.node("red").name, red.router("red").name, red.gateway("red").name) == ("red", "red", "red")


def test_model_does_not_require_cloud_map_services() -> None:
    names = mesh(nodes=(node(),), services=(service("orders.example.com"),))
    assert names.known_services == ("orders.example.com",)


def test_mesh_has_no_cloud_map_services_by_default() -> None:
    assert Mesh(name="colors").cloud_map_services == ()


def test_default_ttl_is_a_minute() -> None:
    assert CloudMapService(name="red", namespace="colors.local").ttl_seconds == 60


def test_an_external_service_may_be_a_backend() -> None:
    colors = mesh(
        nodes=(node(backends=(to("orders.example.com"),)),),
        services=(service(virtual_node="red"),),
        external_services=("orders.example.com",),
    )
    assert colors.known_services == ("red.colors.local", "orders.example.com")


def test_dns_names_are_case_insensitive() -> None:
    answered = index((dns("Red"),)).cloud_map_services
    assert list(check_dns_answers(answered, (node("rED"),), (service("RED.colors.local"),))) == []


def test_the_mesh_of_the_tutorial_is_accepted() -> None:
    targets = (WeightedTarget(virtual_node="green", weight=4), WeightedTarget(virtual_node="yellow", weight=1))
    get = RouteMatch(prefix="/", method="GET", port=80)
    color_route = route("color-route", match=get, targets=targets, priority=1)
    to_router = GatewayRoute(
        name="color-gateway-route-1", match=RouteMatch(prefix="/router"), virtual_service="router.colors.local"
    )
    to_blue = GatewayRoute(name="color-gateway-route-2", match=get, virtual_service="blue.colors.local")
    colors = mesh(
        name="color-mesh",
        cloud_map_services=(dns("red"), dns("blue"), dns("router"), dns("yellow")),
        nodes=(
            node("red", backends=(to("router.colors.local"),), access_log=AccessLog(text="%PROTOCOL%\n")),
            node("blue", backends=(to("red.colors.local"),), access_log=AccessLog(json=(("protocol", "%PROTOCOL%"),))),
            node("green", discovery=CloudMapDiscovery(namespace="colors.local", service="router")),
            node("yellow"),
        ),
        services=(
            service("red.colors.local", virtual_node="red"),
            service("blue.colors.local", virtual_node="blue"),
            service("router.colors.local", virtual_router="color-router"),
        ),
        routers=(router("color-router", routes=(color_route,)),),
        gateways=(gateway("color-gateway", routes=(to_router, to_blue), access_log=AccessLog()),),
    )
    assert colors.known_services == ("red.colors.local", "blue.colors.local", "router.colors.local")
    assert colors.router("color-router").routes == (color_route,)
