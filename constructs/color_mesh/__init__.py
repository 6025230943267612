"""A service mesh on Amazon ECS, written as CDK constructs over one validated model.

The constructs are loaded when first asked for, so that the model and whatever is built on it run without the CDK.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from color_mesh.model import AccessLog, ContainerHealthCheck, MeshError

if TYPE_CHECKING:
    from color_mesh.cdk import ColorRouter, ColorService, MeshedColorNode, MeshGateway, ServiceMesh

__all__ = [
    "AccessLog",
    "ColorRouter",
    "ColorService",
    "ContainerHealthCheck",
    "MeshError",
    "MeshGateway",
    "MeshedColorNode",
    "ServiceMesh",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        return getattr(import_module("color_mesh.cdk"), name)
    raise AttributeError(f"module 'color_mesh' has no attribute {name!r}")
