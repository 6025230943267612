"""Small valid parts of a mesh, to be changed one thing at a time, and what refuses a part that cannot be."""

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
    """The message that refuses what ``describe`` makes of these values and parts."""
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
    """A node that listens on port 80 and is found under its name."""
    discovery = CloudMapDiscovery(namespace="colors.local", service=name)
    return replace(VirtualNode(name=name, listeners=(HTTP,), discovery=discovery), **changes)


def service(name: str = "red.colors.local", **changes: Any) -> VirtualService:
    """A service with nothing behind it."""
    return VirtualService(name=name, **changes)


def router(name: str = "router", *listeners: Listener, **changes: Any) -> VirtualRouter:
    """A router that listens on port 80."""
    return VirtualRouter(name=name, listeners=listeners or (HTTP,), **changes)


def gateway(name: str = "gateway", *listeners: Listener, **changes: Any) -> VirtualGateway:
    """A gateway that listens on port 80."""
    return VirtualGateway(name=name, listeners=listeners or (HTTP,), **changes)


def target(virtual_node: str = "red", **changes: Any) -> WeightedTarget:
    """A target that takes every request of its route."""
    return replace(WeightedTarget(virtual_node=virtual_node, weight=1), **changes)


def route(name: str = "all", **changes: Any) -> Route:
    """A route that takes every http request to red."""
    return replace(Route(name=name, match=RouteMatch(prefix="/"), targets=(target(),)), **changes)


def gateway_route(name: str = "all", **changes: Any) -> GatewayRoute:
    """A gateway route that takes every http request to red."""
    return replace(GatewayRoute(name=name, match=RouteMatch(prefix="/"), virtual_service="red.colors.local"), **changes)


def routing(*routes: Route, on: tuple[Listener, ...] = (HTTP,), red: tuple[Listener, ...] = (HTTP,)) -> Mesh:
    """A mesh whose router has these listeners and routes, and whose one node, red, listens on ``red``."""
    return mesh(nodes=(node(listeners=red),), routers=(VirtualRouter(name="router", listeners=on, routes=routes),))


def entering(*routes: GatewayRoute, on: tuple[Listener, ...] = (HTTP,)) -> Mesh:
    """A mesh whose gateway has these listeners and routes to the services red and blue, which are elsewhere."""
    gateways = (VirtualGateway(name="gateway", listeners=on, routes=routes),)
    return mesh(gateways=gateways, external_services=("red.colors.local", "blue.colors.local"))


def health_check(**changes: Any) -> HealthCheck:
    """A health check that asks over http."""
    check = HealthCheck(
        protocol="http", interval_millis=5000, timeout_millis=2000, healthy_threshold=2, unhealthy_threshold=2
    )
    return replace(check, **changes)


def outlier_detection(**changes: Any) -> OutlierDetection:
    """An outlier detection that ejects at the first error."""
    outlier = OutlierDetection(
        max_server_errors=1, interval_millis=1000, base_ejection_millis=1000, max_ejection_percent=100
    )
    return replace(outlier, **changes)


def retry_policy(**changes: Any) -> RetryPolicy:
    """A policy that retries once when a gateway is in the way."""
    policy = RetryPolicy(max_retries=1, per_retry_timeout_millis=1000, http_events=("gateway-error",))
    return replace(policy, **changes)


def certificate(name: str = "/keys/red") -> FileCertificate:
    return FileCertificate(certificate_chain=f"{name}.pem", private_key=f"{name}.key")


def validation(*names: str, **changes: Any) -> TlsValidation:
    """A validation that trusts the authority in a file, and takes these names."""
    trusting = TlsValidation(trust=FileTrust(certificate_chain="/keys/ca.pem"), subject_alternative_names=names)
    return replace(trusting, **changes)


def listener_tls(**changes: Any) -> ListenerTls:
    """TLS with a certificate in files."""
    return replace(ListenerTls(certificate=certificate()), **changes)


def client_tls(**changes: Any) -> ClientTls:
    """TLS that trusts the authority in a file."""
    return replace(ClientTls(validation=validation()), **changes)


def spelled(value: Any, spelling: Spelling) -> Any:
    """A specification with its keys, and nothing else, spelled in another way."""
    if isinstance(value, dict):
        return {spelling(key): spelled(item, spelling) for key, item in value.items()}
    if isinstance(value, list):
        return [spelled(item, spelling) for item in value]
    return value
