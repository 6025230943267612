"""Canary deployments: the state machine, what it may do, and what is refused. The rehearsal executes it."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk.assertions import Template as Assertions

from color_mesh import CanaryDeployment, MeshError, MeshNode, MeshRouter, ServiceMesh
from color_mesh.model.deployment import DataPlaneName
from tests.support.nag import nag_findings


class Prices:
    """A router between two nodes, and an alarm."""

    def __init__(self, data_plane: DataPlaneName = "envoy", protocol: Any = "http") -> None:
        self.stack = Stack(App(builtin_cloud_formation_validation=False), "Prices")
        self.vpc = ec2.Vpc(self.stack, "Vpc")
        mesh = ServiceMesh(self.stack, "Mesh", vpc=self.vpc, domain="shop.local", data_plane=data_plane)
        self.nodes = {
            name: MeshNode(self.stack, name, mesh=mesh, name=name, port=8080, protocol=protocol, virtual_service=False)
            for name in ("blue", "green", "red")
        }
        self.blue, self.green, self.red = self.nodes.values()
        self.router = MeshRouter(
            self.stack, "Router", mesh=mesh, virtual_service_name="blue.shop.local", port=8080, protocol=protocol
        )
        self.router.add_route("Route", name="prices", targets={self.blue: 95, self.green: 5})
        self.alarm = cloudwatch.Metric(namespace="shop", metric_name="errors").create_alarm(
            self.stack, "Errors", threshold=1, evaluation_periods=1
        )

    def canary(self, id: str = "Canary", **arguments: Any) -> CanaryDeployment:
        given = {"router": self.router, "stable": self.blue, "canary": self.green, "alarms": [self.alarm], **arguments}
        return CanaryDeployment(self.stack, id, **given)

    def resources(self) -> dict[str, Any]:
        resources: dict[str, Any] = Assertions.from_stack(self.stack).to_json()["Resources"]
        return resources


def states(resources: dict[str, Any]) -> dict[str, Any]:
    (machine,) = (each for each in resources.values() if each["Type"] == "AWS::StepFunctions::StateMachine")
    parts = machine["Properties"]["DefinitionString"]["Fn::Join"][1]
    definition: dict[str, Any] = json.loads("".join(part if isinstance(part, str) else "TOKEN" for part in parts))
    result: dict[str, Any] = definition["States"]
    return result


def test_each_step_is_checked_every_minute() -> None:
    prices = Prices()
    prices.canary(percentages=[10, 100], interval=Duration.seconds(90))
    plan = states(prices.resources())["Plan"]["Result"]
    weights = [each["weights"] for each in plan]
    assert weights == [{"blue": "90", "green": "10"}] * 2 + [{"blue": "0", "green": "100"}] * 2
    assert states(prices.resources())["Steps"]["ItemProcessor"]["States"]["Wait"]["Seconds"] == 45


def test_every_call_is_repeated_and_limited() -> None:
    prices = Prices()
    prices.canary()
    outer = states(prices.resources())
    calls = [each for each in [*outer.values(), *outer["Steps"]["ItemProcessor"]["States"].values()] if "Retry" in each]
    assert len(calls) == 6
    assert {each["TimeoutSeconds"] for each in calls} == {30}


def test_state_machine_may_change_the_weights_of_its_router_only() -> None:
    prices = Prices()
    prices.canary()
    resources = prices.resources()
    (service,) = (
        id
        for id, each in resources.items()
        if each["Type"] == "AWS::ServiceDiscovery::Service" and each["Properties"].get("Type") == "HTTP"
    )
    (alarm,) = (id for id, each in resources.items() if each["Type"] == "AWS::CloudWatch::Alarm")
    (machine,) = (id for id, each in resources.items() if each["Type"] == "AWS::StepFunctions::StateMachine")
    statements = [
        (statement["Action"], statement["Resource"])
        for id, each in resources.items()
        if each["Type"] == "AWS::IAM::Policy" and id.startswith("Canary")
        for statement in each["Properties"]["PolicyDocument"]["Statement"]
        if "logs:CreateLogDelivery" not in statement["Action"]
    ]
    assert statements == [
        (["servicediscovery:GetInstance", "servicediscovery:RegisterInstance"], {"Fn::GetAtt": [service, "Arn"]}),
        ("cloudwatch:DescribeAlarms", {"Fn::GetAtt": [alarm, "Arn"]}),
        ("states:ListExecutions", {"Ref": machine}),
    ]


def test_deployment_of_a_service_starts_an_execution() -> None:
    prices = Prices()
    implementation = prices.green.implement(
        prices.stack,
        "GreenTask",
        cluster=ecs.Cluster(prices.stack, "Cluster", vpc=prices.vpc),
        image=ecs.ContainerImage.from_registry("example/prices:1"),
    )
    canary = prices.canary()
    canary.start_after_deployments(prices.stack, "Start", implementation.fargate_service)
    (rule,) = (each for each in prices.resources().values() if each["Type"] == "AWS::Events::Rule")
    pattern = rule["Properties"]["EventPattern"]
    assert (pattern["source"], pattern["detail"]) == (["aws.ecs"], {"eventName": ["SERVICE_DEPLOYMENT_COMPLETED"]})
    assert len(pattern["resources"]) == len(rule["Properties"]["Targets"]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"percentages": []}, r"percentages are not rising shares, got \(\)", id="no-step"),
        pytest.param({"percentages": [50, 20]}, r"percentages are not rising shares, got \(50, 20\)", id="falling"),
        pytest.param({"percentages": [0, 20]}, "percentages are not rising shares", id="zero"),
        pytest.param({"percentages": [20, 101]}, "percentages are not rising shares", id="above-100"),
        pytest.param({"interval": Duration.millis(10)}, "interval is too short, got '0.01 s'", id="short"),
        pytest.param({"interval": Duration.hours(5)}, "takes too long, got '4 steps of 300 minutes'", id="long"),
        pytest.param({"alarms": []}, "has no alarms or too many, got 0", id="no-alarm"),
        pytest.param({"route": "other"}, "needs a route between 'blue' and 'green', got 'none'", id="other-route"),
    ],
)
def test_wrong_argument_is_refused_and_creates_nothing(arguments: dict[str, Any], message: str) -> None:
    prices = Prices()
    with pytest.raises(MeshError, match=message):
        prices.canary(**arguments)
    assert prices.stack.node.try_find_child("Canary") is None


def test_nodes_of_another_route_are_refused() -> None:
    prices = Prices()
    with pytest.raises(MeshError, match="needs a route between 'blue' and 'red', got 'none'"):
        prices.canary(canary=prices.red)


def test_of_several_routes_one_is_named() -> None:
    prices = Prices()
    prices.router.add_route("Test", name="test", prefix="/test", targets={prices.blue: 1, prices.green: 1})
    with pytest.raises(MeshError, match="got 'prices, test'"):
        prices.canary()
    prices.canary(route="test")


def test_composite_alarm_is_refused() -> None:
    prices = Prices()
    rule = cloudwatch.AlarmRule.from_alarm(prices.alarm, cloudwatch.AlarmState.ALARM)
    alarm = cloudwatch.CompositeAlarm(prices.stack, "Composite", alarm_rule=rule)
    with pytest.raises(MeshError, match="alarm is a composite alarm, got 'Prices/Composite'"):
        prices.canary(alarms=[alarm])


@pytest.mark.parametrize("protocol", ["http", "tcp"])
def test_weights_that_need_a_deployment_are_refused(protocol: str) -> None:
    with pytest.raises(MeshError, match="weights of the route do not change without a deployment, got 'prices'"):
        Prices("app-mesh", protocol).canary()


def test_weights_of_a_tcp_route_are_shifted_like_those_of_an_http_route() -> None:
    machines = []
    for protocol in ("http", "tcp"):
        prices = Prices(protocol=protocol)
        prices.canary()
        machines.append(states(prices.resources()))
    assert machines[0] == machines[1]


def test_canary_deployment_has_no_finding_of_cdk_nag(tmp_path: Path) -> None:
    imports = """
from aws_cdk import Stack, aws_cloudwatch as cloudwatch, aws_ec2 as ec2, aws_ecs as ecs
from color_mesh import CanaryDeployment, MeshNode, MeshRouter, ServiceMesh
"""
    declarations = """
stack = Stack(app, "Prices")
vpc = ec2.Vpc(stack, "Vpc")
cluster = ecs.Cluster(stack, "Cluster", vpc=vpc)
mesh = ServiceMesh(stack, "Mesh", vpc=vpc, domain="shop.local")
blue, green = (MeshNode(stack, name, mesh=mesh, name=name, virtual_service=False) for name in ("blue", "green"))
router = MeshRouter(stack, "Router", mesh=mesh, virtual_service_name="prices.shop.local")
router.add_route("Route", targets={blue: 95, green: 5})
metric = cloudwatch.Metric(namespace="shop", metric_name="errors")
alarm = metric.create_alarm(stack, "Errors", threshold=1, evaluation_periods=1)
canary = CanaryDeployment(stack, "Canary", router=router, stable=blue, canary=green, alarms=[alarm])
task = green.implement(stack, "Task", cluster=cluster, image=ecs.ContainerImage.from_registry("shop/app:1"))
canary.start_after_deployments(stack, "Start", task.fargate_service)
"""
    found = nag_findings(tmp_path, imports, declarations)
    assert [each for each in found if each[1].startswith(("Prices/Canary", "Prices/Start"))] == []
    assert ("AwsSolutions-VPC7", "Prices/Vpc/Resource") in found
