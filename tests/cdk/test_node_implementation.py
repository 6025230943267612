"""Implementation of a node: tasks, roles, service, and the effect of each argument."""

import re
from collections.abc import Callable
from functools import partial

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_servicediscovery as servicediscovery
from aws_cdk.assertions import Template as Assertions

from color_mesh import MeshError, MeshNode, ServiceMesh
from color_mesh.cdk import NodeImplementation
from tests.support.cloudformation import Properties, Template, container, only, properties, statements

SERVICE = "AWS::ECS::Service"
TASK = "AWS::ECS::TaskDefinition"
LOG_GROUP = "AWS::Logs::LogGroup"
TASK_ROLE = "CartTaskTaskRole"
EXECUTION_ROLE = "CartTaskTaskDefinitionExecutionRole"
SIZES = "256, 512, 1024, 2048, 4096, 8192, 16384"

Implement = Callable[..., NodeImplementation]


@pytest.fixture
def cart(stack: Stack, mesh: ServiceMesh) -> MeshNode:
    return MeshNode(stack, "Cart", mesh=mesh, name="cart", port=8080)


@pytest.fixture
def implement(stack: Stack, cart: MeshNode, cluster: ecs.Cluster, image: ecs.ContainerImage) -> Implement:
    """Implement the cart with the arguments of the test."""
    return partial(cart.implement, stack, "CartTask", cluster=cluster, image=image)


def logical_id(template: Template, type: str) -> str:
    """Return the logical id of the only resource of a type."""
    logical_id: str
    (logical_id,) = (id for id, resource in template["Resources"].items() if resource["Type"] == type)
    return logical_id


def app_of(template: Template, name: str = "cart-app") -> Properties:
    return container(only(template, TASK), name)


def envoy_of(template: Template) -> Properties:
    return container(only(template, TASK), "envoy-sidecar")


def proxy_of(template: Template) -> dict[str, str]:
    settings = only(template, TASK)["ProxyConfiguration"]["ProxyConfigurationProperties"]
    return {setting["Name"]: setting["Value"] for setting in settings}


def network_of(template: Template) -> Properties:
    network: Properties = only(template, SERVICE)["NetworkConfiguration"]["AwsvpcConfiguration"]
    return network


def imports_of(template: Template) -> set[str]:
    """Return the imports of a template as ``Stack:Ref or attribute:construct``, without the hashes of the ids."""
    parts = re.findall(
        r"'Fn::ImportValue': '(\w+):ExportsOutput(Ref|FnGetAtt)(\w+?)[0-9A-F]{8}(\w*?)[0-9A-F]{8}'", str(template)
    )
    return {":".join(part) for part in parts}


# Application


def test_application_runs_the_image(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    assert app_of(template())["Image"] == "shop/app:1"


def test_application_has_no_environment_variables_by_default(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    app = app_of(template())
    assert "Environment" not in app
    assert "Secrets" not in app


def test_application_has_the_environment_variables_given(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement(environment={"COLOR": "red"})
    synthesized = template()
    assert app_of(synthesized)["Environment"] == [{"Name": "COLOR", "Value": "red"}]
    assert [variable["Name"] for variable in envoy_of(synthesized)["Environment"]] == ["APPMESH_RESOURCE_ARN"]


def test_application_has_the_secrets_given_and_the_execution_role_may_read_them(
    stack: Stack, implement: Implement, template: Callable[[], Template]
) -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:bank-AbCdEf"
    secret = secretsmanager.Secret.from_secret_complete_arn(stack, "Bank", arn)
    implement(secrets={"BANK": ecs.Secret.from_secrets_manager(secret)})
    synthesized = template()
    granted = [statement for statement in statements(synthesized, EXECUTION_ROLE) if statement["Resource"] == arn]
    assert app_of(synthesized)["Secrets"] == [{"Name": "BANK", "ValueFrom": arn}]
    assert "Secrets" not in envoy_of(synthesized)
    assert [statement["Action"] for statement in granted] == [
        ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    ]


def test_application_listens_on_the_port_of_the_node(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    assert app_of(template())["PortMappings"] == [{"ContainerPort": 8080, "Protocol": "tcp"}]


def test_port_has_the_name_given(implement: Implement, template: Callable[[], Template]) -> None:
    implement(port_name="cart-port")
    assert app_of(template())["PortMappings"] == [{"ContainerPort": 8080, "Name": "cart-port", "Protocol": "tcp"}]


def test_application_has_the_container_name_given(implement: Implement, template: Callable[[], Template]) -> None:
    implement(container_name="basket")
    assert app_of(template(), "basket")["Image"] == "shop/app:1"


def test_containers_have_the_stop_timeout_of_ecs_by_default(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    synthesized = template()
    assert ["StopTimeout" in each for each in (app_of(synthesized), envoy_of(synthesized))] == [False, False]


def test_containers_have_the_stop_timeout_given(implement: Implement, template: Callable[[], Template]) -> None:
    implement(stop_timeout=Duration.seconds(2))
    synthesized = template()
    assert [each["StopTimeout"] for each in (app_of(synthesized), envoy_of(synthesized))] == [2, 2]


def test_task_has_no_deregistration_delay(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    assert [each["Name"] for each in only(template(), TASK)["ContainerDefinitions"]] == ["cart-app", "envoy-sidecar"]


def test_application_has_no_health_check_by_default(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    assert "HealthCheck" not in app_of(template())


def test_application_has_the_health_check_given(implement: Implement, template: Callable[[], Template]) -> None:
    implement(container_health_check=ecs.HealthCheck(command=["curl -f localhost"]))
    assert app_of(template())["HealthCheck"] == {
        "Command": ["CMD-SHELL", "curl -f localhost"],
        "Interval": 30,
        "Timeout": 5,
        "Retries": 3,
    }


def test_application_has_the_intervals_of_the_health_check_given(
    implement: Implement, template: Callable[[], Template]
) -> None:
    check = ecs.HealthCheck(
        command=["check"],
        interval=Duration.minutes(5),
        timeout=Duration.minutes(1),
        retries=10,
        start_period=Duration.minutes(5),
    )
    implement(container_health_check=check)
    assert app_of(template())["HealthCheck"] == {
        "Command": ["CMD-SHELL", "check"],
        "Interval": 300,
        "Timeout": 60,
        "Retries": 10,
        "StartPeriod": 300,
    }


def test_application_has_the_command_of_the_image_by_default(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    assert {"EntryPoint", "Command"} & set(app_of(template())) == set()


def test_application_has_the_entry_point_and_the_command_given(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement(entry_point=["sh", "-c"], command=("serve",))
    app = app_of(template())
    assert (app["EntryPoint"], app["Command"]) == (["sh", "-c"], ["serve"])


# Envoy


def test_application_starts_after_envoy_is_healthy(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    assert app_of(template())["DependsOn"] == [{"Condition": "HEALTHY", "ContainerName": "envoy-sidecar"}]


def test_application_is_the_first_container_and_envoy_the_second(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    names = [container["Name"] for container in only(template(), TASK)["ContainerDefinitions"]]
    assert names == ["cart-app", "envoy-sidecar"]


def test_both_containers_are_essential(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    synthesized = template()
    assert app_of(synthesized)["Essential"] is True
    assert envoy_of(synthesized)["Essential"] is True


def test_traffic_of_the_user_of_envoy_is_not_redirected(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    synthesized = template()
    assert envoy_of(synthesized)["User"] == "1337"
    assert proxy_of(synthesized)["IgnoredUID"] == "1337"


def test_traffic_to_the_port_of_the_node_is_redirected_to_envoy(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    synthesized = template()
    assert only(synthesized, TASK)["ProxyConfiguration"]["ContainerName"] == "envoy-sidecar"
    assert proxy_of(synthesized)["AppPorts"] == "8080"


def test_traffic_to_credentials_and_metadata_endpoints_is_not_redirected(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    assert proxy_of(template())["EgressIgnoredIPs"] == "169.254.170.2,169.254.169.254"


def test_envoy_receives_the_arn_of_its_virtual_node(
    implement: Implement, template: Callable[[], Template], resource_arn: Properties
) -> None:
    implement()
    assert envoy_of(template())["Environment"] == [{"Name": "APPMESH_RESOURCE_ARN", "Value": resource_arn}]


def test_envoy_has_a_health_check_of_its_state(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    envoy = envoy_of(template())
    assert envoy["StartTimeout"] == 30
    assert envoy["HealthCheck"] == {
        "Command": ["CMD-SHELL", "curl -s http://localhost:9901/server_info | grep state | grep -q LIVE"],
        "Interval": 5,
        "Timeout": 2,
        "Retries": 3,
        "StartPeriod": 10,
    }


# Sizes


def test_task_has_the_smallest_size_of_fargate_by_default(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    task = only(template(), TASK)
    assert (task["Cpu"], task["Memory"]) == ("256", "512")
    assert task["RequiresCompatibilities"] == ["FARGATE"]


@pytest.mark.parametrize(
    ("cpu", "memory"),
    [
        pytest.param(256, 2048, id="256-most"),
        pytest.param(512, 1024, id="512-least"),
        pytest.param(4096, 30720, id="4096-most"),
        pytest.param(16384, 122880, id="largest"),
    ],
)
def test_task_has_the_size_given(implement: Implement, template: Callable[[], Template], cpu: int, memory: int) -> None:
    implement(cpu=cpu, memory_mib=memory)
    task = only(template(), TASK)
    assert (task["Cpu"], task["Memory"]) == (str(cpu), str(memory))


def test_cpu_that_fargate_does_not_support_is_refused(implement: Implement) -> None:
    with pytest.raises(MeshError) as error:
        implement(cpu=300)
    assert str(error.value) == f"task 'cart': CPU is not a Fargate size, got 300 (one of: {SIZES})"


@pytest.mark.parametrize(
    ("cpu", "memory", "allowed"),
    [
        pytest.param(256, 4096, "512, 1024, 2048", id="too-much"),
        pytest.param(512, 512, "1024, 2048, 3072, 4096", id="too-little"),
        pytest.param(256, 1000, "512, 1024, 2048", id="between"),
    ],
)
def test_memory_that_fargate_does_not_support_with_the_cpu_is_refused(
    implement: Implement, cpu: int, memory: int, allowed: str
) -> None:
    with pytest.raises(MeshError) as error:
        implement(cpu=cpu, memory_mib=memory)
    assert str(error.value) == (
        f"task 'cart': memory is not available for {cpu} CPU units, got {memory} (one of: {allowed})"
    )


def test_envoy_has_its_default_share_and_the_application_the_rest(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement(cpu=1024, memory_mib=2048)
    synthesized = template()
    app, envoy = app_of(synthesized), envoy_of(synthesized)
    assert (envoy["Cpu"], envoy["Memory"]) == (128, 384)
    assert (app["Cpu"], app["Memory"]) == (896, 1664)


def test_envoy_has_the_share_given_and_the_application_the_rest(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement(envoy_cpu=64, envoy_memory_mib=256)
    synthesized = template()
    app, envoy = app_of(synthesized), envoy_of(synthesized)
    assert (envoy["Cpu"], envoy["Memory"]) == (64, 256)
    assert (app["Cpu"], app["Memory"]) == (192, 256)


def test_application_has_the_share_given(implement: Implement, template: Callable[[], Template]) -> None:
    implement(app_cpu=32, app_memory_mib=6)
    synthesized = template()
    app, envoy = app_of(synthesized), envoy_of(synthesized)
    assert (app["Cpu"], app["Memory"]) == (32, 6)
    assert (envoy["Cpu"], envoy["Memory"]) == (128, 384)


def test_application_that_needs_more_cpu_than_envoy_leaves_is_refused(implement: Implement) -> None:
    with pytest.raises(MeshError) as error:
        implement(app_cpu=129)
    assert str(error.value) == (
        "task 'cart': containers need more CPU than the task has, got '129 + 128 = 257 units' (at most 256 units)"
    )


def test_application_that_needs_more_memory_than_envoy_leaves_is_refused(implement: Implement) -> None:
    with pytest.raises(MeshError) as error:
        implement(app_memory_mib=129)
    assert str(error.value) == (
        "task 'cart': containers need more memory than the task has, got '129 + 384 = 513 MiB' (at most 512 MiB)"
    )


@pytest.mark.parametrize(
    ("size", "wrong"),
    [
        pytest.param(
            {"envoy_cpu": 256},
            "more CPU than the task has, got '1 + 256 = 257 units' (at most 256 units)",
            id="no-cpu",
        ),
        pytest.param(
            {"envoy_cpu": 300},
            "more CPU than the task has, got '1 + 300 = 301 units' (at most 256 units)",
            id="less-than-no-cpu",
        ),
        pytest.param(
            {"envoy_memory_mib": 512},
            "more memory than the task has, got '6 + 512 = 518 MiB' (at most 512 MiB)",
            id="no-memory",
        ),
        pytest.param(
            {"envoy_memory_mib": 507},
            "more memory than the task has, got '6 + 507 = 513 MiB' (at most 512 MiB)",
            id="less-memory-than-a-container-needs",
        ),
    ],
)
def test_envoy_that_leaves_nothing_is_refused(implement: Implement, size: dict[str, int], wrong: str) -> None:
    with pytest.raises(MeshError) as error:
        implement(**size)
    assert str(error.value) == f"task 'cart': containers need {wrong}"


def test_application_may_have_the_minimum_memory(implement: Implement, template: Callable[[], Template]) -> None:
    implement(envoy_memory_mib=506)
    assert app_of(template())["Memory"] == 6


def test_size_that_is_text_is_refused(implement: Implement) -> None:
    with pytest.raises(MeshError) as error:
        implement(cpu="256")
    assert str(error.value).splitlines() == [
        f"task 'cart': CPU is not a Fargate size, got '256' (one of: {SIZES})",
        "container 'cart-app': CPU out of range, got '256' (1 to 16384)",
    ]


def test_every_problem_of_a_task_is_reported_and_nothing_is_created(stack: Stack, implement: Implement) -> None:
    check = ecs.HealthCheck(command=["CMD"], interval=Duration.seconds(4), timeout=Duration.seconds(61), retries=0)
    with pytest.raises(MeshError) as error:
        implement(cpu=300, desired_count=-1, container_name="the app", app_memory_mib=5, container_health_check=check)
    assert str(error.value).splitlines() == [
        f"task 'cart': CPU is not a Fargate size, got 300 (one of: {SIZES})",
        "task 'cart': desired count out of range, got -1 (0 to 5000)",
        "container 'the app': name has invalid characters, got 'the app' (letters, digits, '-' and '_')",
        "container 'the app': memory out of range, got 5 (6 to 122880)",
        "container 'the app': health check interval out of range, got 4 (5 to 300)",
        "container 'the app': health check timeout out of range, got 61 (2 to 60)",
        "container 'the app': health check retries out of range, got 0 (1 to 10)",
    ]
    assert stack.node.try_find_child("CartTask") is None


def test_application_with_the_name_of_envoys_container_is_refused(implement: Implement) -> None:
    with pytest.raises(MeshError) as error:
        implement(container_name="envoy-sidecar")
    assert str(error.value) == (
        "task 'cart': duplicate container, got 'envoy-sidecar' (occurs 2 times, must be unique)"
    )


def test_task_runs_on_the_default_architecture(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    assert "RuntimePlatform" not in only(template(), TASK)


def test_task_runs_on_the_architecture_given(implement: Implement, template: Callable[[], Template]) -> None:
    implement(cpu_architecture=ecs.CpuArchitecture.ARM64)
    assert only(template(), TASK)["RuntimePlatform"] == {"CpuArchitecture": "ARM64"}


# Names


def test_family_and_service_have_generated_names_by_default(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    synthesized = template()
    assert only(synthesized, TASK)["Family"].startswith("ShopCartTaskTaskDefinition")
    assert "ServiceName" not in only(synthesized, SERVICE)


def test_family_is_the_one_given(implement: Implement, template: Callable[[], Template]) -> None:
    implement(family="cart_node")
    assert only(template(), TASK)["Family"] == "cart_node"


def test_service_has_the_name_given(implement: Implement, template: Callable[[], Template]) -> None:
    implement(service_name="cart-svc")
    assert only(template(), SERVICE)["ServiceName"] == "cart-svc"


@pytest.mark.parametrize(
    ("argument", "subject", "most"),
    [
        pytest.param("family", "task 'cart': family", 255, id="family"),
        pytest.param("service_name", "task 'cart': service name", 255, id="service-name"),
    ],
)
def test_invalid_name_is_refused_and_nothing_is_created(
    stack: Stack, implement: Implement, argument: str, subject: str, most: int
) -> None:
    with pytest.raises(MeshError) as error:
        implement(**{argument: "the cart"})
    assert str(error.value) == (f"{subject} has invalid characters, got 'the cart' (letters, digits, '-' and '_')")
    with pytest.raises(MeshError) as error:
        implement(**{argument: ""})
    assert str(error.value) == f"{subject} is empty, got '' (1 to {most} characters)"
    assert stack.node.try_find_child("CartTask") is None


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("the cart", id="space"),
        pytest.param("Cart", id="capital"),
        pytest.param("-cart", id="dash-first"),
        pytest.param("c" * 65, id="long"),
    ],
)
def test_invalid_port_name_is_refused_and_nothing_is_created(stack: Stack, implement: Implement, name: str) -> None:
    fix = "1 to 64 lower-case letters, digits, '_' and '-', with no '-' at the start"
    with pytest.raises(MeshError) as error:
        implement(port_name=name)
    assert str(error.value) == f"container 'cart-app': port name is invalid, got {name!r} ({fix})"
    assert stack.node.try_find_child("CartTask") is None


def test_empty_container_name_is_refused(stack: Stack, implement: Implement) -> None:
    with pytest.raises(MeshError) as error:
        implement(container_name="")
    assert str(error.value) == "container '': name is empty, got '' (1 to 255 characters)"
    assert stack.node.try_find_child("CartTask") is None


# Subnets


@pytest.fixture
def implement_in_public_subnets(
    stack: Stack,
    namespace: servicediscovery.PrivateDnsNamespace,
    mesh_group: ec2.ISecurityGroup,
    image: ecs.ContainerImage,
) -> Implement:
    """Implement the cart in a VPC that has public subnets only."""
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Open", vpc_id="vpc-open", availability_zones=["a"], public_subnet_ids=["open-a"]
    )
    mesh = ServiceMesh(
        stack, "Mesh", mesh_name="shop", vpc=vpc, domain="shop.local", security_group=mesh_group, data_plane="app-mesh"
    )
    cart = MeshNode(stack, "Cart", mesh=mesh, name="cart")
    cluster = ecs.Cluster(stack, "Cluster", vpc=vpc)
    return partial(cart.implement, stack, "CartTask", cluster=cluster, image=image)


def test_tasks_are_refused_in_a_vpc_without_private_subnets(
    stack: Stack, implement_in_public_subnets: Implement
) -> None:
    with pytest.raises(MeshError) as error:
        implement_in_public_subnets(desired_count=5001)
    assert str(error.value).splitlines() == [
        (
            "virtual node 'cart': VPC has no private subnets with egress, got 'Shop/Open' "
            "(subnets with a route to a NAT gateway)"
        ),
        "task 'cart': desired count out of range, got 5001 (0 to 5000)",
    ]
    assert stack.node.try_find_child("CartTask") is None


def test_tasks_in_the_subnets_given_need_no_private_ones(
    implement_in_public_subnets: Implement, template: Callable[[], Template]
) -> None:
    implement_in_public_subnets(vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC))
    assert network_of(template())["Subnets"] == ["open-a"]


# Roles


@pytest.fixture
def resource_arn() -> Properties:
    return {
        "Fn::Join": [
            "",
            [
                "arn:",
                {"Ref": "AWS::Partition"},
                ":appmesh:",
                {"Ref": "AWS::Region"},
                ":",
                {"Ref": "AWS::AccountId"},
                ":mesh/shop/virtualNode/cart",
            ],
        ]
    }


def test_task_may_only_stream_the_configuration_of_its_own_node(
    implement: Implement, template: Callable[[], Template], resource_arn: Properties
) -> None:
    implement()
    assert statements(template(), TASK_ROLE) == [
        {"Action": "appmesh:StreamAggregatedResources", "Effect": "Allow", "Resource": resource_arn}
    ]


def test_roles_are_for_tasks_of_this_account_and_have_no_managed_policies(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    role, execution_role = properties(template(), "AWS::IAM::Role")
    for each in (role, execution_role):
        (trusted,) = each["AssumeRolePolicyDocument"]["Statement"]
        assert trusted["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
        assert trusted["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert trusted["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Join"][1][-2:] == [
            {"Ref": "AWS::AccountId"},
            ":*",
        ]
    assert "ManagedPolicyArns" not in role
    assert "ManagedPolicyArns" not in execution_role


def test_ecs_exec_is_disabled_by_default(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    assert "EnableExecuteCommand" not in only(template(), SERVICE)


def test_ecs_exec_grants_four_actions(
    implement: Implement, template: Callable[[], Template], resource_arn: Properties
) -> None:
    implement(execute_command=True)
    synthesized = template()
    assert only(synthesized, SERVICE)["EnableExecuteCommand"] is True
    assert statements(synthesized, TASK_ROLE) == [
        {"Action": "appmesh:StreamAggregatedResources", "Effect": "Allow", "Resource": resource_arn},
        {
            "Action": [
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ],
            "Effect": "Allow",
            "Resource": "*",
        },
    ]


def test_execution_role_writes_to_the_log_group_of_the_task_only(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    synthesized = template()
    (statement,) = statements(synthesized, EXECUTION_ROLE)
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert statement["Resource"] == {"Fn::GetAtt": [logical_id(synthesized, LOG_GROUP), "Arn"]}


# Logs


def test_task_has_a_log_group_with_a_retention_of_one_week_by_default(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    assert only(template(), LOG_GROUP) == {"RetentionInDays": 7}


def test_default_log_group_is_deleted_with_the_stack(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    synthesized = template()
    group = synthesized["Resources"][logical_id(synthesized, LOG_GROUP)]
    assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("Delete", "Delete")


def test_both_containers_log_to_the_group_given_under_their_names(
    stack: Stack, implement: Implement, template: Callable[[], Template]
) -> None:
    implement(log_group=logs.LogGroup.from_log_group_name(stack, "Logs", "shop-logs"))
    synthesized = template()
    app = app_of(synthesized)["LogConfiguration"]["Options"]
    envoy = envoy_of(synthesized)["LogConfiguration"]["Options"]
    assert properties(synthesized, LOG_GROUP) == []
    assert (app["awslogs-group"], app["awslogs-stream-prefix"]) == ("shop-logs", "cart-app-container")
    assert (envoy["awslogs-group"], envoy["awslogs-stream-prefix"]) == ("shop-logs", "cart-envoy-sidecar")


# Service


def test_deployments_keep_the_number_of_tasks_by_default(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    assert "DesiredCount" not in only(template(), SERVICE)


@pytest.mark.parametrize("count", [pytest.param(0, id="least"), pytest.param(5000, id="most")])
def test_service_has_the_desired_count_given(
    implement: Implement, template: Callable[[], Template], count: int
) -> None:
    implement(desired_count=count)
    assert only(template(), SERVICE)["DesiredCount"] == count


@pytest.mark.parametrize("count", [pytest.param(-1, id="too-few"), pytest.param(5001, id="too-many")])
def test_desired_count_out_of_range_is_refused(implement: Implement, count: int) -> None:
    with pytest.raises(MeshError) as error:
        implement(desired_count=count)
    assert str(error.value) == f"task 'cart': desired count out of range, got {count} (0 to 5000)"


def test_service_rolls_back_a_failed_deployment(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    deployment = only(template(), SERVICE)["DeploymentConfiguration"]
    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (100, 200)


def test_tasks_are_in_the_private_subnets_and_have_the_shared_security_group_by_default(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    assert network_of(template()) == {
        "AssignPublicIp": "DISABLED",
        "SecurityGroups": ["sg-mesh"],
        "Subnets": ["private-a", "private-b"],
    }


def test_tasks_are_in_the_subnets_given(implement: Implement, template: Callable[[], Template]) -> None:
    implement(vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC))
    assert network_of(template())["Subnets"] == ["public-a", "public-b"]


def test_tasks_have_the_security_group_of_their_node(
    stack: Stack,
    guarded_mesh: ServiceMesh,
    cluster: ecs.Cluster,
    image: ecs.ContainerImage,
    template: Callable[[], Template],
) -> None:
    stock = MeshNode(stack, "Stock", mesh=guarded_mesh)
    assert stock.security_group is not None
    stock.implement(stack, "StockTask", cluster=cluster, image=image)
    assert network_of(template())["SecurityGroups"] == [
        stack.resolve(group.security_group_id) for group in (stock.security_group, guarded_mesh.network.security_group)
    ]


def test_tasks_are_registered_in_the_cloud_map_service_of_their_node(
    stack: Stack, cart: MeshNode, implement: Implement, template: Callable[[], Template]
) -> None:
    assert cart.cloud_map_service is not None
    implement()
    registries = only(template(), SERVICE)["ServiceRegistries"]
    assert registries == [{"RegistryArn": stack.resolve(cart.cloud_map_service.service_arn)}]


def test_service_runs_in_the_cluster_given(
    stack: Stack, cluster: ecs.Cluster, implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    assert only(template(), SERVICE)["Cluster"] == stack.resolve(cluster.cluster_name)


def test_task_definition_depends_on_its_virtual_node(implement: Implement, template: Callable[[], Template]) -> None:
    implement()
    synthesized = template()
    task = synthesized["Resources"][logical_id(synthesized, TASK)]
    assert task["DependsOn"] == [logical_id(synthesized, "AWS::AppMesh::VirtualNode")]


# Specification and implementation in two stacks


@pytest.fixture
def halves(app: App, image: ecs.ContainerImage) -> Callable[[], dict[str, Template]]:
    """Declare a node in one stack, implement it in a second stack, and synthesize both."""
    network = Stack(app, "Network")
    vpc = ec2.Vpc(network, "Vpc", max_azs=1)
    cluster = ecs.Cluster(network, "Cluster", vpc=vpc)
    namespace = servicediscovery.PrivateDnsNamespace(network, "Namespace", name="shop.local", vpc=vpc)
    specification = Stack(app, "Specification")
    mesh = ServiceMesh(specification, "Mesh", mesh_name="shop", vpc=vpc, namespace=namespace, data_plane="app-mesh")
    cart = MeshNode(specification, "Cart", mesh=mesh, name="cart")
    tasks = Stack(app, "Tasks")
    cart.implement(tasks, "CartTask", cluster=cluster, image=image, execute_command=True)
    stacks = {"specification": specification, "tasks": tasks}
    return lambda: {name: dict(Assertions.from_stack(stack).to_json()) for name, stack in stacks.items()}


def test_implementation_in_another_stack_imports_the_needs_of_the_service_and_no_app_mesh_resource(
    halves: Callable[[], dict[str, Template]],
) -> None:
    assert imports_of(halves()["tasks"]) == {
        "Network:Ref:Cluster:",
        "Network:Ref:Vpc:",
        "Network:Ref:VpcPrivateSubnet1Subnet:",
        "Specification:FnGetAtt:CartCloudMapService:Arn",
    }


def test_implementation_in_another_stack_names_the_same_virtual_node(
    halves: Callable[[], dict[str, Template]], resource_arn: Properties
) -> None:
    templates = halves()
    assert only(templates["specification"], "AWS::AppMesh::VirtualNode")["VirtualNodeName"] == "cart"
    assert statements(templates["tasks"], TASK_ROLE)[0]["Resource"] == resource_arn


def test_specification_does_not_depend_on_its_implementation(halves: Callable[[], dict[str, Template]]) -> None:
    synthesized = halves()["specification"]
    assert properties(synthesized, TASK) == []
    assert "Tasks:" not in str(synthesized)


def test_node_that_is_implemented_twice_is_refused(implement: Implement, cart: MeshNode, stack: Stack) -> None:
    blue = implement(family="blue")
    with pytest.raises(MeshError) as error:
        cart.implement(
            stack, "Green", cluster=blue.fargate_service.cluster, image=ecs.ContainerImage.from_registry("shop/app:2")
        )
    assert str(error.value) == (
        "virtual node 'cart': has a service already, got 'Shop/CartTask/Service' "
        "(one service for each; several share the requests as targets of a MeshRouter)"
    )
    assert stack.node.try_find_child("Green") is None


# Returned constructs


def test_containers_of_the_task_are_returned(implement: Implement, template: Callable[[], Template]) -> None:
    implementation = implement()
    implementation.app_container.add_environment("TAX", "19")
    implementation.envoy_container.add_environment("ENVOY_LOG_LEVEL", "debug")
    synthesized = template()
    assert app_of(synthesized)["Environment"] == [{"Name": "TAX", "Value": "19"}]
    assert envoy_of(synthesized)["Environment"][-1] == {"Name": "ENVOY_LOG_LEVEL", "Value": "debug"}


def test_returned_task_definition_accepts_more_containers(
    implement: Implement, image: ecs.ContainerImage, template: Callable[[], Template]
) -> None:
    implementation = implement(app_cpu=64, app_memory_mib=64)
    implementation.task_definition.add_container("Tracer", image=image, cpu=64, memory_limit_mib=64)
    assert container(only(template(), TASK), "Tracer")["Image"] == "shop/app:1"


def test_returned_task_role_accepts_more_permissions(implement: Implement, template: Callable[[], Template]) -> None:
    implement().task_role.add_to_principal_policy(
        iam.PolicyStatement(actions=["s3:GetObject"], resources=["arn:aws:s3:::a/*"])
    )
    assert [statement["Action"] for statement in statements(template(), TASK_ROLE)] == [
        "appmesh:StreamAggregatedResources",
        "s3:GetObject",
    ]


def test_returned_service_can_be_scaled(implement: Implement, template: Callable[[], Template]) -> None:
    implement().fargate_service.auto_scale_task_count(max_capacity=4)
    assert only(template(), "AWS::ApplicationAutoScaling::ScalableTarget")["MaxCapacity"] == 4


def test_execute_command_line_names_the_container_the_cluster_and_the_region(
    stack: Stack, implement: Implement
) -> None:
    implementation = implement(container_name="basket")
    words = stack.resolve(implementation.execute_command_line)["Fn::Join"][1]
    assert words[0] == "aws ecs execute-command --region "
    assert words[1] == {"Ref": "AWS::Region"}
    # Name of the cluster, from arn:…:service/cluster/name.
    assert words[3] == {
        "Fn::Select": [1, {"Fn::Split": ["/", stack.resolve(implementation.fargate_service.service_arn)]}]
    }
    assert stack.resolve(implementation.fargate_service.service_name) in words
    assert words[-1] == (" --query 'taskArns[0]' --output text) --container basket --interactive --command /bin/sh")


def test_service_is_created_after_the_permissions_of_its_roles(
    implement: Implement, template: Callable[[], Template]
) -> None:
    implement()
    synthesized = template()
    (service,) = (each for each in synthesized["Resources"].values() if each["Type"] == SERVICE)
    policies = {id for id, each in synthesized["Resources"].items() if each["Type"] == "AWS::IAM::Policy"}
    assert {id for id in policies if id.startswith((TASK_ROLE, EXECUTION_ROLE))} <= set(service["DependsOn"])


@pytest.mark.parametrize("enabled", [False, True])
def test_application_with_ecs_exec_has_an_init_process(
    implement: Implement, template: Callable[[], Template], enabled: bool
) -> None:
    implement(execute_command=enabled)
    parameters = app_of(template()).get("LinuxParameters", {})
    assert parameters.get("InitProcessEnabled", False) is enabled
