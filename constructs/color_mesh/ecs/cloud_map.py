"""Cloud Map services and the instances that templates register in them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Attribute, Resource
from color_mesh.cloudformation.values import as_text
from color_mesh.ecs.reading import Reader, reference, resource_key

# AWS Cloud Map quotas.
MAX_ATTRIBUTES, MAX_ATTRIBUTES_LENGTH = 30, 5000
# AWS Cloud Map API Reference, RegisterInstance: Attributes. Values have spaces and tabs between other characters only.
_NAME = re.compile(r"[!-~]{1,255}")
_VALUE = re.compile(r"|(?=.{1,1024}\Z)[!-~]([!-~ \t]*[!-~])?")


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscoveryService:
    """Cloud Map service.

    Attributes:
        name: Name.
        namespace: Name of the namespace; ``None`` if no template declares it.
        records: Types of the DNS records, ``A`` or ``SRV``, each with its TTL in seconds; none without DNS.
        weighted: Routing policy ``WEIGHTED``: a response has one instance. Otherwise it has up to eight.
        health_check: ECS keeps the health status of its instances (``HealthCheckCustomConfig``).
        namespace_key: Place of the namespace; ``None`` if no template declares it.
    """

    name: str
    namespace: str | None
    records: tuple[tuple[str, int], ...] = ()
    weighted: bool = False
    health_check: bool = False
    namespace_key: str | None = None

    @property
    def dns_name(self) -> str:
        """Name that DNS answers."""
        return f"{self.name}.{self.namespace or ''}"


@dataclass(frozen=True, kw_only=True, slots=True)
class CloudMapInstance:
    """Instance of a Cloud Map service.

    Attributes:
        id: Instance id.
        attributes: Attributes.
        depends_on: Places of the resources that are stable before the instance is created or changed.
    """

    id: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()


def cloud_map_id(prefix: str, key: str) -> str:
    """Return an id like those that Cloud Map generates for services (``srv``) and namespaces (``ns``)."""
    return f"{prefix}-{blake2b(key.encode(), digest_size=8).hexdigest()}"


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
    declared = isinstance(namespace, Attribute)
    return DiscoveryService(
        name=fields.optional_text("Name") or resource.generated_name,
        namespace=str(namespace.resource.property("Name")) if declared else None,
        records=dns.records,
        weighted=dns.policy == "WEIGHTED",
        health_check=fields.value("HealthCheckCustomConfig") is not None,
        namespace_key=namespace.resource.place if declared else None,
    )


def read_instances(reader: Reader) -> dict[str, tuple[str, CloudMapInstance]]:
    """Read the instances, by place, each with the place of its service, or the id of one that no template declares."""
    return reader.read_all("AWS::ServiceDiscovery::Instance", _instance)


def _instance(fields: Fields, resource: Resource) -> tuple[str, CloudMapInstance]:
    declared = fields.value("InstanceAttributes")
    attributes = _attributes(declared)
    if attributes is None:
        fields.report("InstanceAttributes", "is not an object of texts", "names and values of attributes")
    problem = attribute_problem(attributes or {})
    if problem is not None:
        fields.report("InstanceAttributes", *problem)
    return resource_key(fields.value("ServiceId")) or "", CloudMapInstance(
        id=fields.optional_text("InstanceId") or resource.generated_name,
        attributes=attributes or {},
        depends_on=resource.depends_on,
    )


def _attributes(declared: Any) -> dict[str, str] | None:
    """Return attributes as texts: what only a deployment knows is named; ``None`` if one has no text."""
    if not isinstance(declared, dict):
        return None
    texts = {name: as_text(value) for name, value in declared.items()}
    texts = {name: str(reference(value)) if isinstance(value, Attribute) else value for name, value in texts.items()}
    return texts if all(isinstance(value, str) for value in texts.values()) else None


def attribute_problem(attributes: Mapping[str, str]) -> tuple[str, str] | None:
    """Return why Cloud Map refuses attributes, and what it takes; ``None`` if it accepts them."""
    if len(attributes) > MAX_ATTRIBUTES:
        return f"has {len(attributes)} attributes", f"at most {MAX_ATTRIBUTES}"
    length = sum(len(name) + len(value) for name, value in attributes.items())
    if length > MAX_ATTRIBUTES_LENGTH:
        return f"has {length} characters", f"names and values of at most {MAX_ATTRIBUTES_LENGTH} characters"
    for name, value in attributes.items():
        if not _NAME.fullmatch(name):
            return f"has the name {name!r}", "1 to 255 visible characters of ASCII"
        if not _VALUE.fullmatch(value):
            return f"has a value of {name!r} that Cloud Map refuses", "up to 1024 visible characters of ASCII"
    return None


def _dns(fields: Fields) -> _Dns:
    return _Dns(
        records=fields.many("DnsRecords", lambda each: (each.text("Type"), each.integer("TTL"))),
        policy=fields.optional_text("RoutingPolicy"),
        namespace=fields.value("NamespaceId"),
    )
