"""Hosted zones and records: moto's CloudFormation creates every zone as public, without VPCs."""

from typing import Any
from uuid import uuid4

from rehearsal.emulator.apis import Properties, client
from rehearsal.emulator.resource_types import Created, ResourceType


def _create_zone(properties: Properties) -> Created:
    vpcs = [{"VPCId": vpc["VPCId"], "VPCRegion": vpc["VPCRegion"]} for vpc in properties.get("VPCs", [])]
    config = {"Comment": properties.get("HostedZoneConfig", {}).get("Comment", ""), "PrivateZone": bool(vpcs)}
    first = {"VPC": vpcs[0]} if vpcs else {}
    response = client("route53").create_hosted_zone(
        Name=properties["Name"], CallerReference=str(uuid4()), HostedZoneConfig=config, **first
    )
    id = response["HostedZone"]["Id"].rpartition("/")[2]
    for vpc in vpcs[1:]:
        client("route53").associate_vpc_with_hosted_zone(HostedZoneId=id, VPC=vpc)
    return Created(id=id, attributes={"Id": id})


def record(properties: Properties) -> dict[str, Any]:
    """Return a record with the names and types of the API."""
    same_names = ("Name", "Type", "AliasTarget", "SetIdentifier")
    parts: dict[str, Any] = {name: properties[name] for name in same_names if name in properties}
    parts |= {name: int(properties[name]) for name in ("TTL", "Weight") if name in properties}
    if "ResourceRecords" in properties:
        parts["ResourceRecords"] = [{"Value": value} for value in properties["ResourceRecords"]]
    return parts


def change(action: str, properties: Properties) -> None:
    """Create, update or delete a record."""
    zone, identifier = properties["HostedZoneId"], properties.get("SetIdentifier")
    others: list[Any] = []
    if action == "DELETE" and identifier is not None:
        # moto deletes the records of all names with the identifier.
        pages = client("route53").get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
        same = [
            each for page in pages for each in page["ResourceRecordSets"] if each.get("SetIdentifier") == identifier
        ]
        others = [each for each in same if each["Name"].rstrip(".") != properties["Name"].rstrip(".")]
    changes = [{"Action": action, "ResourceRecordSet": record(properties)}]
    # Not CREATE, which moto refuses for a record that it has created before.
    changes += [{"Action": "UPSERT", "ResourceRecordSet": each} for each in others]
    for each in changes:
        client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [each]})


def _create_record(properties: Properties) -> Created:
    change("CREATE", properties)
    return Created(id=properties["Name"])


RESOURCE_TYPES = (
    ResourceType(
        name="AWS::Route53::HostedZone",
        create=_create_zone,
        delete=lambda id, _: client("route53").delete_hosted_zone(Id=id),
    ),
    ResourceType(
        name="AWS::Route53::RecordSet",
        create=_create_record,
        update=lambda _, properties: change("UPSERT", properties),
        delete=lambda _, properties: change("DELETE", properties),
    ),
)
