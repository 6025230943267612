"""Round trip of generated meshes: rendering a spec and reading it returns the same mesh."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest
from hypothesis import given

from color_mesh.appmesh import (
    gateway_route_spec,
    mesh_spec,
    route_spec,
    virtual_gateway_spec,
    virtual_node_spec,
    virtual_router_spec,
    virtual_service_spec,
)
from color_mesh.appmesh.fields import Fields, Spelling, api_spelling
from color_mesh.appmesh.resources import (
    read_mesh,
    read_virtual_gateway,
    read_virtual_node,
    read_virtual_router,
    read_virtual_service,
)
from color_mesh.appmesh.routes import read_gateway_route, read_route
from color_mesh.appmesh.spec import Spec
from color_mesh.aws_json.app_mesh import cloudformation_spelling
from color_mesh.model import GatewayRoute, Mesh, Route, VirtualGateway, VirtualNode, VirtualRouter, VirtualService
from tests.support.builders import spelled
from tests.support.mesh_strategies import meshes
from tests.support.needs import examples

T = TypeVar("T")
SPELLINGS = [pytest.param(api_spelling, id="api"), pytest.param(cloudformation_spelling, id="cloudformation")]


def read(spec: Spec, spelling: Spelling, reader: Callable[[Fields], T]) -> T:
    """Return the value that is read from a valid spec."""
    problems: list[str] = []
    fields = Fields(spelled(spec, spelling), "Spec", spelling, problems)
    result = reader(fields)
    fields.close()
    assert problems == []
    return result


def read_back(mesh: Mesh, spelling: Spelling) -> Mesh:
    """Return the mesh that is read from the rendered specs of a mesh."""
    egress_filter, ip_preference = read(mesh_spec(mesh), spelling, read_mesh)
    return Mesh(
        name=mesh.name,
        owner=mesh.owner,
        egress_filter=egress_filter,
        ip_preference=ip_preference,
        cloud_map_services=mesh.cloud_map_services,
        nodes=tuple(node_back(node, spelling) for node in mesh.nodes),
        services=tuple(service_back(service, spelling) for service in mesh.services),
        routers=tuple(router_back(router, spelling) for router in mesh.routers),
        gateways=tuple(gateway_back(gateway, spelling) for gateway in mesh.gateways),
        external_services=mesh.external_services,
        tags=mesh.tags,
    )


def node_back(node: VirtualNode, spelling: Spelling) -> VirtualNode:
    return read(virtual_node_spec(node), spelling, lambda at: read_virtual_node(at, node.name, node.tags))


def service_back(service: VirtualService, spelling: Spelling) -> VirtualService:
    return read(
        virtual_service_spec(service), spelling, lambda at: read_virtual_service(at, service.name, service.tags)
    )


def router_back(router: VirtualRouter, spelling: Spelling) -> VirtualRouter:
    return VirtualRouter(
        name=router.name,
        listeners=read(virtual_router_spec(router), spelling, read_virtual_router),
        routes=tuple(route_back(route, spelling) for route in router.routes),
        tags=router.tags,
    )


def route_back(route: Route, spelling: Spelling) -> Route:
    return read(route_spec(route), spelling, lambda at: read_route(at, route.name, route.tags))


def gateway_back(gateway: VirtualGateway, spelling: Spelling) -> VirtualGateway:
    """Return the gateway that is read from the rendered specs of a gateway and its routes."""
    result = read(
        virtual_gateway_spec(gateway), spelling, lambda at: read_virtual_gateway(at, gateway.name, gateway.tags)
    )
    return replace(result, routes=tuple(gateway_route_back(route, spelling) for route in gateway.routes))


def gateway_route_back(route: GatewayRoute, spelling: Spelling) -> GatewayRoute:
    return read(gateway_route_spec(route), spelling, lambda at: read_gateway_route(at, route.name, route.tags))


@pytest.mark.parametrize("spelling", SPELLINGS)
@examples(50)
@given(mesh=meshes())
def test_rendered_specs_are_read_as_the_same_mesh(spelling: Spelling, mesh: Mesh) -> None:
    assert read_back(mesh, spelling) == mesh


def test_spelling_changes_keys_only() -> None:
    spec = {"tls": {"mode": "http", "ports": [80], "file": {"certificateChain": "dns"}}}
    assert spelled(spec, api_spelling) == spec
    assert spelled(spec, cloudformation_spelling) == {
        "TLS": {"Mode": "http", "Ports": [80], "File": {"CertificateChain": "dns"}}
    }
