"""The rule ``traces-are-lost``."""

import pytest

from color_mesh.ecs.containers import Container
from tests.support.analysis import envoy, node_task, routed, texts

ID = "traces-are-lost"


@pytest.mark.parametrize("variable", ["ENABLE_ENVOY_XRAY_TRACING", "ENABLE_ENVOY_DOG_STATSD"])
def test_export_without_a_receiver_is_found(variable: str) -> None:
    tasks = node_task(Container(name="app", image="app"), envoy(environment={variable: "1"}))
    assert texts(ID, routed(), task_definitions=tasks) == [
        (
            f"app.yaml: Task ContainerDefinitions[1].Environment[{variable}]: no container of the task "
            "receives what Envoy sends"
        )
    ]


@pytest.mark.parametrize(
    ("environment", "image"),
    [
        ({"ENABLE_ENVOY_XRAY_TRACING": "1"}, "amazon/aws-xray-daemon"),
        ({"ENABLE_ENVOY_XRAY_TRACING": "1", "AWS_XRAY_DAEMON_ADDRESS": "10.0.0.1"}, "app"),
        ({"ENABLE_ENVOY_XRAY_TRACING": "0"}, "app"),
        ({}, "app"),
    ],
)
def test_export_with_a_receiver_is_not_found(environment: dict[str, str], image: str) -> None:
    tasks = node_task(Container(name="other", image=image), envoy(environment=environment))
    assert texts(ID, routed(), task_definitions=tasks) == []
