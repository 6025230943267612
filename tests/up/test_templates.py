"""Templates with a mistake: the run names the task and the reason."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.cloudformation import Template, ecs_service, editable, task_definition
from tests.support.local_mesh import local_mesh, template_of
from tests.support.rolling_deployment import shorten_draining


def wrong_health_path(template: Template) -> None:
    check = task_definition(template)["ContainerDefinitions"][0]["HealthCheck"]
    check |= {"Command": ["CMD-SHELL", "curl -f http://localhost/health/ || exit 1"], "Interval": 1, "Retries": 2}


def wrong_app_ports(template: Template) -> None:
    for each in task_definition(template)["ProxyConfiguration"]["ProxyConfigurationProperties"]:
        each["Value"] = "8080" if each["Name"] == "AppPorts" else each["Value"]


def no_stream_permission(template: Template) -> None:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::IAM::Policy" and "RedTaskRole" in resource["Properties"]["PolicyName"]:
            del resource["Properties"]["PolicyDocument"]["Statement"][0]
    task_definition(template)["ContainerDefinitions"][1]["StartTimeout"] = 1


def another_nodes_permission(template: Template) -> None:
    policy = template["Resources"]["RedTaskRoleDefaultPolicy8900DE84"]["Properties"]["PolicyDocument"]
    policy["Statement"][0]["Resource"] = "arn:aws:appmesh:us-east-1:123456789012:mesh/color-mesh/virtualNode/blue"


def no_registration(template: Template) -> None:
    del ecs_service(template, "green-svc")["ServiceRegistries"]


def wrong_target_port(template: Template) -> None:
    ecs_service(template, "gateway-svc-load-balanced")["LoadBalancers"][0]["ContainerPort"] = 8080


def wrong_listener_port(template: Template) -> None:
    editable(template, "AWS::ElasticLoadBalancingV2::Listener")["Port"] = 8080


def no_log_permission(template: Template) -> None:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::IAM::Policy" and "RedTaskDefinitionExec" in resource["Properties"]["PolicyName"]:
            resource["Properties"]["PolicyDocument"]["Statement"][0]["Action"] = "logs:CreateLogStream"


def closed_mesh(template: Template) -> None:
    for name in [name for name, each in template["Resources"].items() if each["Type"].endswith("SecurityGroupIngress")]:
        del template["Resources"][name]


def closed_gateway(template: Template) -> None:
    del editable(template, "AWS::EC2::SecurityGroup", GroupName="gateway-sg")["SecurityGroupIngress"]


def failing_application(template: Template) -> None:
    task_definition(template)["ContainerDefinitions"][0] |= {"EntryPoint": ["sh", "-c", "echo no database >&2; exit 3"]}


MISTAKES = [
    pytest.param(
        "EcsStack",
        wrong_health_path,
        ("red-svc/", "red-app is unhealthy: `curl -f http://localhost/health/ || exit 1` ended with 1: ", "404"),
        id="health-path",
    ),
    pytest.param(
        "EcsStack",
        wrong_app_ports,
        (
            (
                "warning: red-svc: AppPorts of red_node are 8080, but virtual node 'red' listens on 80: "
                "Envoy does not get the traffic of other ports"
            ),
        ),
        id="app-ports",
    ),
    pytest.param(
        "EcsStack",
        no_stream_permission,
        (
            (
                "warning: red-svc: envoy-sidecar gets no configuration: role RedTaskRoleE4EDED2D does not allow "
                "appmesh:StreamAggregatedResources on mesh/color-mesh/virtualNode/red"
            ),
            "stopped: envoy-sidecar did not become HEALTHY in 1 s",
        ),
        id="stream-permission",
    ),
    pytest.param(
        "EcsStack",
        another_nodes_permission,
        ("does not allow appmesh:StreamAggregatedResources on mesh/color-mesh/virtualNode/red",),
        id="permission-of-another",
    ),
    pytest.param(
        "EcsStack",
        no_registration,
        (
            (
                "warning: green-svc: virtual node 'green' has the DNS name router.colors.local, in which no "
                "service registers its tasks: the node is unreachable"
            ),
        ),
        id="cloud-map",
    ),
    pytest.param(
        "EcsStack",
        wrong_target_port,
        (
            (
                "warning: gateway-svc-load-balanced: port 8080 is the load balancer's target, but virtual gateway "
                "'color-gateway' listens on 80"
            ),
            " fails the health check of gateway-tg (TCP 8080)",
        ),
        id="target-port",
    ),
    pytest.param(
        "EcsStack",
        wrong_listener_port,
        ("warning: gateway-lb: no security group of it allows tcp 8080 from the internet",),
        id="listener-port",
    ),
    pytest.param(
        "EcsStack",
        no_log_permission,
        (
            (
                "warning: red-svc: its tasks cannot start: execution role RedTaskDefinitionExecutionRoleE475DEAC may "
                "not write to the log group of red-app"
            ),
            "red-svc/",
        ),
        id="log-permission",
    ),
    pytest.param(
        "NetworkStack",
        closed_mesh,
        (
            "warning: green-svc: no security group of it allows tcp 80 from red-svc, whose 'red' calls 'green'",
            "warning: gateway-svc-load-balanced: no security group of it allows tcp 80 from gateway-lb",
        ),
        id="security-group",
    ),
    pytest.param(
        "NetworkStack",
        closed_gateway,
        ("warning: gateway-lb: no security group of it allows tcp 80 from the internet",),
        id="gateway-security-group",
    ),
    pytest.param(
        "EcsStack",
        failing_application,
        ("red-svc/", "stopped: essential container red-app ended with 3"),
        id="application",
    ),
]


@pytest.mark.parametrize(("stack", "mistake", "named"), MISTAKES)
def test_mistake_in_a_template_is_named(
    cloud_assembly: Callable[..., Path],
    tmp_path: Path,
    stack: str,
    mistake: Callable[[Template], None],
    named: tuple[str, ...],
) -> None:
    with local_mesh(cloud_assembly(), tmp_path, change=template_of(stack, mistake), healthy=False) as run:
        for text in named:
            run.wait_for_output(text)


# Mistakes on the Envoy plane, whose templates declare no routes and listeners that could be compared.
ENVOY_PLANE_MISTAKES = [
    pytest.param(
        wrong_health_path,
        "red-app is unhealthy: `curl -f http://localhost/health/ || exit 1` ended with ",
        id="health-path",
    ),
    pytest.param(failing_application, "stopped: essential container red-app ended with 3", id="application"),
    pytest.param(wrong_target_port, " fails the health check of gateway-tg (HTTP 8080 ", id="target-port"),
    pytest.param(no_log_permission, "may not write to the log group of red-app", id="log-permission"),
]


@pytest.mark.parametrize(("mistake", "named"), ENVOY_PLANE_MISTAKES)
def test_mistake_in_a_template_of_the_envoy_plane_is_named(
    cloud_assembly: Callable[..., Path], tmp_path: Path, mistake: Callable[[Template], None], named: str
) -> None:
    def change(assembly: Path) -> None:
        template_of("EcsStack", mistake)(assembly)
        shorten_draining(assembly)

    with local_mesh(cloud_assembly(dataPlane="envoy"), tmp_path, change=change, healthy=False) as run:
        run.wait_for_output(named)


def no_listener_list(template: Template) -> None:
    editable(template, "AWS::AppMesh::VirtualNode", VirtualNodeName="yellow")["Spec"]["Listeners"] = "http/80"


def test_mesh_runs_without_a_node_that_cannot_be_read(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    change = template_of("MeshStack", no_listener_list)
    with local_mesh(cloud_assembly(), tmp_path, change=change, healthy=False) as run:
        run.wait_for_output("Spec.Listeners: is not a list, got 'http/80' (a list)")
        run.wait_for_output("is left out")
        run.wait_until(lambda: run.get("/router") == "green", "the route leads to the other target")
        run.wait_until(lambda: run.get("/") == "blue", "the gateway answers")
        assert all(not each["healthy"] for each in run.tasks("yellow-svc"))


def test_envoy_without_permission_never_becomes_healthy(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    with local_mesh(
        cloud_assembly(), tmp_path, change=template_of("EcsStack", no_stream_permission), healthy=False
    ) as run:
        run.wait_until(
            lambda: len(run.tasks("blue-svc")) == 1 and run.tasks("blue-svc")[0]["healthy"], "blue is healthy"
        )
        run.wait_for_output("stopped: envoy-sidecar did not become HEALTHY in 1 s")
        assert all(
            container["health"] != "HEALTHY" for task in run.tasks("red-svc") for container in task["containers"]
        )


def test_unhealthy_mesh_names_the_unhealthy_service_and_exits_with_1(
    cloud_assembly: Callable[..., Path], tmp_path: Path
) -> None:
    change = template_of("EcsStack", wrong_target_port)
    with local_mesh(cloud_assembly(), tmp_path, change=change, healthy=False) as run:
        run.wait_for_output(
            "not healthy yet:\n            gateway-svc-load-balanced: fails the health check of gateway-tg"
        )
        run.process.terminate()
        assert run.process.wait(60) == 1


def test_traffic_to_a_wrong_app_port_bypasses_envoy(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    with local_mesh(cloud_assembly(), tmp_path, change=template_of("EcsStack", wrong_app_ports)) as run:
        assert run.curl("blue", "http://red.colors.local") == "red"
        stats = run.curl("red", "http://localhost:9901/stats?filter=http.ingress.downstream_rq_total")
        assert stats.strip() == "http.ingress.downstream_rq_total: 0"


def test_corrected_security_group_admits_requests(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    with local_mesh(
        cloud_assembly(), tmp_path, change=template_of("NetworkStack", closed_gateway), healthy=True
    ) as run:
        assert run.get("/").startswith("failed: ")
        run.synthesize(cloud_assembly())
        run.wait_until(lambda: run.get("/") == "blue", "the gateway answers")
