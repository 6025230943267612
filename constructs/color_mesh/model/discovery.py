"""How a node's tasks are found: Cloud Map and DNS."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from color_mesh.model.checks import check_choice, check_dns_name, check_range, check_text, check_unique
from color_mesh.model.errors import problem
from color_mesh.model.listener import IP_PREFERENCES, IpPreference

MAX_TTL_SECONDS = 2147483647  # AWS Cloud Map API Reference, DnsRecord

DnsResponseType = Literal["LOADBALANCER", "ENDPOINTS"]
DNS_RESPONSE_TYPES: tuple[DnsResponseType, ...] = get_args(DnsResponseType)


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
        attributes: Keys and values that a registered task must all have; without any, every task counts.
        ip_preference: Which of a task's addresses are used. Without it the mesh's preference, else IPv4 before IPv6.
    """

    namespace: str
    service: str
    attributes: tuple[tuple[str, str], ...] = ()
    ip_preference: IpPreference | None = None

    @property
    def dns_name(self) -> str:
        """The name that DNS answers."""
        return f"{self.service}.{self.namespace}"


@dataclass(frozen=True, kw_only=True, slots=True)
class DnsDiscovery:
    """Define how Envoy finds a node's tasks: a DNS name.

    Attributes:
        hostname: The name.
        response_type: ``LOADBALANCER`` (the default): the answer's first address is used, as one place that spreads
            the load itself. ``ENDPOINTS``: every address of the answer is a task.
        ip_preference: Which addresses are asked for. Without it the mesh's preference, else IPv6 before IPv4.
    """

    hostname: str
    response_type: DnsResponseType = "LOADBALANCER"
    ip_preference: IpPreference | None = None

    @property
    def dns_name(self) -> str:
        """The name that DNS answers."""
        return self.hostname


Discovery: TypeAlias = CloudMapDiscovery | DnsDiscovery


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


def check_discovery(subject: str, discovery: Discovery | None) -> Iterator[str]:
    """Find what App Mesh refuses (AWS App Mesh API Reference, *ServiceDiscovery*)."""
    if discovery is None:
        return
    # A name that ends with a dot is complete: resolvers add no search domain to it.
    yield from check_dns_name(subject, "service discovery", str(discovery.dns_name).removesuffix("."))
    yield from check_ip_preference(subject, discovery.ip_preference)
    match discovery:
        case DnsDiscovery():
            yield from check_choice(subject, "DNS response type", discovery.response_type, DNS_RESPONSE_TYPES)
        case CloudMapDiscovery():
            for key, value in discovery.attributes:
                yield from check_text(subject, "Cloud Map attribute", key, 255, "1 to 255 characters")
                yield from check_text(subject, f"value of attribute {key!r}", value, 1024, "1 to 1024 characters")
            yield from check_unique(subject, "Cloud Map attribute", (key for key, _ in discovery.attributes))


def check_ip_preference(subject: str, preference: IpPreference | None) -> Iterator[str]:
    """Find a preference that App Mesh does not know."""
    if preference is not None:
        yield from check_choice(subject, "IP preference", preference, IP_PREFERENCES)
