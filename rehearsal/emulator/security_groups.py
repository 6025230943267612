"""Security groups, through the API: moto's CloudFormation drops what rules are described as, and leaves rules."""

from typing import Any

from rehearsal.emulator.apis import Properties, client
from rehearsal.emulator.kinds import Kind, Made

EVERYTHING = {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}


def _create_group(properties: Properties) -> Made:
    api = client("ec2")
    id = api.create_security_group(
        GroupName=properties["GroupName"], Description=properties["GroupDescription"], VpcId=properties["VpcId"]
    )["GroupId"]
    for rule in properties.get("SecurityGroupIngress", []):
        api.authorize_security_group_ingress(GroupId=id, IpPermissions=[permission(rule)])
    if "SecurityGroupEgress" in properties:
        # EC2 lets everything out of a new group.
        api.revoke_security_group_egress(GroupId=id, IpPermissions=[permission(EVERYTHING)])
    for rule in properties.get("SecurityGroupEgress", []):
        api.authorize_security_group_egress(GroupId=id, IpPermissions=[permission(rule)])
    if "Tags" in properties:
        api.create_tags(Resources=[id], Tags=properties["Tags"])
    return Made(id=id, attributes={"GroupId": id, "VpcId": properties["VpcId"]})


def rule(direction: str) -> Kind:
    """Make the type of rules that are resources of their own."""

    def create(properties: Properties) -> Made:
        authorize = getattr(client("ec2"), f"authorize_security_group_{direction}")
        answer = authorize(GroupId=properties["GroupId"], IpPermissions=[permission(properties)])
        return Made(id=answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def delete(_: str, properties: Properties) -> None:
        revoke = getattr(client("ec2"), f"revoke_security_group_{direction}")
        revoke(GroupId=properties["GroupId"], IpPermissions=[permission(properties)])

    return Kind(type=f"AWS::EC2::SecurityGroup{direction.capitalize()}", create=create, delete=delete)


def permission(properties: Properties) -> dict[str, Any]:
    """Spell a rule as the API does."""
    ports: dict[str, Any] = {name: int(properties[name]) for name in ("FromPort", "ToPort") if name in properties}
    described = {"Description": properties["Description"]} if "Description" in properties else {}
    group = properties.get("SourceSecurityGroupId", properties.get("DestinationSecurityGroupId"))
    if group:
        source = {"UserIdGroupPairs": [{"GroupId": group, **described}]}
    else:
        source = {"IpRanges": [{"CidrIp": properties["CidrIp"], **described}]}
    return {"IpProtocol": properties["IpProtocol"], **ports, **source}


KINDS = (
    Kind(
        type="AWS::EC2::SecurityGroup",
        name_property="GroupName",
        create=_create_group,
        delete=lambda id, _: client("ec2").delete_security_group(GroupId=id),
    ),
    rule("ingress"),
    rule("egress"),
)
