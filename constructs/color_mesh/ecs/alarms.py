"""CloudWatch alarms and the metrics of autoscaling."""

from dataclasses import dataclass
from math import isfinite, nan

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Resource
from color_mesh.ecs.reading import Reader, Reference, resource_keys, text_or_reference


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """Metric of CloudWatch.

    Attributes:
        namespace: Namespace.
        name: Name.
        statistic: Statistic, such as ``Average`` or ``p99``.
        dimensions: Names and values. A value that only a deployment knows is a `Reference`.
        period_seconds: Period. Default: that of the user of the metric.
    """

    namespace: str
    name: str
    statistic: str
    dimensions: tuple[tuple[str, str | Reference], ...] = ()
    period_seconds: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm:
    """Alarm.

    Attributes:
        metric: Metric. ``None``: an expression of several metrics.
        threshold: Threshold.
        operator: Comparison operator, such as ``GreaterThanThreshold``.
        evaluation_periods: Periods that are compared to the threshold.
        datapoints: Periods that have to cross it. ``None``: all.
        missing_data: Treatment of missing data. Default: ``missing``.
        actions: Resources that the alarm calls.
        enabled: The alarm calls its actions.
    """

    metric: Metric | None
    threshold: float
    operator: str
    evaluation_periods: int = 1
    datapoints: int | None = None
    missing_data: str = "missing"
    actions: tuple[str, ...] = ()
    enabled: bool = True


def read_alarms(reader: Reader) -> dict[str, Alarm]:
    """Read the alarms, by place."""
    return reader.read_all("AWS::CloudWatch::Alarm", _alarm)


def read_metric(fields: Fields) -> Metric:
    """Read the metric of an alarm or of a scaling policy."""
    return Metric(
        namespace=fields.text("Namespace"),
        name=fields.text("MetricName"),
        statistic=fields.optional_text("Statistic") or fields.optional_text("ExtendedStatistic") or "Average",
        dimensions=fields.many("Dimensions", lambda each: (each.text("Name"), text_or_reference(each, "Value"))),
        period_seconds=fields.optional_integer("Period"),
    )


def read_number(fields: Fields, key: str) -> float:
    """Read a finite number. The substitute for another value, which is a problem, is 0."""
    try:
        number = float(fields.text(key))
    except ValueError:
        number = nan
    if isfinite(number):
        return number
    fields.report(key, "is not a number", "digits, with a point if needed")
    return 0


def _alarm(fields: Fields, _: Resource) -> Alarm:
    periods = fields.optional_integer("EvaluationPeriods")
    return Alarm(
        metric=None if fields.has("Metrics") else read_metric(fields),
        threshold=read_number(fields, "Threshold") if fields.has("Threshold") else 0,
        operator=fields.text("ComparisonOperator"),
        evaluation_periods=1 if periods is None else periods,
        datapoints=fields.optional_integer("DatapointsToAlarm"),
        missing_data=fields.optional_text("TreatMissingData") or "missing",
        actions=resource_keys(fields.value("AlarmActions")),
        enabled=fields.flag("ActionsEnabled", True),
    )
