"""Roles, users, file systems and outbound traffic in the templates of every chapter."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.chapters import CASES
from tests.support.cloudformation import Assembly, Properties, only, properties

Synthesize = Callable[..., Assembly]
ENVOY_CASES = [case for case in CASES if case.startswith("envoy/")]
NOTHING = "255.255.255.255/32"  # The CDK's rule for a group without outbound traffic.


def containers(assembly: Assembly) -> Iterator[Properties]:
    for task in properties(assembly["EcsStack"], "AWS::ECS::TaskDefinition"):
        yield from task["ContainerDefinitions"]


@pytest.mark.parametrize("case", CASES)
def test_every_role_may_be_assumed_for_resources_of_its_account_only(case: str, synthesize: Synthesize) -> None:
    roles = [role for template in synthesize(**CASES[case]).values() for role in properties(template, "AWS::IAM::Role")]
    for role in roles:
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        service = {"ecs-tasks": "ecs", "vpc-flow-logs": "ec2"}[statement["Principal"]["Service"].partition(".")[0]]
        condition = statement["Condition"]
        arn = condition["ArnLike"]["aws:SourceArn"]["Fn::Join"][1]
        assert condition["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert arn[2:6] == [f":{service}:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]
    assert len(roles) >= 5


@pytest.mark.parametrize("case", CASES)
def test_only_applications_run_as_the_user_of_their_image(case: str, synthesize: Synthesize) -> None:
    users = {each["Name"]: each.get("User") for each in containers(synthesize(**CASES[case]))}
    others = {name: user for name, user in users.items() if not name.endswith("-app")}
    assert set(others.values()) == {"101" if case.startswith("envoy/") else "1337"}


@pytest.mark.parametrize("case", ENVOY_CASES)
def test_only_applications_may_write_to_their_file_system(case: str, synthesize: Synthesize) -> None:
    for each in containers(synthesize(**CASES[case])):
        assert each.get("ReadonlyRootFilesystem", False) is not each["Name"].endswith("-app")


@pytest.mark.parametrize("case", ENVOY_CASES)
def test_security_groups_allow_outbound_traffic_to_port_443_and_to_other_groups_of_the_mesh_only(
    case: str, synthesize: Synthesize
) -> None:
    assembly = synthesize(**CASES[case])
    for template in assembly.values():
        for group in properties(template, "AWS::EC2::SecurityGroup"):
            allowed = [(each["CidrIp"], each["IpProtocol"], each["ToPort"]) for each in group["SecurityGroupEgress"]]
            nothing = group["GroupDescription"].startswith(("Clients", "Tasks that others call"))
            assert allowed == [(NOTHING, "icmp", 86) if nothing else ("0.0.0.0/0", "tcp", 443)]
        for rule in properties(template, "AWS::EC2::SecurityGroupEgress"):
            assert "DestinationSecurityGroupId" in rule
            assert (rule["IpProtocol"], rule["FromPort"] == rule["ToPort"]) == ("tcp", True)


def test_load_balancer_may_send_to_port_80_of_the_tasks_of_the_gateway_only(synthesize: Synthesize) -> None:
    assembly = synthesize(dataPlane="envoy")
    rule = only(assembly["EcsStack"], "AWS::EC2::SecurityGroupEgress", Description="the tasks of the gateway")
    assert "GatewaySecurityGroup" in group_name(rule["GroupId"])
    assert "GatewayTaskSecurityGroup" in group_name(rule["DestinationSecurityGroupId"])
    assert (rule["FromPort"], rule["ToPort"]) == (80, 80)


def group_name(reference: Any) -> str:
    name: str = reference["Fn::ImportValue"]
    return name
