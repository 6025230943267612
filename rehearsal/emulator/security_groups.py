"""Security group resource types: moto's CloudFormation ignores the descriptions of rules, and does not delete rules."""

from typing import Any

from botocore.exceptions import ClientError

from rehearsal.emulator.apis import Properties, client
from rehearsal.emulator.resource_types import Created, ResourceType

ALL_TRAFFIC = {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}


def _create_group(properties: Properties) -> Created:
    api = client("ec2")
    id = api.create_security_group(
        GroupName=properties["GroupName"], Description=properties["GroupDescription"], VpcId=properties["VpcId"]
    )["GroupId"]
    for rule in properties.get("SecurityGroupIngress", []):
        api.authorize_security_group_ingress(GroupId=id, IpPermissions=[permission(rule)])
    if "SecurityGroupEgress" in properties:
        # EC2 creates a group with a rule that allows all outbound traffic.
        api.revoke_security_group_egress(GroupId=id, IpPermissions=[permission(ALL_TRAFFIC)])
    for rule in properties.get("SecurityGroupEgress", []):
        api.authorize_security_group_egress(GroupId=id, IpPermissions=[permission(rule)])
    if "Tags" in properties:
        api.create_tags(Resources=[id], Tags=properties["Tags"])
    return Created(id=id, attributes={"GroupId": id, "VpcId": properties["VpcId"]})


def _delete_group(id: str, _: Properties) -> None:
    """Delete a group, unless a service has it or a rule of another group names it, which moto ignores."""
    api = client("ec2")
    for group in api.describe_security_groups()["SecurityGroups"]:
        rules = [*group["IpPermissions"], *group["IpPermissionsEgress"]]
        named = {pair["GroupId"] for each in rules for pair in each.get("UserIdGroupPairs", [])}
        if id in named and group["GroupId"] != id:
            raise ValueError(f"resource {id} has a dependent object: a rule of {group['GroupName']}")
    ecs = client("ecs")
    for cluster in ecs.list_clusters()["clusterArns"]:
        arns = ecs.list_services(cluster=cluster, maxResults=100)["serviceArns"]
        for service in ecs.describe_services(cluster=cluster, services=arns)["services"] if arns else ():
            network = service.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
            if service["status"] == "ACTIVE" and id in network.get("securityGroups", []):
                raise ValueError(f"resource {id} has a dependent object: tasks of {service['serviceName']}")
    api.delete_security_group(GroupId=id)


def rule(direction: str) -> ResourceType:
    """Return the type of separate rules."""

    def create(properties: Properties) -> Created:
        authorize = getattr(client("ec2"), f"authorize_security_group_{direction}")
        response = authorize(GroupId=properties["GroupId"], IpPermissions=[permission(properties)])
        return Created(id=response["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def delete(_: str, properties: Properties) -> None:
        revoke = getattr(client("ec2"), f"revoke_security_group_{direction}")
        try:
            revoke(GroupId=properties["GroupId"], IpPermissions=[permission(properties)])
        except ClientError as error:
            # CloudFormation CLI User Guide, *Resource type handler contract*: a resource that does not exist is
            # deleted. The rule went with its group.
            if error.response["Error"]["Code"] != "InvalidGroup.NotFound":
                raise

    return ResourceType(name=f"AWS::EC2::SecurityGroup{direction.capitalize()}", create=create, delete=delete)


def permission(properties: Properties) -> dict[str, Any]:
    """Return a rule with the names and types of the API."""
    ports: dict[str, Any] = {name: int(properties[name]) for name in ("FromPort", "ToPort") if name in properties}
    described = {"Description": properties["Description"]} if "Description" in properties else {}
    group = properties.get("SourceSecurityGroupId", properties.get("DestinationSecurityGroupId"))
    if group:
        source = {"UserIdGroupPairs": [{"GroupId": group, **described}]}
    else:
        source = {"IpRanges": [{"CidrIp": properties["CidrIp"], **described}]}
    return {"IpProtocol": properties["IpProtocol"], **ports, **source}


RESOURCE_TYPES = (
    ResourceType(
        name="AWS::EC2::SecurityGroup",
        name_property="GroupName",
        create=_create_group,
        delete=_delete_group,
    ),
    rule("ingress"),
    rule("egress"),
)
