"""Log groups, through the API: the ARN that CloudFormation tells ends in ``:*``, and moto's does not."""

from rehearsal.emulator.apis import Properties, client
from rehearsal.emulator.kinds import Kind, Made


def _create(properties: Properties) -> Made:
    name = properties["LogGroupName"]
    client("logs").create_log_group(logGroupName=name)
    _update(name, properties)
    (group,) = client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return Made(id=name, attributes={"Arn": f"{group['arn'].removesuffix(':*')}:*"})


def _update(name: str, properties: Properties) -> None:
    days = properties.get("RetentionInDays")
    if days is None:
        client("logs").delete_retention_policy(logGroupName=name)
    else:
        client("logs").put_retention_policy(logGroupName=name, retentionInDays=int(days))


KINDS = (
    Kind(
        type="AWS::Logs::LogGroup",
        name_property="LogGroupName",
        create=_create,
        update=_update,
        delete=lambda name, _: client("logs").delete_log_group(logGroupName=name),
    ),
)
