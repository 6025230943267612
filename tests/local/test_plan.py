"""What of a template is to run, and what cannot."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from color_mesh.ecs.reading import MeshResource
from color_mesh.ecs.services import DiscoveryService
from color_mesh.ecs.task_definitions import Container, TaskDefinition
from color_mesh.local.plan.assembly import Plan, read_plan
from color_mesh.local.plan.diagnosis import warnings
from color_mesh.local.run.published_ports import published_ports
from tests.support.local_templates import APP, ARN, ENVOY, Change, Resources, planned, refused, resource


def definition(plan: Plan) -> TaskDefinition:
    (found,) = plan.task_definitions.values()
    return found


def app(plan: Plan) -> Container:
    return definition(plan).containers[0]


def container(**changes: Any) -> Change:
    """Give the application other properties."""

    def change(resources: Resources) -> None:
        resources["Task"]["ContainerDefinitions"] = [{**APP, **changes}, ENVOY]

    return change


def of(name: str, **changes: Any) -> Change:
    """Give a resource other properties; ``None`` takes one away."""

    def change(resources: Resources) -> None:
        resources[name] |= changes
        for key in [key for key, value in changes.items() if value is None]:
            del resources[name][key]

    return change


@pytest.mark.parametrize(
    "settings", [{"chapter": "2"}, {"chapter": "3"}, {}, {"gateway": "public-ip"}], ids=["2", "3", "4", "public-ip"]
)
def test_nothing_is_wrong_with_the_apps_own_templates(
    cloud_assembly: Callable[..., Path], settings: dict[str, str]
) -> None:
    plan = read_plan([cloud_assembly(**settings)], {"forsakenidol/colorapp": ("true",)})
    assert warnings(plan) == ()
    assert not [each for each in plan.not_emulated if each.startswith("AWS::") and each != "AWS::EC2::FlowLog"]


def test_nothing_is_wrong_with_the_small_template(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    assert warnings(plan) == ()
    assert plan == planned(tmp_path)


class TestContainers:
    def test_defaults_are_those_of_ecs(self, tmp_path: Path) -> None:
        found = app(planned(tmp_path))
        assert (found.essential, found.user, found.stop_seconds, found.start_seconds) == (True, (0, 0), 30, None)
        assert (found.health_check, found.depends_on, found.log_group, found.ports) == (None, (), None, ())

    def test_every_property_is_read(self, tmp_path: Path) -> None:
        change = container(
            Essential=False,
            Command=["serve", "--fast"],
            EntryPoint=["python3"],
            User="12:34",
            Environment=[{"Name": "SIZE", "Value": 3}],
            DependsOn=[{"ContainerName": "envoy", "Condition": "HEALTHY"}],
            StartTimeout=7,
            StopTimeout=0,
            PortMappings=[{"ContainerPort": 8080}, {"ContainerPort": 53, "Protocol": "udp"}],
            HealthCheck={"Command": ["CMD", "true"], "Interval": 6, "Timeout": 3, "Retries": 2, "StartPeriod": 9},
        )
        found = app(planned(tmp_path, change))
        assert (found.essential, found.program.command, found.command) == (False, ("python3",), ("serve", "--fast"))
        assert (found.user, found.environment) == ((12, 34), {"SIZE": "3"})
        assert (found.depends_on, found.start_seconds, found.stop_seconds) == ((("envoy", "HEALTHY"),), 7, 0)
        assert found.ports == (8080,)
        check = found.health_check
        assert check is not None
        assert (check.command, check.interval_seconds, check.timeout_seconds) == (("CMD", "true"), 6, 3)
        assert (check.retries, check.start_period_seconds) == (2, 9)

    def test_another_program_of_envoys_image_is_no_envoy_and_no_application(self, tmp_path: Path) -> None:
        delay = {
            "Name": "deregistration-delay",
            "Image": "envoyproxy/envoy:v1.40.0",
            "Essential": False,
            "EntryPoint": ["bash", "-c", "sleep infinity", "deregistration-delay"],
            "Command": ["67", "80"],
        }
        plan = planned(tmp_path, lambda of: of["Task"].update(ContainerDefinitions=[delay, APP, ENVOY]))
        (definition,) = plan.task_definitions.values()
        found = definition.containers[0]
        assert (found.program.envoy, found.bootstrap, found.mesh_resource) == (False, {}, None)
        assert found.program.command[:2] == ("bash", "-c")
        assert [each.name for each in definition.applications] == [definition.application.name] == ["app"]
        assert list(definition.resources) == ["envoy"]

    @pytest.mark.parametrize(
        "entry_point",
        [
            pytest.param(["bash", "-c", "exec envoy -c /etc/envoy.yaml"], id="named"),
            pytest.param(["/usr/bin/agent"], id="configured-by-app-mesh"),
        ],
    )
    def test_an_envoy_with_another_entry_point_is_an_envoy(self, tmp_path: Path, entry_point: list[str]) -> None:
        envoy = {**ENVOY, "EntryPoint": entry_point}
        plan = planned(tmp_path, lambda of: of["Task"].update(ContainerDefinitions=[APP, envoy]))
        (definition,) = plan.task_definitions.values()
        assert [each.program.envoy for each in definition.containers] == [False, True]

    @pytest.mark.parametrize(
        ("user", "expected"),
        [("0", (0, 0)), ("1337", (1337, 0)), ("1337:1338", (1337, 1338)), ("root", (0, 0)), ("root:root", (0, 0))],
    )
    def test_users_are_numbers_or_root(self, tmp_path: Path, user: str, expected: tuple[int, int]) -> None:
        assert app(planned(tmp_path, container(User=user))).user == expected

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            pytest.param(
                {"User": "envoy"},
                "shop.template.json: Task.ContainerDefinitions[0].User: is no number, got 'envoy' "
                "(a user id, or one and a group id, such as 1337:1337)",
                id="user",
            ),
            pytest.param(
                {"Image": "example/shop"},
                "shop.template.json: Task: app: no program runs in place of the image, got 'example/shop' "
                "(--image 'example/shop=COMMAND', or an entry 'example/shop' in color-mesh.json)",
                id="image",
            ),
            pytest.param(
                {"DependsOn": [{"ContainerName": "db", "Condition": "HEALTHY"}]},
                "shop.template.json: Task: app: waits for what cannot be, got 'db HEALTHY' "
                "(a container (app, envoy) and one of START, COMPLETE, SUCCESS, HEALTHY)",
                id="depends-on-nobody",
            ),
            pytest.param(
                {"DependsOn": [{"ContainerName": "envoy", "Condition": "WELL"}]},
                "shop.template.json: Task: app: waits for what cannot be, got 'envoy WELL' "
                "(a container (app, envoy) and one of START, COMPLETE, SUCCESS, HEALTHY)",
                id="condition",
            ),
            pytest.param(
                {"HealthCheck": {"Command": ["true"]}},
                "shop.template.json: Task.ContainerDefinitions[0].HealthCheck.Command: is no health check, got "
                "['true'] (CMD and words, or CMD-SHELL and one line)",
                id="health-check",
            ),
            pytest.param(
                {"Environment": [{"Name": "ID", "Value": {"Fn::GetAtt": ["Vpc", "VpcId"]}}]},
                "shop.template.json: Task: app: ID: is known only at deployment, got 'Vpc.VpcId' "
                "(give it with --set Vpc.VpcId=VALUE)",
                id="environment",
            ),
        ],
    )
    def test_what_cannot_be_is_named(self, tmp_path: Path, changes: Resources, said: str) -> None:
        assert refused(tmp_path, container(**changes)) == [said]

    def test_a_value_may_be_given_for_what_only_a_deployment_knows(self, tmp_path: Path) -> None:
        change = container(Environment=[{"Name": "ID", "Value": {"Fn::GetAtt": ["Vpc", "VpcId"]}}])
        assert app(planned(tmp_path, change, values={"Vpc.VpcId": "vpc-7"})).environment == {"ID": "vpc-7"}

    def test_what_has_no_effect_is_named(self, tmp_path: Path) -> None:
        plan = planned(tmp_path, container(Ulimits=[{"Name": "nofile"}], LogConfiguration={"LogDriver": "splunk"}))
        assert "AWS::ECS::TaskDefinition ContainerDefinitions.Ulimits" in plan.not_emulated
        assert "AWS::ECS::TaskDefinition LogDriver splunk" in plan.not_emulated


class TestEnvoy:
    @pytest.mark.parametrize(
        "value",
        [
            pytest.param(ARN, id="arn"),
            pytest.param("mesh/shop/virtualNode/stock", id="name"),
            pytest.param({"Ref": "Node"}, id="ref"),
            pytest.param({"Fn::GetAtt": ["Node", "Arn"]}, id="attribute"),
            pytest.param("arn:aws:appmesh:us-east-1:1:mesh/shop@444455556666/virtualNode/stock", id="shared-mesh"),
        ],
    )
    def test_it_names_its_resource(self, tmp_path: Path, value: Any) -> None:
        def change(resources: Resources) -> None:
            resources["Task"]["ContainerDefinitions"][1]["Environment"][0]["Value"] = value

        plan = planned(tmp_path, change)
        assert definition(plan).containers[1].mesh_resource == MeshResource(
            mesh="shop", kind="virtualNode", name="stock"
        )
        assert warnings(plan) == ()

    def test_what_names_no_resource_is_refused(self, tmp_path: Path) -> None:
        def change(resources: Resources) -> None:
            resources["Task"]["ContainerDefinitions"][1]["Environment"][0]["Value"] = "stock"

        assert refused(tmp_path, change) == [
            (
                "shop.template.json: Task: envoy: APPMESH_RESOURCE_ARN: names no virtual node or virtual gateway, got "
                "'stock' (such as arn:aws:appmesh:REGION:ACCOUNT:mesh/color-mesh/virtualNode/red)"
            )
        ]

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("AppPorts", "http", "AppPorts is not a list of numbers"),
            ("ProxyEgressPort", "", "has no ProxyEgressPort"),
            ("IgnoredUID", "", "has neither IgnoredUID nor IgnoredGID"),
            ("AppPorts", "", "has only one of AppPorts and ProxyIngressPort"),
        ],
    )
    def test_a_proxy_configuration_that_cannot_be_is_refused(
        self, tmp_path: Path, name: str, value: str, said: str
    ) -> None:
        def change(resources: Resources) -> None:
            for each in resources["Task"]["ProxyConfiguration"]["ProxyConfigurationProperties"]:
                each["Value"] = value if each["Name"] == name else each["Value"]

        (line,) = refused(tmp_path, change)
        assert line.startswith(
            f"shop.template.json: Task.ProxyConfiguration.ProxyConfigurationProperties: {said}, got "
        )


class TestServices:
    def test_defaults_are_those_of_ecs(self, tmp_path: Path) -> None:
        (found,) = planned(tmp_path).services.values()
        assert (found.desired_count, found.public, found.targets) == (1, False, ())
        assert (found.minimum_percent, found.maximum_percent, found.grace_seconds) == (100, 200, 0)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            pytest.param(
                of("Service", TaskDefinition="other"),
                "shop.template.json: Service.TaskDefinition: refers to what is not at hand, got 'other' "
                "(declare it in the templates)",
                id="task-definition",
            ),
            pytest.param(
                of("Service", ServiceRegistries=[{"RegistryArn": "arn:aws:servicediscovery:1"}]),
                "shop.template.json: Service.ServiceRegistries: refers to what is not at hand, got "
                "'arn:aws:servicediscovery:1' (declare it in the templates)",
                id="registry",
            ),
            pytest.param(
                of("Service", LoadBalancers=[{"TargetGroupArn": "tg", "ContainerPort": 80}]),
                "shop.template.json: Service.LoadBalancers: refers to what is not at hand, got 'tg' "
                "(declare it in the templates)",
                id="target-group",
            ),
            pytest.param(
                of("Service", NetworkConfiguration={"AwsvpcConfiguration": {}}),
                "shop.template.json: Service.NetworkConfiguration: has no subnet, got () (one or more)",
                id="subnet",
            ),
            pytest.param(
                of("Subnet", CidrBlock="10.0.0.0/8"),
                "shop.template.json: Subnet.CidrBlock: is invalid, got '10.0.0.0/8' "
                "(an IPv4 network of /16 to /28, such as 10.0.0.0/16)",
                id="subnet-size",
            ),
            pytest.param(
                of("Vpc", CidrBlock="ten"),
                "shop.template.json: Vpc.CidrBlock: is invalid, got 'ten' "
                "(an IPv4 network of /16 to /28, such as 10.0.0.0/16)",
                id="vpc",
            ),
        ],
    )
    def test_what_cannot_be_is_named(self, tmp_path: Path, change: Change, said: str) -> None:
        assert refused(tmp_path, change) == [said]

    def test_every_problem_is_named_at_once(self, tmp_path: Path) -> None:
        def change(resources: Resources) -> None:
            of("Vpc", CidrBlock="ten")(resources)
            container(User="me", Image="other")(resources)

        assert len(refused(tmp_path, change)) == 3

    def test_names_of_cloud_map_have_records_and_a_policy(self, tmp_path: Path) -> None:
        dns = {"DnsRecords": [{"Type": "SRV", "TTL": 5}], "RoutingPolicy": "WEIGHTED"}
        (found,) = planned(tmp_path, of("Name", DnsConfig=dns)).discovery.values()
        assert found == DiscoveryService(dns_name="stock.shop.local", records=(("SRV", 5),), weighted=True)

    def test_a_public_service_is_a_way_in(self, tmp_path: Path) -> None:
        def change(resources: Resources) -> None:
            resources["Service"]["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] = "ENABLED"
            container(PortMappings=[{"ContainerPort": 8080}])(resources)

        plan = planned(tmp_path, change)
        ports = [(plan.services[each.owner].name, each.port) for each in published_ports(plan)]
        assert ports == [("stock-svc", 8080)]

    def test_subnets_and_groups_that_no_template_declares_may_be_used(self, tmp_path: Path) -> None:
        network = {"AwsvpcConfiguration": {"Subnets": ["subnet-1"], "SecurityGroups": ["sg-1"]}}
        plan = planned(tmp_path, of("Service", NetworkConfiguration=network))
        assert "security group sg-1, which no template declares: it lets everything through" in plan.not_emulated

    @pytest.mark.parametrize(
        ("kind", "properties", "said"),
        [
            (
                "LoadBalancer",
                {},
                "Type: does not run here, got 'application' (a network load balancer; application load",
            ),
            ("TargetGroup", {"Protocol": "TCP"}, "TargetType: does not run here, got 'instance' (ip)"),
            ("TargetGroup", {"Protocol": "UDP", "TargetType": "ip"}, "Protocol: does not run here, got 'UDP' (TCP)"),
            ("Listener", {"Protocol": "TLS", "Port": 443}, "Protocol: does not run here, got 'TLS' (TCP)"),
        ],
    )
    def test_load_balancers_that_do_not_run_here_are_refused(
        self, tmp_path: Path, kind: str, properties: Resources, said: str
    ) -> None:
        more = {"X": resource(f"AWS::ElasticLoadBalancingV2::{kind}", **properties)}
        assert refused(tmp_path, more=more)[0].startswith(f"shop.template.json: X.{said}")


class TestWarnings:
    @pytest.mark.parametrize(
        ("change", "said"),
        [
            pytest.param(
                of("Role", Policies=[]),
                "stock-svc: envoy gets no configuration: role Role does not allow appmesh:StreamAggregatedResources on "
                "mesh/shop/virtualNode/stock",
                id="permission",
            ),
            pytest.param(
                of("Role", AssumeRolePolicyDocument={"Statement": []}),
                "stock-svc: envoy gets no configuration: role Role does not trust ecs-tasks.amazonaws.com",
                id="trust",
            ),
            pytest.param(
                of("Task", TaskRoleArn=None),
                "stock-svc: envoy gets no configuration: the task has no role, which must allow "
                "appmesh:StreamAggregatedResources on mesh/shop/virtualNode/stock",
                id="no-role",
            ),
            pytest.param(
                of("Node", VirtualNodeName="other"),
                "stock-svc: envoy gets no configuration: no template declares mesh/shop/virtualNode/stock",
                id="no-node",
            ),
            pytest.param(
                of("Task", ProxyConfiguration=None),
                "stock-svc: no proxy configuration redirects the traffic of its tasks to envoy",
                id="no-redirection",
            ),
            pytest.param(
                of("Service", ServiceRegistries=None),
                "stock-svc: virtual node 'stock' is found by stock.shop.local, in which no service registers its "
                "tasks: nobody reaches it",
                id="no-registration",
            ),
            pytest.param(
                container(LogConfiguration={"LogDriver": "awslogs", "Options": {"awslogs-group": "shop"}}),
                "stock-svc: its tasks cannot start: app logs to CloudWatch, and the task definition has no execution "
                "role",
                id="no-execution-role",
            ),
        ],
    )
    def test_what_will_not_work_is_named_and_runs(self, tmp_path: Path, change: Change, said: str) -> None:
        assert said in warnings(planned(tmp_path, change))
