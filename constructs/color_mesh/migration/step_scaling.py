"""Policies of autoscaling with steps: the code of ``scale_on_metric``, and the policies that it cannot express."""

from collections.abc import Iterator
from itertools import pairwise
from math import isfinite

from color_mesh.ecs.alarms import Alarm
from color_mesh.ecs.scaling import Scaling, ScalingPolicy, Step
from color_mesh.ecs.services import Service
from color_mesh.migration.findings import Finding, changed, lost
from color_mesh.migration.metrics import metric_code, metric_obstacle
from color_mesh.migration.python import Code, call, listed, member, unless, value

_UPPER = ("GreaterThanOrEqualToThreshold", "GreaterThanThreshold")
_LOWER = ("LessThanOrEqualToThreshold", "LessThanThreshold")
_ADJUSTMENTS = {
    "ChangeInCapacity": "CHANGE_IN_CAPACITY",
    "PercentChangeInCapacity": "PERCENT_CHANGE_IN_CAPACITY",
}
_AGGREGATIONS = {each: each.upper() for each in ("Average", "Minimum", "Maximum")}
_MAX_STEPS = 39  # The CDK takes 40, and the range without a change is one.


def step_obstacle(policy: ScalingPolicy, scaling: Scaling, service: Service) -> str | None:
    """Return the reason why a policy with steps is not migrated; ``None`` if it is."""
    if policy.adjustment not in _ADJUSTMENTS:
        return f"its steps are of type {policy.adjustment}"
    if policy.aggregation not in _AGGREGATIONS:
        return f"its metric is aggregated by {policy.aggregation}"
    if len(policy.alarms) != 1:
        return f"{len(policy.alarms) or 'no'} alarms in the templates start it, not one"
    ((_, alarm),) = policy.alarms
    if not alarm.enabled:
        return "its alarm calls no actions"
    if alarm.metric is None:
        return "its alarm watches an expression of metrics"
    if alarm.operator not in (*_UPPER, *_LOWER):
        return f"its alarm compares by {alarm.operator}"
    datapoints = alarm.evaluation_periods if alarm.datapoints is None else alarm.datapoints
    if not 1 <= datapoints <= alarm.evaluation_periods:
        return "its alarm has other datapoints than evaluation periods"
    return metric_obstacle(alarm.metric, scaling, service) or _steps_obstacle(policy, alarm)


def step_findings(place: str, policy: ScalingPolicy, scaling: Scaling) -> Iterator[Finding]:
    """Yield what is otherwise with a migrated policy."""
    ((alarm_place, alarm),) = policy.alarms
    if set(alarm.actions) - dict(scaling.policies).keys():
        yield lost(alarm_place, "its actions other than the scaling of tasks: add an alarm with them")
    if alarm.operator not in (_UPPER[0], _LOWER[0]):
        text = f"the steps of the scaling policy {policy.name} start also when the metric equals the threshold"
        yield changed(place, text)
    if alarm.missing_data != "missing":
        text = f"the alarm of the scaling policy {policy.name} treats missing data as missing"
        yield changed(place, f"{text}, not as {alarm.missing_data}")


def step_statement(policy: ScalingPolicy, scaling: Scaling, service: Service, variable: Code, id: Code) -> Code:
    """Render the statement that declares a policy with steps.

    Args:
        policy: Policy without an obstacle.
        scaling: Autoscaling of the old service.
        service: The old service.
        variable: Variable of the new autoscaling.
        id: Id of the construct.
    """
    ((_, alarm),) = policy.alarms
    assert alarm.metric is not None
    ranges = [
        call(
            "appscaling.ScalingInterval", change=value(each.change), **unless(None, lower=each.lower, upper=each.upper)
        )
        for each in _with_gap(_ranges(policy, alarm), alarm)
    ]
    adjustment = _ADJUSTMENTS[policy.adjustment]
    cooldown = policy.cooldown_seconds
    # The default of the CDK is the statistic of the metric.
    default = alarm.metric.statistic if alarm.metric.statistic in _AGGREGATIONS else "Average"
    aggregation = member("appscaling.MetricAggregationType", _AGGREGATIONS[policy.aggregation], _AGGREGATIONS.values())
    return call(
        f"{variable}.scale_on_metric",
        id,
        metric=metric_code(alarm.metric, scaling, service),
        scaling_steps=listed(ranges),
        **(
            {}
            if policy.adjustment == "ChangeInCapacity"
            else {"adjustment_type": member("appscaling.AdjustmentType", adjustment, _ADJUSTMENTS.values())}
        ),
        **({} if cooldown is None else {"cooldown": call("Duration.seconds", value(cooldown))}),
        **({} if policy.aggregation == default else {"metric_aggregation_type": aggregation}),
        **unless(1, evaluation_periods=alarm.evaluation_periods),
        **unless(None, datapoints_to_alarm=alarm.datapoints, min_adjustment_magnitude=policy.least_change),
    )


def _steps_obstacle(policy: ScalingPolicy, alarm: Alarm) -> str | None:
    ranges = _ranges(policy, alarm)
    if len(ranges) > _MAX_STEPS or not ranges:
        return f"it has {len(ranges)} steps with a change"
    limits = [limit for each in ranges for limit in (each.lower, each.upper) if limit is not None]
    if not all(isfinite(limit) and limit >= 0 for limit in limits) or alarm.threshold < 0:
        return "its steps have negative values of the metric"
    outer = (ranges[0].lower, alarm.threshold) if alarm.operator in _UPPER else (ranges[-1].upper, alarm.threshold)
    inner = [(one.upper, other.lower) for one, other in pairwise(ranges)]
    connected = all(one is not None and one == other for one, other in (outer, *inner))
    ordered = all(each.lower is None or each.upper is None or each.lower < each.upper for each in ranges)
    if not (connected and ordered):
        return "its steps do not begin at the threshold of its alarm, or have gaps"
    return None


def _ranges(policy: ScalingPolicy, alarm: Alarm) -> list[Step]:
    """Return the steps with a change on the side of the threshold at which the alarm is, with values of the metric."""
    upper = alarm.operator in _UPPER
    steps = [
        Step(
            change=each.change,
            lower=alarm.threshold if upper and each.lower is None else _plus(alarm.threshold, each.lower),
            upper=alarm.threshold if not upper and each.upper is None else _plus(alarm.threshold, each.upper),
        )
        for each in policy.steps
        if each.change
    ]
    return sorted(steps, key=lambda each: 0 if each.lower is None else each.lower)


def _plus(threshold: float, difference: float | None) -> float | None:
    return None if difference is None else threshold + difference


def _with_gap(ranges: list[Step], alarm: Alarm) -> list[Step]:
    """Return ranges with the one in which nothing changes. The CDK needs two ranges, and begins the first one at 0."""
    if alarm.operator in _UPPER:
        return [Step(change=0, upper=alarm.threshold), *ranges]
    return [*ranges, Step(change=0, lower=alarm.threshold)]
