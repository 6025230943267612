"""The mesh model: frozen values, validated against the limits of App Mesh, Cloud Map and ECS. Standard library only."""

from color_mesh.model.access_log import AccessLog
from color_mesh.model.certificate_factories import TlsCertificate, TlsTrust
from color_mesh.model.certificates import (
    AcmCertificate,
    AcmTrust,
    FileCertificate,
    FileTrust,
    SdsCertificate,
    SdsTrust,
    SecretsManagerCertificate,
    SecretsManagerTrust,
)
from color_mesh.model.discovery import CloudMapDiscovery, CloudMapService, DnsDiscovery, DnsResponseType
from color_mesh.model.errors import MeshError
from color_mesh.model.health_check import HealthCheck, Protocol
from color_mesh.model.listener import IpPreference, Listener
from color_mesh.model.match import HeaderMatch, Method, QueryParameterMatch, RouteMatch, Scheme
from color_mesh.model.mesh import EgressFilter, Mesh
from color_mesh.model.mesh_tls import MeshTls
from color_mesh.model.node import VirtualNode, VirtualService, VirtualServiceBackend
from color_mesh.model.policies import ConnectionPool, OutlierDetection, Timeout
from color_mesh.model.route import GatewayRoute, RetryPolicy, Rewrite, Route, WeightedTarget
from color_mesh.model.router import VirtualGateway, VirtualRouter
from color_mesh.model.task import ContainerHealthCheck, FargateContainer, FargateTask
from color_mesh.model.telemetry import Telemetry
from color_mesh.model.tls import ClientTls, ListenerTls, TlsMode, TlsValidation
from color_mesh.model.values import Duration, Milliseconds

__all__ = [
    "AccessLog",
    "AcmCertificate",
    "AcmTrust",
    "ClientTls",
    "CloudMapDiscovery",
    "CloudMapService",
    "ConnectionPool",
    "ContainerHealthCheck",
    "DnsDiscovery",
    "DnsResponseType",
    "Duration",
    "EgressFilter",
    "FargateContainer",
    "FargateTask",
    "FileCertificate",
    "FileTrust",
    "GatewayRoute",
    "HeaderMatch",
    "HealthCheck",
    "IpPreference",
    "Listener",
    "ListenerTls",
    "Mesh",
    "MeshError",
    "MeshTls",
    "Method",
    "Milliseconds",
    "OutlierDetection",
    "Protocol",
    "QueryParameterMatch",
    "RetryPolicy",
    "Rewrite",
    "Route",
    "RouteMatch",
    "Scheme",
    "SdsCertificate",
    "SdsTrust",
    "SecretsManagerCertificate",
    "SecretsManagerTrust",
    "Telemetry",
    "Timeout",
    "TlsCertificate",
    "TlsMode",
    "TlsTrust",
    "TlsValidation",
    "VirtualGateway",
    "VirtualNode",
    "VirtualRouter",
    "VirtualService",
    "VirtualServiceBackend",
    "WeightedTarget",
]
