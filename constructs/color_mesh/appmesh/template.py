"""The CloudFormation template of a mesh."""

from collections.abc import Iterator
from typing import Any

from color_mesh.appmesh.resources import (
    mesh_spec,
    virtual_gateway_spec,
    virtual_node_spec,
    virtual_router_spec,
    virtual_service_spec,
)
from color_mesh.appmesh.routes import gateway_route_spec, route_spec
from color_mesh.appmesh.spec import Spec
from color_mesh.aws_json.app_mesh import cloudformation_spelling
from color_mesh.model import Mesh

Tags = tuple[tuple[str, str], ...]

EXTERNAL_SERVICES = "color-mesh:externalServices"


def write_template(mesh: Mesh) -> dict[str, Any]:
    """Render a mesh, its parts and its Cloud Map services as a CloudFormation template.

    The names of external services are metadata of the mesh, since the resources have no property for them.
    """
    resources: dict[str, Any] = {}
    for index, (kind, names, spec, tags) in enumerate(_parts(mesh)):
        properties: dict[str, Any] = {"meshName": mesh.name, **names, "spec": spec}
        if mesh.owner is not None and kind != "mesh":
            properties["meshOwner"] = mesh.owner
        if tags:
            properties["tags"] = [{"key": key, "value": value} for key, value in tags]
        type_name = kind[0].upper() + kind[1:]
        resource = {"Type": f"AWS::AppMesh::{type_name}", "Properties": _spelled(properties)}
        if kind == "mesh" and mesh.external_services:
            resource["Metadata"] = {EXTERNAL_SERVICES: list(mesh.external_services)}
        resources[f"{type_name}{index}"] = resource
    return {"Resources": {**resources, **_cloud_map(mesh)}}


def _parts(mesh: Mesh) -> Iterator[tuple[str, dict[str, str], Spec, Tags]]:
    """Yield the kind, the names, the spec and the tags of each resource of a mesh."""
    yield "mesh", {}, mesh_spec(mesh), mesh.tags
    for node in mesh.nodes:
        yield "virtualNode", {"virtualNodeName": node.name}, virtual_node_spec(node), node.tags
    for service in mesh.services:
        yield "virtualService", {"virtualServiceName": service.name}, virtual_service_spec(service), service.tags
    for router in mesh.routers:
        owner = {"virtualRouterName": router.name}
        yield "virtualRouter", owner, virtual_router_spec(router), router.tags
        for route in router.routes:
            yield "route", {**owner, "routeName": route.name}, route_spec(route), route.tags
    for gateway in mesh.gateways:
        owner = {"virtualGatewayName": gateway.name}
        yield "virtualGateway", owner, virtual_gateway_spec(gateway), gateway.tags
        for gateway_route in gateway.routes:
            names = {**owner, "gatewayRouteName": gateway_route.name}
            yield "gatewayRoute", names, gateway_route_spec(gateway_route), gateway_route.tags


def _cloud_map(mesh: Mesh) -> dict[str, Any]:
    namespaces = list(dict.fromkeys(service.namespace for service in mesh.cloud_map_services))
    resources: dict[str, Any] = {
        f"Namespace{index}": {"Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": {"Name": name}}
        for index, name in enumerate(namespaces)
    }
    for index, service in enumerate(mesh.cloud_map_services):
        properties: dict[str, Any] = {
            "Name": service.name,
            "NamespaceId": {"Ref": f"Namespace{namespaces.index(service.namespace)}"},
            "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": service.ttl_seconds}]},
        }
        if service.description is not None:
            properties["Description"] = service.description
        resources[f"Service{index}"] = {"Type": "AWS::ServiceDiscovery::Service", "Properties": properties}
    return resources


def _spelled(value: Any) -> Any:
    if isinstance(value, dict):
        return {cloudformation_spelling(key): _spelled(each) for key, each in value.items()}
    return [_spelled(each) for each in value] if isinstance(value, list) else value
