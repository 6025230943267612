"""Autoscaling of ECS services (Application Auto Scaling)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Any

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Resource
from color_mesh.ecs.reading import Reader, resource_key
from color_mesh.ecs.services import Service

_SERVICE_DIMENSION = "ecs:service:DesiredCount"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScalingPolicy:
    """Target tracking of a service.

    Attributes:
        name: Logical id.
        metric: Predefined metric, such as ``ECSServiceAverageCPUUtilization``. ``None``: a policy of another kind.
        target: Value of the metric. 0: it cannot be read.
        scale_in_seconds: Cooldown after tasks were stopped. Default: that of Application Auto Scaling.
        scale_out_seconds: Cooldown after tasks were started. Default: that of Application Auto Scaling.
        scales_in: The policy may stop tasks.
    """

    name: str
    metric: str | None = None
    target: float = 0
    scale_in_seconds: int | None = None
    scale_out_seconds: int | None = None
    scales_in: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Scaling:
    """Autoscaling of the number of a service's tasks, or of something else.

    Attributes:
        service: Place of the service. ``None``: it is another resource, or no template declares it.
        minimum: Minimum number of tasks.
        maximum: Maximum number of tasks.
        scheduled: There are scheduled actions.
        policies: Policies.
    """

    service: str | None
    minimum: int
    maximum: int
    scheduled: bool = False
    policies: tuple[ScalingPolicy, ...] = ()


def read_scaling(
    reader: Reader, services: Mapping[str, Service], references: Mapping[str, Iterable[str]]
) -> dict[str, Scaling]:
    """Read the autoscaling of ECS services, by the place of the scalable target.

    Args:
        reader: Reader.
        services: ECS services.
        references: Places of the resources that a resource refers to, by its place.
    """

    def scaling(fields: Fields, resource: Resource) -> Scaling:
        is_service = fields.optional_text("ScalableDimension") == _SERVICE_DIMENSION
        return Scaling(
            service=_service_of(fields, resource, services, references) if is_service else None,
            minimum=fields.integer("MinCapacity"),
            maximum=fields.integer("MaxCapacity"),
            scheduled=bool(fields.value("ScheduledActions")),
        )

    known = reader.read_all("AWS::ApplicationAutoScaling::ScalableTarget", scaling)
    policies = reader.read_all(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        lambda fields, resource: (_target_of(fields, resource, known, services, references), _policy(fields, resource)),
    )
    return {
        place: replace(each, policies=tuple(policy for target, policy in policies.values() if target == place))
        for place, each in known.items()
    }


def _service_of(
    fields: Fields, resource: Resource, services: Mapping[str, Service], references: Mapping[str, Iterable[str]]
) -> str | None:
    """Return the service of a resource id ``service/CLUSTER/NAME``, which may be known only at deployment."""
    referred = [each for each in references.get(resource.place, ()) if each in services]
    if referred:
        return referred[0]
    name = (fields.optional_text("ResourceId") or "").rpartition("/")[2] if fields.is_resolved("ResourceId") else ""
    return next((place for place, each in services.items() if name and each.declared_name == name), None)


def _target_of(
    fields: Fields,
    resource: Resource,
    targets: Mapping[str, Scaling],
    services: Mapping[str, Service],
    references: Mapping[str, Iterable[str]],
) -> str | None:
    target: Any = fields.value("ScalingTargetId") if fields.is_resolved("ScalingTargetId") else None
    key = resource_key(target)
    if key in targets:
        return key
    service = _service_of(fields, resource, services, references)
    return next((place for place, each in targets.items() if service is not None and each.service == service), None)


def _policy(fields: Fields, resource: Resource) -> ScalingPolicy:
    tracking = fields.optional("TargetTrackingScalingPolicyConfiguration", _tracking)
    return replace(tracking or ScalingPolicy(name=""), name=resource.logical_id)


def _tracking(fields: Fields) -> ScalingPolicy:
    metric = fields.optional("PredefinedMetricSpecification", lambda each: each.optional_text("PredefinedMetricType"))
    return ScalingPolicy(
        name="",
        metric=metric,
        target=_number(fields, "TargetValue"),
        scale_in_seconds=fields.optional_integer("ScaleInCooldown"),
        scale_out_seconds=fields.optional_integer("ScaleOutCooldown"),
        scales_in=not fields.flag("DisableScaleIn", False),
    )


def _number(fields: Fields, key: str) -> float:
    try:
        number = float(fields.text(key))
    except ValueError:
        number = nan
    if isfinite(number) and number > 0:
        return number
    fields.report(key, "is not a number above 0", "digits, with a point if needed")
    return 0
