"""The rule ``xray-daemon-is-blocked``."""

from dataclasses import replace
from typing import Any

import pytest

from color_mesh.ecs.containers import Container
from color_mesh.ecs.roles import Role, Statement
from tests.support.analysis import envoy, node_task, provided, proxy, texts

ID = "xray-daemon-is-blocked"
ADDRESS = "AWS_XRAY_DAEMON_ADDRESS"
DAEMON = Container(name="xray", image="public.ecr.aws/xray/aws-xray-daemon:3.3.13")


def found(
    value: str | None = None, role: Role | None = None, redirection: dict[str, Any] | None = None, **mesh: Any
) -> list[str]:
    app = Container(name="app", image="app", environment={} if value is None else {ADDRESS: value})
    tasks = node_task(
        app,
        envoy("blue"),
        DAEMON,
        proxy_configuration=proxy(**(redirection or {})),
        task_role=None if role is None else "app.yaml: Role",
    )
    roles = {} if role is None else {"app.yaml: Role": role}
    return texts(ID, replace(provided(), **mesh), task_definitions=tasks, roles=roles)


@pytest.mark.parametrize("value", ["10.0.0.5:2000", "tcp:10.0.0.5:2000 udp:127.0.0.1:2000", "10.0.0.5"])
def test_daemon_outside_of_the_task_is_found(value: str) -> None:
    assert found(value) == [
        (
            f"app.yaml: Task ContainerDefinitions[0].Environment[{ADDRESS}]: the application gets no sampling rules of "
            "the X-Ray daemon at '10.0.0.5', since Envoy does not let TCP to port 2000 through"
        )
    ]


def test_role_without_the_permissions_is_found() -> None:
    one = Statement(effect="Allow", actions=("xray:PutTraceSegments",), resources=("*",))
    assert found(role=Role(name="Role", statements=(one,), trusts_tasks=True)) == [
        (
            "app.yaml: Task ContainerDefinitions[2]: the X-Ray daemon cannot send: role Role does not allow "
            "xray:PutTelemetryRecords"
        )
    ]


@pytest.mark.parametrize("value", ["127.0.0.1:2000", "localhost:2000", "xray:2000", "red.colors.local:80", "", None])
def test_daemon_in_the_task_is_not_found(value: str | None) -> None:
    assert found(value) == []


def test_ignored_port_and_address_are_not_found() -> None:
    assert found("10.0.0.5:2000", redirection={"ignored_ports": (2000,)}) == []
    assert found("10.0.0.5:2000", redirection={"ignored_ips": ("10.0.0.5",)}) == []
    assert found("10.0.0.5:2000", egress_filter="ALLOW_ALL") == []


def test_role_with_the_permissions_or_unknown_policies_is_not_found() -> None:
    every = Statement(effect="Allow", actions=("xray:*",), resources=("*",))
    assert found(role=Role(name="Role", statements=(every,), trusts_tasks=True)) == []
    assert found(role=Role(name="Role", statements=(), trusts_tasks=True, known=False)) == []
