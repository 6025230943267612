"""Graphs of PromQL queries on a CloudWatch dashboard, for which the CDK has no widget.

Their form is that of *Dashboard Body Structure and Syntax: Properties of a Chart Widget Object* (Amazon CloudWatch User
Guide). `GraphWidget` and the widget type `metric` have no queries in PromQL.
"""

from typing import Any

from aws_cdk import Aws
from aws_cdk import aws_cloudwatch as cloudwatch

# CloudWatch accepts no line style with a part of these fields, and its console draws no chart without a style.
_STYLE = {
    "lineOptions": {"width": 2, "pattern": "solid", "spline": False, "filled": False, "stacked": False},
    "markOptions": {"enabled": False},
}
_HEIGHT = 7


class PromQLChart(cloudwatch.ConcreteWidget):
    """Line chart with a line for each series of a query.

    Args:
        title: Title of the chart.
        query: Query in PromQL.
        width: Width in columns; a dashboard has 24.
    """

    def __init__(self, title: str, query: str, *, width: int) -> None:
        super().__init__(width, _HEIGHT)
        self._title = title
        self._query = query
        self._place: dict[str, float] = {}

    def position(self, x: float, y: float) -> None:
        """Take the place on the dashboard. The CDK gives subclasses in Python no access to the one that it stores."""
        self._place = {"x": x, "y": y}

    def to_json(self) -> list[Any]:
        """Render the widget."""
        query = {"id": "q1", "type": "cloudwatch-metrics", "language": "PromQL", "query": self._query}
        properties = {
            "title": self._title,
            "region": Aws.REGION,
            "view": "line",
            "data": {"queries": [query]},
            "plotOptions": {"legend": {"position": "bottom", "show": True}, "style": _STYLE},
        }
        place = {**self._place, "width": self.width, "height": self.height}
        return [{"type": "chart", **place, "properties": properties}]
