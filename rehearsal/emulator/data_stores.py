"""File systems, databases and secrets: moto's CloudFormation lacks secrets, and ignores properties of the others."""

from typing import Any

from rehearsal.emulator.apis import Properties, call, client
from rehearsal.emulator.resource_types import Created, ResourceType


def _create_file_system(properties: Properties) -> Created:
    tags = properties.pop("FileSystemTags", [])
    created = client("efs").create_file_system(CreationToken=_token(tags), Tags=tags, **properties)
    return Created(
        id=created["FileSystemId"],
        attributes={"FileSystemId": created["FileSystemId"], "Arn": created["FileSystemArn"]},
    )


def _token(tags: list[dict[str, str]]) -> str:
    return "-".join(tag["Value"] for tag in tags)[:64] or "file-system"


def _create_mount_target(properties: Properties) -> Created:
    created = call("efs", "CreateMountTarget", properties)
    return Created(
        id=created["MountTargetId"], attributes={"Id": created["MountTargetId"], "IpAddress": created["IpAddress"]}
    )


def _create_subnet_group(properties: Properties) -> Created:
    name = call("rds", "CreateDBSubnetGroup", properties)["DBSubnetGroup"]["DBSubnetGroupName"]
    return Created(id=name)


def _create_database(properties: Properties) -> Created:
    parameters = {**properties, "VpcSecurityGroupIds": properties.pop("VPCSecurityGroups", [])}
    parameters.pop("VPCSecurityGroups", None)
    instance: dict[str, Any] = call("rds", "CreateDBInstance", parameters)["DBInstance"]
    name = instance["DBInstanceIdentifier"]
    endpoint = client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["Endpoint"]
    return Created(
        id=name, attributes={"Endpoint.Address": endpoint["Address"], "Endpoint.Port": str(endpoint["Port"])}
    )


def _create_secret(properties: Properties) -> Created:
    template = properties.pop("GenerateSecretString", {}).get("SecretStringTemplate", "{}")
    arn = call("secretsmanager", "CreateSecret", {**properties, "SecretString": template})["ARN"]
    return Created(id=arn, attributes={"Id": arn})


RESOURCE_TYPES = (
    ResourceType(
        name="AWS::EFS::FileSystem",
        create=_create_file_system,
        delete=lambda id, _: client("efs").delete_file_system(FileSystemId=id),
    ),
    ResourceType(
        name="AWS::EFS::MountTarget",
        create=_create_mount_target,
        delete=lambda id, _: client("efs").delete_mount_target(MountTargetId=id),
    ),
    ResourceType(
        name="AWS::RDS::DBSubnetGroup",
        name_property="DBSubnetGroupName",
        create=_create_subnet_group,
        delete=lambda name, _: client("rds").delete_db_subnet_group(DBSubnetGroupName=name),
    ),
    ResourceType(
        name="AWS::RDS::DBInstance",
        name_property="DBInstanceIdentifier",
        create=_create_database,
        delete=lambda name, _: client("rds").delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True),
    ),
    ResourceType(
        name="AWS::SecretsManager::Secret",
        name_property="Name",
        create=_create_secret,
        delete=lambda arn, _: client("secretsmanager").delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True),
    ),
    # CloudFormation adds the address of the database to the secret; nothing of it remains to delete.
    ResourceType(
        name="AWS::SecretsManager::SecretTargetAttachment",
        create=lambda properties: Created(id=properties["SecretId"]),
        delete=lambda _id, _properties: None,
    ),
)
