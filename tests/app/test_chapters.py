"""Changes in the templates for each chapter, gateway and experiment of the tutorial."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.cloudformation import Assembly, container, only, properties

Synthesize = Callable[..., Assembly]
REGION_VPC = (
    "vpc-provider:account=123456789012:filter.vpc-id=vpc-12345678:region=eu-west-1:returnAsymmetricSubnets=true"
)


def names(assembly: Assembly, type: str, key: str) -> list[str]:
    return [resource[key] for resource in properties(assembly["MeshStack"], f"AWS::AppMesh::{type}")]


def backends(assembly: Assembly, node: str) -> list[str]:
    spec = only(assembly["MeshStack"], "AWS::AppMesh::VirtualNode", VirtualNodeName=node)["Spec"]
    return [backend["VirtualService"]["VirtualServiceName"] for backend in spec.get("Backends", [])]


def weights(assembly: Assembly) -> dict[str, int]:
    spec = only(assembly["MeshStack"], "AWS::AppMesh::Route")["Spec"]
    return {target["VirtualNode"]: target["Weight"] for target in spec["HttpRoute"]["Action"]["WeightedTargets"]}


def images(assembly: Assembly) -> set[Any]:
    tasks = properties(assembly["EcsStack"], "AWS::ECS::TaskDefinition")
    return {container["Image"] for task in tasks for container in task["ContainerDefinitions"]}


def counts(assembly: Assembly) -> dict[str, int]:
    return {
        service["ServiceName"]: service["DesiredCount"]
        for service in properties(assembly["EcsStack"], "AWS::ECS::Service")
    }


@pytest.mark.parametrize(
    ("chapter", "nodes", "services"),
    [
        ("2", ["red", "blue"], ["red.colors.local", "blue.colors.local"]),
        (
            "3",
            ["red", "blue", "green", "yellow"],
            ["red.colors.local", "blue.colors.local", "router.colors.local"],
        ),
    ],
)
def test_chapter_has_its_nodes_and_services_and_no_gateway(
    chapter: str, nodes: list[str], services: list[str], synthesize: Synthesize
) -> None:
    assembly = synthesize(chapter=chapter)
    assert names(assembly, "VirtualNode", "VirtualNodeName") == nodes
    assert names(assembly, "VirtualService", "VirtualServiceName") == services
    assert names(assembly, "VirtualGateway", "VirtualGatewayName") == []
    assert list(counts(assembly)) == [f"{node}-svc" for node in nodes]


def test_red_has_no_backends_in_chapter_2(synthesize: Synthesize) -> None:
    assembly = synthesize(chapter="2")
    assert (backends(assembly, "red"), backends(assembly, "blue")) == ([], ["red.colors.local"])


@pytest.mark.parametrize(
    ("chapter", "setting", "expected"),
    [
        ("2", "blue", ["blue.colors.local"]),
        ("3", "router,blue", ["router.colors.local", "blue.colors.local"]),
        ("4", "", []),
    ],
)
def test_red_backends_become_backends(chapter: str, setting: str, expected: list[str], synthesize: Synthesize) -> None:
    assert backends(synthesize(chapter=chapter, redBackends=setting), "red") == expected


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("green=0,yellow=1", {"green": 0, "yellow": 1}),
        ("blue=1,yellow=1", {"blue": 1, "yellow": 1}),
    ],
)
def test_weights_are_the_targets_of_the_route(setting: str, expected: dict[str, int], synthesize: Synthesize) -> None:
    assembly = synthesize(weights=setting)
    assert weights(assembly) == expected
    assert names(assembly, "VirtualNode", "VirtualNodeName") == ["red", "blue", "green", "yellow"]


def test_weights_change_the_route_and_nothing_else(synthesize: Synthesize, assembly: Assembly) -> None:
    changed = synthesize(weights="green=0,yellow=1")
    resources = assembly["MeshStack"]["Resources"].items()
    different = [id for id, resource in resources if changed["MeshStack"]["Resources"][id] != resource]
    assert [id.startswith("RouterColorRoute") for id in different] == [True]
    assert changed["EcsStack"] == assembly["EcsStack"]


def test_images_are_those_of_the_settings(synthesize: Synthesize) -> None:
    assembly = synthesize(appImage="example/app:2", envoyImage="example/envoy:3")
    assert images(assembly) == {"example/app:2", "example/envoy:3"}


def test_every_execution_role_may_pull_from_a_private_registry(synthesize: Synthesize) -> None:
    image = "840364872350.dkr.ecr.ap-southeast-2.amazonaws.com/aws-appmesh-envoy:v1.27.0.0-prod"
    policies = properties(synthesize(envoyImage=image)["EcsStack"], "AWS::IAM::Policy")
    actions = [statement["Action"] for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
    assert actions.count("ecr:GetAuthorizationToken") == 5


def test_desired_counts_are_those_of_the_settings(synthesize: Synthesize) -> None:
    assert counts(synthesize(desiredCount="3", gatewayCount="4")) == {
        "red-svc": 3,
        "blue-svc": 3,
        "green-svc": 3,
        "yellow-svc": 3,
        "gateway-svc-load-balanced": 4,
    }


def test_container_insights_and_flow_logs_are_settings(synthesize: Synthesize) -> None:
    default = synthesize()["NetworkStack"]
    changed = synthesize(containerInsights="false", flowLogs="false")["NetworkStack"]
    insights = [only(each, "AWS::ECS::Cluster")["ClusterSettings"][0]["Value"] for each in (default, changed)]
    assert insights == ["enabled", "disabled"]
    flow_logs = [len(properties(each, "AWS::EC2::FlowLog")) for each in (default, changed)]
    assert flow_logs == [1, 0]
    assert properties(changed, "AWS::Logs::LogGroup") == []


def test_log_groups_have_the_retention_of_the_settings(synthesize: Synthesize) -> None:
    assembly = synthesize(logRetentionDays="30")
    groups = [properties(assembly[stack], "AWS::Logs::LogGroup") for stack in ("NetworkStack", "EcsStack")]
    assert [group["RetentionInDays"] for (group,) in groups] == [30, 30]


def test_existing_cluster_is_used_by_name(synthesize: Synthesize) -> None:
    assembly = synthesize(clusterName="my-cluster-1")
    assert properties(assembly["NetworkStack"], "AWS::ECS::Cluster") == []
    clusters = {service["Cluster"] for service in properties(assembly["EcsStack"], "AWS::ECS::Service")}
    assert clusters == {"my-cluster-1"}


def test_existing_vpc_is_looked_up_by_id(tmp_path: Path) -> None:
    from aws_cdk import Environment

    from app import build

    subnet_groups = [
        {
            "name": kind,
            "type": kind,
            "subnets": [
                {"subnetId": f"subnet-{kind}-{zone}", "availabilityZone": f"eu-west-1{zone}", "routeTableId": "rtb-1"}
                for zone in "ab"
            ],
        }
        for kind in ("Private", "Public")
    ]
    vpc = {"vpcId": "vpc-12345678", "vpcCidrBlock": "10.0.0.0/16", "subnetGroups": subnet_groups}
    app = build(
        context={"color-mesh:vpcId": "vpc-12345678", REGION_VPC: vpc},
        env=Environment(account="123456789012", region="eu-west-1"),
        outdir=str(tmp_path),
        validate=False,
    )
    network, ecs = (app.synth().get_stack_by_name(name).template for name in ("NetworkStack", "EcsStack"))
    assert properties(network, "AWS::EC2::VPC") == []
    assert only(network, "AWS::ServiceDiscovery::PrivateDnsNamespace")["Vpc"] == "vpc-12345678"
    service = only(ecs, "AWS::ECS::Service", ServiceName="red-svc")
    assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"] == ["subnet-Private-a", "subnet-Private-b"]
    balancer = only(ecs, "AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert balancer["Subnets"] == ["subnet-Public-a", "subnet-Public-b"]


def test_container_of_a_node_is_named_after_it(synthesize: Synthesize) -> None:
    task = only(synthesize(chapter="2")["EcsStack"], "AWS::ECS::TaskDefinition", Family="blue_node")
    assert container(task, "blue-app")["Environment"] == [{"Name": "COLOR", "Value": "blue"}]


TELEMETRY_ACTIONS = {
    "app-mesh": {"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
    "envoy": {"xray:PutTraceSegments", "cloudwatch:PutMetricData"},
}


def allowed_actions(assembly: Assembly, policy: str) -> set[str]:
    """Return the actions that the policies with a logical id that begins so allow."""
    resources = assembly["EcsStack"]["Resources"].items()
    policies = [
        each["Properties"] for id, each in resources if each["Type"] == "AWS::IAM::Policy" and id.startswith(policy)
    ]
    actions = [statement["Action"] for each in policies for statement in each["PolicyDocument"]["Statement"]]
    return {action for each in actions for action in ([each] if isinstance(each, str) else each)}


@pytest.mark.parametrize("plane", TELEMETRY_ACTIONS)
@pytest.mark.parametrize("part", ["Red", "Gateway"])
def test_chapter_6_adds_the_permissions_of_telemetry_and_no_others(
    plane: str, part: str, synthesize: Synthesize
) -> None:
    before, after = (
        allowed_actions(synthesize(chapter=chapter, dataPlane=plane), f"{part}TaskRole") for chapter in ("4", "6")
    )
    assert (after - before, before - after) == (TELEMETRY_ACTIONS[plane], set())


def test_chapter_6_changes_no_mesh_of_app_mesh(synthesize: Synthesize) -> None:
    before, after = synthesize(chapter="4"), synthesize(chapter="6")
    assert [before[stack] == after[stack] for stack in ("NetworkStack", "MeshStack")] == [True, True]


@pytest.mark.parametrize(("plane", "has_collectors"), [("app-mesh", True), ("envoy", False)])
def test_chapter_6_has_collectors_with_app_mesh_only(plane: str, has_collectors: bool, synthesize: Synthesize) -> None:
    tasks = properties(synthesize(chapter="6", dataPlane=plane)["EcsStack"], "AWS::ECS::TaskDefinition")
    found = [any(each["Name"] == "aws-otel-collector" for each in task["ContainerDefinitions"]) for task in tasks]
    assert found == [has_collectors] * 5
