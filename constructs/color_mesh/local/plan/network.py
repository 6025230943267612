"""The VPC that a run emulates, and its private hosted zones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from color_mesh.ecs.declarations import Declarations
from color_mesh.ecs.hosted_zones import Record
from color_mesh.ecs.security_groups import SecurityGroup

# Addresses outside the VPC: a range that is reserved for documentation (RFC 5737). The first is that of clients, and
# some are those of APIs of AWS.
INTERNET = IPv4Network("198.51.100.0/24")
API_ADDRESSES, API_PORT = IPv4Network("198.51.100.8/29"), 443
# Address range of a VPC that no template declares.
_ASSUMED_VPC = IPv4Network("10.0.0.0/16")


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """VPC.

    Attributes:
        cidr: Address range.
        subnets: Address ranges of the subnets, by place.
        groups: Security groups, by place.
        zones: Availability zones of the subnets, as far as the templates name them.
    """

    cidr: IPv4Network
    subnets: Mapping[str, IPv4Network] = field(default_factory=dict)
    groups: Mapping[str, SecurityGroup] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class PrivateZones:
    """Private hosted zones of the VPC.

    Attributes:
        names: Names of the zones.
        records: Records of the zones.
    """

    names: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()


def network(declarations: Declarations) -> Network:
    """Return the VPC that templates declare; if there are several, the first."""
    return Network(
        cidr=next(iter(declarations.vpcs.values()), _ASSUMED_VPC),
        subnets=declarations.subnets,
        groups=declarations.security_groups,
        zones=declarations.zones,
    )


def private_zones(declarations: Declarations) -> PrivateZones:
    """Return the private hosted zones that templates declare. A VPC does not use public ones."""
    zones = {place: zone.name for place, zone in declarations.hosted_zones.items() if zone.private}
    records = declarations.records.values()
    return PrivateZones(
        names=tuple(zones.values()),
        records=tuple(each for each in records if each.zone in zones or each.zone_name in zones.values()),
    )
