"""The rule ``envoy-may-not-read-configuration``."""

from color_mesh.ecs.roles import Role, Statement
from color_mesh.ecs.services import Service
from tests.support.analysis import TASK, node_task, routed, texts

ID = "envoy-may-not-read-configuration"
ALLOW = Statement(effect="Allow", actions=("appmesh:*",), resources=("*",))


def found(role: Role | None, name: str | None = "role", launch_type: str = "FARGATE") -> list[str]:
    service = Service(name="red", task_definition=TASK, launch_type=launch_type)
    roles = {"role": role} if role is not None else {}
    tasks = node_task(task_role=name)
    return texts(ID, routed(), task_definitions=tasks, roles=roles, services={"app.yaml: Service": service})


def test_role_that_does_not_allow_it_is_found() -> None:
    assert found(Role(name="Role", trusts_tasks=True)) == [
        (
            "app.yaml: Task TaskRoleArn: App Mesh denies Envoy its configuration: role Role does not allow "
            "appmesh:StreamAggregatedResources on mesh/colors/virtualNode/red"
        )
    ]
    assert "does not trust ecs-tasks.amazonaws.com" in found(Role(name="Role", statements=(ALLOW,)))[0]


def test_fargate_task_without_a_role_is_found() -> None:
    assert "the task has no role" in found(None, None)[0]


def test_role_that_allows_it_and_unknown_roles_are_not_found() -> None:
    assert found(Role(name="Role", trusts_tasks=True, statements=(ALLOW,))) == []
    assert found(None, "arn:aws:iam::111122223333:role/elsewhere") == []


def test_task_on_ec2_without_a_role_is_not_found() -> None:
    assert found(None, None, "EC2") == []
