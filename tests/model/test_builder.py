"""A mesh that is declared part by part: the same mesh, and the same errors, as one that is constructed as a whole."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from color_mesh.model import DnsDiscovery, Listener, Mesh, MeshError, RouteMatch, VirtualNode, references
from color_mesh.model.builder import MeshBuilder
from color_mesh.model.index import MeshParts
from color_mesh.model.node import check_virtual_node
from tests.support.builders import dns, gateway, gateway_route, mesh, node, route, router, service, target, to
from tests.support.mesh_strategies import meshes
from tests.support.needs import examples


def declared() -> MeshBuilder:
    """Two nodes, a router with a route, and a gateway with a route."""
    builder = MeshBuilder(Mesh(name="colors"))
    builder.add(
        MeshParts(
            cloud_map_services=(dns("red"),),
            nodes=(node("red"), node("blue")),
            services=(service("red.colors.local", virtual_node="red"), service("router.colors.local")),
            external_services=("orders.example.com",),
            routers=(router(),),
            gateways=(gateway(),),
        )
    )
    builder.add_backends("blue", [to("red.colors.local")])
    builder.add_route("router", route())
    builder.add_gateway_route("gateway", gateway_route())
    return builder


def whole(parts: MeshParts) -> Mesh:
    """Construct the mesh of `declared` with more parts."""
    before = declared().build()
    return replace(
        before,
        cloud_map_services=(*before.cloud_map_services, *parts.cloud_map_services),
        nodes=(*before.nodes, *parts.nodes),
        services=(*before.services, *parts.services),
        external_services=(*before.external_services, *parts.external_services),
        routers=(*before.routers, *parts.routers),
        gateways=(*before.gateways, *parts.gateways),
    )


def problems(declare: Callable[[], Any]) -> tuple[str, ...]:
    with pytest.raises(MeshError) as error:
        declare()
    return error.value.problems


@examples(50)
@given(meshes())
def test_mesh_declared_part_by_part_equals_the_mesh_constructed_as_a_whole(of_parts: Mesh) -> None:
    empty = replace(
        of_parts, cloud_map_services=(), nodes=(), services=(), external_services=(), routers=(), gateways=()
    )
    builder = MeshBuilder(empty)
    builder.add(
        MeshParts(
            cloud_map_services=of_parts.cloud_map_services,
            nodes=tuple(replace(each, backends=()) for each in of_parts.nodes),
            routers=tuple(replace(each, routes=()) for each in of_parts.routers),
            gateways=tuple(replace(each, routes=()) for each in of_parts.gateways),
        )
    )
    for each in of_parts.services:
        builder.add(MeshParts(services=(each,)))
    for name in of_parts.external_services:
        builder.add(MeshParts(external_services=(name,)))
    for caller in of_parts.nodes:
        builder.add_backends(caller.name, caller.backends)
    for of_routes in of_parts.routers:
        for each_route in of_routes.routes:
            builder.add_route(of_routes.name, each_route)
    for entry in of_parts.gateways:
        for entry_route in entry.routes:
            builder.add_gateway_route(entry.name, entry_route)
    assert builder.build() == of_parts


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"nodes": (node("red"),)}, id="node-of-a-declared-name"),
        pytest.param({"nodes": (node("green"), node("green"))}, id="two-nodes-of-one-name"),
        pytest.param({"nodes": (node("green", listeners=(Listener(port=0),)),)}, id="node-not-valid-by-itself"),
        pytest.param({"nodes": (node("green", backends=(to("grey.colors.local"),)),)}, id="unknown-backend"),
        pytest.param({"services": (service("RED.colors.local"),)}, id="service-name-in-another-case"),
        pytest.param({"services": (service("orders.example.com"),)}, id="service-that-is-external"),
        pytest.param({"services": (service("x.colors.local", virtual_node="grey"),)}, id="unknown-provider"),
        pytest.param({"services": (service("x.colors.local", virtual_router="grey"),)}, id="unknown-router"),
        pytest.param({"external_services": ("red.colors.local", "-..")}, id="external-service-that-is-declared"),
        pytest.param({"cloud_map_services": (dns("Red"),)}, id="cloud-map-service-in-another-case"),
        pytest.param({"routers": (router(),)}, id="router-of-a-declared-name"),
        pytest.param({"routers": (router("r", routes=(route(targets=(target("grey"),)),)),)}, id="unknown-target"),
        pytest.param({"gateways": (gateway(),)}, id="gateway-of-a-declared-name"),
        pytest.param(
            {"gateways": (gateway("g", routes=(gateway_route(virtual_service="grey.colors.local"),)),)},
            id="unknown-service-of-a-gateway",
        ),
        pytest.param(
            {
                "nodes": (node("green", backends=(to("grey.colors.local"),)), node("blue", listeners=())),
                "services": (service("red.colors.local"), service("-", virtual_node="grey")),
                "cloud_map_services": (replace(dns("x"), ttl_seconds=-1),),
            },
            id="several-problems",
        ),
    ],
)
def test_addition_has_the_problems_of_the_whole_mesh_and_leaves_the_mesh_as_it_was(parts: dict[str, Any]) -> None:
    builder = declared()
    before = builder.build()
    additional = MeshParts(**parts)
    assert problems(lambda: builder.add(additional)) == problems(lambda: whole(additional))
    assert builder.build() is before
    assert builder.build() == declared().build()


def test_problems_of_the_caller_come_first() -> None:
    builder = declared()
    messages = problems(lambda: builder.add(MeshParts(nodes=(node("red"),)), ["node: is invalid, got 1 (2)"]))
    assert messages == (
        "node: is invalid, got 1 (2)",
        "mesh 'colors': duplicate virtual node, got 'red' (occurs 2 times, must be unique)",
    )


def test_addition_with_a_problem_of_the_caller_alone_is_refused() -> None:
    builder = declared()
    problems(lambda: builder.add(MeshParts(nodes=(node("green"),)), ["node: is invalid, got 1 (2)"]))
    assert "green" not in builder.parts.nodes


@pytest.mark.parametrize(
    "backends",
    [
        pytest.param([to("red.colors.local")], id="there-already"),
        pytest.param([to("grey.colors.local")], id="unknown"),
        pytest.param([to("orders.example.com"), to("orders.example.com")], id="twice"),
    ],
)
def test_added_backend_has_the_problems_of_the_whole_mesh(backends: list[Any]) -> None:
    builder = declared()
    before = builder.build()
    red, blue = before.nodes
    changed = replace(blue, backends=(*blue.backends, *backends))
    whole_mesh = problems(lambda: replace(before, nodes=(red, changed)))
    assert problems(lambda: builder.add_backends("blue", backends)) == whole_mesh
    assert builder.build() is before


@pytest.mark.parametrize(
    "added",
    [
        pytest.param(route(), id="name-and-match-of-another"),
        pytest.param(route("other"), id="match-of-another"),
        pytest.param(route("other", targets=(target("grey"),), match=RouteMatch(prefix="/x")), id="unknown-target"),
        pytest.param(route("-" * 256, priority=1001, protocol="tcp"), id="not-valid-by-itself"),
    ],
)
def test_added_route_has_the_problems_of_the_whole_mesh(added: Any) -> None:
    builder = declared()
    before = builder.build()
    (owner,) = before.routers
    whole_mesh = problems(lambda: replace(before, routers=(replace(owner, routes=(*owner.routes, added)),)))
    assert problems(lambda: builder.add_route("router", added)) == whole_mesh
    assert builder.build() is before


@pytest.mark.parametrize(
    "added",
    [
        pytest.param(gateway_route(), id="name-and-match-of-another"),
        pytest.param(gateway_route("other"), id="match-of-another"),
        pytest.param(
            gateway_route("other", virtual_service="grey.colors.local", match=RouteMatch(prefix="/x")),
            id="unknown-service",
        ),
        pytest.param(gateway_route("other", target_port=81, match=RouteMatch(prefix="/x")), id="port-of-no-listener"),
    ],
)
def test_added_gateway_route_has_the_problems_of_the_whole_mesh(added: Any) -> None:
    builder = declared()
    before = builder.build()
    (owner,) = before.gateways
    whole_mesh = problems(lambda: replace(before, gateways=(replace(owner, routes=(*owner.routes, added)),)))
    assert problems(lambda: builder.add_gateway_route("gateway", added)) == whole_mesh
    assert builder.build() is before


def test_mesh_is_built_once_for_each_change() -> None:
    builder = declared()
    before = builder.build()
    assert builder.build() is before
    builder.add(MeshParts(nodes=(node("green", discovery=DnsDiscovery(hostname="green.example.com")),)))
    assert builder.build() == replace(before, nodes=(*before.nodes, builder.parts.nodes["green"]))


def test_parts_declared_before_are_not_validated_again(monkeypatch: pytest.MonkeyPatch) -> None:
    validated: list[str] = []

    def counted(each: VirtualNode) -> Iterator[str]:
        validated.append(each.name)
        return check_virtual_node(each)

    monkeypatch.setattr(references, "check_virtual_node", counted)
    builder = MeshBuilder(Mesh(name="colors"))
    for number in range(20):
        builder.add(MeshParts(nodes=(node(f"node-{number}"),)))
    assert validated == [f"node-{number}" for number in range(20)]


def test_mesh_constructed_before_an_addition_does_not_change() -> None:
    builder = declared()
    before = builder.build()
    builder.add_route("router", route("other", match=RouteMatch(prefix="/other")))
    assert before == declared().build()
    assert mesh(name="colors") != before
