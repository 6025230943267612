"""The mesh as CDK constructs. The only part of the package that loads the CDK."""

from color_mesh.cdk.gateway import GatewayImplementation, MeshGateway
from color_mesh.cdk.implementation import NodeImplementation
from color_mesh.cdk.mesh import ServiceMesh
from color_mesh.cdk.node import MeshedColorNode
from color_mesh.cdk.router import ColorRouter

__all__ = [
    "ColorRouter",
    "GatewayImplementation",
    "MeshGateway",
    "MeshedColorNode",
    "NodeImplementation",
    "ServiceMesh",
]
