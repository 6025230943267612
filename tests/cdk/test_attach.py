"""Nodes that are implemented by services and task definitions of the user's own."""

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest
from aws_cdk import App, Duration, Stack, Tags
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as ecs_patterns
from aws_cdk import aws_efs as efs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_servicediscovery as servicediscovery
from aws_cdk.assertions import Template as Assertions

from color_mesh import MeshError, MeshGateway, MeshNode, ServiceMesh
from color_mesh.cdk import NodeAttachment
from tests.support.cloudformation import Properties, Template, container, only, properties

SERVICE = "AWS::ECS::Service"
TASK = "AWS::ECS::TaskDefinition"
PLANES = {"app-mesh": "shop.local", "envoy": "tasks.shop.local"}

MakeService: TypeAlias = Callable[[Stack, ecs.ICluster, ecs.ContainerImage], ecs.BaseService]


def fargate_service(stack: Stack, cluster: ecs.ICluster, image: ecs.ContainerImage) -> ecs.BaseService:
    """Create a service with everything that a team may have set."""
    files = efs.FileSystem(stack, "Files", vpc=cluster.vpc)
    tasks = ecs.FargateTaskDefinition(
        stack,
        "Web",
        family="orders",
        cpu=1024,
        memory_limit_mib=2048,
        ephemeral_storage_gib=50,
        volumes=[ecs.Volume(name="files", efs_volume_configuration=_efs(files))],
    )
    app = tasks.add_container(
        "App",
        image=image,
        port_mappings=[ecs.PortMapping(container_port=8080)],
        environment={"MODE": "live"},
        logging=ecs.LogDrivers.firelens(options={"Name": "cloudwatch"}),
        ulimits=[ecs.Ulimit(name=ecs.UlimitName.NOFILE, soft_limit=4096, hard_limit=8192)],
        stop_timeout=Duration.seconds(60),
    )
    app.add_mount_points(ecs.MountPoint(container_path="/files", source_volume="files", read_only=True))
    tasks.add_firelens_log_router(
        "Router",
        image=ecs.ContainerImage.from_registry("fluent/fluent-bit:3"),
        firelens_config=ecs.FirelensConfig(type=ecs.FirelensLogRouterType.FLUENTBIT),
    )
    service = ecs.FargateService(
        stack,
        "Service",
        cluster=cluster,
        task_definition=tasks,
        capacity_provider_strategies=[ecs.CapacityProviderStrategy(capacity_provider="FARGATE_SPOT", weight=1)],
        min_healthy_percent=50,
        max_healthy_percent=150,
        enable_execute_command=True,
        propagate_tags=ecs.PropagatedTagSource.SERVICE,
    )
    scaling = service.auto_scale_task_count(min_capacity=4, max_capacity=9)
    scaling.scale_on_cpu_utilization("Cpu", target_utilization_percent=60)
    errors = cloudwatch.Metric(namespace="orders", metric_name="errors")
    alarm = errors.create_alarm(stack, "Errors", threshold=9, evaluation_periods=2)
    service.enable_deployment_alarms([alarm.alarm_name], behavior=ecs.AlarmBehavior.ROLLBACK_ON_ALARM)
    Tags.of(service).add("team", "orders")
    return service


def _efs(files: efs.FileSystem) -> ecs.EfsVolumeConfiguration:
    return ecs.EfsVolumeConfiguration(file_system_id=files.file_system_id, transit_encryption="ENABLED")


def ec2_service(stack: Stack, cluster: ecs.ICluster, image: ecs.ContainerImage) -> ecs.BaseService:
    assert isinstance(cluster, ecs.Cluster)
    cluster.add_capacity("Instances", instance_type=ec2.InstanceType("c7g.large"))
    tasks = ecs.Ec2TaskDefinition(stack, "Web", family="orders", network_mode=ecs.NetworkMode.AWS_VPC)
    tasks.add_container("App", image=image, memory_limit_mib=512)
    return ecs.Ec2Service(stack, "Service", cluster=cluster, task_definition=tasks, daemon=False)


def application_load_balanced(stack: Stack, cluster: ecs.ICluster, image: ecs.ContainerImage) -> ecs.BaseService:
    options = ecs_patterns.ApplicationLoadBalancedTaskImageOptions(image=image, container_port=8080, family="orders")
    return ecs_patterns.ApplicationLoadBalancedFargateService(
        stack, "Pattern", cluster=cluster, memory_limit_mib=1024, task_image_options=options
    ).service


def network_load_balanced(stack: Stack, cluster: ecs.ICluster, image: ecs.ContainerImage) -> ecs.BaseService:
    options = ecs_patterns.NetworkLoadBalancedTaskImageOptions(image=image, container_port=8080, family="orders")
    return ecs_patterns.NetworkLoadBalancedFargateService(
        stack, "Pattern", cluster=cluster, memory_limit_mib=1024, task_image_options=options
    ).service


def queue_worker(stack: Stack, cluster: ecs.ICluster, image: ecs.ContainerImage) -> ecs.BaseService:
    return ecs_patterns.QueueProcessingFargateService(
        stack, "Pattern", cluster=cluster, image=image, memory_limit_mib=1024, family="orders"
    ).service


SERVICES = [fargate_service, ec2_service, application_load_balanced, network_load_balanced, queue_worker]


def synthesize(make_service: MakeService, attach: Callable[[ServiceMesh, ecs.BaseService], object], plane: str) -> Any:
    """Synthesize a stack with a service, and a mesh to which it may be attached."""
    app = App(builtin_cloud_formation_validation=False)
    stack = Stack(app, "Shop")
    vpc = ec2.Vpc(stack, "Vpc")
    cluster = ecs.Cluster(stack, "Cluster", vpc=vpc)
    service = make_service(stack, cluster, ecs.ContainerImage.from_registry("shop/app:1"))
    namespace = servicediscovery.PrivateDnsNamespace(stack, "Namespace", name=PLANES[plane], vpc=vpc)
    mesh = ServiceMesh(stack, "Mesh", mesh_name="shop", vpc=vpc, namespace=namespace, data_plane=plane)  # type: ignore[arg-type]
    attach(mesh, service)
    return Assertions.from_stack(stack).to_json()


def orders(mesh: ServiceMesh, service: ecs.BaseService) -> NodeAttachment:
    return MeshNode(mesh, "Orders", mesh=mesh, name="orders", port=8080).attach(service)


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Yield the paths at which a template has changed, without what was added to mappings."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before:
            yield from differences(before[key], after.get(key), f"{path}/{key}")
    elif before != after:
        yield path


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("make_service", SERVICES)
def test_attach_changes_the_containers_and_the_security_groups_only(make_service: MakeService, plane: str) -> None:
    before = synthesize(make_service, lambda mesh, service: None, plane)
    after = synthesize(make_service, orders, plane)
    changed = {
        f"{before['Resources'][logical_id]['Type']} {path}"
        for logical_id, resource in before["Resources"].items()
        for path in differences(resource, after["Resources"].get(logical_id))
        # Tasks start after the names of the mesh, and a service after the permissions of its task role.
        if path != "/DependsOn"
    }
    assert changed - {"AWS::IAM::Policy /Properties/PolicyDocument/Statement"} == {
        f"{TASK} /Properties/ContainerDefinitions",
        f"{SERVICE} /Properties/NetworkConfiguration/AwsvpcConfiguration/SecurityGroups",
    }
    old, new = only(before, TASK, Family="orders"), only(after, TASK, Family="orders")
    application, *others = old["ContainerDefinitions"]
    attached = container(new, application["Name"])
    assert attached.pop("DependsOn") == [
        *application.pop("DependsOn", []),
        {"Condition": "HEALTHY", "ContainerName": "envoy-sidecar"},
    ]
    assert attached == application
    companions = {"app-mesh": [], "envoy": ["deregistration-delay"]}[plane]
    assert [each["Name"] for each in new["ContainerDefinitions"]] == [
        application["Name"],
        *(each["Name"] for each in others),
        "envoy-sidecar",
        *companions,
    ]
    assert only(after, SERVICE)["ServiceRegistries"]
    added = _groups(only(after, SERVICE))
    assert added[: len(_groups(only(before, SERVICE)))] == _groups(only(before, SERVICE))
    own, of_mesh = (group["Fn::GetAtt"][0] for group in added[len(_groups(only(before, SERVICE))) :])
    assert "NodeAttachmentSecurityGroup" in own
    assert of_mesh.startswith("MeshSecurityGroup")


def _groups(service: Properties) -> list[Any]:
    groups: list[Any] = service["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"]
    return groups


def test_transparent_interception_redirects_the_traffic_of_the_tasks() -> None:
    template = synthesize(application_load_balanced, orders, "app-mesh")
    settings = only(template, TASK)["ProxyConfiguration"]["ProxyConfigurationProperties"]
    assert {"Name": "AppPorts", "Value": "8080"} in settings


@pytest.fixture
def service(stack: Stack, cluster: ecs.Cluster, image: ecs.ContainerImage) -> ecs.FargateService:
    tasks = ecs.FargateTaskDefinition(stack, "Web", family="orders", cpu=512, memory_limit_mib=1024)
    tasks.add_container("First", image=image, port_mappings=[ecs.PortMapping(container_port=9000)])
    tasks.add_container("Second", image=image, port_mappings=[ecs.PortMapping(container_port=8080)])
    return ecs.FargateService(stack, "Service", cluster=cluster, task_definition=tasks)


@pytest.fixture
def node(stack: Stack, any_mesh: ServiceMesh) -> MeshNode:
    return MeshNode(stack, "Orders", mesh=any_mesh, name="orders", port=8080)


def dependencies(template: Template, name: str) -> list[Any]:
    found: list[Any] = container(only(template, TASK), name).get("DependsOn", [])
    return found


def test_default_container_is_the_application(
    service: ecs.FargateService, node: MeshNode, template: Callable[[], Template]
) -> None:
    attachment = node.attach(service)
    assert attachment.app_container.container_name == "First"
    assert attachment.envoy_container.container_name == "envoy-sidecar"
    synthesized = template()
    assert [each["ContainerName"] for each in dependencies(synthesized, "First")] == ["envoy-sidecar"]
    assert dependencies(synthesized, "Second") == []


@pytest.mark.parametrize(
    ("app_seconds", "given", "expected"),
    [(None, None, 30), (20, None, 30), (90, None, 90), (90, Duration.seconds(100), 100)],
)
def test_envoy_has_at_least_the_stop_timeout_of_the_application(
    stack: Stack,
    cluster: ecs.Cluster,
    node: MeshNode,
    template: Callable[[], Template],
    app_seconds: int | None,
    given: Duration | None,
    expected: int,
) -> None:
    tasks = ecs.FargateTaskDefinition(stack, "Slow")
    stop_timeout = None if app_seconds is None else Duration.seconds(app_seconds)
    tasks.add_container("App", image=ecs.ContainerImage.from_registry("app"), stop_timeout=stop_timeout)
    slow = ecs.FargateService(stack, "SlowService", cluster=cluster, task_definition=tasks, min_healthy_percent=100)
    node.attach(slow, stop_timeout=given)
    envoy = next(
        each
        for definition in properties(template(), TASK)
        for each in definition["ContainerDefinitions"]
        if each["Name"] == "envoy-sidecar"
    )
    # Without a setting, it is the default of ECS.
    assert envoy.get("StopTimeout", 30) == expected


def test_container_may_be_another(
    service: ecs.FargateService, node: MeshNode, template: Callable[[], Template]
) -> None:
    second = service.task_definition.find_container("Second")
    assert node.attach(service, container=second).app_container.container_name == "Second"
    assert dependencies(template(), "First") == []


def test_attachment_is_a_construct_to_which_tags_apply(
    service: ecs.FargateService, node: MeshNode, template: Callable[[], Template]
) -> None:
    attachment = node.attach(service)
    assert attachment.node.path == "Shop/Web/NodeAttachment"
    assert attachment.log_group in attachment.node.children
    Tags.of(attachment).add("team", "orders")
    assert only(template(), "AWS::Logs::LogGroup")["Tags"] == [{"Key": "team", "Value": "orders"}]


def test_log_group_may_be_given(
    stack: Stack, service: ecs.FargateService, node: MeshNode, template: Callable[[], Template]
) -> None:
    group = logs.LogGroup.from_log_group_name(stack, "Logs", "/orders")
    node.attach(service, log_group=group)
    synthesized = template()
    assert properties(synthesized, "AWS::Logs::LogGroup") == []
    envoy = container(only(synthesized, TASK), "envoy-sidecar")
    assert envoy["LogConfiguration"]["Options"]["awslogs-group"] == "/orders"


def test_service_may_be_in_another_stack_than_the_mesh(
    app: App, cluster: ecs.Cluster, image: ecs.ContainerImage, node: MeshNode
) -> None:
    other = Stack(app, "Other")
    service = application_load_balanced(other, cluster, image)
    caller = MeshNode(other, "Caller", mesh=node.mesh, name="caller", listeners=[], virtual_service=False)
    caller.connect_to(node)
    node.attach(service)
    template = dict(Assertions.from_stack(other).to_json())
    of_service, own, of_mesh = _groups(only(template, SERVICE))
    assert "Service" in of_service["Fn::GetAtt"][0]
    assert "NodeAttachment" in own["Fn::GetAtt"][0]
    assert of_mesh["Fn::GetStackOutput"]["StackName"] == "Shop"


@pytest.fixture
def other(app: App) -> Stack:
    """Stack of tasks, which depends on the stack of the mesh."""
    return Stack(app, "Other")


def rules(stack: Stack) -> dict[str, str]:
    """Return the security group rules of a stack: what they connect by port, without the hashes of the ids."""
    template = dict(Assertions.from_stack(stack).to_json())
    ends = {"Ingress": ("SourceSecurityGroupId", "GroupId"), "Egress": ("GroupId", "DestinationSecurityGroupId")}
    return {
        f"{direction} {rule['FromPort']}": f"{_name(rule[source])} -> {_name(rule[destination])}"
        for direction, (source, destination) in ends.items()
        for rule in properties(template, f"AWS::EC2::SecurityGroup{direction}")
    }


def _name(group: dict[str, Any]) -> str:
    """Return the construct of a security group, which is in the template or imported."""
    (name,) = re.findall(r"GetAtt\W*(\w+?)[0-9A-F]{8}", str(group))
    return str(name)


def allow(node: MeshNode, stack: Stack, vpc: ec2.IVpc) -> None:
    """Let a security group and the tasks of the node call each other, in every way that the CDK has."""
    group = ec2.SecurityGroup(stack, "Group", vpc=vpc, allow_all_outbound=False)
    group.connections.allow_from(node, ec2.Port.tcp(1))
    group.connections.allow_to(node, ec2.Port.tcp(2))
    node.connections.allow_from(group, ec2.Port.tcp(3))
    node.connections.allow_to(group, ec2.Port.tcp(4))


def allowed(own: str) -> dict[str, str]:
    """Return the rules of `allow`, with the name of the security group of the node."""
    return {
        "Ingress 1": f"{own} -> Group",
        "Ingress 2": f"Group -> {own}",
        "Ingress 3": f"Group -> {own}",
        "Ingress 4": f"{own} -> Group",
        "Egress 1": f"{own} -> Group",
        "Egress 2": f"Group -> {own}",
        "Egress 3": f"Group -> {own}",
        "Egress 4": f"{own} -> Group",
    }


def test_rules_of_an_attached_service_are_created_in_its_stack(
    other: Stack, vpc: ec2.IVpc, cluster: ecs.Cluster, image: ecs.ContainerImage, node: MeshNode
) -> None:
    node.attach(application_load_balanced(other, cluster, image))
    allow(node, other, vpc)
    assert allowed("PatternTaskDefNodeAttachmentSecurityGroup").items() <= rules(other).items()


def test_rules_of_an_implementation_are_created_in_its_stack(
    other: Stack, vpc: ec2.IVpc, cluster: ecs.Cluster, image: ecs.ContainerImage, node: MeshNode
) -> None:
    node.implement(other, "Task", cluster=cluster, image=image)
    allow(node, other, vpc)
    balancer = elbv2.ApplicationLoadBalancer(other, "Balancer", vpc=vpc)
    listener = balancer.add_listener("Listener", port=80)
    listener.add_targets("Service", port=8080, targets=[node.load_balancer_target()])
    port = 15100 if node.mesh.namespace_name == PLANES["envoy"] else 8080
    assert rules(other) == {
        **allowed("TaskSecurityGroup"),
        f"Ingress {port}": "BalancerSecurityGroup -> TaskSecurityGroup",
        f"Egress {port}": "BalancerSecurityGroup -> TaskSecurityGroup",
    }


def test_rules_of_a_gateway_are_created_in_the_stack_of_its_tasks(
    other: Stack, vpc: ec2.IVpc, cluster: ecs.Cluster, node: MeshNode
) -> None:
    gateway = MeshGateway(node, "Gateway", mesh=node.mesh, name="door")
    gateway.add_route("Orders", to=node)
    entry = ec2.SecurityGroup(other, "Entry", vpc=vpc)
    gateway.implement(other, "Task", cluster=cluster, entry_security_group=entry)
    cache = ec2.SecurityGroup(other, "Cache", vpc=vpc)
    cache.connections.allow_from(gateway, ec2.Port.tcp(6379))
    gateway.connections.allow_from(cache, ec2.Port.tcp(9))
    assert {
        "Ingress 6379": "TaskSecurityGroup -> Cache",
        "Egress 6379": "TaskSecurityGroup -> Cache",
        "Ingress 9": "Cache -> TaskSecurityGroup",
    }.items() <= rules(other).items()


def test_database_admits_a_node(
    other: Stack, vpc: ec2.IVpc, cluster: ecs.Cluster, image: ecs.ContainerImage, node: MeshNode
) -> None:
    engine = rds.DatabaseClusterEngine.aurora_postgres(version=rds.AuroraPostgresEngineVersion.VER_16_8)
    writer = rds.ClusterInstance.serverless_v2("Writer")
    database = rds.DatabaseCluster(other, "Database", engine=engine, writer=writer, vpc=vpc, port=5432)
    database.connections.allow_default_port_from(node)
    node.attach(application_load_balanced(other, cluster, image))
    template = dict(Assertions.from_stack(other).to_json())
    sources = [str(rule["SourceSecurityGroupId"]) for rule in properties(template, "AWS::EC2::SecurityGroupIngress")]
    assert any("NodeAttachmentSecurityGroup" in source for source in sources)


def test_desired_count_of_an_autoscaled_service_is_not_written() -> None:
    template = synthesize(fargate_service, orders, "envoy")
    assert "DesiredCount" not in only(template, SERVICE)
    assert only(template, "AWS::ApplicationAutoScaling::ScalableTarget")["MinCapacity"] == 4


def test_scheduled_task_gets_an_envoy(
    stack: Stack,
    cluster: ecs.Cluster,
    image: ecs.ContainerImage,
    any_mesh: ServiceMesh,
    template: Callable[[], Template],
) -> None:
    report = MeshNode(stack, "Report", mesh=any_mesh, name="report", listeners=[], virtual_service=False)
    tasks = ecs.FargateTaskDefinition(stack, "Web", cpu=512, memory_limit_mib=1024)
    tasks.add_container("Report", image=image)
    attachment = report.add_to(tasks)
    assert report.security_group is not None
    ecs_patterns.ScheduledFargateTask(
        stack,
        "Nightly",
        cluster=cluster,
        schedule=autoscaling.Schedule.cron(hour="3", minute="0"),
        scheduled_fargate_task_definition_options=ecs_patterns.ScheduledFargateTaskDefinitionOptions(
            task_definition=tasks
        ),
        security_groups=[report.security_group],
    )
    assert attachment.task_definition.node.path == "Shop/Web"
    synthesized = template()
    names = [each["Name"] for each in only(synthesized, TASK)["ContainerDefinitions"]]
    assert names == ["Report", "envoy-sidecar"]
    (target,) = only(synthesized, "AWS::Events::Rule")["Targets"]
    (group,) = target["EcsParameters"]["NetworkConfiguration"]["AwsVpcConfiguration"]["SecurityGroups"]
    assert group["Fn::GetAtt"][0].startswith("WebNodeAttachmentSecurityGroup")


def test_task_without_room_for_envoy_fails_the_synthesis(
    app: App, stack: Stack, cluster: ecs.Cluster, image: ecs.ContainerImage, guarded_mesh: ServiceMesh
) -> None:
    namespace = servicediscovery.PrivateDnsNamespace(stack, "Names", name="tasks.shop.test", vpc=cluster.vpc)
    mesh = ServiceMesh(stack, "Small", mesh_name="small", vpc=cluster.vpc, namespace=namespace, data_plane="envoy")
    tasks = ecs.FargateTaskDefinition(stack, "Web", cpu=256, memory_limit_mib=512)
    tasks.add_container("App", image=image, memory_limit_mib=512)
    report = MeshNode(stack, "Report", mesh=mesh, name="report", listeners=[], virtual_service=False)
    report.add_to(tasks)
    with pytest.raises(RuntimeError) as error:
        app.synth()
    assert (
        "virtual node 'report': containers need more memory than the task has, got '512 + 384 = 896 MiB' "
        "(at most 512 MiB)"
    ) in str(error.value)


@pytest.fixture
def refused(stack: Stack, node: MeshNode) -> Callable[..., str]:
    """Attach the node, which is refused; return the message, after a check that nothing has changed."""

    def refused(service: ecs.BaseService, **arguments: Any) -> str:
        before = sorted(construct.node.path for construct in stack.node.find_all())
        with pytest.raises(MeshError) as error:
            node.attach(service, **arguments)
        assert sorted(construct.node.path for construct in stack.node.find_all()) == before
        return str(error.value)

    return refused


def test_network_mode_must_be_awsvpc(
    stack: Stack, cluster: ecs.Cluster, image: ecs.ContainerImage, refused: Callable[..., str]
) -> None:
    cluster.add_capacity("Instances", instance_type=ec2.InstanceType("c7g.large"))
    tasks = ecs.Ec2TaskDefinition(stack, "Web")
    tasks.add_container("App", image=image, memory_limit_mib=512)
    service = ecs.Ec2Service(stack, "Service", cluster=cluster, task_definition=tasks)
    assert refused(service) == (
        "virtual node 'orders': network mode of task definition 'Shop/Web' is not awsvpc, got 'BRIDGE' "
        "(network_mode=NetworkMode.AWS_VPC: an Envoy needs the network of its task)"
    )


def test_service_with_a_cloud_map_service_is_refused(
    stack: Stack, cluster: ecs.Cluster, image: ecs.ContainerImage, refused: Callable[..., str], node: MeshNode
) -> None:
    tasks = ecs.FargateTaskDefinition(stack, "Web", cpu=512, memory_limit_mib=1024)
    tasks.add_container("App", image=image)
    options = ecs.CloudMapOptions(name="web", cloud_map_namespace=node.mesh.namespace)
    service = ecs.FargateService(stack, "S", cluster=cluster, task_definition=tasks, cloud_map_options=options)
    assert refused(service) == (
        "virtual node 'orders': service is in another Cloud Map service, got 'Shop/S' (leave out cloud_map_options of "
        "the service: the node has a Cloud Map service, which callers look up)"
    )


def test_task_definition_without_a_container_is_refused(
    stack: Stack, cluster: ecs.Cluster, refused: Callable[..., str], service: ecs.FargateService
) -> None:
    empty = ecs.FargateService(
        stack, "Empty", cluster=cluster, task_definition=ecs.FargateTaskDefinition(stack, "Nothing")
    )
    assert refused(empty) == (
        "virtual node 'orders': task definition has no container, got 'Shop/Nothing' "
        "(add the container of the application first)"
    )


def test_container_of_another_task_definition_is_refused(
    stack: Stack, service: ecs.FargateService, image: ecs.ContainerImage, refused: Callable[..., str]
) -> None:
    other = ecs.FargateTaskDefinition(stack, "Other").add_container("App", image=image)
    assert refused(service, container=other) == (
        "virtual node 'orders': container is in another task definition, got 'Shop/Other/App' "
        "(a container of 'Shop/Web')"
    )


def test_name_in_place_of_a_container_is_refused(service: ecs.FargateService, refused: Callable[..., str]) -> None:
    assert refused(service, container="App") == (
        "MeshNode 'orders': 'container' is not of the type ecs.ContainerDefinition, got 'App' "
        "(the object itself, imported if another app owns it)"
    )


def test_name_of_a_container_of_the_mesh_is_refused(
    service: ecs.FargateService, image: ecs.ContainerImage, refused: Callable[..., str]
) -> None:
    service.task_definition.add_container("envoy-sidecar", image=image)
    assert refused(service, envoy_cpu=0) == (
        "container 'envoy-sidecar': CPU out of range, got 0 (1 to 16384)\n"
        "virtual node 'orders': task definition 'Shop/Web' has a container of this name, got 'envoy-sidecar' "
        "(give the container another name: this one is that of the mesh)"
    )


def test_id_of_a_container_of_the_mesh_is_refused(
    stack: Stack, cluster: ecs.Cluster, image: ecs.ContainerImage, refused: Callable[..., str]
) -> None:
    tasks = ecs.FargateTaskDefinition(stack, "Web", cpu=512, memory_limit_mib=1024)
    tasks.add_container("envoy-sidecar", container_name="app", image=image)
    service = ecs.FargateService(stack, "Service", cluster=cluster, task_definition=tasks)
    assert "task definition 'Shop/Web' has a container of this name, got 'envoy-sidecar'" in refused(service)


@pytest.mark.parametrize("id", ["App", "Envoy", "Sidecar", "DeregistrationDelay"])
def test_container_of_the_application_may_have_another_id(
    stack: Stack, cluster: ecs.Cluster, image: ecs.ContainerImage, any_mesh: ServiceMesh, id: str
) -> None:
    tasks = ecs.FargateTaskDefinition(stack, "Web", cpu=512, memory_limit_mib=1024)
    tasks.add_container(id, image=image)
    service = ecs.FargateService(stack, "Service", cluster=cluster, task_definition=tasks)
    node = MeshNode(stack, "Orders", mesh=any_mesh, name="orders", port=8080)
    assert node.attach(service).app_container.container_name == id


def test_pattern_and_imported_service_are_refused(
    stack: Stack, cluster: ecs.Cluster, image: ecs.ContainerImage, refused: Callable[..., str]
) -> None:
    options = ecs_patterns.ApplicationLoadBalancedTaskImageOptions(image=image)
    pattern = ecs_patterns.ApplicationLoadBalancedFargateService(
        stack, "Pattern", cluster=cluster, task_image_options=options
    )
    arn = "arn:aws:ecs:eu-west-1:123456789012:service/shop/orders"
    imported = ecs.FargateService.from_fargate_service_attributes(stack, "Imported", cluster=cluster, service_arn=arn)
    for service in (pattern, imported):
        assert refused(service) == (
            f"virtual node 'orders': service is not an ecs.BaseService of this app, got {service.node.path!r} "
            "(an imported one cannot be changed; a pattern has its own in 'service' and 'task_definition')"
        )


def test_imported_task_definition_is_refused(stack: Stack, node: MeshNode) -> None:
    arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/orders:1"
    imported = ecs.FargateTaskDefinition.from_fargate_task_definition_arn(stack, "Imported", arn)
    with pytest.raises(MeshError, match=r"task definition is not an ecs\.TaskDefinition of this app, got 'Shop/Impor"):
        node.add_to(imported)  # type: ignore[arg-type]


def test_task_without_a_service_is_no_task_of_a_node_that_listens(
    stack: Stack, image: ecs.ContainerImage, node: MeshNode
) -> None:
    tasks = ecs.FargateTaskDefinition(stack, "Nightly", cpu=512, memory_limit_mib=1024)
    tasks.add_container("App", image=image)
    with pytest.raises(MeshError) as error:
        node.add_to(tasks)
    assert str(error.value) == (
        "virtual node 'orders': has listeners but no service that registers its tasks, got (8080,) "
        "(attach its service, or make it a node that only calls: listeners=[], virtual_service=False)"
    )


def test_proxy_configuration_of_another_envoy_is_refused(
    stack: Stack, cluster: ecs.Cluster, image: ecs.ContainerImage, refused: Callable[..., str]
) -> None:
    proxy = ecs.AppMeshProxyConfiguration(
        container_name="proxy",
        properties=ecs.AppMeshProxyConfigurationProps(
            app_ports=[8080], proxy_ingress_port=15000, proxy_egress_port=15001, ignored_uid=1337
        ),
    )
    tasks = ecs.FargateTaskDefinition(stack, "Web", cpu=512, memory_limit_mib=1024, proxy_configuration=proxy)
    app = tasks.add_container("App", image=image)
    tasks.add_container("proxy", image=image)
    service = ecs.FargateService(stack, "Service", cluster=cluster, task_definition=tasks)
    assert refused(service, container=app) == (
        "virtual node 'orders': task definition has a proxy configuration, got 'Shop/Web' "
        "(leave proxy_configuration out, and the container of the Envoy that it names)"
    )


def test_service_with_room_for_no_more_security_groups_is_refused(
    stack: Stack, cluster: ecs.Cluster, image: ecs.ContainerImage, vpc: ec2.IVpc, refused: Callable[..., str]
) -> None:
    tasks = ecs.FargateTaskDefinition(stack, "Web", cpu=512, memory_limit_mib=1024)
    tasks.add_container("App", image=image)
    groups: list[ec2.ISecurityGroup] = [ec2.SecurityGroup(stack, f"Group{number}", vpc=vpc) for number in range(5)]
    service = ecs.FargateService(stack, "Service", cluster=cluster, task_definition=tasks, security_groups=groups)
    assert refused(service) == (
        "virtual node 'orders': service 'Shop/Service' has too many security groups, got 5 "
        "(at most 5, of which the node needs 2)"
    )


def test_service_whose_tasks_another_controller_starts_is_refused(
    stack: Stack, cluster: ecs.Cluster, image: ecs.ContainerImage, refused: Callable[..., str]
) -> None:
    tasks = ecs.FargateTaskDefinition(stack, "Web", cpu=512, memory_limit_mib=1024)
    tasks.add_container("App", image=image)
    controller = ecs.DeploymentController(type=ecs.DeploymentControllerType.EXTERNAL)
    service = ecs.FargateService(
        stack, "Service", cluster=cluster, task_definition=tasks, deployment_controller=controller
    )
    assert refused(service) == (
        "virtual node 'orders': service has the deployment controller EXTERNAL, got 'Shop/Service' "
        "(ECS or CODE_DEPLOY: the network of its tasks is not in the service)"
    )


def test_cpu_that_the_task_does_not_have_is_refused(
    stack: Stack, cluster: ecs.Cluster, image: ecs.ContainerImage, refused: Callable[..., str]
) -> None:
    tasks = ecs.FargateTaskDefinition(stack, "Web", cpu=256, memory_limit_mib=1024)
    tasks.add_container("App", image=image, cpu=200)
    service = ecs.FargateService(stack, "Service", cluster=cluster, task_definition=tasks)
    assert refused(service) == (
        "virtual node 'orders': containers need more CPU than the task has, got '200 + 128 = 328 units' "
        "(at most 256 units)"
    )


def test_service_is_attached_once(service: ecs.FargateService, node: MeshNode, stack: Stack) -> None:
    node.attach(service)
    other = MeshNode(stack, "Bills", mesh=node.mesh, name="bills", port=8080)
    with pytest.raises(MeshError) as error:
        other.attach(service)
    assert "virtual node 'bills': task definition is in the mesh already, got 'Shop/Web' (one node for each task" in (
        str(error.value)
    )
    assert "name of the ECS service" not in str(error.value)


def test_node_with_a_hostname_has_no_tasks_to_attach(
    stack: Stack, any_mesh: ServiceMesh, service: ecs.FargateService
) -> None:
    bank = MeshNode(stack, "Bank", mesh=any_mesh, name="bank", hostname="bank.example", virtual_service=False)
    with pytest.raises(MeshError, match="virtual node 'bank': has a hostname and no tasks, got 'bank.example'"):
        bank.attach(service)
