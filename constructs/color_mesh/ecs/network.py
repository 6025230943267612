"""VPCs, subnets, and the ways from a VPC to AWS."""

from ipaddress import IPv4Network

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Resource
from color_mesh.ecs.reading import Reader

_SUBNET = "AWS::EC2::Subnet"


def read_vpcs(reader: Reader) -> dict[str, IPv4Network]:
    """Read the address ranges of the VPCs, by place; without those that are invalid."""
    return _valid(reader.read_all("AWS::EC2::VPC", _cidr))


def read_subnets(reader: Reader) -> dict[str, IPv4Network]:
    """Read the address ranges of the subnets, by place; without those that are invalid."""
    return _valid(reader.read_all(_SUBNET, _cidr))


def read_zones(reader: Reader) -> dict[str, str]:
    """Read the availability zones of the subnets, by place; without those that only a deployment knows."""
    zones = {each.place: each.lenient_properties().get("AvailabilityZone") for each in reader.resources(_SUBNET)}
    return {place: zone for place, zone in zones.items() if isinstance(zone, str)}


def read_endpoints(reader: Reader) -> dict[str, str]:
    """Read the names of the AWS services that VPCs have endpoints for, such as ``com.amazonaws.REGION.logs``."""
    return reader.read_all("AWS::EC2::VPCEndpoint", lambda fields, _: fields.optional_text("ServiceName") or "")


def read_nat_gateways(reader: Reader) -> tuple[str, ...]:
    """Return the places of the NAT gateways."""
    return tuple(each.place for each in reader.resources("AWS::EC2::NatGateway"))


def _valid(ranges: dict[str, IPv4Network | None]) -> dict[str, IPv4Network]:
    return {place: cidr for place, cidr in ranges.items() if cidr is not None}


def _cidr(fields: Fields, _: Resource) -> IPv4Network | None:
    try:
        cidr = IPv4Network(fields.text("CidrBlock"))
    except ValueError:
        cidr = None
    # Amazon VPC User Guide, VPC CIDR blocks: between /16 and /28.
    if cidr is None or not 16 <= cidr.prefixlen <= 28:
        fields.report("CidrBlock", "is not a range of a VPC", "an IPv4 network of /16 to /28, such as 10.0.0.0/16")
        return None
    return cidr
