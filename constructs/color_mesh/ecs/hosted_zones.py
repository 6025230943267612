"""Private zones of Route 53: names that the resolver answers as the templates say."""

from dataclasses import dataclass
from typing import Any

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Attribute, Resource, Templates
from color_mesh.ecs.reading import Reader
from color_mesh.model.errors import problem


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Define a record of a zone.

    Attributes:
        name: The name, in lower case and without a dot at its end.
        type: ``A``, ``AAAA``, ``CNAME``, ``SRV`` or ``TXT``.
        ttl_seconds: How long an answer may be kept.
        values: What the name stands for.
    """

    name: str
    type: str
    ttl_seconds: int
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Zones:
    """Define the private zones of the VPC.

    Attributes:
        names: What they are called.
        records: What is in them.
    """

    names: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()


def read_zones(templates: Templates, reader: Reader) -> Zones:
    """Read the private zones that templates declare; public ones have no say in a VPC."""
    names: dict[str, str] = {}
    for resource in templates.resources("AWS::Route53::HostedZone"):
        zone = reader.read(resource, _zone)
        if zone is not None:
            names[resource.place] = zone
    records = []
    for resource in templates.resources("AWS::Route53::RecordSet"):
        record = reader.read(resource, lambda at, resource=resource: _record(at, resource, names, reader))  # type: ignore[misc]
        if record is not None:
            records.append(record)
    return Zones(names=tuple(names.values()), records=tuple(records))


def _zone(at: Fields) -> str | None:
    at.ignore("HostedZoneConfig", "HostedZoneTags")
    private = bool(at.value("VPCs"))
    name = _plain(at.text("Name"))
    return name if private else None


def _record(at: Fields, resource: Resource, zones: dict[str, str], reader: Reader) -> Record | None:
    at.ignore("Comment")
    zone: Any = at.value("HostedZoneId")
    name = at.optional_text("HostedZoneName")
    known = zone.resource.place in zones if isinstance(zone, Attribute) else _plain(name or "") in zones.values()
    record = Record(
        name=_plain(at.text("Name")),
        type=at.text("Type"),
        ttl_seconds=at.optional_integer("TTL") or 0,
        values=at.texts("ResourceRecords"),
    )
    if not known:
        reader.passed_over[resource.type, "of a zone that no template declares"] = None
        return None
    if not record.values:
        fix = "values in ResourceRecords; aliases are not answered here"
        reader.problems.append(problem(f"{resource.place}.ResourceRecords", "has no value", (), fix))
    return record


def _plain(name: str) -> str:
    return name.rstrip(".").lower()
