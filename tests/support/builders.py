"""Small valid parts of a mesh, of which tests change one property, and the messages of invalid ones."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from color_mesh.appmesh.fields import Spelling
from color_mesh.model import (
    ClientTls,
    CloudMapDiscovery,
    CloudMapService,
    FileCertificate,
    FileTrust,
    GatewayRoute,
    HealthCheck,
    Listener,
    ListenerTls,
    Mesh,
    MeshError,
    Milliseconds,
    OutlierDetection,
    RetryPolicy,
    Route,
    RouteMatch,
    TlsValidation,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    VirtualServiceBackend,
    WeightedTarget,
)

HTTP = Listener(port=80)
HTTP_8080 = Listener(port=8080)
HTTP2 = Listener(port=81, protocol="http2")
GRPC = Listener(port=82, protocol="grpc")
TCP = Listener(port=83, protocol="tcp")
RED = CloudMapDiscovery(namespace="colors.local", service="red")


def refusal(describe: Callable[..., object], *values: Any, **parts: Any) -> str:
    """Return the message of the error that a function raises with these arguments."""
    with pytest.raises(MeshError) as error:
        describe(*values, **parts)
    return str(error.value)


def mesh(**parts: Any) -> Mesh:
    return Mesh(**{"name": "colors", **parts})


def dns(name: str = "red") -> CloudMapService:
    return CloudMapService(name=name, namespace="colors.local")


def to(virtual_service: str, **changes: Any) -> VirtualServiceBackend:
    return VirtualServiceBackend(virtual_service=virtual_service, **changes)


def node(name: str = "red", **changes: Any) -> VirtualNode:
    """Return a node that listens on port 80 and has a Cloud Map service of its name."""
    discovery = CloudMapDiscovery(namespace="colors.local", service=name)
    return replace(VirtualNode(name=name, listeners=(HTTP,), discovery=discovery), **changes)


def service(name: str = "red.colors.local", **changes: Any) -> VirtualService:
    """Return a virtual service without a provider."""
    return VirtualService(name=name, **changes)


def router(name: str = "router", *listeners: Listener, **changes: Any) -> VirtualRouter:
    """Return a router that listens on port 80."""
    return VirtualRouter(name=name, listeners=listeners or (HTTP,), **changes)


def gateway(name: str = "gateway", *listeners: Listener, **changes: Any) -> VirtualGateway:
    """Return a gateway that listens on port 80."""
    return VirtualGateway(name=name, listeners=listeners or (HTTP,), **changes)


def target(virtual_node: str = "red", **changes: Any) -> WeightedTarget:
    """Return a target that receives all requests of its route."""
    return replace(WeightedTarget(virtual_node=virtual_node, weight=1), **changes)


def route(name: str = "all", **changes: Any) -> Route:
    """Return a route of all HTTP requests to red."""
    return replace(Route(name=name, match=RouteMatch(prefix="/"), targets=(target(),)), **changes)


def gateway_route(name: str = "all", **changes: Any) -> GatewayRoute:
    """Return a gateway route of all HTTP requests to red."""
    return replace(GatewayRoute(name=name, match=RouteMatch(prefix="/"), virtual_service="red.colors.local"), **changes)


def routing(*routes: Route, on: tuple[Listener, ...] = (HTTP,), red: tuple[Listener, ...] = (HTTP,)) -> Mesh:
    """Return a mesh whose router has these listeners and routes. The listeners of its only node are ``red``."""
    return mesh(nodes=(node(listeners=red),), routers=(VirtualRouter(name="router", listeners=on, routes=routes),))


def entering(*routes: GatewayRoute, on: tuple[Listener, ...] = (HTTP,)) -> Mesh:
    """Return a mesh whose gateway has these listeners and routes to the external services red and blue."""
    gateways = (VirtualGateway(name="gateway", listeners=on, routes=routes),)
    return mesh(gateways=gateways, external_services=("red.colors.local", "blue.colors.local"))


def health_check(**changes: Any) -> HealthCheck:
    """Return an HTTP health check."""
    check = HealthCheck(
        protocol="http",
        interval=Milliseconds(5000),
        timeout=Milliseconds(2000),
        healthy_threshold=2,
        unhealthy_threshold=2,
    )
    return replace(check, **changes)


def outlier_detection(**changes: Any) -> OutlierDetection:
    """Return an outlier detection that ejects an endpoint at its first error."""
    outlier = OutlierDetection(
        max_server_errors=1,
        interval=Milliseconds(1000),
        base_ejection_duration=Milliseconds(1000),
        max_ejection_percent=100,
    )
    return replace(outlier, **changes)


def retry_policy(**changes: Any) -> RetryPolicy:
    """Return a policy of one retry after a gateway error."""
    policy = RetryPolicy(max_retries=1, per_retry_timeout=Milliseconds(1000), http_events=("gateway-error",))
    return replace(policy, **changes)


def certificate(name: str = "/keys/red") -> FileCertificate:
    return FileCertificate(certificate_chain=f"{name}.pem", private_key=f"{name}.key")


def validation(*names: str, **changes: Any) -> TlsValidation:
    """Return a validation with the authority in a file and these subject alternative names."""
    trusting = TlsValidation(trust=FileTrust(certificate_chain="/keys/ca.pem"), subject_alternative_names=names)
    return replace(trusting, **changes)


def listener_tls(**changes: Any) -> ListenerTls:
    """Return TLS of a listener, with a certificate in files."""
    return replace(ListenerTls(certificate=certificate()), **changes)


def client_tls(**changes: Any) -> ClientTls:
    """Return TLS of a client, which trusts the authority in a file."""
    return replace(ClientTls(validation=validation()), **changes)


def spelled(value: Any, spelling: Spelling) -> Any:
    """Return a specification with its keys in another spelling."""
    if isinstance(value, dict):
        return {spelling(key): spelled(item, spelling) for key, item in value.items()}
    if isinstance(value, list):
        return [spelled(item, spelling) for item in value]
    return value
