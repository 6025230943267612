"""Alarms and the dashboard of a mesh, on the metrics of its Envoys."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2

from color_mesh import MeshError, MeshMonitoring, MeshNode, ServiceMesh, Telemetry
from color_mesh.model.deployment import DataPlaneName
from tests.support.cloudformation import Template, only, properties

ALARM = "AWS::CloudWatch::Alarm"
BY = 'sum by ("@resource.service.name")'


def mesh_of(
    stack: Stack, vpc: ec2.IVpc, telemetry: Telemetry | None, data_plane: DataPlaneName = "envoy"
) -> ServiceMesh:
    return ServiceMesh(
        stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local", telemetry=telemetry, data_plane=data_plane
    )


def queries(template: Template) -> list[str]:
    return [alarm["EvaluationCriteria"]["PromQLCriteria"]["Query"] for alarm in properties(template, ALARM)]


def test_alarms_are_on_errors_and_latency_of_each_node(
    stack: Stack, vpc: ec2.IVpc, template: Callable[[], Template]
) -> None:
    MeshMonitoring(
        stack, "Monitoring", mesh=mesh_of(stack, vpc, Telemetry()), error_percent=2.5, latency=Duration.millis(300)
    )
    requests = '"http.server.request.count", "@resource.service.namespace"="shop"'
    failed = f'{BY} (rate({{{requests}, "http.response.status_code"="5xx"}}[5m]))'
    durations = '"http.server.duration", "@resource.service.namespace"="shop"'
    assert queries(template()) == [
        f"100 * {failed} / {BY} (rate({{{requests}}}[5m])) > 2.5",
        f"histogram_quantile(0.99, {BY} (rate({{{durations}}}[5m]))) > 300",
    ]


def test_alarm_of_a_node_is_about_it_only(stack: Stack, vpc: ec2.IVpc, template: Callable[[], Template]) -> None:
    mesh = mesh_of(stack, vpc, Telemetry(collector="sidecar"))
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart", port=80)
    monitoring = MeshMonitoring(stack, "Monitoring", mesh=mesh)
    monitoring.add_error_alarm(cart)
    monitoring.add_latency_alarm(cart)
    about_cart = ['"@resource.service.name"="cart"' in query for query in queries(template())]
    assert sorted(about_cart) == [False, False, True, True]


def test_dashboard_has_the_alarms_and_graphs_of_what_users_ask_first(
    stack: Stack, vpc: ec2.IVpc, template: Callable[[], Template]
) -> None:
    MeshMonitoring(stack, "Monitoring", mesh=mesh_of(stack, vpc, Telemetry()), dashboard_name="shop")
    dashboard = only(template(), "AWS::CloudWatch::Dashboard")
    parts = dashboard["DashboardBody"]["Fn::Join"][1]
    alarms, *charts = json.loads("".join(part if isinstance(part, str) else part.get("Ref", "arn") for part in parts))[
        "widgets"
    ]
    total = f'{BY} (rate({{"http.server.request.count", "@resource.service.namespace"="shop"}}[5m]))'
    failed = total.replace("}", ', "http.response.status_code"="5xx"}')
    client_by, mesh = 'sum by ("@resource.service.name", "peer.service")', '"@resource.service.namespace"="shop"'
    assert {chart["properties"]["title"]: chart["properties"]["data"]["queries"] for chart in charts} == {
        title: [{"id": "q1", "type": "cloudwatch-metrics", "language": "PromQL", "query": query}]
        for title, query in {
            "Requests a second, by node": total,
            "Responses with status 5xx in percent, by node": f"100 * ({failed} or 0 * {total}) / {total}",
            "99th percentile of durations in milliseconds, by node": (
                f'histogram_quantile(0.99, {BY} (rate({{"http.server.duration", {mesh}}}[5m])))'
            ),
            "Requests a second, by caller and node": (
                f'{client_by} (rate({{"http.client.request.count", {mesh}}}[5m]))'
            ),
            "99th percentile in milliseconds, by caller and node": (
                f'histogram_quantile(0.99, {client_by} (rate({{"http.client.duration", {mesh}}}[5m])))'
            ),
        }.items()
    }
    places = [[widget[key] for key in ("type", "x", "y", "width", "height")] for widget in (alarms, *charts)]
    assert places == [
        ["alarm", 0, 0, 24, 3],
        *(["chart", column, 3, 8, 7] for column in (0, 8, 16)),
        *(["chart", column, 10, 12, 7] for column in (0, 12)),
    ]
    assert {chart["properties"]["region"] for chart in charts} == {"AWS::Region"}
    assert dashboard["DashboardName"] == "shop"


@pytest.mark.parametrize(
    ("telemetry", "data_plane"),
    [
        (None, "envoy"),
        (Telemetry(collector="http://collector.example"), "envoy"),
        (Telemetry(collector="sidecar"), "app-mesh"),
    ],
)
def test_mesh_without_metrics_in_cloudwatch_is_refused(
    telemetry: Telemetry | None, data_plane: DataPlaneName, stack: Stack, vpc: ec2.IVpc
) -> None:
    with pytest.raises(MeshError, match="monitoring of mesh 'shop': the mesh sends no metrics to CloudWatch, got "):
        MeshMonitoring(stack, "Monitoring", mesh=mesh_of(stack, vpc, telemetry, data_plane))
    assert stack.node.try_find_child("Monitoring") is None


@pytest.mark.parametrize("value", [0, -1, 100, float("nan"), True, "5"])
def test_thresholds_that_are_not_valid_are_refused(value: Any, stack: Stack, vpc: ec2.IVpc) -> None:
    mesh = mesh_of(stack, vpc, Telemetry())
    with pytest.raises(MeshError) as error:
        MeshMonitoring(stack, "Monitoring", mesh=mesh, error_percent=value)
    assert str(error.value) == (
        f"monitoring of mesh 'shop': error_percent out of range, got {value!r} (above 0 and below 100)"
    )
    with pytest.raises(MeshError) as error:
        MeshMonitoring(stack, "Monitoring", mesh=mesh, latency=value)
    assert str(error.value) == (
        f"MeshMonitoring 'Monitoring': 'latency' is not a duration, got {value!r} (such as Duration.seconds(5))"
    )


def test_name_in_place_of_a_mesh_or_a_node_is_refused(stack: Stack, vpc: ec2.IVpc) -> None:
    wrong: Any = "cart"
    with pytest.raises(MeshError, match=r"^MeshMonitoring 'Monitoring': 'mesh' is not of the type ServiceMesh, got "):
        MeshMonitoring(stack, "Monitoring", mesh=wrong)
    monitoring = MeshMonitoring(stack, "Monitoring", mesh=mesh_of(stack, vpc, Telemetry()))
    for create_alarm in (monitoring.add_error_alarm, monitoring.add_latency_alarm):
        with pytest.raises(MeshError) as error:
            create_alarm(wrong)
        assert str(error.value) == (
            "MeshMonitoring 'Monitoring': 'part' is not of the type MeshNode or MeshGateway, got 'cart' "
            "(such as MeshNode(...))"
        )


def test_alarm_of_a_node_of_another_mesh_is_refused(stack: Stack, vpc: ec2.IVpc) -> None:
    monitoring = MeshMonitoring(stack, "Monitoring", mesh=mesh_of(stack, vpc, Telemetry()))
    other = ServiceMesh(stack, "Other", mesh_name="bank", vpc=vpc, domain="bank.local")
    teller = MeshNode(stack, "Teller", mesh=other, name="teller")
    wrong = "monitoring of mesh 'shop': alarm is about a part of another mesh, got 'teller' "
    for create_alarm in (monitoring.add_error_alarm, monitoring.add_latency_alarm):
        with pytest.raises(MeshError, match=wrong):
            create_alarm(teller)
