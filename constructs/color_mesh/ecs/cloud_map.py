"""Cloud Map services that DNS answers."""

from dataclasses import dataclass
from typing import Any

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Attribute, Resource
from color_mesh.ecs.reading import Reader


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscoveryService:
    """Cloud Map service.

    Attributes:
        name: Name.
        namespace: Name of the namespace; ``None`` if no template declares it.
        records: Types of the DNS records, ``A`` or ``SRV``, each with its TTL in seconds; none without DNS.
        weighted: Routing policy ``WEIGHTED``: a response has one instance. Otherwise it has up to eight.
    """

    name: str
    namespace: str | None
    records: tuple[tuple[str, int], ...] = ()
    weighted: bool = False

    @property
    def dns_name(self) -> str:
        """Name that DNS answers."""
        return f"{self.name}.{self.namespace or ''}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Dns:
    records: tuple[tuple[str, int], ...] = ()
    policy: str | None = None
    namespace: Any = None


def read_discovery_services(reader: Reader) -> dict[str, DiscoveryService]:
    """Read the Cloud Map services, by place."""
    return reader.read_all("AWS::ServiceDiscovery::Service", _discovery_service)


def _discovery_service(fields: Fields, resource: Resource) -> DiscoveryService:
    dns = fields.optional("DnsConfig", _dns) or _Dns()
    namespace = fields.value("NamespaceId") or dns.namespace
    return DiscoveryService(
        name=fields.optional_text("Name") or resource.generated_name,
        namespace=str(namespace.resource.property("Name")) if isinstance(namespace, Attribute) else None,
        records=dns.records,
        weighted=dns.policy == "WEIGHTED",
    )


def _dns(fields: Fields) -> _Dns:
    return _Dns(
        records=fields.many("DnsRecords", lambda each: (each.text("Type"), each.integer("TTL"))),
        policy=fields.optional_text("RoutingPolicy"),
        namespace=fields.value("NamespaceId"),
    )
