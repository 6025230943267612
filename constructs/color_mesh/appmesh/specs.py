"""The ``spec`` of each App Mesh resource, spelled as the App Mesh API and the CDK's L1 constructs spell it."""

from collections.abc import Mapping, Sequence
from typing import Any

from color_mesh.model import (
    AccessLog,
    CloudMapDiscovery,
    GatewayRoute,
    Listener,
    Mesh,
    Protocol,
    Route,
    RouteMatch,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
)

Spec = dict[str, Any]

_ROUTE_KEYS: Mapping[Protocol, str] = {
    "http": "httpRoute",
    "http2": "http2Route",
    "grpc": "grpcRoute",
    "tcp": "tcpRoute",
}


def mesh_spec(mesh: Mesh) -> Spec:
    """Write a mesh's own spec; its parts are resources of their own."""
    return {"egressFilter": {"type": mesh.egress_filter}}


def virtual_node_spec(node: VirtualNode) -> Spec:
    """Write a virtual node's spec."""
    return _given(
        listeners=_listeners(node.listeners),
        serviceDiscovery=_discovery(node.discovery),
        backends=[{"virtualService": {"virtualServiceName": name}} for name in node.backends],
        logging=_logging(node.access_log),
    )


def virtual_service_spec(service: VirtualService) -> Spec:
    """Write a virtual service's spec."""
    if service.virtual_node is not None:
        return {"provider": {"virtualNode": {"virtualNodeName": service.virtual_node}}}
    if service.virtual_router is not None:
        return {"provider": {"virtualRouter": {"virtualRouterName": service.virtual_router}}}
    return {}


def virtual_router_spec(router: VirtualRouter) -> Spec:
    """Write a virtual router's spec; its routes are resources of their own."""
    return {"listeners": _listeners(router.listeners)}


def route_spec(route: Route) -> Spec:
    """Write a route's spec."""
    targets = [
        _given(virtualNode=target.virtual_node, weight=target.weight, port=target.port) for target in route.targets
    ]
    rule = {"match": _match(route.match), "action": {"weightedTargets": targets}}
    return _given(priority=route.priority) | {_ROUTE_KEYS[route.protocol]: rule}


def virtual_gateway_spec(gateway: VirtualGateway) -> Spec:
    """Write a virtual gateway's spec; its routes are resources of their own."""
    return _given(listeners=_listeners(gateway.listeners), logging=_logging(gateway.access_log))


def gateway_route_spec(route: GatewayRoute) -> Spec:
    """Write a gateway route's spec."""
    target = {"virtualService": {"virtualServiceName": route.virtual_service}}
    rule = {"match": _match(route.match), "action": {"target": target}}
    return _given(priority=route.priority) | {_ROUTE_KEYS[route.protocol]: rule}


def _listeners(listeners: Sequence[Listener]) -> list[Spec]:
    return [{"portMapping": {"port": listener.port, "protocol": listener.protocol}} for listener in listeners]


def _discovery(discovery: CloudMapDiscovery | None) -> Spec | None:
    if discovery is None:
        return None
    return {"awsCloudMap": {"namespaceName": discovery.namespace, "serviceName": discovery.service}}


def _logging(log: AccessLog | None) -> Spec | None:
    if log is None:
        return None
    form: Spec | None = None
    if log.text is not None:
        form = {"text": log.text}
    if log.json is not None:
        form = {"json": [{"key": key, "value": value} for key, value in log.json]}
    return {"accessLog": {"file": _given(path=log.path, format=form)}}


def _match(match: RouteMatch) -> Spec:
    return _given(prefix=match.prefix, method=match.method, port=match.port)


def _given(**fields: Any) -> Spec:
    """Leave out what was not given; 0 was given."""
    return {name: value for name, value in fields.items() if value is not None and value != []}
