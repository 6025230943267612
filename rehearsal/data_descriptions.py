"""Descriptions of file systems, databases, secrets and autoscaling by their APIs."""

from typing import Any

from rehearsal.emulated_aws import EmulatedAws

Description = dict[str, Any]


def _file_system(aws: EmulatedAws, id: str, _: Description) -> Description:
    (response,) = aws.client("efs").describe_file_systems(FileSystemId=id)["FileSystems"]
    return {**response, "FileSystemTags": response["Tags"]}


def _mount_target(aws: EmulatedAws, id: str, _: Description) -> Description:
    api = aws.client("efs")
    (response,) = api.describe_mount_targets(MountTargetId=id)["MountTargets"]
    groups = api.describe_mount_target_security_groups(MountTargetId=id)["SecurityGroups"]
    return {**response, "SecurityGroups": groups}


def _subnet_group(aws: EmulatedAws, name: str, _: Description) -> Description:
    (response,) = aws.client("rds").describe_db_subnet_groups(DBSubnetGroupName=name)["DBSubnetGroups"]
    return {**response, "SubnetIds": [subnet["SubnetIdentifier"] for subnet in response["Subnets"]]}


def _database(aws: EmulatedAws, name: str, properties: Description) -> Description:
    (response,) = aws.client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    return {
        **response,
        **{f"Endpoint.{key}": value for key, value in response["Endpoint"].items()},
        "DBSubnetGroupName": response["DBSubnetGroup"]["DBSubnetGroupName"],
        "VPCSecurityGroups": [group["VpcSecurityGroupId"] for group in response["VpcSecurityGroups"]],
        # The API does not return the password.
        "MasterUserPassword": properties["MasterUserPassword"],
    }


def _secret(aws: EmulatedAws, arn: str, properties: Description) -> Description:
    response: Description = aws.client("secretsmanager").describe_secret(SecretId=arn)
    # The API does not return how a value was generated.
    return {**response, "GenerateSecretString": properties["GenerateSecretString"]}


def _scalable_target(aws: EmulatedAws, id: str, properties: Description) -> Description:
    targets = aws.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace=properties["ServiceNamespace"], ResourceIds=[properties["ResourceId"]]
    )["ScalableTargets"]
    # The emulator has no tags of scalable targets.
    return {**targets[0], "Tags": properties.get("Tags", [])}


def _scaling_policy(aws: EmulatedAws, arn: str, properties: Description) -> Description:
    resource, dimension, namespace = properties["ScalingTargetId"].split("|")
    (response,) = aws.client("application-autoscaling").describe_scaling_policies(
        ServiceNamespace=namespace, ResourceId=resource, ScalableDimension=dimension
    )["ScalingPolicies"]
    return {**response, "ScalingTargetId": properties["ScalingTargetId"]}


DATA = {
    "AWS::ApplicationAutoScaling::ScalableTarget": _scalable_target,
    "AWS::ApplicationAutoScaling::ScalingPolicy": _scaling_policy,
    "AWS::EFS::FileSystem": _file_system,
    "AWS::EFS::MountTarget": _mount_target,
    "AWS::RDS::DBInstance": _database,
    "AWS::RDS::DBSubnetGroup": _subnet_group,
    "AWS::SecretsManager::Secret": _secret,
    "AWS::SecretsManager::SecretTargetAttachment": lambda _aws, _id, properties: properties,
}
