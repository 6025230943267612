"""Code of the CloudWatch metrics by which services scale."""

import re

from color_mesh.ecs.alarms import Metric
from color_mesh.ecs.reading import Reference
from color_mesh.ecs.scaling import Scaling
from color_mesh.ecs.services import Service
from color_mesh.migration.placeholders import is_literal
from color_mesh.migration.python import Code, call, mapping, value

_STATISTIC = re.compile(r"Average|Minimum|Maximum|Sum|SampleCount|p[0-9]{1,2}(?:\.[0-9]+)?")
_SHORT_PERIODS = (10, 20, 30)
_MAX_DIMENSIONS, _MAX_LENGTH = 30, 255


def metric_obstacle(metric: Metric, scaling: Scaling, service: Service) -> str | None:
    """Return the reason why a metric has no code; ``None`` if it has."""
    for name, text in metric.dimensions:
        if _dimension(name, text, scaling, service) is None:
            return f"its metric has the dimension {name}, which depends on {text}"
    period = metric.period_seconds
    # CloudWatch API Reference, PutMetricAlarm.
    if period is not None and period not in _SHORT_PERIODS and (period < 1 or period % 60):
        return f"its metric has a period of {period} s"
    if not _STATISTIC.fullmatch(metric.statistic):
        return f"its metric has the statistic {metric.statistic}"
    texts = (metric.namespace, metric.name, *(name for name, _ in metric.dimensions))
    if len(metric.dimensions) > _MAX_DIMENSIONS or not all(
        is_literal(each) and 0 < len(each) <= _MAX_LENGTH for each in texts
    ):
        return "its metric has names that CloudWatch has not"
    return None


def metric_code(metric: Metric, scaling: Scaling, service: Service) -> Code:
    """Render a metric that has no obstacle."""
    dimensions = [
        (value(name), code)
        for name, text in metric.dimensions
        if (code := _dimension(name, text, scaling, service)) is not None
    ]
    period = metric.period_seconds
    return call(
        "cloudwatch.Metric",
        namespace=value(metric.namespace),
        metric_name=value(metric.name),
        statistic=value(metric.statistic),
        **({"dimensions_map": mapping(dimensions)} if dimensions else {}),
        **({} if period is None else {"period": call("Duration.seconds", value(period))}),
    )


def _dimension(name: str, text: str | Reference, scaling: Scaling, service: Service) -> Code | None:
    """Render the value of a dimension: the names of the new service and its cluster in place of the old ones."""
    if isinstance(text, Reference):
        logical_id = (scaling.service or "").rpartition(" ")[2]
        if name == "ServiceName" and text.name == f"{logical_id}.Name":
            return Code("task.fargate_service.service_name")
        is_cluster = name == "ClusterName" and text.resource_type == "AWS::ECS::Cluster"
        return Code("cluster.cluster_name") if is_cluster else None
    if name == "ClusterName" and text == service.cluster:
        return Code("cluster.cluster_name")
    if name == "ServiceName" and text == service.declared_name:
        return Code("task.fargate_service.service_name")
    return value(text) if is_literal(text) and 0 < len(text) <= _MAX_LENGTH else None
