"""Telemetry of Envoys that get their configuration from App Mesh."""

from collections.abc import Mapping

from color_mesh.local.plan.runnable import RunnableTask
from color_mesh.model import Telemetry

# Of App Mesh's Envoy (AWS App Mesh User Guide, *Envoy configuration variables*).
_DEFAULT_RATE = 0.05


def xray_telemetry(task: RunnableTask, environment: Mapping[str, str]) -> Telemetry | None:
    """Return the telemetry that the variables of an Envoy turn on; ``None`` if they do not.

    App Mesh's Envoy sends segments to a collector in its task. Envoys of a run send spans to it.
    """
    collectors = (each.environment.get("AOT_CONFIG_CONTENT", "") for each in task.containers)
    if environment.get("ENABLE_ENVOY_XRAY_TRACING") != "1" or not any("awsxray" in each for each in collectors):
        return None
    try:
        rate = float(environment.get("XRAY_SAMPLING_RATE", _DEFAULT_RATE))
    except ValueError:
        rate = _DEFAULT_RATE
    return Telemetry(collector="sidecar", sampling_percent=100 * min(max(rate, 0.0), 1.0))
