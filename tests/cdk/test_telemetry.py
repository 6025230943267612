"""Telemetry of a mesh in its task definitions: permissions, variables, collectors, and outbound rules."""

import json
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Template as Assertions

from color_mesh import MeshError, MeshGateway, MeshNode, ServiceMesh, Telemetry
from color_mesh.envoy.document import read
from color_mesh.model.deployment import DataPlaneName
from tests.support.cloudformation import Properties, Template, container, only, properties

TASK = "AWS::ECS::TaskDefinition"
COLLECTOR = "aws-otel-collector"
OTLP = ["xray:PutTraceSegments", "cloudwatch:PutMetricData"]


def shop(telemetry: Telemetry | None, data_plane: DataPlaneName = "envoy") -> Template:
    """Return the template of a mesh with a node and a gateway."""
    stack = Stack(App(builtin_cloud_formation_validation=False), "Shop")
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2)
    cluster = ecs.Cluster(stack, "Cluster", vpc=vpc)
    mesh = ServiceMesh(
        stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local", telemetry=telemetry, data_plane=data_plane
    )
    node = MeshNode(stack, "Cart", mesh=mesh, name="cart", port=80)
    image = ecs.ContainerImage.from_registry("shop/cart:1")
    node.implement(stack, "CartTask", cluster=cluster, image=image, family="cart")
    gateway = MeshGateway(stack, "Entry", mesh=mesh, name="entry")
    gateway.add_route("All", prefix="/", to=node)
    gateway.implement(stack, "EntryTask", cluster=cluster, family="entry")
    return dict(Assertions.from_stack(stack).to_json())


def telemetry_actions(template: Template) -> list[list[str]]:
    """Return the actions of each statement that allows to send telemetry."""
    statements = [
        statement
        for policy in properties(template, "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    actions = [statement["Action"] for statement in statements if statement["Resource"] == "*"]
    return [each for each in actions if any(action.startswith(("xray:", "cloudwatch:")) for action in each)]


def task(template: Template, family: str) -> Properties:
    return only(template, TASK, Family=family)


def names(template: Template, family: str) -> list[str]:
    return [each["Name"] for each in task(template, family)["ContainerDefinitions"]]


def outbound_ports(template: Template) -> set[int]:
    groups = properties(template, "AWS::EC2::SecurityGroup")
    return {rule["ToPort"] for group in groups for rule in group.get("SecurityGroupEgress", []) if "ToPort" in rule}


def test_envoys_send_telemetry_to_aws_with_exactly_two_permissions() -> None:
    template = shop(Telemetry())
    assert telemetry_actions(template) == [OTLP, OTLP]
    assert [names(template, family) for family in ("cart", "entry")] == [
        ["cart-app", "envoy-sidecar", "deregistration-delay"],
        ["envoy-proxy"],
    ]
    envoy = container(task(template, "cart"), "envoy-sidecar")
    assert "Environment" not in envoy
    assert "OTEL_RESOURCE_ATTRIBUTES" in envoy["EntryPoint"][2]


def test_collector_in_each_task_has_the_permissions_of_the_task() -> None:
    template = shop(Telemetry(collector="sidecar"))
    assert telemetry_actions(template) == [OTLP, OTLP]
    for family in ("cart", "entry"):
        collector = container(task(template, family), COLLECTOR)
        assert (collector["Essential"], collector["ReadonlyRootFilesystem"]) == (False, True)
        (variable,) = collector["Environment"]
        assert variable["Name"] == "AOT_CONFIG_CONTENT"
        text = "".join(part if isinstance(part, str) else "R" for part in variable["Value"]["Fn::Join"][1])
        exporters = json.loads(text)["exporters"]
        assert [exporter[f"{name.split('/')[1]}_endpoint"] for name, exporter in exporters.items()] == [
            "https://xray.R.R/v1/traces",
            "https://monitoring.R.R/v1/metrics",
        ]


def test_collector_at_an_address_takes_no_permission_and_an_outbound_rule() -> None:
    template = shop(Telemetry(collector="http://collector.example:4318"))
    assert telemetry_actions(template) == []
    assert 4318 in outbound_ports(template)
    assert COLLECTOR not in names(template, "cart")


@pytest.mark.parametrize("telemetry", [Telemetry(), Telemetry(collector="sidecar"), Telemetry(collector="https://c.x")])
def test_other_collectors_need_no_outbound_rule(telemetry: Telemetry) -> None:
    assert outbound_ports(shop(telemetry)) == outbound_ports(shop(None))


def test_without_telemetry_there_is_nothing_of_it() -> None:
    template = shop(None)
    assert telemetry_actions(template) == []
    words = json.dumps(template)
    assert not [word for word in ("telemetry", "OTEL", COLLECTOR) if word in words]


def test_sampling_is_that_of_the_argument() -> None:
    envoy = container(task(shop(Telemetry(sampling_percent=12.5)), "cart"), "envoy-sidecar")
    assert '"sampling_percentage": {"numerator": 125000, "denominator": "MILLION"}' in " ".join(envoy["Command"])
    assert read(envoy["Command"])["stats_sinks"]


@pytest.mark.parametrize(("percent", "rate"), [(5, "0.05"), (100, "1"), (0, "0"), (0.5, "0.005")])
def test_app_mesh_sends_segments_to_a_collector_in_the_task(percent: float, rate: str) -> None:
    template = shop(Telemetry(collector="sidecar", sampling_percent=percent), "app-mesh")
    assert telemetry_actions(template) == [["xray:PutTraceSegments", "xray:PutTelemetryRecords"]] * 2
    for family, name in (("cart", "envoy-sidecar"), ("entry", "envoy-proxy")):
        variables = {each["Name"]: each["Value"] for each in container(task(template, family), name)["Environment"]}
        assert (variables["ENABLE_ENVOY_XRAY_TRACING"], variables["XRAY_SAMPLING_RATE"]) == ("1", rate)
        # Traffic of this user is not redirected to Envoy.
        assert container(task(template, family), COLLECTOR)["User"] == "1337"


def test_app_mesh_supports_a_collector_in_the_task_only(stack: Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(MeshError) as error:
        ServiceMesh(
            stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local", data_plane="app-mesh", telemetry=Telemetry()
        )
    assert str(error.value) == (
        "mesh 'shop': App Mesh sends telemetry to a collector in the task only, got None "
        "(Telemetry(collector='sidecar'), or data_plane='envoy')"
    )
    assert stack.node.try_find_child("Mesh") is None


def test_telemetry_of_another_type_is_refused(stack: Stack, vpc: ec2.IVpc) -> None:
    wrong: Any = "sidecar"
    with pytest.raises(MeshError) as error:
        ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local", telemetry=wrong)
    expected = "ServiceMesh 'Mesh': 'telemetry' is not of the type Telemetry, got 'sidecar' (such as Telemetry(...))"
    assert str(error.value) == expected


def test_container_with_the_name_of_the_collector_is_refused(stack: Stack, vpc: ec2.IVpc) -> None:
    mesh = ServiceMesh(
        stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local", telemetry=Telemetry(collector="sidecar")
    )
    node = MeshNode(stack, "Cart", mesh=mesh, name="cart", port=80)
    definition = ecs.FargateTaskDefinition(stack, "Task")
    definition.add_container(COLLECTOR, image=ecs.ContainerImage.from_registry("shop/cart:1"))
    with pytest.raises(MeshError, match="has a container of this name, got 'aws-otel-collector'"):
        node.add_to(definition)
