"""Virtual nodes, the Cloud Map services that find them, and the virtual services that callers name."""

from collections.abc import Iterator
from dataclasses import dataclass

from color_mesh.model.checks import check_dns_name, check_name, check_range, check_unique
from color_mesh.model.errors import problem
from color_mesh.model.listener import PROTOCOLS, AccessLog, Listener, check_access_log, check_listeners

MAX_TTL_SECONDS = 2147483647  # AWS Cloud Map API Reference, DnsRecord
MAX_BACKENDS = 50  # App Mesh endpoints and quotas: backends per virtual node


@dataclass(frozen=True, kw_only=True, slots=True)
class CloudMapService:
    """Define a name in a Cloud Map namespace, answered with the private addresses of the tasks registered in it.

    Attributes:
        name: The DNS label, 1 to 63 characters.
        namespace: The namespace's DNS name, such as ``colors.local``.
        description: What it is for; without one the service has none.
        ttl_seconds: How long resolvers may keep an answer, 0 to 2147483647.
    """

    name: str
    namespace: str
    description: str | None = None
    ttl_seconds: int = 60

    @property
    def dns_name(self) -> str:
        """The name that DNS answers."""
        return f"{self.name}.{self.namespace}"


@dataclass(frozen=True, kw_only=True, slots=True)
class CloudMapDiscovery:
    """Define how Envoy finds a node's tasks: those registered in a Cloud Map service.

    Attributes:
        namespace: The namespace's DNS name.
        service: The service's name in it.
    """

    namespace: str
    service: str

    @property
    def dns_name(self) -> str:
        """The name that DNS answers."""
        return f"{self.service}.{self.namespace}"


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualNode:
    """Define a workload of the mesh: what it listens on, how it is found, and what it may call.

    Attributes:
        name: 1 to 255 letters, digits, ``-`` and ``_``; unique in the mesh.
        listeners: What it answers on; a node without one can only call.
        discovery: How its tasks are found. Needed with a listener.
        backends: The names of the virtual services it may call. Without one it can call nothing in the mesh.
        access_log: Where Envoy logs requests; without it Envoy logs none.
    """

    name: str
    listeners: tuple[Listener, ...] = ()
    discovery: CloudMapDiscovery | None = None
    backends: tuple[str, ...] = ()
    access_log: AccessLog | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualService:
    """Define a name that callers use, and what answers to it.

    Attributes:
        name: The DNS name, also the ``Host`` that Envoy routes by.
        virtual_node: The virtual node that provides the service.
        virtual_router: The virtual router that provides it, instead of a node. Without either, nothing answers.
    """

    name: str
    virtual_node: str | None = None
    virtual_router: str | None = None


def check_cloud_map_service(service: CloudMapService) -> Iterator[str]:
    """Find what Cloud Map refuses (AWS Cloud Map API Reference, *CreateService*)."""
    subject = f"Cloud Map service {service.name!r}"
    label = [*check_dns_name(subject, "name", service.name, 63)]
    if not label and "." in service.name:
        label = [problem(subject, "name has a dot", service.name, "one label of the namespace")]
    yield from label
    yield from check_dns_name(subject, "namespace", service.namespace, 253 if label else 252 - len(service.name))
    yield from check_range(subject, "TTL", service.ttl_seconds, 0, MAX_TTL_SECONDS)
    if service.description is not None and not isinstance(service.description, str):
        yield problem(subject, "description is not text", service.description, "0 to 1024 characters")
    elif service.description is not None and len(service.description) > 1024:
        yield problem(subject, "description too long", f"{len(service.description)} characters", "0 to 1024")


def check_virtual_node(node: VirtualNode) -> Iterator[str]:
    """Find what App Mesh refuses of a node, whatever else is in the mesh."""
    subject = f"virtual node {node.name!r}"
    yield from check_name(subject, node.name)
    yield from check_listeners(subject, node.listeners, PROTOCOLS)
    if node.discovery is not None:
        yield from check_dns_name(subject, "service discovery", node.discovery.dns_name)
    yield from check_access_log(subject, node.access_log)
    yield from check_unique(subject, "backend", node.backends)
    if len(node.backends) > MAX_BACKENDS:
        yield problem(subject, "too many backends", len(node.backends), f"at most {MAX_BACKENDS}")
    if node.listeners and node.discovery is None:
        fix = "name the Cloud Map service that its tasks are registered in"
        yield problem(subject, "has a listener but no service discovery", None, fix)


def check_virtual_service(service: VirtualService) -> Iterator[str]:
    """Find what App Mesh refuses of a virtual service, whatever else is in the mesh."""
    subject = f"virtual service {service.name!r}"
    yield from check_dns_name(subject, "name", service.name)
    if service.virtual_node is not None and service.virtual_router is not None:
        providers = (service.virtual_node, service.virtual_router)
        yield problem(subject, "has two providers", providers, "a virtual node or a virtual router")
