"""The rule ``execute-command-is-blocked``."""

from typing import Any

import pytest

from color_mesh.ecs.roles import Role, Statement
from color_mesh.ecs.services import Service
from tests.support.analysis import TASK, node_task, routed, texts

ID = "execute-command-is-blocked"
ALLOWED = Role(
    name="TaskRole",
    statements=(Statement(effect="Allow", actions=("ssmmessages:*",), resources=("*",)),),
    trusts_tasks=True,
)
IMAGES = "com.amazonaws.us-east-1.ecr.dkr"


def found(role: Role | None = ALLOWED, endpoints: tuple[str, ...] = (), **changes: Any) -> list[str]:
    declared = {"execute_command": True, "public": False, "nat_gateways": (), **changes}
    nat_gateways = declared.pop("nat_gateways")
    return texts(
        ID,
        routed(),
        task_definitions=node_task(task_role=None if role is None else "app.yaml: TaskRole"),
        services={"app.yaml: Service": Service(name="s", task_definition=TASK, **declared)},
        roles={} if role is None else {"app.yaml: TaskRole": role},
        vpc_endpoints={f"app.yaml: {each}": each for each in endpoints},
        nat_gateways=nat_gateways,
    )


def test_role_without_the_permissions_is_found() -> None:
    one = Statement(effect="Allow", actions=("ssmmessages:Create*",), resources=("*",))
    assert found(Role(name="TaskRole", statements=(one,), trusts_tasks=True)) == [
        (
            "app.yaml: Service EnableExecuteCommand: ECS Exec is denied: role TaskRole does not allow "
            "ssmmessages:OpenControlChannel, ssmmessages:OpenDataChannel"
        )
    ]


def test_task_without_a_role_is_found() -> None:
    (text,) = found(None)
    assert "the task has no role, which must allow ssmmessages:CreateControlChannel" in text


def test_vpc_with_endpoints_for_images_only_is_found() -> None:
    (text,) = found(endpoints=(IMAGES,))
    assert text.startswith("app.yaml: Service EnableExecuteCommand: ECS Exec has no way to Systems Manager")


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoints": (IMAGES, "com.amazonaws.us-east-1.ssmmessages")},
        {"endpoints": (IMAGES,), "nat_gateways": ("app.yaml: Nat",)},
        {"endpoints": (IMAGES,), "public": True},
        {"endpoints": ("com.amazonaws.us-east-1.s3",)},
        {"role": None, "execute_command": False},
        {"role": Role(name="TaskRole", statements=(), trusts_tasks=True, known=False)},
    ],
)
def test_exec_that_reaches_systems_manager_is_not_found(changes: dict[str, Any]) -> None:
    assert found(**changes) == []
