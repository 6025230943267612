"""The two data planes beside each other: what the one has and the other has not, and nothing else."""

import json
import re
from collections import Counter
from collections.abc import Callable
from difflib import unified_diff
from typing import Any

import pytest

from color_mesh.appmesh.source import read_source
from color_mesh.envoy import Loopback, configure, loopback_address
from tests.support.chapters import CHAPTERS
from tests.support.cloudformation import Assembly, Properties, Template, container, only, properties

Synthesize = Callable[..., Assembly]
TASK = "AWS::ECS::TaskDefinition"
SERVICE = "AWS::ECS::Service"
# What a container of the one plane has otherwise than that of the other.
OF_ENVOY = {
    "Command", "EntryPoint", "Environment", "HealthCheck", "Image", "StopTimeout", "SystemControls", "User",
}  # fmt: skip
OF_APPLICATION = {"Command", "Image"}


@pytest.fixture(scope="module")
def envoy(synthesize: Synthesize) -> Assembly:
    return synthesize(dataPlane="envoy")


def types(assembly: Assembly) -> Counter[str]:
    return Counter(each["Type"] for template in assembly.values() for each in template["Resources"].values())


def without(properties: Properties, keys: set[str]) -> Properties:
    return {key: value for key, value in properties.items() if key not in keys}


def bootstrap(task: Properties, name: str) -> Any:
    return json.loads(" ".join(container(task, name)["Command"]))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_nothing_of_app_mesh_is_left(chapter: str, synthesize: Synthesize) -> None:
    assembly = synthesize(**CHAPTERS[chapter], dataPlane="envoy")
    assert "appmesh" not in json.dumps(assembly).lower()
    assert "ProxyConfiguration" not in json.dumps(assembly)


def test_resources_are_of_the_same_types_but_for_the_mesh_and_its_names(assembly: Assembly, envoy: Assembly) -> None:
    only_here, only_there = types(envoy) - types(assembly), types(assembly) - types(envoy)
    assert only_here == {
        "AWS::Route53::HostedZone": 1,
        "AWS::Route53::RecordSet": 3,
        # One a node and one for the gateway, in place of one for all.
        "AWS::EC2::SecurityGroup": 4,
        # Six pairs of callers and called, and from the load balancer to the gateway.
        "AWS::EC2::SecurityGroupIngress": 6,
        "AWS::EC2::SecurityGroupEgress": 6,
    }
    assert {kind for kind in only_there if not kind.startswith("AWS::AppMesh::")} == {"AWS::IAM::Policy"}


def test_the_gateways_role_may_do_nothing(envoy: Assembly) -> None:
    policies = properties(envoy["EcsStack"], "AWS::IAM::Policy")
    assert [role["Ref"] for policy in policies for role in policy["Roles"] if "GatewayTaskRole" in role["Ref"]] == []


@pytest.mark.parametrize("color", ["red", "blue", "green", "yellow"])
def test_tasks_of_nodes_are_alike(color: str, assembly: Assembly, envoy: Assembly) -> None:
    here, there = (only(each["EcsStack"], TASK, Family=f"{color}_node") for each in (envoy, assembly))
    keys = {"ContainerDefinitions", "ProxyConfiguration"}
    assert without(here, keys) == without(there, keys)
    for name, differences in ((f"{color}-app", OF_APPLICATION), ("envoy-sidecar", OF_ENVOY)):
        assert without(container(here, name), differences) == without(container(there, name), differences)


def test_tasks_of_gateways_are_alike(assembly: Assembly, envoy: Assembly) -> None:
    here, there = (only(each["EcsStack"], TASK, Family="gateway") for each in (envoy, assembly))
    assert without(here, {"ContainerDefinitions"}) == without(there, {"ContainerDefinitions"})
    assert without(container(here, "envoy-proxy"), OF_ENVOY) == without(container(there, "envoy-proxy"), OF_ENVOY)


def test_services_are_the_same_but_for_their_groups(assembly: Assembly, envoy: Assembly) -> None:
    here, there = (json.loads(json.dumps(properties(each["EcsStack"], SERVICE))) for each in (envoy, assembly))
    groups, shared = (
        [each["NetworkConfiguration"]["AwsvpcConfiguration"].pop("SecurityGroups") for each in services]
        for services in (here, there)
    )
    assert here == there
    assert [len(set(map(json.dumps, of))) for of in (groups, shared)] == [5, 1]


@pytest.mark.parametrize(
    "type",
    [
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        "AWS::ElasticLoadBalancingV2::Listener",
        "AWS::Logs::LogGroup",
    ],
)
def test_everything_behind_the_gateway_is_the_same(type: str, assembly: Assembly, envoy: Assembly) -> None:
    assert properties(envoy["EcsStack"], type) == properties(assembly["EcsStack"], type)


@pytest.mark.parametrize(
    ("direction", "at", "to"),
    [
        pytest.param("Ingress", "SourceSecurityGroupId", "GroupId", id="in"),
        pytest.param("Egress", "GroupId", "DestinationSecurityGroupId", id="out"),
    ],
)
def test_groups_let_callers_reach_their_backends_at_envoys_port_and_nothing_else(
    direction: str, at: str, to: str, envoy: Assembly
) -> None:
    rules = properties(envoy["MeshStack"], f"AWS::EC2::SecurityGroup{direction}")
    assert {(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in rules} == {("tcp", 15100, 15100)}
    assert {(group_of(rule[at]), group_of(rule[to])) for rule in rules} == {
        ("blue", "red"),
        ("red", "green"),
        ("red", "yellow"),
        ("GatewayTask", "blue"),
        ("GatewayTask", "green"),
        ("GatewayTask", "yellow"),
    }


def group_of(reference: Any) -> str:
    """The node that a security group guards, or the gateway's tasks."""
    found = re.search(r"MeshNode(red|blue|green|yellow)|(GatewayTask)SecurityGroup", json.dumps(reference))
    assert found is not None
    return found[1] or found[2]


def test_services_have_the_names_of_the_tutorial(envoy: Assembly) -> None:
    records = {record["Name"]: record["ResourceRecords"] for record in records_of(envoy["MeshStack"])}
    names = ("red.colors.local", "blue.colors.local", "router.colors.local")
    assert records == {name: [loopback_address(name)] for name in names}


def records_of(template: Template) -> list[Properties]:
    return properties(template, "AWS::Route53::RecordSet")


def test_each_envoy_has_what_is_compiled_of_the_app_mesh_resources(
    synthesize: Synthesize, cloud_assembly: Callable[..., Any], envoy: Assembly
) -> None:
    """The same mesh comes out of both planes, but for the namespace in which tasks are found."""
    (mesh,) = read_source([cloud_assembly()]).meshes
    for node in mesh.nodes:
        task = only(envoy["EcsStack"], TASK, Family=f"{node.name}_node")
        compiled = configure(mesh, node, interception=Loopback(app_address="127.0.0.1")).bootstrap
        assert json.dumps(bootstrap(task, "envoy-sidecar")).replace("tasks.colors.", "colors.") == json.dumps(compiled)
    compiled = configure(mesh, mesh.gateway("color-gateway"), interception=Loopback()).bootstrap
    task = only(envoy["EcsStack"], TASK, Family="gateway")
    assert json.dumps(bootstrap(task, "envoy-proxy")).replace("tasks.colors.", "colors.") == json.dumps(compiled)


def test_another_weight_changes_a_line_of_each_task_that_routes_by_it_and_nothing_else(
    synthesize: Synthesize, envoy: Assembly
) -> None:
    changed = synthesize(dataPlane="envoy", weights="green=0,yellow=1")
    assert [stack for stack in envoy if changed[stack] != envoy[stack]] == ["EcsStack"]
    for family in ("blue_node", "green_node", "yellow_node"):
        assert only(changed["EcsStack"], TASK, Family=family) == only(envoy["EcsStack"], TASK, Family=family)
    for family, name in (("red_node", "envoy-sidecar"), ("gateway", "envoy-proxy")):
        before, after = (only(each["EcsStack"], TASK, Family=family) for each in (envoy, changed))
        lines = unified_diff(container(before, name)["Command"], container(after, name)["Command"], n=0, lineterm="")
        difference = [line for line in lines if line[:3] not in ("---", "+++")]
        assert [line[0] for line in difference] == ["@", "-", "+"]
        assert '_green_http_80", "weight": 4}' in difference[1]
        assert '_green_http_80", "weight": 0}' in difference[2]


def test_another_backend_changes_the_task_that_has_it_and_nothing_else(synthesize: Synthesize, envoy: Assembly) -> None:
    changed = synthesize(dataPlane="envoy", redBackends="router,blue")
    resources = envoy["EcsStack"]["Resources"].items()
    different = [id for id, resource in resources if changed["EcsStack"]["Resources"][id] != resource]
    assert [id[: len("RedTaskDefinition")] for id in different] == ["RedTaskDefinition"]
    new = changed["MeshStack"]["Resources"].keys() - envoy["MeshStack"]["Resources"].keys()
    # Their groups let red in at blue, and nothing else does.
    assert {changed["MeshStack"]["Resources"][id]["Type"] for id in new} == {
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
    }
