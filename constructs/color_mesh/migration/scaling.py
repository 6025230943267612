"""Autoscaling of services: the code that declares it, and what is lost of it."""

from collections.abc import Iterator

from color_mesh.ecs.scaling import Scaling, ScalingPolicy, ScheduledAction
from color_mesh.ecs.services import Service
from color_mesh.migration.findings import Finding, lost
from color_mesh.migration.metrics import metric_code, metric_obstacle
from color_mesh.migration.placeholders import is_literal
from color_mesh.migration.python import Code, Identifiers, call, unless, value
from color_mesh.migration.step_scaling import step_findings, step_obstacle, step_statement

# Predefined metrics, each with the method that tracks it.
_METHODS = {
    "ECSServiceAverageCPUUtilization": "scale_on_cpu_utilization",
    "ECSServiceAverageMemoryUtilization": "scale_on_memory_utilization",
}


def scaling_statements(scaling: Scaling, service: Service, variable: Code) -> Iterator[str]:
    """Render the statements that declare the autoscaling of a service.

    Args:
        scaling: Autoscaling of the old service.
        service: The old service.
        variable: Variable of the new autoscaling.
    """
    limits = {"min_capacity": value(scaling.minimum), "max_capacity": value(scaling.maximum)}
    yield f"{variable} = {call('task.fargate_service.auto_scale_task_count', **limits)}"
    for action in scaling.scheduled:
        if _schedule_obstacle(action, scaling) is None:
            zone = action.time_zone
            yield call(
                f"{variable}.scale_on_schedule",
                value(action.name),
                schedule=call("appscaling.Schedule.expression", value(action.schedule)),
                **unless(None, min_capacity=action.minimum, max_capacity=action.maximum),
                **({} if zone is None else {"time_zone": call("TimeZone.of", value(zone))}),
            )
    ids = Identifiers(("Target",))
    for _, policy in scaling.policies:
        if _obstacle(policy, scaling, service) is None:
            id = value(ids.construct_id(policy.name, "Policy"))
            yield _statement(policy, scaling, service, variable, id)


def scaling_findings(place: str, scaling: Scaling, service: Service) -> Iterator[Finding]:
    """Yield the parts of the autoscaling of a service that are not migrated."""
    for action in scaling.scheduled:
        obstacle = _schedule_obstacle(action, scaling)
        if obstacle is not None:
            text = f"the scheduled action {action.name} of its autoscaling: {obstacle}: add it with"
            yield lost(place, f"{text} scaling.scale_on_schedule(...)")
    for _, policy in scaling.policies:
        obstacle = _obstacle(policy, scaling, service)
        if obstacle is not None:
            text = f"the scaling policy {policy.name}: {obstacle}: add it with a method of its scaling, such as"
            yield lost(place, f"{text} scale_on_metric(...)")
        elif policy.steps:
            yield from step_findings(place, policy, scaling)


def _schedule_obstacle(action: ScheduledAction, scaling: Scaling) -> str | None:
    """Return the reason why a scheduled action is not migrated; ``None`` if it is."""
    if [each.name for each in scaling.scheduled].count(action.name) > 1:
        return "another one has its name"
    limits = [each for each in (action.minimum, action.maximum) if each is not None]
    if not limits or limits != sorted(limits) or limits[0] < 0:
        return "its limits are not a minimum and a maximum"
    if action.limited:
        return "it has a start or an end"
    texts = (action.name, action.schedule, action.time_zone or "")
    return None if action.name and all(map(is_literal, texts)) else "a text of it is known only at deployment"


def _obstacle(policy: ScalingPolicy, scaling: Scaling, service: Service) -> str | None:
    """Return the reason why a policy is not migrated; ``None`` if it is."""
    if policy.steps:
        return step_obstacle(policy, scaling, service)
    if policy.custom_metric is not None:
        return metric_obstacle(policy.custom_metric, scaling, service)
    if policy.metric is None:
        return "it has neither steps nor one metric"
    return None if policy.metric in _METHODS else f"it tracks {policy.metric}"


def _statement(policy: ScalingPolicy, scaling: Scaling, service: Service, variable: Code, id: Code) -> Code:
    if policy.steps:
        return step_statement(policy, scaling, service, variable, id)
    cooldowns = {"scale_in_cooldown": policy.scale_in_seconds, "scale_out_cooldown": policy.scale_out_seconds}
    arguments = {name: call("Duration.seconds", value(each)) for name, each in cooldowns.items() if each is not None}
    arguments |= unless(False, disable_scale_in=not policy.scales_in)
    target = value(policy.target)
    if policy.custom_metric is None:
        method = _METHODS[policy.metric or ""]
        return call(f"{variable}.{method}", id, target_utilization_percent=target, **arguments)
    metric = metric_code(policy.custom_metric, scaling, service)
    return call(f"{variable}.scale_to_track_custom_metric", id, metric=metric, target_value=target, **arguments)
