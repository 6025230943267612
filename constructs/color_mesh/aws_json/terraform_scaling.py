"""Autoscaling of Terraform. Its alarms are read too, which start the steps of a policy."""

from typing import Any

from color_mesh.aws_json.resource import Converted, Object, texts
from color_mesh.aws_json.terraform_blocks import block, blocks, renamed

_TARGET = {
    "min_capacity": "MinCapacity",
    "max_capacity": "MaxCapacity",
    "resource_id": "ResourceId",
    "scalable_dimension": "ScalableDimension",
    "service_namespace": "ServiceNamespace",
}
_SUSPENDED = {
    "dynamic_scaling_in_suspended": "DynamicScalingInSuspended",
    "dynamic_scaling_out_suspended": "DynamicScalingOutSuspended",
    "scheduled_scaling_suspended": "ScheduledScalingSuspended",
}
_POLICY = {"name": "PolicyName", "policy_type": "PolicyType", **_TARGET}
_TRACKING = {
    "target_value": "TargetValue",
    "scale_in_cooldown": "ScaleInCooldown",
    "scale_out_cooldown": "ScaleOutCooldown",
    "disable_scale_in": "DisableScaleIn",
}
_STEPPING = {
    "adjustment_type": "AdjustmentType",
    "cooldown": "Cooldown",
    "metric_aggregation_type": "MetricAggregationType",
    "min_adjustment_magnitude": "MinAdjustmentMagnitude",
}
_STEP = {
    "metric_interval_lower_bound": "MetricIntervalLowerBound",
    "metric_interval_upper_bound": "MetricIntervalUpperBound",
    "scaling_adjustment": "ScalingAdjustment",
}
_METRIC = {"namespace": "Namespace", "metric_name": "MetricName", "statistic": "Statistic"}
_ALARM = {
    **_METRIC,
    "extended_statistic": "ExtendedStatistic",
    "period": "Period",
    "threshold": "Threshold",
    "comparison_operator": "ComparisonOperator",
    "evaluation_periods": "EvaluationPeriods",
    "treat_missing_data": "TreatMissingData",
    "alarm_actions": "AlarmActions",
    "ok_actions": "OKActions",
    "insufficient_data_actions": "InsufficientDataActions",
    "actions_enabled": "ActionsEnabled",
    "unit": "Unit",
}


def scalable_target(values: Object, address: str) -> list[Converted]:
    """Return a scalable target."""
    properties, state = renamed(values, _TARGET), block(values, "suspended_state")
    if any(each is True for each in state.values()):
        properties["SuspendedState"] = renamed(state, _SUSPENDED)
    return [_resource("ApplicationAutoScaling::ScalableTarget", values, address, properties)]


def scaling_policy(values: Object, address: str) -> list[Converted]:
    """Return a scaling policy."""
    properties = renamed(values, _POLICY)
    tracking = block(values, "target_tracking_scaling_policy_configuration")
    stepping = block(values, "step_scaling_policy_configuration")
    if tracking:
        predefined = block(tracking, "predefined_metric_specification")
        custom = block(tracking, "customized_metric_specification")
        config = renamed(tracking, _TRACKING)
        if predefined:
            names = {"predefined_metric_type": "PredefinedMetricType", "resource_label": "ResourceLabel"}
            config["PredefinedMetricSpecification"] = renamed(predefined, names)
        if custom:
            config["CustomizedMetricSpecification"] = _custom_metric(custom)
        properties["TargetTrackingScalingPolicyConfiguration"] = config
    if stepping:
        steps = [renamed(each, _STEP) for each in blocks(stepping, "step_adjustment")]
        properties["StepScalingPolicyConfiguration"] = {**renamed(stepping, _STEPPING), "StepAdjustments": steps}
    return [_resource("ApplicationAutoScaling::ScalingPolicy", values, address, properties)]


def alarm(values: Object, address: str) -> list[Converted]:
    """Return an alarm."""
    properties = renamed(values, _ALARM)
    if values.get("datapoints_to_alarm"):  # 0 if it is not set.
        properties["DatapointsToAlarm"] = values["datapoints_to_alarm"]
    dimensions = values.get("dimensions")
    if isinstance(dimensions, dict):
        properties["Dimensions"] = [{"Name": name, "Value": each} for name, each in dimensions.items()]
    if blocks(values, "metric_query"):
        properties["Metrics"] = []
    return [_resource("CloudWatch::Alarm", values, address, properties)]


def _custom_metric(values: Object) -> dict[str, Any]:
    dimensions = [renamed(each, {"name": "Name", "value": "Value"}) for each in blocks(values, "dimensions")]
    metrics: dict[str, Any] = {"Metrics": []} if blocks(values, "metrics") else {}
    return {**renamed(values, _METRIC), **({"Dimensions": dimensions} if dimensions else {}), **metrics}


def _resource(kind: str, values: Object, address: str, properties: dict[str, Any]) -> Converted:
    # The id of a target or policy is not its own: it names the service, or has the name of the policy only.
    return Converted(
        type=f"AWS::{kind}", label=address, properties=properties, key=(address,), ids=texts(values.get("arn"))
    )
