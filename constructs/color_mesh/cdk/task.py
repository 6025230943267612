"""Parts of task definitions and services that nodes and gateways have in common."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import cast

from aws_cdk import Acknowledgment, Duration, Fn, RemovalPolicy, Size, Stack, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct, IDependable

from color_mesh.model import ContainerHealthCheck, FargateContainer, FargateTask
from color_mesh.model.errors import problem

# For an Envoy that runs as a non-root user and listens on a port below 1024. ECS API Reference, SystemControl: Fargate
# supports the setting from platform version 1.4.0 on, for the network that the task's containers share.
LOW_PORTS = ecs.SystemControl(namespace="net.ipv4.ip_unprivileged_port_start", value="0")
# ECS API Reference, AwsVpcConfiguration: securityGroups.
_MAX_SECURITY_GROUPS = 5
# Size of the examples in the documentation of the CDK's LogDrivers. A container fills it only while CloudWatch Logs
# does not take its lines.
_LOG_BUFFER = Size.mebibytes(25)


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Acknowledge a finding of a validator on a construct and its children.

    Args:
        construct: The construct.
        rule: Id of the rule, as the validation report prints it.
        reason: Reason why the finding is intended.
    """
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))


@cache
def seconds(number: int) -> Duration:
    """Create a duration. Durations are cached, since each one is a call to Node and few differ."""
    return Duration.seconds(number)


def in_seconds(duration: Duration | None) -> int | None:
    """Return a duration in seconds. A fraction stays one, and is reported by the model."""
    return None if duration is None else cast(int, duration.to_seconds(integral=False))


def read_container_check(check: ecs.HealthCheck | None) -> ContainerHealthCheck | None:
    """Read the health check of a container. The words of its command are those that the CDK gives to ECS."""
    if check is None:
        return None
    words = tuple(check.command)
    if len(words) == 1:
        words = ("CMD-SHELL", *words)
    elif words[:1] not in (("CMD",), ("CMD-SHELL",)):
        words = ("CMD", *words)
    given = {
        "interval_seconds": in_seconds(check.interval),
        "timeout_seconds": in_seconds(check.timeout),
        "retries": cast("int | None", check.retries),
        "start_period_seconds": in_seconds(check.start_period),
    }
    return ContainerHealthCheck(command=words, **{name: value for name, value in given.items() if value is not None})


def container_check(container: FargateContainer) -> ecs.HealthCheck | None:
    """Render the health check of a container for ECS."""
    check = container.health_check
    if check is None:
        return None
    start_period = check.start_period_seconds
    return ecs.HealthCheck(
        command=list(check.command),
        interval=seconds(check.interval_seconds),
        timeout=seconds(check.timeout_seconds),
        retries=check.retries,
        start_period=None if start_period is None else seconds(start_period),
    )


def fargate_task_definition(
    scope: Construct,
    task: FargateTask,
    *,
    cpu_architecture: ecs.CpuArchitecture | None,
) -> ecs.FargateTaskDefinition:
    """Create a task definition without containers, with a task role and an execution role that have no permissions."""
    # Without a runtime platform ECS uses x86-64, as the tutorial does.
    platform = None if cpu_architecture is None else ecs.RuntimePlatform(cpu_architecture=cpu_architecture)
    conditions = _tasks_of_this_account(scope)
    role = iam.Role(
        scope, "TaskRole", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com", conditions=conditions)
    )
    task_definition = ecs.FargateTaskDefinition(
        scope,
        "TaskDefinition",
        family=task.family,
        cpu=task.cpu,
        memory_limit_mib=task.memory_mib,
        task_role=role,
        runtime_platform=platform,
    )
    # The task definition creates its execution role itself, and has no argument for the conditions of its trust policy.
    execution_role = task_definition.obtain_execution_role().node.default_child
    assert isinstance(execution_role, iam.CfnRole)
    execution_role.add_property_override("AssumeRolePolicyDocument.Statement.0.Condition", conditions)
    return task_definition


def _tasks_of_this_account(scope: Construct) -> Mapping[str, Mapping[str, str]]:
    """Return the conditions under which ECS may assume the roles of a task: it acts for this account and region.

    Amazon ECS Developer Guide, *Amazon ECS task IAM role*, recommends them against the confused deputy problem.
    """
    stack = Stack.of(scope)
    return {
        "StringEquals": {"aws:SourceAccount": stack.account},
        "ArnLike": {"aws:SourceArn": stack.format_arn(service="ecs", resource="*")},
    }


def container_log(
    log_group: logs.ILogGroup, part: str, container: FargateContainer, *, buffered: bool
) -> ecs.LogDriver:
    """Create the log driver of a container of a node or gateway.

    Args:
        log_group: Log group.
        part: Name of the node or gateway.
        container: The container.
        buffered: The container never waits for its log; see `log_driver`.
    """
    return log_driver(log_group, f"{part}-{container.name}", buffered=buffered)


def log_driver(log_group: logs.ILogGroup, prefix: str, *, buffered: bool) -> ecs.LogDriver:
    """Create a log driver.

    Args:
        log_group: Log group.
        prefix: Prefix of the log streams.
        buffered: The container never waits for its log. When the buffer is full, lines are lost. ``False``: the default
            of ECS or of the account.
    """
    # ECS Developer Guide, *Access Amazon ECS features with account settings*: the default mode was blocking until June
    # 2025, and an account may have another.
    return ecs.LogDrivers.aws_logs(
        stream_prefix=prefix,
        log_group=log_group,
        mode=ecs.AwsLogDriverMode.NON_BLOCKING if buffered else None,
        max_buffer_size=_LOG_BUFFER if buffered else None,
    )


def stop_timeout(container: FargateContainer) -> Duration | None:
    """Render the stop timeout of a container for ECS. ``None``: the default of ECS."""
    return None if container.stop_timeout_seconds is None else seconds(container.stop_timeout_seconds)


def start_after(
    container: ecs.ContainerDefinition, other: ecs.ContainerDefinition, condition: ecs.ContainerDependencyCondition
) -> None:
    """Start a container after another one, and stop it before (ECS API Reference, *ContainerDependency*)."""
    container.add_container_dependencies(ecs.ContainerDependency(container=other, condition=condition))


def acknowledge_pulling(task_definition: ecs.TaskDefinition, image: ecs.ContainerImage) -> None:
    """Acknowledge the wildcard resource that pulling from a private Amazon ECR registry requires."""
    if isinstance(image, ecs.EcrImage):
        acknowledge(
            task_definition,
            "AwsSolutions::AwsSolutions-IAM5[Resource::*]",
            "ecr:GetAuthorizationToken has no resource type, so AWS takes no resource but '*' (Service Authorization "
            "Reference, Amazon Elastic Container Registry). The pull itself is granted on the image's repository only.",
        )


def check_subnets(subject: str, vpc: ec2.IVpc, *, public: bool) -> Iterator[str]:
    """Validate that a VPC has the public or private subnets that tasks or a load balancer need."""
    if public and not vpc.public_subnets:
        fix = "subnets with a route to an internet gateway"
        yield problem(subject, "VPC has no public subnets", vpc.node.path, fix)
    if not public and not vpc.private_subnets:
        fix = "subnets with a route to a NAT gateway"
        yield problem(subject, "VPC has no private subnets with egress", vpc.node.path, fix)


def own_log_group(scope: Construct) -> logs.LogGroup:
    """Create the default log group of a task, which retains logs for one week."""
    return logs.LogGroup(scope, "LogGroup", retention=logs.RetentionDays.ONE_WEEK, removal_policy=RemovalPolicy.DESTROY)


def fargate_service(
    scope: Construct,
    *,
    cluster: ecs.ICluster,
    task_definition: ecs.FargateTaskDefinition,
    task: FargateTask,
    security_groups: Sequence[ec2.ISecurityGroup],
    vpc_subnets: ec2.SubnetSelection,
    rebalanced: bool,
    assign_public_ip: bool = False,
) -> ecs.FargateService:
    """Create the ECS service of a task, with rolling deployments and rollback by the deployment circuit breaker.

    Args:
        scope: Scope of the service.
        cluster: Cluster.
        task_definition: Task definition.
        task: The task.
        security_groups: Security groups of the tasks.
        vpc_subnets: Subnets of the tasks.
        rebalanced: ECS moves tasks to keep them in balance over the Availability Zones. ``False``: the default of ECS.
        assign_public_ip: Each task has a public IP address.
    """
    service = ecs.FargateService(
        scope,
        "Service",
        cluster=cluster,
        task_definition=task_definition,
        desired_count=task.desired_count,
        service_name=task.service_name,
        security_groups=list(security_groups),
        vpc_subnets=vpc_subnets,
        assign_public_ip=assign_public_ip,
        platform_version=ecs.FargatePlatformVersion.LATEST,
        deployment_controller=ecs.DeploymentController(type=ecs.DeploymentControllerType.ECS),
        circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
        min_healthy_percent=100,
        max_healthy_percent=200,
        availability_zone_rebalancing=ecs.AvailabilityZoneRebalancing.ENABLED if rebalanced else None,
    )
    service_resource(service).scheduling_strategy = "REPLICA"
    return service


def check_service(
    subject: str, service: ecs.BaseService, group: ec2.ISecurityGroup | None, group_count: int, *, registered: bool
) -> Iterator[str]:
    """Validate that the tasks of a service can be tasks of a node.

    Args:
        subject: Beginning of the messages.
        service: The service.
        group: Security group of the node. ``None``: it is created later.
        group_count: Number of security groups of the node.
        registered: The tasks of the node are registered in a Cloud Map service.
    """
    groups = {each.security_group_id for each in service.connections.security_groups}
    known = group is not None and group.security_group_id in groups
    if len(groups) + group_count - known > _MAX_SECURITY_GROUPS:
        fix = f"at most {_MAX_SECURITY_GROUPS}, of which the node needs {group_count}"
        yield problem(subject, f"service {service.node.path!r} has too many security groups", len(groups), fix)
    if service._network_configuration is None and service.task_definition.network_mode == ecs.NetworkMode.AWS_VPC:
        fix = "ECS or CODE_DEPLOY: the network of its tasks is not in the service"
        yield problem(subject, "service has the deployment controller EXTERNAL", service.node.path, fix)
    if registered and service.cloud_map_service is not None:
        # ECS API Reference, CreateService: serviceRegistries. Each service may be associated with one registry.
        fix = "leave out cloud_map_options of the service: the node has a Cloud Map service, which callers look up"
        yield problem(subject, "service is in another Cloud Map service", service.node.path, fix)


def wait_for_execution_role(service: ecs.BaseService) -> None:
    """Create a service after the permissions of its execution role.

    The CDK does so for the task role only (aws-cdk, issue 24880). The first tasks would fail to pull their images or to
    write their logs, and the deployment circuit breaker would count them.
    """
    # The whole construct has rules and a security group too, which need not wait.
    service_resource(service).node.add_dependency(service.task_definition.obtain_execution_role())


def create_task_definition_after(task_definition: ecs.TaskDefinition, resource: IDependable) -> None:
    """Create the resource of a task definition after another; its roles and log groups need not wait."""
    task_definition_resource(task_definition).node.add_dependency(resource)


def security_group_of_tasks(scope: Construct, group: ec2.ISecurityGroup) -> ec2.ISecurityGroup:
    """Return a security group of the mesh's stack as the group of tasks in the stack of ``scope``.

    The CDK creates a rule in the stack of its group. A rule for a load balancer or a database in the stack of the tasks
    would make the two stacks depend on each other. Rules of the returned group are created in the stack of ``scope``.
    """
    if Stack.of(scope).node.path == Stack.of(group).node.path:
        return group
    return ec2.SecurityGroup.from_security_group_id(
        scope, "SecurityGroup", group.security_group_id, allow_all_outbound=group.allow_all_outbound
    )


def add_security_groups(service: ecs.BaseService, groups: Sequence[ec2.ISecurityGroup]) -> None:
    """Give the tasks of a service further security groups, except those that they have.

    The L2 construct takes security groups when it is created, and keeps its network configuration for subclasses. The
    groups are not added to the connections of the service: rules that they have already, such as those of a load
    balancer, would be copied to them.

    Args:
        service: The service.
        groups: The security groups.
    """
    present = {each.security_group_id for each in service.connections.security_groups}
    ids = [group.security_group_id for group in groups if group.security_group_id not in present]
    if not ids:
        return
    network = service._network_configuration
    assert network is not None
    vpc_network = network.awsvpc_configuration
    assert isinstance(vpc_network, ecs.CfnService.AwsVpcConfigurationProperty)
    service._network_configuration = ecs.CfnService.NetworkConfigurationProperty(
        awsvpc_configuration=ecs.CfnService.AwsVpcConfigurationProperty(
            subnets=vpc_network.subnets,
            assign_public_ip=vpc_network.assign_public_ip,
            security_groups=[*(vpc_network.security_groups or []), *ids],
        )
    )


def init_process(
    task_definition: ecs.TaskDefinition, container: str, *, execute_command: bool
) -> ecs.LinuxParameters | None:
    """Return the Linux parameters of a container with ECS Exec: an init process, which reaps orphaned processes.

    Amazon ECS Developer Guide, *Monitor Amazon ECS containers with ECS Exec*, recommends it.
    """
    if not execute_command:
        return None
    return ecs.LinuxParameters(task_definition, f"{container}LinuxParameters", init_process_enabled=True)


def enable_execute_command(service: ecs.FargateService) -> None:
    """Enable ECS Exec for the tasks of a service.

    The argument of the L2 construct is not used, because it also grants ``logs:DescribeLogGroups`` on all log groups.
    """
    service_resource(service).enable_execute_command = True
    role = service.task_definition.task_role
    role.add_to_principal_policy(
        iam.PolicyStatement(
            # Amazon ECS Developer Guide, Task IAM role: ECS Exec permissions.
            actions=[
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ],
            resources=["*"],
        )
    )
    acknowledge(
        role,
        "AwsSolutions::AwsSolutions-IAM5[Resource::*]",
        "The four ssmmessages actions of ECS Exec have no resource type, so AWS takes no resource but '*' "
        "(Service Authorization Reference, Amazon Message Gateway Service).",
    )


def service_options(service: ecs.FargateService) -> tuple[str, str]:
    """Return the AWS CLI options for the region and the cluster of a service, and for the service itself.

    The name of the cluster is taken from the ARN of the service, ``…:service/cluster/name``. The cluster may be in
    another stack, and an output must not depend on an export of that stack.
    """
    cluster = Fn.select(1, Fn.split("/", service_resource(service).ref))
    return f"--region {Stack.of(service).region} --cluster {cluster}", f"--service-name {service.service_name}"


def task_definition_resource(task_definition: ecs.TaskDefinition) -> ecs.CfnTaskDefinition:
    """Return the L1 resource of a task definition."""
    resource = task_definition.node.default_child
    assert isinstance(resource, ecs.CfnTaskDefinition)
    return resource


def service_resource(service: ecs.BaseService) -> ecs.CfnService:
    """Return the L1 resource of a service."""
    resource = service.node.find_child("Service")
    assert isinstance(resource, ecs.CfnService)
    return resource
