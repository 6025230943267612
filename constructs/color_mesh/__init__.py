"""Service mesh on Amazon ECS, as CDK constructs over one validated model.

The public names are the constructs, and the values of the model that their arguments take. The constructs are imported
on first access, so that the model and all that needs no CDK do not start jsii.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from color_mesh.model import (
    AccessLog,
    AcmCertificate,
    AcmTrust,
    ClientTls,
    ConnectionPool,
    FileCertificate,
    FileTrust,
    HeaderMatch,
    HealthCheck,
    Listener,
    ListenerTls,
    MeshError,
    MeshTls,
    OutlierDetection,
    QueryParameterMatch,
    RetryPolicy,
    Rewrite,
    RouteMatch,
    SdsCertificate,
    SdsTrust,
    SecretsManagerCertificate,
    SecretsManagerTrust,
    Telemetry,
    Timeout,
    TlsCertificate,
    TlsTrust,
    TlsValidation,
)

if TYPE_CHECKING:
    from color_mesh.cdk import (
        Backend,
        CanaryDeployment,
        ColorRouter,
        GatewayImplementation,
        ImportedNode,
        LoadBalancerTarget,
        MeshedColorNode,
        MeshGateway,
        MeshMonitoring,
        MeshNode,
        MeshRouter,
        MeshService,
        NodeAttachment,
        NodeImplementation,
        ServiceMesh,
        TargetNode,
    )

__all__ = [
    "AccessLog",
    "AcmCertificate",
    "AcmTrust",
    "Backend",
    "CanaryDeployment",
    "ClientTls",
    "ColorRouter",
    "ConnectionPool",
    "FileCertificate",
    "FileTrust",
    "GatewayImplementation",
    "HeaderMatch",
    "HealthCheck",
    "ImportedNode",
    "Listener",
    "ListenerTls",
    "LoadBalancerTarget",
    "MeshError",
    "MeshGateway",
    "MeshMonitoring",
    "MeshNode",
    "MeshRouter",
    "MeshService",
    "MeshTls",
    "MeshedColorNode",
    "NodeAttachment",
    "NodeImplementation",
    "OutlierDetection",
    "QueryParameterMatch",
    "RetryPolicy",
    "Rewrite",
    "RouteMatch",
    "SdsCertificate",
    "SdsTrust",
    "SecretsManagerCertificate",
    "SecretsManagerTrust",
    "ServiceMesh",
    "TargetNode",
    "Telemetry",
    "Timeout",
    "TlsCertificate",
    "TlsTrust",
    "TlsValidation",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        return getattr(import_module("color_mesh.cdk"), name)
    raise AttributeError(f"module 'color_mesh' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
