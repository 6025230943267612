"""CDK constructs. No other part of the package imports the CDK."""

from color_mesh.cdk.attachment import NodeAttachment
from color_mesh.cdk.backend import Backend
from color_mesh.cdk.balancing import LoadBalancerTarget
from color_mesh.cdk.canary import CanaryDeployment
from color_mesh.cdk.color import ColorRouter, MeshedColorNode
from color_mesh.cdk.gateway import MeshGateway
from color_mesh.cdk.gateway_implementation import GatewayImplementation
from color_mesh.cdk.imported_node import ImportedNode, TargetNode
from color_mesh.cdk.mesh import ServiceMesh
from color_mesh.cdk.monitoring import MeshMonitoring
from color_mesh.cdk.node import MeshNode
from color_mesh.cdk.node_implementation import NodeImplementation
from color_mesh.cdk.router import MeshRouter
from color_mesh.cdk.service import MeshService

__all__ = [
    "Backend",
    "CanaryDeployment",
    "ColorRouter",
    "GatewayImplementation",
    "ImportedNode",
    "LoadBalancerTarget",
    "MeshGateway",
    "MeshMonitoring",
    "MeshNode",
    "MeshRouter",
    "MeshService",
    "MeshedColorNode",
    "NodeAttachment",
    "NodeImplementation",
    "ServiceMesh",
    "TargetNode",
]
