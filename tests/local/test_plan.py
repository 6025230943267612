"""The plan of a run: what templates must declare, and what has no effect."""

import json
from collections.abc import Callable
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from color_mesh.ecs.security_groups import Rule
from color_mesh.local.plan.assembly import read_plan
from color_mesh.local.plan.diagnosis import warnings
from color_mesh.local.plan.published_ports import published_ports
from tests.support.local_templates import (
    APP,
    TEMPLATE,
    Change,
    Resources,
    balanced,
    changed,
    planned,
    refused,
    resource,
    with_app,
    with_properties,
)


@pytest.mark.parametrize(
    "settings", [{"chapter": "2"}, {"chapter": "3"}, {}, {"gateway": "public-ip"}], ids=["2", "3", "4", "public-ip"]
)
def test_templates_of_the_tutorial_run_without_warnings(
    cloud_assembly: Callable[..., Path], settings: dict[str, str]
) -> None:
    plan = read_plan([cloud_assembly(**settings)], {"forsakenidol/colorapp": ("true",)})
    assert warnings(plan) == ()
    assert not [each for each in plan.not_emulated if each.startswith("AWS::") and each != "AWS::EC2::FlowLog"]


def test_security_group_admits_the_addresses_of_a_declared_vpc(tmp_path: Path) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": {"Fn::GetAtt": ["Vpc", "CidrBlock"]}}
    (group,) = planned(tmp_path, with_properties("Group", SecurityGroupIngress=[rule])).network.groups.values()
    assert group.ingress == (Rule(protocol="tcp", first_port=80, last_port=80, cidr=IPv4Network("10.1.0.0/16")),)


def test_plans_of_the_same_templates_are_equal(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    assert warnings(plan) == ()
    assert plan == planned(tmp_path)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(
            with_properties("Service", TaskDefinition="other"),
            "Service.TaskDefinition: refers to an undeclared resource, got 'other' (declare it in the templates)",
            id="task-definition",
        ),
        pytest.param(
            with_properties("Service", NetworkConfiguration={"AwsvpcConfiguration": {}}),
            "Service.NetworkConfiguration: has no subnet, got () (one or more)",
            id="subnet",
        ),
    ],
)
def test_resources_that_a_service_needs_must_be_declared(tmp_path: Path, change: Change, expected: str) -> None:
    assert refused(tmp_path, change) == [f"shop.template.json: {expected}"]


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    def change(resources: Resources) -> None:
        with_properties("Vpc", CidrBlock="ten")(resources)
        with_app(User="me", Image="other")(resources)

    assert len(refused(tmp_path, change)) == 3


def test_templates_without_a_service_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "empty.template.json"
    file.write_text('{"Resources": {}}')
    with pytest.raises(ValueError, match=r"declares nothing to run, got 'no AWS::ECS::Service'"):
        read_plan([file])


def test_ports_of_services_with_public_addresses_are_published(tmp_path: Path) -> None:
    def change(resources: Resources) -> None:
        resources["Service"]["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] = "ENABLED"
        with_app(PortMappings=[{"ContainerPort": 8080}])(resources)

    (port,) = published_ports(planned(tmp_path, change))
    assert (port.owner, port.port) == ("shop.template.json: Service", 8080)


class TestNotEmulated:
    def test_properties_without_an_emulation_are_named(self, tmp_path: Path) -> None:
        change = with_app(
            Ulimits=[{"Name": "nofile"}],
            Secrets=[{"Name": "KEY", "ValueFrom": "key"}],
            LogConfiguration={"LogDriver": "splunk"},
            SystemControls=[{"Namespace": "kernel.msgmax", "Value": "1"}],
        )
        assert [each for each in planned(tmp_path, change).not_emulated if each.startswith("AWS::")] == [
            "AWS::ECS::TaskDefinition ContainerDefinitions.Secrets",
            "AWS::ECS::TaskDefinition ContainerDefinitions.Ulimits",
            "AWS::ECS::TaskDefinition LogDriver splunk",
            "AWS::ECS::TaskDefinition SystemControls kernel.msgmax",
        ]

    def test_types_without_an_emulation_are_named(self, tmp_path: Path) -> None:
        more = {
            "Queue": resource("AWS::SQS::Queue"),
            "Certificates": resource("AWS::ElasticLoadBalancingV2::TrustStore"),
        }
        types = [each for each in planned(tmp_path, more=more).not_emulated if each.startswith("AWS::")]
        assert types == ["AWS::ElasticLoadBalancingV2::TrustStore", "AWS::SQS::Queue"]

    def test_attributes_without_an_emulation_are_named(self, tmp_path: Path) -> None:
        attributes = {"stickiness.enabled": "true", "slow_start.duration_seconds": "", "stickiness.type": "off"}
        more = balanced(TargetGroupAttributes=[{"Key": key, "Value": value} for key, value in attributes.items()])
        names = [each for each in planned(tmp_path, more=more).not_emulated if each.startswith("AWS::")]
        assert names == ["AWS::ElasticLoadBalancingV2::TargetGroup stickiness.enabled"]

    def test_records_of_public_zones_are_named(self, tmp_path: Path) -> None:
        more = {"X": resource("AWS::Route53::RecordSet", HostedZoneId="Z1", Name="a.example", Type="A")}
        plan = planned(tmp_path, more=more)
        assert "AWS::Route53::RecordSet of a hosted zone that no template declares as private" in plan.not_emulated
        assert plan.zones.records == ()

    def test_undeclared_security_groups_are_named(self, tmp_path: Path) -> None:
        network = {"AwsvpcConfiguration": {"Subnets": ["subnet-1"], "SecurityGroups": ["sg-1"]}}
        plan = planned(tmp_path, with_properties("Service", NetworkConfiguration=network))
        assert "security group sg-1, which no template declares: it allows all traffic" in plan.not_emulated


ASSIGNMENT = {
    "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": {"address": "Stock.shop.local"}}}}]}]
}
OUTSIDE = {"endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": {"address": "db.example"}}}}]}]}


def test_clusters_lead_to_the_nodes_of_their_hostnames(tmp_path: Path) -> None:
    clusters = [
        {"name": "to-stock", "load_assignment": ASSIGNMENT},
        {"name": "to-database", "load_assignment": OUTSIDE},
        {"name": "to-application", "type": "STATIC", "load_assignment": ASSIGNMENT},
        {"name": "anywhere", "type": "ORIGINAL_DST"},
        {"name": "of-cloud-map", "type": "EDS", "eds_cluster_config": {"service_name": "shop%2Elocal/Stock?port=80"}},
        {"name": "of-a-list", "type": "EDS", "eds_cluster_config": {"service_name": ["shop.local/stock"]}},
    ]
    plan = planned(tmp_path)
    assert plan.cluster_nodes({"static_resources": {"clusters": clusters}}) == {
        "to-stock": "stock",
        "of-cloud-map": "stock",
        "to-database": "db.example",
    }


def test_tasks_run_in_the_region_of_their_stack(tmp_path: Path) -> None:
    """Envoys send telemetry to the endpoints of this region, and Cloud Map has it as an attribute of the task."""
    regions = {"shop": "eu-west-1", "warehouse": "us-west-2"}
    network = {name: TEMPLATE[name] for name in ("Vpc", "Subnet", "Group")}
    task = resource("AWS::ECS::TaskDefinition", Family="warehouse", ContainerDefinitions=[APP])
    service = changed(with_properties("Service", ServiceRegistries=[]))["Service"]
    for name, declared in (("shop", TEMPLATE), ("warehouse", {**network, "Task": task, "Service": service})):
        (tmp_path / f"{name}.template.json").write_text(json.dumps({"Resources": declared}))
    artifacts = {
        name: {
            "type": "aws:cloudformation:stack",
            "environment": f"aws://111122223333/{region}",
            "properties": {"templateFile": f"{name}.template.json"},
        }
        for name, region in regions.items()
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"version": "1", "artifacts": artifacts}))
    plan = read_plan([tmp_path], {"colorapp": ("true",)})
    assert plan.regions == ("eu-west-1", "us-west-2")
    assert {each.definition.family: each.region for each in plan.tasks.values()} == {
        "stock": "eu-west-1",
        "warehouse": "us-west-2",
    }
