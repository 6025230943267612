"""Service discovery: Cloud Map and DNS."""

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
    """A Cloud Map service with a DNS record for the private address of each registered task.

    Attributes:
        name: Name of the service, a DNS label of 1 to 63 characters.
        namespace: Name of the Cloud Map namespace, such as ``colors.local``.
        description: Description of the service, 0 to 1024 characters. Default: no description.
        ttl_seconds: TTL of the DNS records in seconds, 0 to 2147483647.
    """

    name: str
    namespace: str
    description: str | None = None
    ttl_seconds: int = 60

    @property
    def dns_name(self) -> str:
        """DNS name of the tasks."""
        return f"{self.name}.{self.namespace}"


@dataclass(frozen=True, kw_only=True, slots=True)
class CloudMapDiscovery:
    """Service discovery by Cloud Map: the endpoints are the tasks registered in a Cloud Map service.

    Attributes:
        namespace: Name of the Cloud Map namespace.
        service: Name of the Cloud Map service.
        attributes: Keys and values of the Cloud Map attributes that a task must have to be an endpoint. Default: all
            registered tasks are endpoints.
        ip_preference: IP versions of the tasks' addresses. Default: the preference of the mesh, or else IPv4, then
            IPv6.
    """

    namespace: str
    service: str
    attributes: tuple[tuple[str, str], ...] = ()
    ip_preference: IpPreference | None = None

    @property
    def dns_name(self) -> str:
        """DNS name of the tasks."""
        return f"{self.service}.{self.namespace}"


@dataclass(frozen=True, kw_only=True, slots=True)
class DnsDiscovery:
    """Service discovery by DNS: the endpoints are the addresses of a DNS name.

    Attributes:
        hostname: DNS name.
        response_type: DNS response type. ``LOADBALANCER``: the first address of the response is the one endpoint, as
            of a load balancer. ``ENDPOINTS``: each address of the response is an endpoint.
        ip_preference: IP versions of the DNS lookup. Default: the preference of the mesh, or else IPv6, then IPv4.
    """

    hostname: str
    response_type: DnsResponseType = "LOADBALANCER"
    ip_preference: IpPreference | None = None

    @property
    def dns_name(self) -> str:
        """DNS name of the tasks."""
        return self.hostname


Discovery: TypeAlias = CloudMapDiscovery | DnsDiscovery


def check_cloud_map_service(service: CloudMapService) -> Iterator[str]:
    """Validate a Cloud Map service (AWS Cloud Map API Reference, *CreateService*)."""
    subject = f"Cloud Map service {service.name!r}"
    name_problems = [*check_dns_name(subject, "name", service.name, 63)]
    if not name_problems and "." in service.name:
        name_problems = [problem(subject, "name has a dot", service.name, "one label of the namespace")]
    yield from name_problems
    max_length = 253 if name_problems else 252 - len(service.name)
    yield from check_dns_name(subject, "namespace", service.namespace, max_length)
    yield from check_range(subject, "TTL", service.ttl_seconds, 0, MAX_TTL_SECONDS)
    if service.description is not None and not isinstance(service.description, str):
        yield problem(subject, "description is not text", service.description, "0 to 1024 characters")
    elif service.description is not None and len(service.description) > 1024:
        yield problem(subject, "description too long", f"{len(service.description)} characters", "0 to 1024")


def check_discovery(subject: str, discovery: Discovery | None) -> Iterator[str]:
    """Validate the service discovery of a node (AWS App Mesh API Reference, *ServiceDiscovery*)."""
    if discovery is None:
        return
    # A trailing dot makes the name fully qualified: resolvers append no search domain.
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
    """Validate an IP preference."""
    if preference is not None:
        yield from check_choice(subject, "IP preference", preference, IP_PREFERENCES)
