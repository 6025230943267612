"""Virtual nodes and virtual services."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from color_mesh.model.access_log import AccessLog, check_access_log
from color_mesh.model.checks import check_dns_name, check_name, check_tags, check_unique
from color_mesh.model.discovery import Discovery, DnsDiscovery, check_discovery
from color_mesh.model.errors import problem
from color_mesh.model.health_check import PROTOCOLS
from color_mesh.model.listener import Listener, check_listeners
from color_mesh.model.tls import ClientTls, check_client_tls

MAX_BACKENDS = 50  # App Mesh endpoints and quotas: backends per virtual node


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualServiceBackend:
    """A backend: a virtual service that a virtual node sends requests to.

    Attributes:
        virtual_service: Name of the virtual service.
        client_tls: Client policy for this backend. Default: ``client_tls`` of the node.
    """

    virtual_service: str
    client_tls: ClientTls | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualNode:
    """A virtual node: a workload of the mesh.

    Attributes:
        name: Name of the node, 1 to 255 letters, digits, ``-`` and ``_``; unique in the mesh.
        listeners: Listeners of the node. Default: none, for a node that only sends requests.
        discovery: Service discovery of the node's tasks. Required if there is a listener.
        backends: Virtual services that the node sends requests to, at most 50. Default: none; it cannot reach other
            services of the mesh.
        client_tls: Client policy for all backends. Default: TLS to the nodes whose listeners have it.
        access_log: Access log of the node's Envoy. Default: no access log.
        tags: Keys and values of the AWS tags, also metadata of the Envoy configuration.
    """

    name: str
    listeners: tuple[Listener, ...] = ()
    discovery: Discovery | None = None
    backends: tuple[VirtualServiceBackend, ...] = ()
    client_tls: ClientTls | None = None
    access_log: AccessLog | None = None
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualService:
    """A virtual service: the name by which callers send requests, and its provider.

    Attributes:
        name: DNS name of the service, which is the host of the requests.
        virtual_node: Name of the virtual node that provides the service. Mutually exclusive with ``virtual_router``.
        virtual_router: Name of the virtual router that provides the service. Default, without ``virtual_node``: no
            provider; requests to the service fail.
        tags: Keys and values of the AWS tags, also metadata of the Envoy configuration.
    """

    name: str
    virtual_node: str | None = None
    virtual_router: str | None = None
    tags: tuple[tuple[str, str], ...] = ()


def hostnames(nodes: Iterable[VirtualNode]) -> dict[str, str]:
    """Return the hostname of each node with DNS service discovery, by the name of the node."""
    return {node.name: node.discovery.hostname for node in nodes if isinstance(node.discovery, DnsDiscovery)}


def check_virtual_node(node: VirtualNode) -> Iterator[str]:
    """Validate a virtual node by itself, without its references."""
    subject = f"virtual node {node.name!r}"
    yield from check_name(subject, node.name)
    yield from check_listeners(subject, node.listeners, PROTOCOLS)
    yield from check_discovery(subject, node.discovery)
    yield from check_access_log(subject, node.access_log)
    yield from check_client_tls(subject, node.client_tls)
    for backend in node.backends:
        yield from check_client_tls(f"{subject} backend {backend.virtual_service!r}", backend.client_tls)
    yield from check_unique(subject, "backend", (backend.virtual_service for backend in node.backends))
    if len(node.backends) > MAX_BACKENDS:
        yield problem(subject, "too many backends", len(node.backends), f"at most {MAX_BACKENDS}")
    if node.listeners and node.discovery is None:
        fix = "name the Cloud Map service that its tasks are registered in"
        yield problem(subject, "has a listener but no service discovery", None, fix)
    yield from check_tags(subject, node.tags)


def check_virtual_service(service: VirtualService) -> Iterator[str]:
    """Validate a virtual service by itself, without its references."""
    subject = f"virtual service {service.name!r}"
    yield from check_dns_name(subject, "name", service.name)
    if service.virtual_node is not None and service.virtual_router is not None:
        providers = (service.virtual_node, service.virtual_router)
        yield problem(subject, "has two providers", providers, "a virtual node or a virtual router")
    yield from check_tags(subject, service.tags)
