"""The rule ``credentials-are-redirected``."""

from color_mesh.ecs.services import Service
from tests.support.analysis import TASK, node_task, proxy, routed, texts

ID = "credentials-are-redirected"
REDIRECTED = proxy(ignored_ips=())
EXEC = {"app.yaml: Service": Service(name="red", task_definition=TASK, execute_command=True)}


def test_task_role_behind_the_redirection_is_found() -> None:
    tasks = node_task(proxy_configuration=REDIRECTED, task_role="role")
    assert texts(ID, routed(), task_definitions=tasks) == [
        (
            "app.yaml: Task ProxyConfiguration.ProxyConfigurationProperties: requests for the credentials of the task "
            "are redirected to Envoy, which lets none of them through"
        )
    ]


def test_ecs_exec_behind_the_redirection_is_found() -> None:
    (text,) = texts(ID, routed(), task_definitions=node_task(proxy_configuration=REDIRECTED), services=EXEC)
    assert "requests for the credentials of the task and of ECS Exec are redirected" in text


def test_ignored_address_is_not_found() -> None:
    for addresses in (("169.254.170.2",), ("169.254.0.0/16",)):
        tasks = node_task(proxy_configuration=proxy(ignored_ips=addresses), task_role="role")
        assert texts(ID, routed(), task_definitions=tasks) == []


def test_mesh_that_allows_all_is_not_found() -> None:
    tasks = node_task(proxy_configuration=REDIRECTED, task_role="role")
    assert texts(ID, routed(egress_filter="ALLOW_ALL"), task_definitions=tasks) == []
