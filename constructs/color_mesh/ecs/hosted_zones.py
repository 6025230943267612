"""Hosted zones of Route 53, and their records."""

from dataclasses import dataclass

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Resource
from color_mesh.ecs.reading import Reader, resource_key


@dataclass(frozen=True, kw_only=True, slots=True)
class HostedZone:
    """Hosted zone.

    Attributes:
        name: Name, in lower case and without a dot at its end.
        private: A private hosted zone, for VPCs.
    """

    name: str
    private: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Record of a hosted zone.

    Attributes:
        zone: Hosted zone, if the record names it by its id.
        zone_name: Name of the hosted zone, if the record names it so.
        name: Name, in lower case and without a dot at its end.
        type: Type, such as ``A`` or ``CNAME``.
        ttl_seconds: TTL.
        values: Values; none of an alias.
        weighted: A query is answered with one of the records of the name and type.
    """

    zone: str | None
    zone_name: str | None
    name: str
    type: str
    ttl_seconds: int
    values: tuple[str, ...]
    weighted: bool = False


def read_hosted_zones(reader: Reader) -> dict[str, HostedZone]:
    """Read the hosted zones, by place."""
    return reader.read_all("AWS::Route53::HostedZone", _hosted_zone)


def read_records(reader: Reader) -> dict[str, Record]:
    """Read the records, by place."""
    return reader.read_all("AWS::Route53::RecordSet", _record)


def _hosted_zone(fields: Fields, _: Resource) -> HostedZone:
    return HostedZone(name=_normalized(fields.text("Name")), private=bool(fields.value("VPCs")))


def _record(fields: Fields, _: Resource) -> Record:
    zone_name = fields.optional_text("HostedZoneName")
    return Record(
        zone=resource_key(fields.value("HostedZoneId")),
        zone_name=None if zone_name is None else _normalized(zone_name),
        name=_normalized(fields.text("Name")),
        type=fields.text("Type"),
        ttl_seconds=fields.optional_integer("TTL") or 0,
        values=fields.texts("ResourceRecords"),
        weighted=fields.value("Weight") is not None,
    )


def _normalized(name: str) -> str:
    return name.rstrip(".").lower()
