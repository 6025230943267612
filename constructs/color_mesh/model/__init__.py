"""What a mesh is: names, limits and references, as plain values. Standard library only."""

from color_mesh.model.errors import MeshError
from color_mesh.model.listener import AccessLog, Listener, Protocol
from color_mesh.model.mesh import EgressFilter, Mesh
from color_mesh.model.node import CloudMapDiscovery, CloudMapService, VirtualNode, VirtualService
from color_mesh.model.route import GatewayRoute, Method, Route, RouteMatch, WeightedTarget
from color_mesh.model.router import VirtualGateway, VirtualRouter
from color_mesh.model.task import Container, ContainerHealthCheck, FargateTask

__all__ = [
    "AccessLog",
    "CloudMapDiscovery",
    "CloudMapService",
    "Container",
    "ContainerHealthCheck",
    "EgressFilter",
    "FargateTask",
    "GatewayRoute",
    "Listener",
    "Mesh",
    "MeshError",
    "Method",
    "Protocol",
    "Route",
    "RouteMatch",
    "VirtualGateway",
    "VirtualNode",
    "VirtualRouter",
    "VirtualService",
    "WeightedTarget",
]
