"""Autoscaling of services: the code that declares it, and what is lost of it."""

from collections.abc import Iterator

from color_mesh.ecs.scaling import Scaling, ScalingPolicy
from color_mesh.migration.findings import Finding, lost
from color_mesh.migration.python import Code, Identifiers, call, value

# Predefined metrics, each with the method that tracks it.
_METHODS = {
    "ECSServiceAverageCPUUtilization": "scale_on_cpu_utilization",
    "ECSServiceAverageMemoryUtilization": "scale_on_memory_utilization",
}


def scaling_statements(scaling: Scaling, variable: Code) -> Iterator[str]:
    """Render the statements that declare the autoscaling of a service.

    Args:
        scaling: Autoscaling of the old service.
        variable: Variable of the new one's.
    """
    limits = {"min_capacity": value(scaling.minimum), "max_capacity": value(scaling.maximum)}
    yield f"{variable} = {call('task.fargate_service.auto_scale_task_count', **limits)}"
    ids = Identifiers(("Target",))
    for policy in scaling.policies:
        method = _METHODS.get(policy.metric or "")
        # A target of 0 could not be read, which is reported.
        if method is not None and policy.target:
            yield call(f"{variable}.{method}", value(ids.construct_id(policy.name, "Policy")), **_arguments(policy))


def scaling_findings(place: str, scaling: Scaling) -> Iterator[Finding]:
    """Yield the parts of the autoscaling of a service that are not migrated."""
    if scaling.scheduled:
        yield lost(place, "the scheduled actions of its autoscaling: add them with scaling.scale_on_schedule(...)")
    for policy in scaling.policies:
        if (policy.metric or "") not in _METHODS:
            kind = policy.metric or "steps or another metric"
            text = f"the scaling policy {policy.name} for {kind}: add it with a method of its scaling, such as"
            yield lost(place, f"{text} scale_on_metric(...)")


def _arguments(policy: ScalingPolicy) -> dict[str, Code]:
    # The CDK takes whole percents.
    arguments = {"target_utilization_percent": value(round(policy.target))}
    cooldowns = {"scale_in_cooldown": policy.scale_in_seconds, "scale_out_cooldown": policy.scale_out_seconds}
    arguments |= {name: call("Duration.seconds", value(each)) for name, each in cooldowns.items() if each is not None}
    return arguments if policy.scales_in else {**arguments, "disable_scale_in": value(True)}
