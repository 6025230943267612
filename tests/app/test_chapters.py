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


AUTHORITY = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/11223344-1234-1122-2233-112233445566"
CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/11223344-1234-1122-2233-112233445566"
ISSUED = {
    "app-mesh": ["red.colors.local", "blue.colors.local", "router.colors.local", "yellow.colors.local"],
    "envoy": [
        *(f"{name}.tasks.colors.local" for name in ("red", "blue", "router", "yellow")),
        "color-gateway.tasks.colors.local",
    ],
}


def statements_of(assembly: Assembly, policy: str, *actions: str) -> dict[str, Any]:
    """Return the resources of these actions, in the policies with a logical id that begins so."""
    resources = assembly["EcsStack"]["Resources"].items()
    return {
        statement["Action"]: statement["Resource"]
        for id, each in resources
        if each["Type"] == "AWS::IAM::Policy" and id.startswith(policy)
        for statement in each["Properties"]["PolicyDocument"]["Statement"]
        if statement["Action"] in actions
    }


@pytest.mark.parametrize("plane", ISSUED)
def test_chapter_5_issues_a_certificate_for_the_name_of_each_node(plane: str, synthesize: Synthesize) -> None:
    mesh = synthesize(chapter="5", dataPlane=plane)["MeshStack"]
    authority = only(mesh, "AWS::ACMPCA::CertificateAuthority")
    assert (authority["Type"], authority["Subject"]["CommonName"]) == ("ROOT", "color-mesh")
    certificates = properties(mesh, "AWS::CertificateManager::Certificate")
    assert [each["DomainName"] for each in certificates] == ISSUED[plane]
    activation = next(id for id, each in mesh["Resources"].items() if each["Type"].endswith("Activation"))
    for each in mesh["Resources"].values():
        if each["Type"] == "AWS::CertificateManager::Certificate":
            assert activation in each["DependsOn"]


@pytest.mark.parametrize("plane", ISSUED)
@pytest.mark.parametrize("color", ["red", "green"])
def test_chapter_5_allows_each_node_its_own_certificate_and_the_authority(
    plane: str, color: str, synthesize: Synthesize
) -> None:
    actions = "acm:ExportCertificate", "acm-pca:GetCertificateAuthorityCertificate"
    assembly = synthesize(chapter="5", dataPlane=plane)
    allowed = statements_of(assembly, f"{color.capitalize()}TaskRole", *actions)
    assert f"RefCertificates{color.capitalize()}" in allowed[actions[0]]["Fn::GetStackOutput"]["OutputName"]
    # Green calls nobody. Only with client certificates it needs the authority, of its callers.
    if (plane, color) == ("app-mesh", "green"):
        assert actions[1] not in allowed
    else:
        assert "CertificatesAuthority" in allowed[actions[1]]["Fn::GetStackOutput"]["OutputName"]
    before, after = (
        allowed_actions(synthesize(chapter=chapter, dataPlane=plane), f"{color.capitalize()}TaskRole")
        for chapter in ("4", "5")
    )
    assert after - before == set(allowed)


@pytest.mark.parametrize("plane", ISSUED)
def test_chapter_5_takes_given_certificates(plane: str, synthesize: Synthesize) -> None:
    given = {"certificateAuthorityArn": AUTHORITY, "certificateArn": CERTIFICATE}
    assembly = synthesize(chapter="5", dataPlane=plane, **given)
    types = {each["Type"] for each in assembly["MeshStack"]["Resources"].values()}
    assert not any(each.startswith(("AWS::ACMPCA", "AWS::CertificateManager")) for each in types)
    assert statements_of(
        assembly, "RedTaskRole", "acm:ExportCertificate", "acm-pca:GetCertificateAuthorityCertificate"
    ) == {"acm:ExportCertificate": CERTIFICATE, "acm-pca:GetCertificateAuthorityCertificate": AUTHORITY}


def test_warning_of_the_given_certificate_of_all_nodes_is_acknowledged(cloud_assembly: Callable[..., Path]) -> None:
    given = {"certificateAuthorityArn": AUTHORITY, "certificateArn": CERTIFICATE}
    out = cloud_assembly(chapter="5", dataPlane="envoy", **given)
    assert not [path for path in out.glob("*.json") if "shared-certificate]" in path.read_text()]


def test_chapter_5_issues_certificates_of_a_given_authority(synthesize: Synthesize) -> None:
    mesh = synthesize(chapter="5", certificateAuthorityArn=AUTHORITY)["MeshStack"]
    issued = properties(mesh, "AWS::CertificateManager::Certificate")
    assert [each["CertificateAuthorityArn"] for each in issued] == [AUTHORITY] * 4
    assert properties(mesh, "AWS::ACMPCA::CertificateAuthority") == []


def test_listeners_of_chapter_5_are_strict_and_their_callers_trust_the_authority(synthesize: Synthesize) -> None:
    mesh = synthesize(chapter="5")["MeshStack"]
    nodes = {each["VirtualNodeName"]: each["Spec"] for each in properties(mesh, "AWS::AppMesh::VirtualNode")}
    assert {spec["Listeners"][0]["TLS"]["Mode"] for spec in nodes.values()} == {"STRICT"}
    gateway = only(mesh, "AWS::AppMesh::VirtualGateway")["Spec"]
    callers = [nodes["red"], nodes["blue"], gateway]
    trusts = [each["BackendDefaults"]["ClientPolicy"]["TLS"]["Validation"]["Trust"]["ACM"] for each in callers]
    assert len({str(each) for each in trusts}) == 1
    # Clients of the gateway go on without TLS.
    assert "TLS" not in gateway["Listeners"][0]
