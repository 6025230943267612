"""The ``AWS::AppMesh`` resources that declare a mesh."""

from typing import cast

from aws_cdk import Annotations, CfnResource
from aws_cdk import aws_appmesh as appmesh
from constructs import Construct

from color_mesh.appmesh import (
    EXTERNAL_SERVICES,
    gateway_route_spec,
    mesh_spec,
    route_spec,
    virtual_gateway_spec,
    virtual_node_spec,
    virtual_router_spec,
    virtual_service_spec,
)
from color_mesh.cdk.data_plane import ExternalService, MeshResources, OwnedRoute, Part
from color_mesh.cdk.task import acknowledge
from color_mesh.envoy.gateway import prefix_warnings
from color_mesh.model import GatewayRoute, Mesh, Route, VirtualGateway, VirtualNode, VirtualRouter, VirtualService

_SHUTDOWN = (
    "AWS ended App Mesh on 2026-09-30. The AWS::AppMesh resources of this mesh describe the tutorial: "
    "they synthesize, and they no longer deploy."
)


class AppMeshResources:
    """The ``AWS::AppMesh`` resources of a mesh.

    Attributes:
        nodes: ``AWS::AppMesh::VirtualNode`` resources by the name of the node.
        gateways: ``AWS::AppMesh::VirtualGateway`` resources by the name of the gateway.
    """

    def __init__(self, scope: Construct, mesh: Mesh) -> None:
        """Create the ``AWS::AppMesh::Mesh`` resource, and a warning that App Mesh has ended."""
        self.nodes: dict[str, appmesh.CfnVirtualNode] = {}
        self.gateways: dict[str, appmesh.CfnVirtualGateway] = {}
        self._routers: dict[str, CfnResource] = {}
        self._services: dict[str, CfnResource] = {}
        self._external_services: list[str] = []
        _acknowledge_shutdown(scope)
        Annotations.of(scope).add_warning_v2("color-mesh:app-mesh-ended", _SHUTDOWN)
        self._mesh = appmesh.CfnMesh(scope, "Mesh", mesh_name=mesh.name, spec=mesh_spec(mesh))
        self._mesh_name = self._mesh.attr_mesh_name

    def declare(self, scope: Construct, part: Part) -> MeshResources:
        """Create the resource of a part, or update it; see `DataPlane.declare`."""
        match part:
            case VirtualNode() if part.name in self.nodes:
                # The constructor accepts the API's spelling, and so does the setter, whose type is narrower.
                specification = cast(appmesh.CfnVirtualNode.VirtualNodeSpecProperty, virtual_node_spec(part))
                self.nodes[part.name].spec = specification
                return {"VirtualNode": self.nodes[part.name]}
            case VirtualNode():
                return {"VirtualNode": self._declare_node(scope, part)}
            case VirtualService():
                return {"VirtualService": self._declare_service(scope, part)}
            case ExternalService(name=name):
                # AWS::AppMesh::Mesh has no property for external services.
                self._external_services.append(name)
                self._mesh.add_metadata(EXTERNAL_SERVICES, self._external_services)
                return {}
            case VirtualRouter():
                return {"VirtualRouter": self._declare_router(scope, part)}
            case VirtualGateway():
                return {"VirtualGateway": self._declare_gateway(scope, part)}
            case OwnedRoute(id=id, owner=owner, route=Route() as route):
                return {id: self._declare_route(scope, id, owner, route)}
            case OwnedRoute(id=id, owner=owner, route=GatewayRoute() as gateway_route):
                return {id: self._declare_gateway_route(scope, id, owner, gateway_route)}
        raise AssertionError(part)

    def _declare_node(self, scope: Construct, node: VirtualNode) -> CfnResource:
        _acknowledge_shutdown(scope)
        resource = appmesh.CfnVirtualNode(
            scope,
            "VirtualNode",
            mesh_name=self._mesh_name,
            virtual_node_name=node.name,
            spec=virtual_node_spec(node),
        )
        self.nodes[node.name] = resource
        return resource

    def _declare_router(self, scope: Construct, router: VirtualRouter) -> CfnResource:
        _acknowledge_shutdown(scope)
        resource = appmesh.CfnVirtualRouter(
            scope,
            "VirtualRouter",
            mesh_name=self._mesh_name,
            virtual_router_name=router.name,
            spec=virtual_router_spec(router),
        )
        self._routers[router.name] = resource
        return resource

    def _declare_service(self, scope: Construct, service: VirtualService) -> CfnResource:
        _acknowledge_shutdown(scope)
        resource = appmesh.CfnVirtualService(
            scope,
            "VirtualService",
            mesh_name=self._mesh_name,
            virtual_service_name=service.name,
            spec=virtual_service_spec(service),
        )
        if service.virtual_node is not None:
            resource.add_resource_dependency(self.nodes[service.virtual_node])
        if service.virtual_router is not None:
            resource.add_resource_dependency(self._routers[service.virtual_router])
        self._services[service.name] = resource
        return resource

    def _declare_route(self, scope: Construct, id: str, router_name: str, route: Route) -> CfnResource:
        resource = appmesh.CfnRoute(
            scope,
            id,
            mesh_name=self._mesh_name,
            virtual_router_name=router_name,
            route_name=route.name,
            spec=route_spec(route),
        )
        resource.add_resource_dependency(self._routers[router_name])
        for target in route.targets:
            resource.add_resource_dependency(self.nodes[target.virtual_node])
        return resource

    def _declare_gateway(self, scope: Construct, gateway: VirtualGateway) -> CfnResource:
        _acknowledge_shutdown(scope)
        resource = appmesh.CfnVirtualGateway(
            scope,
            "VirtualGateway",
            mesh_name=self._mesh_name,
            virtual_gateway_name=gateway.name,
            spec=virtual_gateway_spec(gateway),
        )
        self.gateways[gateway.name] = resource
        return resource

    def _declare_gateway_route(self, scope: Construct, id: str, gateway_name: str, route: GatewayRoute) -> CfnResource:
        resource = appmesh.CfnGatewayRoute(
            scope,
            id,
            mesh_name=self._mesh_name,
            virtual_gateway_name=gateway_name,
            gateway_route_name=route.name,
            spec=gateway_route_spec(route),
        )
        for text in prefix_warnings(route):
            Annotations.of(resource).add_warning_v2("color-mesh:prefix", text)
        resource.add_resource_dependency(self.gateways[gateway_name])
        if route.virtual_service in self._services:
            resource.add_resource_dependency(self._services[route.virtual_service])
        return resource


def _acknowledge_shutdown(scope: Construct) -> None:
    acknowledge(
        scope,
        "CloudFormation-Validate::W3696",
        "The end of App Mesh is known: this data plane describes the tutorial. One warning on the mesh replaces a "
        "warning for each resource.",
    )
