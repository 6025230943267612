"""Load balancers that users create in front of gateways and nodes."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Annotations as Acknowledge
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as ecs_patterns
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Annotations, Match
from aws_cdk.assertions import Template as Assertions

from color_mesh import (
    ListenerTls,
    MeshError,
    MeshGateway,
    MeshNode,
    ServiceMesh,
    TlsCertificate,
    TlsTrust,
    TlsValidation,
)
from color_mesh.cdk import GatewayImplementation
from color_mesh.migration.tls_policies import TLS_POLICIES
from tests.support.cloudformation import Template, container, only, properties

INGRESS = "AWS::EC2::SecurityGroupIngress"
SERVICE = "AWS::ECS::Service"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
TASK = "AWS::ECS::TaskDefinition"
PLANES = ["app-mesh", "envoy"]


class Shop:
    """A mesh in a stack, and tasks and load balancers in another."""

    def __init__(self, plane: str, interception: str | None = None, **flags: bool) -> None:
        app = App(builtin_cloud_formation_validation=False, context=flags)
        self.mesh_stack = Stack(app, "Mesh")
        self.vpc = ec2.Vpc(self.mesh_stack, "Vpc", max_azs=2)
        self.cluster = ecs.Cluster(self.mesh_stack, "Cluster", vpc=self.vpc)
        self.mesh = ServiceMesh(
            self.mesh_stack,
            "Mesh",
            vpc=self.vpc,
            domain="shop.local",
            data_plane=plane,  # type: ignore[arg-type]
            interception=interception,  # type: ignore[arg-type]
        )
        self.node = MeshNode(self.mesh_stack, "Orders", mesh=self.mesh, name="orders", port=8080)
        self.gateway = MeshGateway(self.mesh_stack, "Gateway", mesh=self.mesh, name="door")
        self.tasks = Stack(app, "Tasks")
        self.image = ecs.ContainerImage.from_registry("shop/app:1")

    def implement_gateway(self) -> GatewayImplementation:
        return self.gateway.implement(self.tasks, "Door", cluster=self.cluster, exposure="none")

    def implement_node(self) -> ecs.FargateService:
        task = self.node.implement(self.tasks, "Task", cluster=self.cluster, image=self.image)
        return task.fargate_service

    def application_listener(self) -> elbv2.ApplicationListener:
        balancer = elbv2.ApplicationLoadBalancer(self.tasks, "Balancer", vpc=self.vpc)
        return balancer.add_listener("Http", port=80)

    def network_listener(self, **options: Any) -> elbv2.NetworkListener:
        groups = [ec2.SecurityGroup(self.tasks, "Clients", vpc=self.vpc, allow_all_outbound=False)]
        balancer = elbv2.NetworkLoadBalancer(
            self.tasks, "Balancer", vpc=self.vpc, **{"security_groups": groups, **options}
        )
        return balancer.add_listener("Tcp", port=80)

    def template(self) -> Template:
        return dict(Assertions.from_stack(self.tasks).to_json())

    def warnings(self) -> list[str]:
        found = Annotations.from_stack(self.tasks).find_warning("*", Match.any_value())
        return [str(each.entry.data) for each in found if "[ack: color-mesh:load" in str(each.entry.data)]


@pytest.fixture
def shop() -> Shop:
    return Shop("envoy")


@pytest.fixture(params=PLANES)
def any_shop(request: pytest.FixtureRequest) -> Shop:
    return Shop(request.param)


def target_of(template: Template) -> tuple[str, int]:
    (target,) = only(template, SERVICE)["LoadBalancers"]
    return target["ContainerName"], target["ContainerPort"]


def admitted(template: Template) -> list[tuple[int, str]]:
    """Return the port of each rule that lets a load balancer in, and the group of the load balancer."""
    return [
        (rule["FromPort"], rule["SourceSecurityGroupId"]["Fn::GetAtt"][0][:-8])
        for rule in properties(template, INGRESS)
    ]


# Gateways


def test_gateway_without_exposure_has_neither_a_load_balancer_nor_a_group_of_clients(any_shop: Shop) -> None:
    implementation = any_shop.implement_gateway()
    template = any_shop.template()
    parts = (implementation.load_balancer, implementation.target_group, implementation.entry_security_group)
    assert parts == (None, None, None)
    assert properties(template, "AWS::ElasticLoadBalancingV2::LoadBalancer") == []
    assert only(template, "AWS::EC2::SecurityGroup")["GroupDescription"] == "Tasks of a virtual gateway."
    network = only(template, SERVICE)["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["AssignPublicIp"] == "DISABLED"
    assert len(network["SecurityGroups"]) == 1


def test_gateway_without_exposure_has_no_url(shop: Shop) -> None:
    implementation = shop.implement_gateway()
    with pytest.raises(MeshError) as error:
        _ = implementation.url
    assert str(error.value) == (
        "gateway: has no URL of its own, got 'Tasks/Door/Service' (use that of your load balancer)"
    )


def test_gateway_without_exposure_refuses_a_group_of_clients(shop: Shop) -> None:
    group = ec2.SecurityGroup(shop.tasks, "Clients", vpc=shop.vpc)
    with pytest.raises(MeshError) as error:
        shop.gateway.implement(shop.tasks, "Door", cluster=shop.cluster, exposure="none", entry_security_group=group)
    assert str(error.value) == (
        "virtual gateway 'door': 'entry_security_group' needs an exposure, got 'Tasks/Clients' "
        "(leave it out: it is the group of your load balancer, which load_balancer_target lets in)"
    )


def test_gateway_is_the_target_of_an_application_load_balancer(any_shop: Shop) -> None:
    any_shop.implement_gateway()
    any_shop.application_listener().add_targets("Door", port=80, targets=[any_shop.gateway.load_balancer_target()])
    template = any_shop.template()
    assert target_of(template) == ("envoy-proxy", 80)
    assert admitted(template) == [(80, "BalancerSecurityGroup")]


def test_gateway_is_the_target_of_a_network_load_balancer(any_shop: Shop) -> None:
    any_shop.implement_gateway()
    any_shop.network_listener().add_targets("Door", port=80, targets=[any_shop.gateway.load_balancer_target()])
    template = any_shop.template()
    assert target_of(template) == ("envoy-proxy", 80)
    assert [port for port, _ in admitted(template)] == [80]
    (egress,) = properties(template, "AWS::EC2::SecurityGroupEgress")
    assert (egress["FromPort"], egress["ToPort"]) == (80, 80)


def test_network_load_balancer_is_admitted_whose_target_group_was_created_first(shop: Shop) -> None:
    shop.implement_gateway()
    group = elbv2.NetworkTargetGroup(
        shop.tasks, "Door80", vpc=shop.vpc, port=80, targets=[shop.gateway.load_balancer_target()]
    )
    shop.network_listener().add_target_groups("Door", group)
    assert [port for port, _ in admitted(shop.template())] == [80]


def test_network_load_balancer_without_a_security_group_is_reported(shop: Shop) -> None:
    shop.implement_gateway()
    listener = shop.network_listener(security_groups=None, disable_security_groups=True)
    listener.add_targets("Door", port=80, targets=[shop.gateway.load_balancer_target()])
    (warning,) = shop.warnings()
    assert warning == (
        "load balancer 'Tasks/Balancer': tasks cannot admit it without a security group, got None (give it "
        "security_groups, or let in its clients with connections.allow_from of the node or gateway) "
        "[ack: color-mesh:load-balancer-without-security-group]"
    )
    assert admitted(shop.template()) == []


def test_gateway_answers_health_checks_by_itself(shop: Shop) -> None:
    shop.implement_gateway()
    check = elbv2.HealthCheck(interval=Duration.seconds(7))
    shop.application_listener().add_targets(
        "Door", port=80, targets=[shop.gateway.load_balancer_target()], health_check=check
    )
    group = only(shop.template(), TARGET_GROUP)
    assert group["HealthCheckPath"] == "/.well-known/gateway-health"
    assert group["HealthCheckIntervalSeconds"] == 7
    assert "Matcher" not in group


@pytest.mark.parametrize("late", [False, True])
def test_health_check_of_the_user_stays(shop: Shop, late: bool) -> None:
    shop.implement_gateway()
    check = elbv2.HealthCheck(path="/ping", healthy_http_codes="204")
    group = shop.application_listener().add_targets(
        "Door",
        port=80,
        targets=[shop.gateway.load_balancer_target()],
        health_check=None if late else check,
    )
    if late:
        group.configure_health_check(path="/ping", healthy_http_codes="204")
    resource = only(shop.template(), TARGET_GROUP)
    assert (resource["HealthCheckPath"], resource["Matcher"]) == ("/ping", {"HttpCode": "204"})


@pytest.mark.parametrize("plane", ["envoy", "app-mesh"])
def test_targets_of_grpc_and_of_app_mesh_keep_the_default_health_check(plane: str) -> None:
    shop = Shop(plane)
    shop.implement_gateway()
    version = elbv2.ApplicationProtocolVersion.GRPC if plane == "envoy" else None
    group = elbv2.ApplicationTargetGroup(
        shop.tasks,
        "Door80",
        vpc=shop.vpc,
        port=80,
        protocol_version=version,
        protocol=elbv2.ApplicationProtocol.HTTP,
        targets=[shop.gateway.load_balancer_target()],
    )
    shop.application_listener().add_target_groups("Door", target_groups=[group])
    assert "HealthCheckPath" not in only(shop.template(), TARGET_GROUP)


def test_gateway_that_is_not_implemented_is_no_target(shop: Shop) -> None:
    with pytest.raises(MeshError) as error:
        shop.gateway.load_balancer_target()
    assert str(error.value) == (
        "virtual gateway 'door': has no service for a load balancer, got None (call implement first)"
    )


# Nodes


@pytest.mark.parametrize(
    ("plane", "interception", "target"),
    [
        ("envoy", "loopback", ("envoy-sidecar", 15100)),
        ("envoy", "transparent", ("orders-app", 8080)),
        ("app-mesh", "transparent", ("orders-app", 8080)),
    ],
)
@pytest.mark.parametrize("kind", ["application", "network"])
def test_target_of_a_node_is_its_envoy(plane: str, interception: str, target: tuple[str, int], kind: str) -> None:
    shop = Shop(plane, interception)
    shop.implement_node()
    listener: Any = shop.application_listener() if kind == "application" else shop.network_listener()
    listener.add_targets("Orders", port=80, targets=[shop.node.load_balancer_target()])
    template = shop.template()
    assert target_of(template) == target
    assert [port for port, _ in admitted(template)] == [target[1]]
    name, port = target
    mappings = container(only(template, TASK), name)["PortMappings"]
    assert [mapping["ContainerPort"] for mapping in mappings] == [port]
    assert "HealthCheckPath" not in only(template, TARGET_GROUP)
    assert shop.warnings() == []


def attach_service(shop: Shop) -> ecs.FargateService:
    tasks = ecs.FargateTaskDefinition(shop.tasks, "Web", cpu=512, memory_limit_mib=1024)
    tasks.add_container("App", image=shop.image, port_mappings=[ecs.PortMapping(container_port=8080)])
    service = ecs.FargateService(shop.tasks, "Service", cluster=shop.cluster, task_definition=tasks)
    shop.node.attach(service)
    return service


def test_target_of_an_attached_node_is_its_envoy(shop: Shop) -> None:
    attach_service(shop)
    shop.application_listener().add_targets("Orders", port=80, targets=[shop.node.load_balancer_target()])
    template = shop.template()
    assert target_of(template) == ("envoy-sidecar", 15100)
    assert [port for port, _ in admitted(template)] == [15100]


def test_node_may_have_several_load_balancers(shop: Shop) -> None:
    shop.implement_node()
    for name in ("One", "Two"):
        balancer = elbv2.ApplicationLoadBalancer(shop.tasks, name, vpc=shop.vpc)
        listener = balancer.add_listener("Http", port=80)
        listener.add_targets("Orders", port=80, targets=[shop.node.load_balancer_target()])
    template = shop.template()
    targets = only(template, SERVICE)["LoadBalancers"]
    assert [(each["ContainerName"], each["ContainerPort"]) for each in targets] == [("envoy-sidecar", 15100)] * 2
    assert container(only(template, TASK), "envoy-sidecar")["PortMappings"] == [
        {"ContainerPort": 15100, "Protocol": "tcp"}
    ]


@pytest.mark.parametrize("make", [Shop.implement_node, attach_service])
def test_port_of_the_application_is_refused_as_a_target(make: Callable[[Shop], ecs.FargateService], shop: Shop) -> None:
    service = make(shop)
    shop.application_listener().add_targets("Orders", port=80, targets=[service])
    with pytest.raises(RuntimeError, match="virtual node 'orders': a load balancer bypasses Envoy, got 'port 8080'"):
        shop.template()


def test_port_of_the_application_that_is_not_the_listener_is_refused_as_a_target(shop: Shop) -> None:
    task = shop.node.implement(shop.tasks, "Task", cluster=shop.cluster, image=shop.image, app_port=3000)
    shop.application_listener().add_targets("Orders", port=80, targets=[task.fargate_service])
    with pytest.raises(RuntimeError, match="a load balancer bypasses Envoy, got 'port 3000'"):
        shop.template()


@pytest.mark.parametrize("plane", PLANES)
def test_port_of_the_application_is_a_target_with_transparent_interception(plane: str) -> None:
    shop = Shop(plane, "transparent")
    service = shop.implement_node()
    shop.application_listener().add_targets("Orders", port=80, targets=[service])
    assert target_of(shop.template()) == ("orders-app", 8080)


def test_another_port_of_the_application_is_a_target(shop: Shop) -> None:
    task = shop.node.implement(shop.tasks, "Task", cluster=shop.cluster, image=shop.image)
    task.app_container.add_port_mappings(ecs.PortMapping(container_port=9000))
    target = task.fargate_service.load_balancer_target(container_name="orders-app", container_port=9000)
    shop.application_listener().add_targets("Metrics", port=80, targets=[target])
    assert target_of(shop.template()) == ("orders-app", 9000)


@pytest.fixture
def pattern(shop: Shop) -> ecs.FargateService:
    """Service that had its load balancer before it was attached."""
    options = ecs_patterns.ApplicationLoadBalancedTaskImageOptions(image=shop.image, container_port=8080)
    service = ecs_patterns.ApplicationLoadBalancedFargateService(
        shop.tasks, "Pattern", cluster=shop.cluster, memory_limit_mib=1024, task_image_options=options
    ).service
    shop.node.attach(service)
    return service


def test_load_balancer_that_an_attached_service_has_stays_and_is_reported(
    shop: Shop, pattern: ecs.FargateService
) -> None:
    (warning,) = shop.warnings()
    assert warning == (
        "virtual node 'orders': a load balancer bypasses Envoy, got 'port 8080' "
        "(targets=[node.load_balancer_target()] instead of the service) [ack: color-mesh:load-balancer-past-envoy]"
    )
    assert target_of(shop.template()) == ("web", 8080)


def test_warning_of_a_load_balancer_can_be_acknowledged(shop: Shop, pattern: ecs.FargateService) -> None:
    Acknowledge.of(pattern).acknowledge_warning("color-mesh:load-balancer-past-envoy", "the old website stays")
    assert shop.warnings() == []


def test_node_without_a_service_is_no_target(shop: Shop) -> None:
    with pytest.raises(MeshError) as error:
        shop.node.load_balancer_target()
    assert str(error.value) == (
        "virtual node 'orders': has no service for a load balancer, got None (call implement or attach first)"
    )


def test_node_with_a_hostname_is_no_target(shop: Shop) -> None:
    node = MeshNode(shop.mesh_stack, "Database", mesh=shop.node.mesh, name="database", port=5432, hostname="db.example")
    with pytest.raises(MeshError) as error:
        node.load_balancer_target()
    assert str(error.value) == (
        "virtual node 'database': has no service for a load balancer, got None "
        "(leave it out: a node with a hostname has no tasks)"
    )


def test_node_without_a_listener_is_no_target(shop: Shop) -> None:
    worker = MeshNode(shop.mesh_stack, "Worker", mesh=shop.mesh, name="worker", listeners=[], virtual_service=False)
    worker.implement(shop.tasks, "WorkerTask", cluster=shop.cluster, image=shop.image)
    with pytest.raises(MeshError) as error:
        worker.load_balancer_target()
    assert str(error.value) == (
        "virtual node 'worker': has no listener for a load balancer, got None (give the node a port)"
    )


CERTIFICATE = TlsCertificate.file("/chain.pem", "/key.pem")
CLIENTS = TlsValidation(trust=TlsTrust.file("/ca.pem"))


@pytest.mark.parametrize(
    ("plane", "tls", "protocol"),
    [
        ("app-mesh", None, None),
        ("envoy", None, "HTTP"),
        ("envoy", ListenerTls(certificate=CERTIFICATE), "HTTPS"),
        ("envoy", ListenerTls(certificate=CERTIFICATE, mode="PERMISSIVE", validation=CLIENTS), "HTTP"),
        # The load balancer has no certificate.
        ("envoy", ListenerTls(certificate=CERTIFICATE, validation=CLIENTS), None),
    ],
    ids=["app-mesh", "plaintext", "tls", "permissive", "mutual-tls"],
)
def test_network_load_balancer_of_a_gateway_asks_whether_it_is_ready(
    plane: str, tls: ListenerTls | None, protocol: str | None
) -> None:
    shop = Shop(plane)
    gateway = MeshGateway(shop.mesh_stack, "Secure", mesh=shop.mesh, name="secure", tls=tls)
    gateway.implement(shop.tasks, "Secure", cluster=shop.cluster)
    group = only(shop.template(), TARGET_GROUP)
    path = "/.well-known/gateway-health" if protocol else None
    assert (group.get("HealthCheckProtocol"), group.get("HealthCheckPath")) == (protocol, path)


def test_security_policies_of_migrated_listeners_are_those_of_the_cdk() -> None:
    assert set(TLS_POLICIES.values()) == set(elbv2.SslPolicy.__members__)
