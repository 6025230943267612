"""The mesh as CDK constructs. The only part of the package that loads the CDK."""

from color_mesh.cdk.gateway import GatewayImplementation, MeshGateway
from color_mesh.cdk.implementation import NodeImplementation
from color_mesh.cdk.mesh import ServiceMesh
from color_mesh.cdk.node import MeshedColorNode
from color_mesh.cdk.router import ColorRouter
from color_mesh.cdk.service import ColorService

__all__ = [
    "ColorRouter",
    "ColorService",
    "GatewayImplementation",
    "MeshGateway",
    "MeshedColorNode",
    "NodeImplementation",
    "ServiceMesh",
]
