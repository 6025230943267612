"""Autoscaling of ECS services (Application Auto Scaling)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Resource
from color_mesh.ecs.alarms import Alarm, Metric, read_metric, read_number
from color_mesh.ecs.reading import Reader, resource_key
from color_mesh.ecs.services import Service
from color_mesh.model.errors import problem

_SERVICE_DIMENSION = "ecs:service:DesiredCount"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """Step of a policy: a change of the number of tasks, in a range of the metric.

    Attributes:
        change: Change, as the policy counts it.
        lower: Start of the range, as a difference from the threshold of the alarm. ``None``: no limit.
        upper: End of the range, exclusive. ``None``: no limit.
    """

    change: int
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ScalingPolicy:
    """Policy of autoscaling: target tracking, or steps.

    Attributes:
        name: Logical id.
        metric: Predefined metric, such as ``ECSServiceAverageCPUUtilization``.
        custom_metric: Metric of CloudWatch.
        target: Value of the metric. 0: it cannot be read.
        scale_in_seconds: Cooldown after tasks were stopped. Default: that of Application Auto Scaling.
        scale_out_seconds: Cooldown after tasks were started. Default: that of Application Auto Scaling.
        scales_in: The policy may stop tasks.
        steps: Steps.
        adjustment: Type of the changes: ``ChangeInCapacity``, ``PercentChangeInCapacity`` or ``ExactCapacity``.
        cooldown_seconds: Cooldown of steps. Default: that of Application Auto Scaling.
        least_change: Least change by a step in percent. Default: none.
        aggregation: Aggregation of the metric's datapoints: ``Average``, ``Minimum`` or ``Maximum``.
        alarms: Alarms that start the steps, by place.
    """

    name: str
    metric: str | None = None
    custom_metric: Metric | None = None
    target: float = 0
    scale_in_seconds: int | None = None
    scale_out_seconds: int | None = None
    scales_in: bool = True
    steps: tuple[Step, ...] = ()
    adjustment: str = "ChangeInCapacity"
    cooldown_seconds: int | None = None
    least_change: int | None = None
    aggregation: str = "Average"
    alarms: tuple[tuple[str, Alarm], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduledAction:
    """Change of the limits at a time.

    Attributes:
        name: Name.
        schedule: Expression ``cron(...)``, ``rate(...)`` or ``at(...)``.
        minimum: New minimum. Default: as before.
        maximum: New maximum. Default: as before.
        time_zone: Time zone. Default: UTC.
        limited: The action has a start or an end.
    """

    name: str
    schedule: str
    minimum: int | None = None
    maximum: int | None = None
    time_zone: str | None = None
    limited: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Scaling:
    """Autoscaling of the number of a service's tasks, or of something else.

    Attributes:
        service: Place of the service. ``None``: it is another resource, or no template declares it.
        minimum: Minimum number of tasks.
        maximum: Maximum number of tasks.
        scheduled: Scheduled actions.
        policies: Policies, by place.
    """

    service: str | None
    minimum: int
    maximum: int
    scheduled: tuple[ScheduledAction, ...] = ()
    policies: tuple[tuple[str, ScalingPolicy], ...] = ()


def read_scaling(
    reader: Reader,
    services: Mapping[str, Service],
    references: Mapping[str, Iterable[str]],
    alarms: Mapping[str, Alarm],
) -> dict[str, Scaling]:
    """Read the autoscaling of ECS services, by the place of the scalable target.

    Args:
        reader: Reader.
        services: ECS services.
        references: Places of the resources that a resource refers to, by its place.
        alarms: Alarms, by place.
    """

    def scaling(fields: Fields, resource: Resource) -> Scaling:
        is_service = fields.optional_text("ScalableDimension") == _SERVICE_DIMENSION
        minimum, maximum = fields.integer("MinCapacity"), fields.integer("MaxCapacity")
        if not 0 <= minimum <= maximum:
            fields.report("MinCapacity", f"is not between 0 and a MaxCapacity of {maximum}", "swap or correct them")
        return Scaling(
            service=_service_of(fields, resource, services, references) if is_service else None,
            minimum=minimum,
            maximum=maximum,
            scheduled=fields.many("ScheduledActions", _scheduled),
        )

    known = reader.read_all("AWS::ApplicationAutoScaling::ScalableTarget", scaling)
    policies = reader.read_all(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        lambda fields, resource: (_target_of(fields, resource, known, services, references), _policy(fields, resource)),
    )
    started = {
        place: (target, replace(policy, alarms=tuple(each for each in alarms.items() if place in each[1].actions)))
        for place, (target, policy) in policies.items()
    }
    for place, (target, _) in policies.items():
        if target is None:
            text = problem(
                place, "has no scalable target in the templates", target, "add the template of the scalable target"
            )
            reader.report("AWS::ApplicationAutoScaling::ScalingPolicy", place, [text])
    return {
        place: replace(
            each, policies=tuple((name, policy) for name, (target, policy) in started.items() if target == place)
        )
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
    policy = fields.optional("TargetTrackingScalingPolicyConfiguration", _tracking)
    policy = policy or fields.optional("StepScalingPolicyConfiguration", _stepping)
    return replace(policy or ScalingPolicy(name=""), name=resource.logical_id)


def _tracking(fields: Fields) -> ScalingPolicy:
    metric = fields.optional("PredefinedMetricSpecification", lambda each: each.optional_text("PredefinedMetricType"))
    target = read_number(fields, "TargetValue")
    if target <= 0:
        fields.report("TargetValue", "is not a number above 0", "digits, with a point if needed")
    return ScalingPolicy(
        name="",
        metric=metric,
        custom_metric=fields.optional("CustomizedMetricSpecification", _custom_metric),
        target=max(target, 0),
        scale_in_seconds=_seconds(fields, "ScaleInCooldown"),
        scale_out_seconds=_seconds(fields, "ScaleOutCooldown"),
        scales_in=not fields.flag("DisableScaleIn", False),
    )


def _custom_metric(fields: Fields) -> Metric | None:
    return None if fields.has("Metrics") else read_metric(fields)


def _stepping(fields: Fields) -> ScalingPolicy:
    return ScalingPolicy(
        name="",
        steps=fields.many("StepAdjustments", _step),
        adjustment=fields.optional_text("AdjustmentType") or "ChangeInCapacity",
        cooldown_seconds=_seconds(fields, "Cooldown"),
        least_change=fields.optional_integer("MinAdjustmentMagnitude"),
        aggregation=fields.optional_text("MetricAggregationType") or "Average",
    )


def _step(fields: Fields) -> Step:
    lower, upper = (
        read_number(fields, key) if fields.has(key) else None
        for key in ("MetricIntervalLowerBound", "MetricIntervalUpperBound")
    )
    return Step(change=fields.integer("ScalingAdjustment"), lower=lower, upper=upper)


def _scheduled(fields: Fields) -> ScheduledAction:
    minimum, maximum = fields.optional("ScalableTargetAction", _limits) or (None, None)
    return ScheduledAction(
        name=fields.text("ScheduledActionName"),
        schedule=fields.text("Schedule"),
        minimum=minimum,
        maximum=maximum,
        time_zone=fields.optional_text("Timezone"),
        limited=fields.has("StartTime") or fields.has("EndTime"),
    )


def _limits(fields: Fields) -> tuple[int | None, int | None]:
    return fields.optional_integer("MinCapacity"), fields.optional_integer("MaxCapacity")


def _seconds(fields: Fields, key: str) -> int | None:
    seconds = fields.optional_integer(key)
    if seconds is not None and seconds < 0:
        fields.report(key, "is negative", "0 or more seconds")
    return seconds
