"""Actions that IAM policies allow."""

from pathlib import Path
from typing import Any

import pytest

from color_mesh.ecs.roles import Decision, Role, Statement, statements
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


DISCOVER = "servicediscovery:DiscoverInstances"
SERVICE = ("arn:aws:servicediscovery:us-east-1:123456789012:service/srv-1", "shop.json: Stock")
CONTEXT = {
    "servicediscovery:servicename": "stock",
    "aws:requestedregion": "us-east-1",
    "aws:sourceip": "10.1.2.4",
    "aws:mfapresent": None,
}


def decision(*declared: dict[str, Any], **role: Any) -> Decision:
    statement = [{"Effect": "Allow", "Action": DISCOVER, "Resource": "*", **each} for each in declared]
    return Role(name="Role", statements=statements({"Statement": statement}), **role).decide(DISCOVER, SERVICE, CONTEXT)


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param({"StringEquals": {"servicediscovery:ServiceName": "stock"}}, id="equals"),
        pytest.param({"StringEquals": {"SERVICEDISCOVERY:servicename": ["price", "stock"]}}, id="one-of"),
        pytest.param({"StringEqualsIgnoreCase": {"servicediscovery:ServiceName": "STOCK"}}, id="case"),
        pytest.param({"StringLike": {"servicediscovery:ServiceName": "st*"}}, id="like"),
        pytest.param({"StringNotEquals": {"servicediscovery:ServiceName": ["price", "red"]}}, id="none-of"),
        pytest.param({"StringNotEquals": {"aws:MfaPresent": "true"}}, id="negated-absent"),
        pytest.param({"BoolIfExists": {"aws:MfaPresent": True}}, id="if-exists"),
        pytest.param({"Null": {"aws:MfaPresent": True}}, id="null"),
        pytest.param({"ForAllValues:StringEquals": {"aws:MfaPresent": "x"}}, id="for-all-values"),
        pytest.param({"ForAnyValue:StringLike": {"servicediscovery:ServiceName": "st?ck"}}, id="for-any-value"),
        pytest.param({"IpAddress": {"aws:SourceIp": "10.1.0.0/16"}}, id="address"),
    ],
)
def test_condition_that_holds_allows_the_action(condition: dict[str, Any]) -> None:
    assert decision({"Condition": condition}) == Decision()


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param({"StringEquals": {"servicediscovery:ServiceName": "Stock"}}, id="equals"),
        pytest.param({"StringNotLike": {"servicediscovery:ServiceName": "st*"}}, id="not-like"),
        pytest.param({"StringEquals": {"aws:MfaPresent": "true"}}, id="absent"),
        pytest.param({"ForAnyValue:StringEquals": {"aws:MfaPresent": "true"}}, id="for-any-value"),
        pytest.param({"Null": {"aws:RequestedRegion": "true"}}, id="null"),
        pytest.param({"StringEquals": {"servicediscovery:ServiceName": []}}, id="no-value"),
        pytest.param(
            {"StringEquals": {"servicediscovery:ServiceName": "stock", "aws:RequestedRegion": "eu-west-1"}}, id="one"
        ),
        pytest.param(
            {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}, "StringLike": {"aws:Unknown": "*"}}, id="unknown"
        ),
    ],
)
def test_condition_that_does_not_hold_denies_the_action(condition: dict[str, Any]) -> None:
    assert decision({"Condition": condition}) == Decision(denial="no policy allows it")


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ({"StringEquals": {"aws:PrincipalTag/team": "shop"}}, "StringEquals aws:PrincipalTag/team"),
        ({"DateLessThan": {"aws:RequestedRegion": "x"}}, "DateLessThan aws:RequestedRegion"),
        ({"IpAddress": {"aws:SourceIp": "everywhere"}}, "IpAddress aws:SourceIp"),
    ],
    ids=["key", "operator", "value"],
)
def test_condition_that_cannot_be_evaluated_is_taken_to_allow_and_is_named(
    condition: dict[str, Any], text: str
) -> None:
    assert decision({"Condition": condition}) == Decision(assumptions=(f"condition {text}",))
    denying = {"Effect": "Deny", "Condition": condition}
    assert decision({}, denying) == Decision(assumptions=(f"condition {text}",))


def test_statement_that_denies_wins_over_one_that_allows() -> None:
    denial = Decision(denial="a statement of a policy denies it")
    assert decision({}, {"Effect": "Deny"}) == denial
    assert (
        decision({}, {"Effect": "Deny", "Condition": {"StringLike": {"servicediscovery:ServiceName": "s*"}}}) == denial
    )


def test_resource_is_named_by_its_arn_or_by_a_reference_to_it() -> None:
    assert decision({"Resource": "arn:aws:servicediscovery:*:*:service/*"}) == Decision()
    assert decision({"Resource": "shop.json: Stock"}) == Decision()
    assert decision({"Resource": "shop.json: Price"}).denial == "no policy allows it"
    denying: dict[str, Any] = {"Effect": "Deny", "Action": "*"}
    document = {
        "Statement": [{**denying, "NotResource": SERVICE[0]}, {"Effect": "Allow", "Action": "*", "Resource": "*"}]
    }
    assert Role(name="Role", statements=statements(document)).decide(DISCOVER, SERVICE, CONTEXT) == Decision()


def test_permissions_boundary_limits_what_policies_allow() -> None:
    beyond = statements({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}})
    assert decision({}, boundary=beyond) == Decision(denial="no permissions boundary allows it")
    assert decision({}, boundary=(), boundary_known=False) == Decision(
        assumptions=("policies that no template declares",)
    )


def test_role_with_unknown_policies_is_taken_to_allow() -> None:
    assert decision(known=False) == Decision(assumptions=("policies that no template declares",))


@pytest.mark.parametrize(
    ("boundary", "boundary_known"),
    [({"Ref": "Limits"}, True), ("arn:aws:iam::111122223333:policy/Limits", False)],
    ids=["of-a-template", "of-no-template"],
)
def test_permissions_boundary_is_read(tmp_path: Path, boundary: Any, boundary_known: bool) -> None:
    document = {"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
    more = {"Limits": resource("AWS::IAM::ManagedPolicy", PolicyDocument=document)}
    (role,) = declared(tmp_path, with_properties("Role", PermissionsBoundary=boundary), more).roles.values()
    assert (len(role.boundary or ()), role.boundary_known) == (boundary_known, boundary_known)
