"""Resources that cannot run on this machine are left out of a run and named, with what depends on them."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from color_mesh.ecs.actions import Action
from color_mesh.local.plan.assembly import Plan
from color_mesh.local.plan.diagnosis import warnings
from tests.support.local_templates import (
    APP,
    TEMPLATE,
    Resources,
    balanced,
    elb,
    planned,
    refused,
    resource,
    with_properties,
)

PLACE = "shop.template.json: "
UNKNOWN_IMAGE = "no program runs in place of the image, got 'example/other'"


def other_service(container: Resources, **service: Any) -> Resources:
    """A second service, with one container beside the Envoy."""
    task = deepcopy(TEMPLATE["Task"]["Properties"])
    task |= {"Family": "other", "ContainerDefinitions": [container, task["ContainerDefinitions"][1]]}
    declared = {**TEMPLATE["Service"]["Properties"], "ServiceName": "other-svc", "TaskDefinition": {"Ref": "OtherTask"}}
    return {
        "OtherTask": resource("AWS::ECS::TaskDefinition", **task),
        "Other": resource("AWS::ECS::Service", **{**declared, **service}),
    }


def lines(plan: Plan) -> list[str]:
    return [each.text.removeprefix(PLACE) for each in plan.left_out]


def names(plan: Plan) -> list[str]:
    return [each.name for each in plan.services.values()]


def test_templates_that_run_leave_out_nothing(tmp_path: Path) -> None:
    assert planned(tmp_path).left_out == ()


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        pytest.param({"Image": "example/other"}, UNKNOWN_IMAGE, id="image"),
        pytest.param({"User": "me"}, "user is not numeric or too high, got 'me'", id="user"),
        pytest.param(
            {"Environment": [{"Name": "HOST", "Value": {"Fn::GetAtt": ["Database", "Endpoint.Address"]}}]},
            "variable HOST: is known only at deployment, got 'Database.Endpoint.Address' "
            "(add --set Database.Endpoint.Address=VALUE)",
            id="variable",
        ),
    ],
)
def test_service_of_a_container_that_cannot_run_is_left_out(tmp_path: Path, container: Resources, reason: str) -> None:
    more = {**other_service({**APP, **container}), "Database": resource("AWS::RDS::DBInstance")}
    plan = planned(tmp_path, more=more)
    cause, service = lines(plan)
    assert reason in cause
    assert service == f"Other (other-svc): depends on {PLACE}OtherTask, which is left out"
    assert names(plan) == ["stock-svc"]


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        pytest.param({"DesiredCount": 5001}, "Other.DesiredCount: desired count out of range", id="count"),
        pytest.param({"TaskDefinition": "other"}, "Other.TaskDefinition: refers to an undeclared resource", id="tasks"),
        pytest.param(
            {"DesiredCount": {"Fn::ImportValue": "count"}}, "import 'count': no template exports it", id="import"
        ),
        pytest.param({"NetworkConfiguration": {}}, "Other.NetworkConfiguration: has no subnet", id="subnets"),
    ],
)
def test_service_that_cannot_run_is_left_out(tmp_path: Path, service: Resources, reason: str) -> None:
    plan = planned(tmp_path, more=other_service(APP, **service))
    (line,) = lines(plan)
    assert line.startswith(reason)
    assert names(plan) == ["stock-svc"]


def test_service_of_another_network_mode_is_left_out(tmp_path: Path) -> None:
    more = other_service(APP, NetworkConfiguration={})
    more["OtherTask"]["Properties"]["NetworkMode"] = "bridge"
    (line,) = lines(planned(tmp_path, more=more))
    assert line == "Other.TaskDefinition: network mode does not run here, got 'bridge' (awsvpc)"


def test_reasons_are_the_error_if_no_service_can_run(tmp_path: Path) -> None:
    (line,) = refused(tmp_path, with_properties("Task", ContainerDefinitions=[{**APP, "Image": "example/other"}]))
    assert UNKNOWN_IMAGE in line


def test_task_definitions_without_a_service_need_no_programs(tmp_path: Path) -> None:
    more = other_service({**APP, "Image": "example/other"})
    del more["Other"]
    plan = planned(tmp_path, more=more)
    assert (plan.left_out, list(plan.tasks)) == ((), [f"{PLACE}Task"])


SIDECAR: Resources = {"Name": "sidecar", "Image": "example/other", "Essential": False}


class TestContainers:
    def plan(self, folder: Path, *containers: Resources) -> Plan:
        more = other_service(APP)
        more["OtherTask"]["Properties"]["ContainerDefinitions"] = [*containers]
        return planned(folder, more=more)

    def test_container_that_is_not_essential_is_left_out_alone(self, tmp_path: Path) -> None:
        plan = self.plan(tmp_path, APP, SIDECAR)
        (line,) = lines(plan)
        assert UNKNOWN_IMAGE in line
        assert [each.name for each in plan.tasks[f"{PLACE}OtherTask"].containers] == ["app"]

    def test_containers_that_depend_on_it_are_left_out(self, tmp_path: Path) -> None:
        needs = {"DependsOn": [{"ContainerName": "sidecar", "Condition": "START"}]}
        plan = self.plan(tmp_path, APP, {**APP, "Name": "second", "Essential": False, **needs}, SIDECAR)
        assert lines(plan)[1:] == [
            "OtherTask container 'second': depends on container 'sidecar', which is left out",
        ]
        assert [each.name for each in plan.tasks[f"{PLACE}OtherTask"].containers] == ["app"]

    def test_service_is_left_out_if_an_essential_container_depends_on_it(self, tmp_path: Path) -> None:
        needs = {"DependsOn": [{"ContainerName": "sidecar", "Condition": "SUCCESS"}]}
        plan = self.plan(tmp_path, {**APP, **needs}, SIDECAR)
        assert names(plan) == ["stock-svc"]
        assert len(lines(plan)) == 3

    def test_tasks_run_without_their_log_router(self, tmp_path: Path) -> None:
        router = {**SIDECAR, "Essential": True, "FirelensConfiguration": {"Type": "fluentbit"}}
        needs = {"DependsOn": [{"ContainerName": "sidecar", "Condition": "START"}]}
        plan = self.plan(tmp_path, {**APP, **needs}, router)
        (container,) = plan.tasks[f"{PLACE}OtherTask"].containers
        assert (container.name, container.definition.depends_on) == ("app", ())


class TestRegistrations:
    @pytest.mark.parametrize(
        ("service", "reason"),
        [
            pytest.param(
                {"ServiceRegistries": [{"RegistryArn": "arn:aws:servicediscovery:1"}]},
                "ServiceRegistries: refers to an undeclared resource, got 'arn:aws:servicediscovery:1' "
                "(declare it in the templates)",
                id="registry",
            ),
            pytest.param(
                {"LoadBalancers": [{"TargetGroupArn": "tg", "ContainerPort": 80}]},
                "LoadBalancers: refers to an undeclared resource, got 'tg' (declare it in the templates)",
                id="target-group",
            ),
        ],
    )
    def test_service_is_not_registered_in_what_no_template_declares(
        self, tmp_path: Path, service: Resources, reason: str
    ) -> None:
        plan = planned(tmp_path, more=other_service(APP, **{"ServiceRegistries": [], **service}))
        assert lines(plan) == [f"Other.{reason}"]
        other = plan.services[f"{PLACE}Other"]
        assert (other.discovery, other.targets) == ((), ())

    def test_service_is_not_registered_in_a_namespace_that_no_template_declares(self, tmp_path: Path) -> None:
        plan = planned(tmp_path, with_properties("Name", NamespaceId="ns-1"))
        assert lines(plan) == [
            "Name.NamespaceId: no template declares the namespace, got 'stock' (a namespace that a template declares)",
            f"Service.ServiceRegistries: depends on {PLACE}Name, which is left out",
        ]
        assert names(plan) == ["stock-svc"]

    def test_alias_record_is_left_out(self, tmp_path: Path) -> None:
        zone = resource("AWS::Route53::HostedZone", Name="shop.internal", VPCs=[{"VPCId": "vpc-1"}])
        alias = resource("AWS::Route53::RecordSet", HostedZoneId={"Ref": "Zone"}, Name="a.shop.internal", Type="A")
        plan = planned(tmp_path, more={"Zone": zone, "Alias": alias})
        assert lines(plan) == [
            "record 'a.shop.internal': has no value, got () (values in ResourceRecords; aliases are not supported here)"
        ]
        assert plan.zones.records == ()


class TestSecurityGroups:
    def test_rule_with_a_port_that_only_a_deployment_knows_is_left_out(self, tmp_path: Path) -> None:
        port = {"Fn::GetAtt": ["Database", "Endpoint.Port"]}
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "10.0.0.0/8"}
        known = {**rule, "FromPort": 80, "ToPort": 80}
        plan = planned(
            tmp_path,
            with_properties("Group", SecurityGroupIngress=[rule, known]),
            {"Database": resource("AWS::RDS::DBInstance")},
        )
        assert lines(plan) == [
            f"Group.SecurityGroupIngress[0].{key}: is known only at deployment, got Database.Endpoint.Port "
            "(give it with --set Database.Endpoint.Port=VALUE)"
            for key in ("FromPort", "ToPort")
        ]
        assert [each.first_port for each in plan.network.groups[f"{PLACE}Group"].ingress] == [80]


class TestMesh:
    def other(self, **spec: Any) -> Resources:
        return resource("AWS::AppMesh::VirtualNode", MeshName="shop", VirtualNodeName="other", Spec=spec)

    @pytest.mark.parametrize(
        ("spec", "reason"),
        [
            pytest.param({"Listeners": "a"}, "Other.Spec.Listeners: is not a list, got 'a' (a list)", id="type"),
            pytest.param(
                {"ServiceDiscovery": {"DNS": {"Hostname": {"Fn::GetAtt": ["Database", "Endpoint.Address"]}}}},
                "Other.Spec.ServiceDiscovery.DNS.Hostname: is known only at deployment, got "
                "'Database.Endpoint.Address' (give it with --set Database.Endpoint.Address=VALUE)",
                id="unknown",
            ),
            pytest.param(
                {"Backends": [{"VirtualService": {"VirtualServiceName": "a b"}}]},
                "virtual node 'other': backend is left out, since it is not valid, got 'a b' (correct its name)",
                id="backend",
            ),
        ],
    )
    def test_part_of_a_mesh_is_left_out_alone(self, tmp_path: Path, spec: Resources, reason: str) -> None:
        more = {"Other": self.other(**spec), "Database": resource("AWS::RDS::DBInstance")}
        plan = planned(tmp_path, more=more)
        assert lines(plan) == [reason]
        assert plan.left_out[0].place in (f"{PLACE}Other", "virtual node 'other'")
        assert names(plan) == ["stock-svc"]
        assert warnings(plan) == ()

    def test_unknown_property_and_overlapping_routes_do_not_stop_a_run(self, tmp_path: Path) -> None:
        route = {"Match": {"Prefix": "/"}, "Action": {"WeightedTargets": [{"VirtualNode": "stock", "Weight": 1}]}}
        listener = {"PortMapping": {"Port": 80, "Protocol": "http"}}
        router = resource(
            "AWS::AppMesh::VirtualRouter", MeshName="shop", VirtualRouterName="all", Spec={"Listeners": [listener]}
        )
        routes = {
            f"Route{name}": resource(
                "AWS::AppMesh::Route",
                MeshName="shop",
                VirtualRouterName="all",
                RouteName=name,
                Spec={"HttpRoute": route, "Priorty": 1},
            )
            for name in ("One", "Two")
        }
        plan = planned(tmp_path, more={"Router": router, **routes})
        assert [line.partition(", got")[0] for line in lines(plan)] == [
            "RouteOne.Spec.Priorty: is unknown",
            "RouteTwo.Spec.Priorty: is unknown",
            "virtual router 'all': duplicate match in route 'Two'",
        ]
        assert names(plan) == ["stock-svc"]

    def test_envoy_of_a_part_that_is_left_out_waits_and_is_named(self, tmp_path: Path) -> None:
        plan = planned(tmp_path, with_properties("Node", Spec="a"), {"Other": self.other()})
        assert lines(plan) == ["Node.Spec: is not an object, got 'a' (keys and values)"]
        assert any(
            "envoy gets no configuration: no template declares mesh/shop/virtualNode/stock, or it is left out" in each
            for each in warnings(plan)
        )

    def test_mesh_that_cannot_be_read_is_an_error(self, tmp_path: Path) -> None:
        (line,) = refused(tmp_path, with_properties("Mesh", Spec={"EgressFilter": "a"}))
        assert line == f"{PLACE}Mesh.Spec.EgressFilter: is not an object, got 'a' (keys and values)"


TARGET = {"TargetGroupArn": {"Ref": "Targets"}, "ContainerPort": 80}


class TestLoadBalancers:
    def plan(self, folder: Path, more: Resources) -> Plan:
        return planned(folder, with_properties("Service", LoadBalancers=[TARGET]), more)

    def test_application_load_balancer_runs(self, tmp_path: Path) -> None:
        plan = self.plan(tmp_path, balanced())
        assert plan.left_out == ()
        (balancer,) = plan.load_balancers.values()
        assert balancer.target_groups == (f"{PLACE}Targets",)
        assert plan.services[f"{PLACE}Service"].targets

    @pytest.mark.parametrize(
        ("targets", "reason"),
        [
            pytest.param({"TargetType": "lambda"}, "Targets.TargetType: does not run here, got 'lambda'", id="type"),
            pytest.param({"Protocol": "UDP"}, "Targets.Protocol: does not run here, got 'UDP'", id="protocol"),
            pytest.param(
                {"HealthCheckPath": {"Fn::ImportValue": "x"}}, "import 'x': no template exports it", id="unknown"
            ),
        ],
    )
    def test_listener_without_a_target_group_that_runs_answers_503(
        self, tmp_path: Path, targets: Resources, reason: str
    ) -> None:
        more = balanced()
        more["Targets"]["Properties"] |= targets
        plan = self.plan(tmp_path, more)
        assert lines(plan)[0].startswith(reason)
        assert f"Listener.DefaultActions: depends on {PLACE}Targets, which is left out" in lines(plan)
        assert f"Service.LoadBalancers: depends on {PLACE}Targets, which is left out" in lines(plan)
        assert response(plan) == (503, f"color-mesh up: {PLACE}Listener does not run here\n")
        assert plan.services[f"{PLACE}Service"].targets == ()

    def test_rule_with_authentication_answers_503(self, tmp_path: Path) -> None:
        actions = [{"Type": "authenticate-cognito"}, {"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}]
        plan = self.plan(tmp_path, {**balanced(), "Rule": rule(Actions=actions)})
        assert lines(plan) == [
            (
                "Rule.Actions: does not run here, its requests are answered 503, got 'authenticate-cognito' "
                "(forward, redirect, fixed-response)"
            )
        ]
        (runnable,) = next(iter(plan.load_balancers.values())).listeners[0].rules
        assert runnable.actions[0].fixed_response is not None

    @pytest.mark.parametrize(
        ("condition", "reason"),
        [
            pytest.param({"Field": "cookie", "Values": ["a"]}, "does not run here, got 'cookie'", id="kind"),
            pytest.param({"Field": "path-pattern"}, "condition path-pattern has no value", id="value"),
            pytest.param(
                {"Field": "http-header", "HttpHeaderConfig": {"Values": ["a"]}},
                "has no valid header",
                id="header",
            ),
            pytest.param(
                {"Field": "source-ip", "SourceIpConfig": {"Values": ["ten"]}}, "not a range of addresses", id="source"
            ),
        ],
    )
    def test_rule_with_a_wrong_condition_is_left_out(self, tmp_path: Path, condition: Resources, reason: str) -> None:
        plan = self.plan(tmp_path, {**balanced(), "Rule": rule(Conditions=[condition])})
        (line,) = lines(plan)
        assert reason in line
        assert next(iter(plan.load_balancers.values())).listeners[0].rules == ()

    def test_forward_goes_to_the_target_groups_that_run(self, tmp_path: Path) -> None:
        groups = [{"TargetGroupArn": {"Ref": name}, "Weight": 1} for name in ("Targets", "Function")]
        more = {**balanced(), "Function": elb("TargetGroup", TargetType="lambda")}
        forward = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}
        more["Listener"]["Properties"]["DefaultActions"] = [forward]
        plan = self.plan(tmp_path, more)
        assert next(iter(plan.load_balancers.values())).target_groups == (f"{PLACE}Targets",)
        assert f"Listener.DefaultActions: depends on {PLACE}Function, which is left out" in lines(plan)

    @pytest.mark.parametrize(
        ("name", "properties", "reason"),
        [
            pytest.param("Balancer", {"Type": "gateway"}, "Balancer.Type: does not run here, got 'gateway'", id="type"),
            pytest.param("Balancer", {"Subnets": []}, "Balancer.Subnets: has no subnet", id="subnets"),
            pytest.param("Listener", {"Protocol": "UDP"}, "Listener.Protocol: does not run here, got 'UDP'", id="udp"),
        ],
    )
    def test_service_runs_without_its_load_balancer(
        self, tmp_path: Path, name: str, properties: Resources, reason: str
    ) -> None:
        more = balanced()
        more[name]["Properties"] |= properties
        plan = self.plan(tmp_path, more)
        assert lines(plan)[0].startswith(reason)
        assert (plan.load_balancers, names(plan)) == ({}, ["stock-svc"])
        assert plan.services[f"{PLACE}Service"].targets == ()


def rule(**properties: Any) -> Resources:
    condition = {"Field": "path-pattern", "Values": ["/a/*"]}
    forward = {"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}
    declared = {"ListenerArn": {"Ref": "Listener"}, "Priority": 1, "Conditions": [condition], "Actions": [forward]}
    return elb("ListenerRule", **{**declared, **properties})


def response(plan: Plan) -> tuple[int, str]:
    """Return the status and the body of a listener's fixed response."""
    (listener,) = next(iter(plan.load_balancers.values())).listeners
    action: Action = listener.actions[-1]
    assert action.fixed_response is not None
    return action.fixed_response.status_code, action.fixed_response.body
