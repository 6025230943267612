"""The log group resource type: its ARN in CloudFormation ends in ``:*``, which moto's lacks."""

from rehearsal.emulator.apis import Properties, client
from rehearsal.emulator.resource_types import Created, ResourceType


def _create(properties: Properties) -> Created:
    name = properties["LogGroupName"]
    client("logs").create_log_group(logGroupName=name)
    _update(name, properties)
    (group,) = client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return Created(id=name, attributes={"Arn": f"{group['arn'].removesuffix(':*')}:*"})


def _update(name: str, properties: Properties) -> None:
    days = properties.get("RetentionInDays")
    if days is None:
        client("logs").delete_retention_policy(logGroupName=name)
    else:
        client("logs").put_retention_policy(logGroupName=name, retentionInDays=int(days))


RESOURCE_TYPES = (
    ResourceType(
        name="AWS::Logs::LogGroup",
        name_property="LogGroupName",
        create=_create,
        update=_update,
        delete=lambda name, _: client("logs").delete_log_group(logGroupName=name),
    ),
)
