"""The ``spec`` of each App Mesh resource, spelled as the App Mesh API and the CDK's L1 constructs spell it."""

from typing import cast

from color_mesh.appmesh.fields import Fields
from color_mesh.appmesh.listeners import listener_spec, read_listener
from color_mesh.appmesh.security import client_policy, read_client_policy
from color_mesh.appmesh.spec import Spec, given
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
    """Write a mesh's own spec; its parts are resources of their own."""
    preference = {"ipPreference": mesh.ip_preference} if mesh.ip_preference else None
    return given(egressFilter={"type": mesh.egress_filter}, serviceDiscovery=preference)


def read_mesh(at: Fields) -> tuple[EgressFilter, IpPreference | None]:
    """Read a mesh's own spec."""
    egress_filter = at.optional("egressFilter", lambda egress: egress.text("type")) or "DROP_ALL"
    preference = at.optional("serviceDiscovery", lambda discovery: discovery.optional_text("ipPreference"))
    return cast(EgressFilter, egress_filter), cast("IpPreference | None", preference)


def virtual_node_spec(node: VirtualNode) -> Spec:
    """Write a virtual node's spec."""
    return given(
        listeners=[listener_spec(listener) for listener in node.listeners],
        serviceDiscovery=_discovery(node.discovery),
        backends=[{"virtualService": _backend(backend)} for backend in node.backends],
        backendDefaults=_backend_defaults(node.client_tls),
        logging=_logging(node.access_log),
    )


def read_virtual_node(at: Fields, name: str, tags: tuple[tuple[str, str], ...]) -> VirtualNode:
    """Read a virtual node's spec."""
    return VirtualNode(
        name=name,
        listeners=at.many("listeners", read_listener),
        discovery=at.optional("serviceDiscovery", _read_discovery),
        backends=at.many("backends", lambda backend: backend.required("virtualService", _read_backend)),
        client_tls=at.optional("backendDefaults", _read_backend_defaults),
        access_log=at.optional("logging", _read_logging),
        tags=tags,
    )


def virtual_service_spec(service: VirtualService) -> Spec:
    """Write a virtual service's spec."""
    if service.virtual_node is not None:
        return {"provider": {"virtualNode": {"virtualNodeName": service.virtual_node}}}
    if service.virtual_router is not None:
        return {"provider": {"virtualRouter": {"virtualRouterName": service.virtual_router}}}
    return {}


def read_virtual_service(at: Fields, name: str, tags: tuple[tuple[str, str], ...]) -> VirtualService:
    """Read a virtual service's spec."""
    node, router = at.optional("provider", _read_provider) or (None, None)
    return VirtualService(name=name, virtual_node=node, virtual_router=router, tags=tags)


def virtual_router_spec(router: VirtualRouter) -> Spec:
    """Write a virtual router's spec; its routes are resources of their own."""
    return {"listeners": [listener_spec(listener) for listener in router.listeners]}


def read_virtual_router(at: Fields) -> tuple[Listener, ...]:
    """Read a virtual router's spec."""
    return at.many("listeners", read_listener)


def virtual_gateway_spec(gateway: VirtualGateway) -> Spec:
    """Write a virtual gateway's spec; its routes are resources of their own."""
    return given(
        listeners=[listener_spec(listener) for listener in gateway.listeners],
        backendDefaults=_backend_defaults(gateway.client_tls),
        logging=_logging(gateway.access_log),
    )


def read_virtual_gateway(at: Fields, name: str, tags: tuple[tuple[str, str], ...]) -> VirtualGateway:
    """Read a virtual gateway's spec."""
    return VirtualGateway(
        name=name,
        listeners=at.many("listeners", read_listener),
        client_tls=at.optional("backendDefaults", _read_backend_defaults),
        access_log=at.optional("logging", _read_logging),
        tags=tags,
    )


def _discovery(discovery: Discovery | None) -> Spec | None:
    match discovery:
        case CloudMapDiscovery():
            attributes = [{"key": key, "value": value} for key, value in discovery.attributes]
            cloud_map = given(
                namespaceName=discovery.namespace,
                serviceName=discovery.service,
                attributes=attributes,
                ipPreference=discovery.ip_preference,
            )
            return {"awsCloudMap": cloud_map}
        case DnsDiscovery():
            dns = given(
                hostname=discovery.hostname,
                responseType=discovery.response_type,
                ipPreference=discovery.ip_preference,
            )
            return {"dns": dns}
    return None


def _read_discovery(at: Fields) -> Discovery | None:
    return at.one_of({"awsCloudMap": _read_cloud_map, "dns": _read_dns})


def _read_cloud_map(at: Fields) -> Discovery:
    return CloudMapDiscovery(
        namespace=at.text("namespaceName"),
        service=at.text("serviceName"),
        attributes=at.many("attributes", read_pair),
        ip_preference=cast("IpPreference | None", at.optional_text("ipPreference")),
    )


def _read_dns(at: Fields) -> Discovery:
    return DnsDiscovery(
        hostname=at.text("hostname"),
        response_type=cast(DnsResponseType, at.optional_text("responseType") or "LOADBALANCER"),
        ip_preference=cast("IpPreference | None", at.optional_text("ipPreference")),
    )


def _backend(backend: VirtualServiceBackend) -> Spec:
    return given(virtualServiceName=backend.virtual_service, clientPolicy=client_policy(backend.client_tls))


def _read_backend(at: Fields) -> VirtualServiceBackend:
    return VirtualServiceBackend(
        virtual_service=at.text("virtualServiceName"), client_tls=at.optional("clientPolicy", read_client_policy)
    )


def _backend_defaults(tls: ClientTls | None) -> Spec | None:
    return None if tls is None else {"clientPolicy": client_policy(tls)}


def _read_backend_defaults(at: Fields) -> ClientTls | None:
    return at.optional("clientPolicy", read_client_policy)


def _read_provider(at: Fields) -> tuple[str | None, str | None]:
    return (
        at.optional("virtualNode", lambda node: node.text("virtualNodeName")),
        at.optional("virtualRouter", lambda router: router.text("virtualRouterName")),
    )


def _logging(log: AccessLog | None) -> Spec | None:
    if log is None:
        return None
    form: Spec | None = None
    if log.text is not None:
        form = {"text": log.text}
    if log.json is not None:
        form = {"json": [{"key": key, "value": value} for key, value in log.json]}
    return {"accessLog": {"file": given(path=log.path, format=form)}}


def _read_logging(at: Fields) -> AccessLog | None:
    return at.optional("accessLog", lambda log: log.optional("file", _read_access_log))


def _read_access_log(at: Fields) -> AccessLog:
    text, json = at.optional("format", lambda form: (form.optional_text("text"), form.many("json", read_pair))) or (
        None,
        (),
    )
    return AccessLog(path=at.text("path"), text=text, json=json or None)


def read_pair(at: Fields) -> tuple[str, str]:
    """Read a key and its value."""
    return at.text("key"), at.text("value")
