"""The mesh as AWS App Mesh describes it."""

from color_mesh.appmesh.specs import (
    gateway_route_spec,
    mesh_spec,
    route_spec,
    virtual_gateway_spec,
    virtual_node_spec,
    virtual_router_spec,
    virtual_service_spec,
)

__all__ = [
    "gateway_route_spec",
    "mesh_spec",
    "route_spec",
    "virtual_gateway_spec",
    "virtual_node_spec",
    "virtual_router_spec",
    "virtual_service_spec",
]
