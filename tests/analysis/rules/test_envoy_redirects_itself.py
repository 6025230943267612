"""The rule ``envoy-redirects-itself``."""

import pytest

from tests.support.analysis import envoy, node_task, proxy, routed, texts

ID = "envoy-redirects-itself"


def found(user: str | None, **changes: int | None) -> list[str]:
    return texts(ID, routed(), task_definitions=node_task(envoy(user=user), proxy_configuration=proxy(**changes)))


def test_user_that_is_redirected_is_found() -> None:
    assert found("0") == [
        (
            "app.yaml: Task ContainerDefinitions[0].User: Envoy runs as 0, but only the traffic of user 1337 is not "
            "redirected"
        )
    ]
    assert "only the traffic of group 7 is" in found("1337:8", ignored_uid=None, ignored_gid=7)[0]


@pytest.mark.parametrize("user", ["1337", "1337:5", None])
def test_ignored_user_is_not_found(user: str | None) -> None:
    assert found(user) == []
    assert found("1:7", ignored_gid=7) == []
