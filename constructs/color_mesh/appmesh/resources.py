"""The ``spec`` of each App Mesh resource, in the spelling of the App Mesh API and the CDK's L1 constructs."""

from typing import cast

from color_mesh.appmesh.fields import Fields
from color_mesh.appmesh.listeners import listener_spec, read_listener
from color_mesh.appmesh.security import client_policy, read_client_policy
from color_mesh.appmesh.spec import Spec, compact
from color_mesh.model import (
    AccessLog,
    ClientTls,
    CloudMapDiscovery,
    DnsDiscovery,
    DnsResponseType,
    EgressFilter,
    IpPreference,
    Listener,
    Mesh,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    VirtualServiceBackend,
)
from color_mesh.model.discovery import Discovery


def mesh_spec(mesh: Mesh) -> Spec:
    """Render the spec of a mesh."""
    preference = {"ipPreference": mesh.ip_preference} if mesh.ip_preference else None
    return compact(egressFilter={"type": mesh.egress_filter}, serviceDiscovery=preference)


def read_mesh(fields: Fields) -> tuple[EgressFilter, IpPreference | None]:
    """Read the spec of a mesh."""
    egress_filter = fields.optional("egressFilter", lambda egress: egress.text("type")) or "DROP_ALL"
    preference = fields.optional("serviceDiscovery", lambda discovery: discovery.optional_text("ipPreference"))
    return cast(EgressFilter, egress_filter), cast("IpPreference | None", preference)


def virtual_node_spec(node: VirtualNode) -> Spec:
    """Render the spec of a virtual node."""
    return compact(
        listeners=[listener_spec(listener) for listener in node.listeners],
        serviceDiscovery=_discovery(node.discovery),
        backends=[{"virtualService": _backend(backend)} for backend in node.backends],
        backendDefaults=_backend_defaults(node.client_tls),
        logging=_logging(node.access_log),
    )


def read_virtual_node(fields: Fields, name: str, tags: tuple[tuple[str, str], ...]) -> VirtualNode:
    """Read the spec of a virtual node."""
    return VirtualNode(
        name=name,
        listeners=fields.many("listeners", read_listener),
        discovery=fields.optional("serviceDiscovery", _read_discovery),
        backends=fields.many("backends", lambda backend: backend.required("virtualService", _read_backend)),
        client_tls=fields.optional("backendDefaults", _read_backend_defaults),
        access_log=fields.optional("logging", _read_logging),
        tags=tags,
    )


def virtual_service_spec(service: VirtualService) -> Spec:
    """Render the spec of a virtual service."""
    if service.virtual_node is not None:
        return {"provider": {"virtualNode": {"virtualNodeName": service.virtual_node}}}
    if service.virtual_router is not None:
        return {"provider": {"virtualRouter": {"virtualRouterName": service.virtual_router}}}
    return {}


def read_virtual_service(fields: Fields, name: str, tags: tuple[tuple[str, str], ...]) -> VirtualService:
    """Read the spec of a virtual service."""
    node, router = fields.optional("provider", _read_provider) or (None, None)
    return VirtualService(name=name, virtual_node=node, virtual_router=router, tags=tags)


def virtual_router_spec(router: VirtualRouter) -> Spec:
    """Render the spec of a virtual router, without its routes."""
    return {"listeners": [listener_spec(listener) for listener in router.listeners]}


def read_virtual_router(fields: Fields) -> tuple[Listener, ...]:
    """Read the spec of a virtual router, which is its listeners."""
    return fields.many("listeners", read_listener)


def virtual_gateway_spec(gateway: VirtualGateway) -> Spec:
    """Render the spec of a virtual gateway, without its routes."""
    return compact(
        listeners=[listener_spec(listener) for listener in gateway.listeners],
        backendDefaults=_backend_defaults(gateway.client_tls),
        logging=_logging(gateway.access_log),
    )


def read_virtual_gateway(fields: Fields, name: str, tags: tuple[tuple[str, str], ...]) -> VirtualGateway:
    """Read the spec of a virtual gateway."""
    return VirtualGateway(
        name=name,
        listeners=fields.many("listeners", read_listener),
        client_tls=fields.optional("backendDefaults", _read_backend_defaults),
        access_log=fields.optional("logging", _read_logging),
        tags=tags,
    )


def _discovery(discovery: Discovery | None) -> Spec | None:
    match discovery:
        case CloudMapDiscovery():
            attributes = [{"key": key, "value": value} for key, value in discovery.attributes]
            cloud_map = compact(
                namespaceName=discovery.namespace,
                serviceName=discovery.service,
                attributes=attributes,
                ipPreference=discovery.ip_preference,
            )
            return {"awsCloudMap": cloud_map}
        case DnsDiscovery():
            dns = compact(
                hostname=discovery.hostname,
                responseType=discovery.response_type,
                ipPreference=discovery.ip_preference,
            )
            return {"dns": dns}
    return None


def _read_discovery(fields: Fields) -> Discovery | None:
    return fields.one_of({"awsCloudMap": _read_cloud_map, "dns": _read_dns})


def _read_cloud_map(fields: Fields) -> Discovery:
    return CloudMapDiscovery(
        namespace=fields.text("namespaceName"),
        service=fields.text("serviceName"),
        attributes=fields.many("attributes", read_pair),
        ip_preference=cast("IpPreference | None", fields.optional_text("ipPreference")),
    )


def _read_dns(fields: Fields) -> Discovery:
    return DnsDiscovery(
        hostname=fields.text("hostname"),
        response_type=cast(DnsResponseType, fields.optional_text("responseType") or "LOADBALANCER"),
        ip_preference=cast("IpPreference | None", fields.optional_text("ipPreference")),
    )


def _backend(backend: VirtualServiceBackend) -> Spec:
    return compact(virtualServiceName=backend.virtual_service, clientPolicy=client_policy(backend.client_tls))


def _read_backend(fields: Fields) -> VirtualServiceBackend:
    return VirtualServiceBackend(
        virtual_service=fields.text("virtualServiceName"),
        client_tls=fields.optional("clientPolicy", read_client_policy),
    )


def _backend_defaults(tls: ClientTls | None) -> Spec | None:
    return None if tls is None else {"clientPolicy": client_policy(tls)}


def _read_backend_defaults(fields: Fields) -> ClientTls | None:
    return fields.optional("clientPolicy", read_client_policy)


def _read_provider(fields: Fields) -> tuple[str | None, str | None]:
    return (
        fields.optional("virtualNode", lambda node: node.text("virtualNodeName")),
        fields.optional("virtualRouter", lambda router: router.text("virtualRouterName")),
    )


def _logging(log: AccessLog | None) -> Spec | None:
    if log is None:
        return None
    log_format: Spec | None = None
    if log.text is not None:
        log_format = {"text": log.text}
    if log.json is not None:
        log_format = {"json": [{"key": key, "value": value} for key, value in log.json]}
    return {"accessLog": {"file": compact(path=log.path, format=log_format)}}


def _read_logging(fields: Fields) -> AccessLog | None:
    return fields.optional("accessLog", lambda log: log.optional("file", _read_access_log))


def _read_access_log(fields: Fields) -> AccessLog:
    text, json = fields.optional("format", _read_log_format) or (None, ())
    return AccessLog(path=fields.text("path"), text=text, json=json or None)


def _read_log_format(fields: Fields) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    return fields.optional_text("text"), fields.many("json", read_pair)


def read_pair(fields: Fields) -> tuple[str, str]:
    """Read a key and its value."""
    return fields.text("key"), fields.text("value")
