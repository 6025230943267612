"""Parts that App Mesh accepted and that have no effect stop nothing else."""

import pytest

from color_mesh.appmesh.lenient import lenient_mesh
from color_mesh.model import (
    GatewayRoute,
    HeaderMatch,
    Listener,
    Mesh,
    Route,
    RouteMatch,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    WeightedTarget,
)
from color_mesh.model.index import MeshParts
from tests.support.builders import TCP, gateway, gateway_route, node, route, router, service, target

RED, GREEN = node(), node("green")
OTHER = node("green", listeners=(TCP,))
TO_BOTH = (WeightedTarget(virtual_node="red", weight=1), WeightedTarget(virtual_node="green", weight=1))


def read(**parts: object) -> tuple[Mesh, tuple[str, ...]]:
    """Return the mesh of parts, and the messages about them."""
    declared = MeshParts(**parts)  # type: ignore[arg-type]
    names = ("cloud_map_services", "nodes", "services", "external_services", "routers", "gateways")
    return lenient_mesh(lambda valid: Mesh(name="colors", **{each: getattr(valid, each) for each in names}), declared)


def routed(*routes: Route, nodes: tuple[VirtualNode, ...] = (RED, GREEN)) -> tuple[VirtualRouter, tuple[str, ...]]:
    """Return the router of a mesh with these routes, and the messages about them."""
    mesh, messages = read(nodes=nodes, routers=(router(routes=routes),))
    return mesh.router("router"), messages


def test_valid_parts_stay_as_they_are() -> None:
    mesh, messages = read(nodes=(RED,), routers=(router(routes=(route(),)),))
    assert (mesh.router("router").routes, messages) == ((route(),), ())


def test_target_with_another_protocol_is_left_out() -> None:
    left, messages = routed(route(targets=TO_BOTH), nodes=(RED, OTHER))
    assert [each.virtual_node for each in left.routes[0].targets] == ["red"]
    assert messages == (
        (
            "route 'all' of virtual router 'router': target 'green' has no listener for the route, got 'http' "
            "(listeners of 'green': tcp/83)"
        ),
    )


def test_route_without_another_target_is_left_out() -> None:
    left, messages = routed(route("odd", targets=(target("green"),)), route("even"), nodes=(RED, OTHER))
    assert [each.name for each in left.routes] == ["even"]
    assert len(messages) == 2


def test_gateway_route_to_a_tcp_service_is_left_out() -> None:
    routes: tuple[GatewayRoute, ...] = (
        gateway_route("odd", virtual_service="green.colors.local", match=RouteMatch(prefix="/odd")),
        gateway_route("even"),
    )
    services = (service(virtual_node="red"), service("green.colors.local", virtual_node="green"))
    mesh, messages = read(nodes=(RED, OTHER), services=services, gateways=(gateway(routes=routes),))
    assert [each.name for each in mesh.gateway("gateway").routes] == ["even"]
    assert (
        "gateway route 'odd' of virtual gateway 'gateway': service 'green.colors.local' has a tcp listener"
        in messages[0]
    )


def test_unknown_provider_is_left_out() -> None:
    mesh, messages = read(nodes=(RED,), services=(VirtualService(name="a.b", virtual_node="rad"),))
    assert mesh.service("a.b").virtual_node is None
    assert "virtual service 'a.b': has a provider that the mesh does not have, got 'rad'" in messages[0]


def test_last_part_of_a_name_counts() -> None:
    changed = node(listeners=(Listener(port=8080),))
    mesh, messages = read(nodes=(RED, changed))
    assert mesh.nodes == (changed,)
    assert messages == ("virtual node 'red': is declared twice, got 'red' (the last one counts: remove one)",)


def test_routes_that_overlap_keep_their_order() -> None:
    match = RouteMatch(prefix="/a", headers=(HeaderMatch(name="x"),))
    others = RouteMatch(prefix="/a", headers=(HeaderMatch(name="y"),))
    routes = (
        route("first", match=match),
        route("second", match=others),
        route("long", match=RouteMatch(prefix="/a/b")),
    )
    left, messages = routed(*routes)
    assert {each.name: each.priority for each in left.routes} == {"long": 0, "first": 1, "second": 2}
    assert "virtual router 'router': duplicate match in route 'second'" in messages[0]


@pytest.mark.parametrize("odd", [node("odd", listeners=(Listener(port=0),)), node("o d d")])
def test_invalid_node_does_not_change_others(odd: VirtualNode) -> None:
    mesh, messages = read(nodes=(RED, odd), services=(service(virtual_node="red"),))
    assert mesh.nodes == (RED,)
    assert all(message.startswith(f"virtual node {odd.name!r}") for message in messages)
