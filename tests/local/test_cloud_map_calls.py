"""Warnings about calls of Cloud Map, before a mesh starts."""

import json
from pathlib import Path
from typing import Any

import pytest

from color_mesh.cli.images import read_images
from color_mesh.local.plan.assembly import read_plan
from color_mesh.local.plan.diagnosis import warnings
from tests.support.calling_template import calling_template, permission

ROOT = Path(__file__).parents[2]


def warnings_about(folder: Path, template: dict[str, Any]) -> list[str]:
    file = folder / "shop.template.json"
    file.write_text(json.dumps(template))
    plan = read_plan([file], read_images([ROOT / "cdk.out"], []))
    return [each for each in warnings(plan) if each.startswith("caller")]


def test_calls_that_are_allowed_are_no_warning(tmp_path: Path) -> None:
    assert warnings_about(tmp_path, calling_template()) == []


def test_missing_permission_is_named(tmp_path: Path) -> None:
    template = calling_template()
    template["Resources"]["Role"]["Properties"]["Policies"] = [permission("green", "yellow")]
    (warning,) = warnings_about(tmp_path, template)
    assert warning.startswith(
        "caller: envoy: servicediscovery:DiscoverInstances on service 'router' of namespace 'shop.local': no policy "
        "allows it, got role Role (allow servicediscovery:DiscoverInstances on arn:aws:servicediscovery:"
    )


def test_task_without_a_role_is_named(tmp_path: Path) -> None:
    template = calling_template()
    del template["Resources"]["callerTask"]["Properties"]["TaskRoleArn"]
    assert warnings_about(tmp_path, template) == [
        f"caller: envoy: the task has no role, which must allow servicediscovery:DiscoverInstances on {name!r}"
        for name in ("green", "yellow", "router")
    ]


def test_role_that_does_not_trust_tasks_is_named(tmp_path: Path) -> None:
    template = calling_template()
    template["Resources"]["Role"]["Properties"]["AssumeRolePolicyDocument"] = {"Statement": []}
    assert warnings_about(tmp_path, template) == [
        "caller: role Role does not trust ecs-tasks.amazonaws.com: no call is signed"
    ]


def test_role_of_no_template_is_no_warning(tmp_path: Path) -> None:
    template = calling_template()
    template["Resources"]["callerTask"]["Properties"]["TaskRoleArn"] = "arn:aws:iam::123456789012:role/Team"
    assert warnings_about(tmp_path, template) == []


def test_undeclared_service_is_named(tmp_path: Path) -> None:
    template = calling_template()
    template["Resources"]["yellowNames"]["Properties"]["Name"] = "amber"
    assert warnings_about(tmp_path, template) == [
        "caller: envoy: no template declares service 'yellow' of namespace 'shop.local', which it asks for"
    ]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"}, []),
        (
            {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"},
            ["caller: no security group of it allows tcp 443 to the API of Cloud Map"],
        ),
        (
            {"IpProtocol": "-1", "CidrIp": "10.0.0.0/8"},
            ["caller: no security group of it allows tcp 443 to the API of Cloud Map"],
        ),
    ],
    ids=["allowed", "another-port", "another-address"],
)
def test_security_group_has_to_allow_the_api(tmp_path: Path, rule: dict[str, Any], expected: list[str]) -> None:
    template = calling_template()
    template["Resources"]["Group"]["Properties"]["SecurityGroupEgress"] = [rule]
    assert warnings_about(tmp_path, template) == expected
