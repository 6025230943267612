"""Virtual nodes, and the virtual services that callers name."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from color_mesh.model.access_log import AccessLog, check_access_log
from color_mesh.model.checks import check_dns_name, check_name, check_tags, check_unique
from color_mesh.model.discovery import Discovery, DnsDiscovery, check_discovery
from color_mesh.model.errors import problem
from color_mesh.model.listener import PROTOCOLS, Listener, check_listeners
from color_mesh.model.tls import ClientTls, check_client_tls

MAX_BACKENDS = 50  # App Mesh endpoints and quotas: backends per virtual node


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualServiceBackend:
    """Define a virtual service that a node may call.

    Attributes:
        virtual_service: Its name.
        client_tls: How the node speaks TLS to it, instead of the node's own ``client_tls``.
    """

    virtual_service: str
    client_tls: ClientTls | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualNode:
    """Define a workload of the mesh: what it listens on, how it is found, and what it may call.

    Attributes:
        name: 1 to 255 letters, digits, ``-`` and ``_``; unique in the mesh.
        listeners: What it answers on; a node without one can only call.
        discovery: How its tasks are found. Needed with a listener.
        backends: The virtual services it may call. Without one it can call nothing in the mesh.
        client_tls: How it speaks TLS to its backends; without it, to those that do.
        access_log: Where Envoy logs requests; without it Envoy logs none.
        tags: Keys and values that label it on AWS; Envoy gets them as metadata.
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
    """Define a name that callers use, and what answers to it.

    Attributes:
        name: The DNS name, also the ``Host`` that Envoy routes by.
        virtual_node: The virtual node that provides the service.
        virtual_router: The virtual router that provides it, instead of a node. Without either, nothing answers.
        tags: Keys and values that label it on AWS; Envoy gets them as metadata.
    """

    name: str
    virtual_node: str | None = None
    virtual_router: str | None = None
    tags: tuple[tuple[str, str], ...] = ()


def hostnames(nodes: Iterable[VirtualNode]) -> dict[str, str]:
    """Find the nodes that are not found by Cloud Map but at a name of their own in DNS, and that name."""
    return {node.name: node.discovery.hostname for node in nodes if isinstance(node.discovery, DnsDiscovery)}


def check_virtual_node(node: VirtualNode) -> Iterator[str]:
    """Find what App Mesh refuses of a node, whatever else is in the mesh."""
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
    """Find what App Mesh refuses of a virtual service, whatever else is in the mesh."""
    subject = f"virtual service {service.name!r}"
    yield from check_dns_name(subject, "name", service.name)
    if service.virtual_node is not None and service.virtual_router is not None:
        providers = (service.virtual_node, service.virtual_router)
        yield problem(subject, "has two providers", providers, "a virtual node or a virtual router")
    yield from check_tags(subject, service.tags)
