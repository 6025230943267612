"""Private zones and their records: moto's CloudFormation makes every zone public, and forgets its VPCs."""

from typing import Any
from uuid import uuid4

from rehearsal.emulator.apis import Properties, client
from rehearsal.emulator.kinds import Kind, Made


def _create_zone(properties: Properties) -> Made:
    vpcs = [{"VPCId": vpc["VPCId"], "VPCRegion": vpc["VPCRegion"]} for vpc in properties.get("VPCs", [])]
    config = {"Comment": properties.get("HostedZoneConfig", {}).get("Comment", ""), "PrivateZone": bool(vpcs)}
    first = {"VPC": vpcs[0]} if vpcs else {}
    answer = client("route53").create_hosted_zone(
        Name=properties["Name"], CallerReference=str(uuid4()), HostedZoneConfig=config, **first
    )
    id = answer["HostedZone"]["Id"].rpartition("/")[2]
    for vpc in vpcs[1:]:
        client("route53").associate_vpc_with_hosted_zone(HostedZoneId=id, VPC=vpc)
    return Made(id=id, attributes={"Id": id})


def record(properties: Properties) -> dict[str, Any]:
    """Spell a record as the API does."""
    plain = ("Name", "Type", "AliasTarget", "SetIdentifier")
    parts: dict[str, Any] = {name: properties[name] for name in plain if name in properties}
    if "TTL" in properties:
        parts["TTL"] = int(properties["TTL"])
    if "ResourceRecords" in properties:
        parts["ResourceRecords"] = [{"Value": value} for value in properties["ResourceRecords"]]
    return parts


def change(action: str, properties: Properties) -> None:
    """Change a record in its zone."""
    client("route53").change_resource_record_sets(
        HostedZoneId=properties["HostedZoneId"],
        ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record(properties)}]},
    )


def _create_record(properties: Properties) -> Made:
    change("CREATE", properties)
    return Made(id=properties["Name"])


KINDS = (
    Kind(
        type="AWS::Route53::HostedZone",
        create=_create_zone,
        delete=lambda id, _: client("route53").delete_hosted_zone(Id=id),
    ),
    Kind(
        type="AWS::Route53::RecordSet",
        create=_create_record,
        update=lambda _, properties: change("UPSERT", properties),
        delete=lambda _, properties: change("DELETE", properties),
    ),
)
