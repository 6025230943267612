"""AWS App Mesh resources: rendered from a mesh, and read from templates and from the AWS CLI's JSON."""

from color_mesh.appmesh.resources import (
    mesh_spec,
    virtual_gateway_spec,
    virtual_node_spec,
    virtual_router_spec,
    virtual_service_spec,
)
from color_mesh.appmesh.routes import gateway_route_spec, route_spec
from color_mesh.appmesh.security import unsupported_tls
from color_mesh.appmesh.template import EXTERNAL_SERVICES, write_template

__all__ = [
    "EXTERNAL_SERVICES",
    "gateway_route_spec",
    "mesh_spec",
    "route_spec",
    "unsupported_tls",
    "virtual_gateway_spec",
    "virtual_node_spec",
    "virtual_router_spec",
    "virtual_service_spec",
    "write_template",
]
