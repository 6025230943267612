"""Actions that IAM policies allow."""

from pathlib import Path
from typing import Any

import pytest

from color_mesh.ecs.roles import Role, Statement, statements
from tests.support.local_templates import declared, resource, with_properties

STREAM = "appmesh:StreamAggregatedResources"
RED = "arn:aws:appmesh:us-east-1:123456789012:mesh/m/virtualNode/red"
ALLOW = {"Effect": "Allow", "Action": STREAM, "Resource": RED}


def allows(*declared: dict[str, Any], known: bool = True) -> bool:
    role = Role(name="Role", statements=statements({"Statement": list(declared)}), known=known)
    return role.allows(STREAM, RED)


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
def test_matching_statement_allows_the_action(changes: dict[str, Any]) -> None:
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
def test_other_statement_does_not_allow_the_action(changes: dict[str, Any]) -> None:
    assert not allows({**ALLOW, **changes})


def test_role_without_statements_allows_nothing() -> None:
    assert not allows()


def test_deny_overrides_allow() -> None:
    assert not allows(ALLOW, {**ALLOW, "Effect": "Deny", "Resource": "*"})


def test_not_action_and_not_resource_match_everything_else() -> None:
    assert allows({"Effect": "Allow", "NotAction": "s3:*", "NotResource": "arn:aws:s3:::x"})
    assert not allows({"Effect": "Allow", "NotAction": "appmesh:*", "Resource": "*"})
    assert not allows({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:appmesh:*:*:mesh/m/*"})


def test_role_with_unknown_policies_allows_what_no_statement_denies() -> None:
    assert allows(known=False)
    assert not allows({**ALLOW, "Effect": "Deny"}, known=False)


def test_policies_of_every_kind_are_read(tmp_path: Path) -> None:
    document = {"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
    more = {
        "Attached": resource("AWS::IAM::Policy", Roles=[{"Ref": "Role"}], PolicyDocument=document),
        "Managed": resource("AWS::IAM::ManagedPolicy", PolicyDocument=document),
    }
    change = with_properties(
        "Role", ManagedPolicyArns=["arn:aws:iam::aws:policy/CloudWatchLogsFullAccess", {"Ref": "Managed"}]
    )
    (role,) = declared(tmp_path, change, more).roles.values()
    assert [each.actions for each in role.statements] == [("s3:*",), (STREAM,), ("logs:*",), ("s3:*",)]
    assert (role.trusts_tasks, role.known) == (True, True)


def test_policy_of_another_account_leaves_a_role_unknown(tmp_path: Path) -> None:
    change = with_properties("Role", ManagedPolicyArns=["arn:aws:iam::111122223333:policy/Team"])
    (role,) = declared(tmp_path, change).roles.values()
    assert not role.known


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("logs:*", "logs:PutLogEvents", True),
        ("*", "", True),
        ("a*b*c", "a--b--c", True),
        ("a*b*c", "a--c", False),
        ("ab*b", "ab", False),
        ("a**?c", "abc", True),
        ("a?c", "abbc", False),
        ("*b", "ab\nb", True),
        ("*a" * 40 + "b", "a" * 2000, False),
        ("*", "a" * 1_000_000, False),
    ],
)
def test_wildcards_match_without_backtracking(pattern: str, text: str, expected: bool) -> None:
    assert Statement(effect="Allow", actions=(pattern,), resources=("*",)).matches(text, "x") is expected
