"""Access control of the APIs that tasks call."""

from ipaddress import IPv4Address

import pytest

from color_mesh.ecs.roles import Decision, Role
from color_mesh.local.run.aws.access import AccessControl
from color_mesh.local.run.aws.api_error import ApiError
from color_mesh.local.run.aws.credentials import Credentials, CredentialStore
from color_mesh.local.run.aws.http_server import HttpRequest

ADDRESS = IPv4Address("10.0.0.4")
CREDENTIALS = Credentials(task="red", access_key_id="ASIA", secret_access_key="", token="", expires=0)


@pytest.fixture
def reports() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def access(reports: list[tuple[str, str]]) -> AccessControl:
    store = CredentialStore()
    store.add("red", "arn:aws:iam::123456789012:role/Red", lambda: ADDRESS)
    return AccessControl(store, lambda task: Role(name=task), lambda task, text: reports.append((task, text)))


def test_unsigned_call_is_refused_and_reported_about_the_task_at_the_address(
    access: AccessControl, reports: list[tuple[str, str]]
) -> None:
    for address in (ADDRESS, ADDRESS + 1):
        request = HttpRequest(client=address, method="POST", target="/", headers={}, body=b"")
        with pytest.raises(ApiError, match="MissingAuthenticationTokenException"):
            access.authenticate(request, "us-east-1", "xray", "xray:PutTraceSegments")
    assert reports == [("red", "xray:PutTraceSegments: MissingAuthenticationTokenException: the request is not signed")]


def test_denied_call_is_refused_and_reported(access: AccessControl, reports: list[tuple[str, str]]) -> None:
    with pytest.raises(ApiError, match="AccessDeniedException: no policy allows it"):
        access.authorize(CREDENTIALS, lambda _: Decision(denial="no policy allows it"))
    assert reports == [("red", "no policy allows it")]


def test_policy_that_cannot_be_evaluated_is_reported(access: AccessControl, reports: list[tuple[str, str]]) -> None:
    access.authorize(CREDENTIALS, lambda _: Decision(assumptions=("condition Bool a:b",)))
    assert reports == [("red", "role red: cannot evaluate condition Bool a:b; calls are allowed")]
