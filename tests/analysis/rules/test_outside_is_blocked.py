"""The rule ``outside-is-blocked``."""

from dataclasses import replace
from typing import Any

import pytest

from color_mesh.ecs.containers import Container
from tests.support.analysis import envoy, node_task, provided, proxy, texts

ID = "outside-is-blocked"


def found(value: str, user: str | None = None, redirection: dict[str, Any] | None = None, **changes: Any) -> list[str]:
    app = Container(name="app", image="app", environment={"URL": value}, user=user)
    tasks = node_task(app, envoy("blue"), proxy_configuration=proxy(**(redirection or {})))
    return texts(ID, replace(provided(), **changes), task_definitions=tasks)


@pytest.mark.parametrize(
    ("value", "host", "port"),
    [
        ("https://api.example.com/v1", "api.example.com", 443),
        ("db.abc.eu-west-1.rds.amazonaws.com:5432", "db.abc.eu-west-1.rds.amazonaws.com", 5432),
        ("http://sqs.eu-west-1.amazonaws.com", "sqs.eu-west-1.amazonaws.com", 80),
    ],
)
def test_server_outside_of_the_mesh_is_found(value: str, host: str, port: int) -> None:
    assert found(value) == [
        (
            f"app.yaml: Task ContainerDefinitions[0].Environment[URL]: it calls '{host}' on port {port} "
            "outside of the mesh, which Envoy does not let through"
        )
    ]


@pytest.mark.parametrize(
    "value",
    [
        "https://sqs.eu-west-1.amazonaws.com",
        "red.colors.local:80",
        "http://127.0.0.1:8080",
        "localhost:1",
        "example.com",
    ],
)
def test_what_envoy_lets_through_is_not_found(value: str) -> None:
    assert found(value) == []


def test_ignored_ports_and_users_are_not_found() -> None:
    assert found("db.example.com:5432", redirection={"ignored_ports": (5432,)}) == []
    assert found("db.example.com:5432", user="1337") == []
    assert found("db.example.com:5432", egress_filter="ALLOW_ALL") == []
