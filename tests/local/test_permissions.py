"""What IAM policies allow."""

from typing import Any

import pytest

from color_mesh.ecs.roles import Role

STREAM = "appmesh:StreamAggregatedResources"
RED = "arn:aws:appmesh:us-east-1:123456789012:mesh/m/virtualNode/red"
ALLOW = {"Effect": "Allow", "Action": STREAM, "Resource": RED}


def allows(*statements: dict[str, Any], known: bool = True) -> bool:
    return Role("Role", statements, trusts_tasks=True, known=known).allows(STREAM, RED)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="exactly"),
        pytest.param({"Action": [STREAM, "s3:*"]}, id="one-of-actions"),
        pytest.param({"Action": "appmesh:*"}, id="actions"),
        pytest.param({"Action": "APPMESH:streamaggregatedresources"}, id="case"),
        pytest.param({"Action": "*"}, id="every-action"),
        pytest.param({"Action": "appmesh:Stream?ggregatedResources"}, id="one-character"),
        pytest.param({"Resource": "*"}, id="every-resource"),
        pytest.param({"Resource": ["arn:aws:s3:::x", RED]}, id="one-of-resources"),
        pytest.param({"Resource": "arn:aws:appmesh:*:*:mesh/m/*"}, id="resources"),
        pytest.param({"Resource": RED.replace("us-east-1", "eu-west-1")}, id="region"),
    ],
)
def test_a_statement_allows(changes: dict[str, Any]) -> None:
    assert allows({**ALLOW, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"Effect": "Deny"}, id="deny"),
        pytest.param({"Action": "appmesh:Describe*"}, id="action"),
        pytest.param({"Action": []}, id="no-action"),
        pytest.param({"Resource": RED.replace("red", "blue")}, id="resource"),
        pytest.param({"Resource": f"{RED}s"}, id="longer"),
        pytest.param({"Resource": RED.replace("red", "RED")}, id="case-of-resource"),
        pytest.param({"Resource": []}, id="no-resource"),
    ],
)
def test_a_statement_does_not_allow(changes: dict[str, Any]) -> None:
    assert not allows({**ALLOW, **changes})


def test_nothing_is_allowed_by_nothing() -> None:
    assert not allows()


def test_a_denial_wins() -> None:
    assert not allows(ALLOW, {**ALLOW, "Effect": "Deny", "Resource": "*"})


def test_what_is_not_excepted_is_allowed() -> None:
    assert allows({"Effect": "Allow", "NotAction": "s3:*", "NotResource": "arn:aws:s3:::x"})
    assert not allows({"Effect": "Allow", "NotAction": "appmesh:*", "Resource": "*"})
    assert not allows({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:appmesh:*:*:mesh/m/*"})


def test_a_role_with_policies_that_are_not_at_hand_may() -> None:
    assert allows(known=False)
    assert not allows({**ALLOW, "Effect": "Deny"}, known=False)
