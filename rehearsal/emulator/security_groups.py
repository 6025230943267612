"""Rules of security groups, through the API: moto's CloudFormation leaves them when their stack goes."""

from typing import Any

from rehearsal.emulator.apis import Properties, client
from rehearsal.emulator.kinds import Kind, Made


def create(properties: Properties) -> Made:
    answer = client("ec2").authorize_security_group_ingress(
        GroupId=properties["GroupId"], IpPermissions=[permission(properties)]
    )
    return Made(id=answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])


def delete(id: str, properties: Properties) -> None:
    client("ec2").revoke_security_group_ingress(
        GroupId=properties["GroupId"], IpPermissions=[permission(properties)]
    )


def permission(properties: Properties) -> dict[str, Any]:
    """Spell a rule as the API does."""
    ports = {name: int(properties[name]) for name in ("FromPort", "ToPort") if name in properties}
    described = {"Description": properties["Description"]} if "Description" in properties else {}
    if "SourceSecurityGroupId" in properties:
        source = {"UserIdGroupPairs": [{"GroupId": properties["SourceSecurityGroupId"], **described}]}
    else:
        source = {"IpRanges": [{"CidrIp": properties["CidrIp"], **described}]}
    return {"IpProtocol": properties["IpProtocol"], **ports, **source}


KINDS = (Kind(type="AWS::EC2::SecurityGroupIngress", create=create, delete=delete),)
