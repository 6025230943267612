"""Application Auto Scaling, which moto's CloudFormation lacks."""

from rehearsal.emulator.apis import Properties, client
from rehearsal.emulator.resource_types import Created, ResourceType

TARGET = ("ServiceNamespace", "ResourceId", "ScalableDimension")


def _register_target(properties: Properties) -> Created:
    parameters = {name: value for name, value in properties.items() if name != "Tags"}
    client("application-autoscaling").register_scalable_target(**parameters)
    return Created(id="|".join(properties[name] for name in ("ResourceId", "ScalableDimension", "ServiceNamespace")))


def _deregister_target(_: str, properties: Properties) -> None:
    client("application-autoscaling").deregister_scalable_target(**{name: properties[name] for name in TARGET})


def _put_policy(properties: Properties) -> Created:
    parameters = {name: value for name, value in properties.items() if name != "ScalingTargetId"}
    response = client("application-autoscaling").put_scaling_policy(**parameters, **_target(properties))
    return Created(id=response["PolicyARN"])


def _delete_policy(_: str, properties: Properties) -> None:
    client("application-autoscaling").delete_scaling_policy(PolicyName=properties["PolicyName"], **_target(properties))


def _target(properties: Properties) -> dict[str, str]:
    resource, dimension, namespace = properties["ScalingTargetId"].split("|")
    return {"ServiceNamespace": namespace, "ResourceId": resource, "ScalableDimension": dimension}


RESOURCE_TYPES = (
    ResourceType(
        name="AWS::ApplicationAutoScaling::ScalableTarget", create=_register_target, delete=_deregister_target
    ),
    ResourceType(name="AWS::ApplicationAutoScaling::ScalingPolicy", create=_put_policy, delete=_delete_policy),
)
