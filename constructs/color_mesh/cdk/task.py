"""The pieces that the tasks of nodes and of gateways have in common."""

from collections.abc import Iterator, Sequence
from functools import cache

from aws_cdk import Duration, Fn, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from color_mesh.cdk.acknowledge import acknowledge
from color_mesh.model import FargateContainer, FargateTask
from color_mesh.model.errors import problem


@cache
def seconds(number: int) -> Duration:
    """Make a duration for the CDK; each is a call to Node, and most are the same few."""
    return Duration.seconds(number)


def container_check(container: FargateContainer) -> ecs.HealthCheck | None:
    """Write a container's health check for ECS."""
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
    proxy_configuration: ecs.ProxyConfiguration | None = None,
) -> ecs.FargateTaskDefinition:
    """Define a task without containers, with a role of its own that allows nothing yet."""
    # Without an architecture ECS runs x86-64, as the tutorial does.
    platform = None if cpu_architecture is None else ecs.RuntimePlatform(cpu_architecture=cpu_architecture)
    role = iam.Role(scope, "TaskRole", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    return ecs.FargateTaskDefinition(
        scope,
        "TaskDefinition",
        family=task.family,
        cpu=task.cpu,
        memory_limit_mib=task.memory_mib,
        task_role=role,
        proxy_configuration=proxy_configuration,
        runtime_platform=platform,
    )


def container_log(log_group: logs.ILogGroup, part: str, container: FargateContainer) -> ecs.LogDriver:
    """Say where a container logs that runs for a node or gateway."""
    return ecs.LogDrivers.aws_logs(stream_prefix=f"{part}-{container.name}", log_group=log_group)


def stop_timeout(container: FargateContainer) -> Duration | None:
    """Write how long a container may take to end, for ECS; without it, ECS's own default."""
    return None if container.stop_timeout_seconds is None else seconds(container.stop_timeout_seconds)


def start_after(
    container: ecs.ContainerDefinition, other: ecs.ContainerDefinition, condition: ecs.ContainerDependencyCondition
) -> None:
    """Let a container start after another, and end before it (ECS API Reference, *ContainerDependency*)."""
    container.add_container_dependencies(ecs.ContainerDependency(container=other, condition=condition))


def acknowledge_pulling(task_definition: ecs.FargateTaskDefinition, image: ecs.ContainerImage) -> None:
    """Acknowledge the one wildcard that pulling from a private Amazon ECR registry takes."""
    if isinstance(image, ecs.EcrImage):
        acknowledge(
            task_definition,
            "AwsSolutions::AwsSolutions-IAM5[Resource::*]",
            "ecr:GetAuthorizationToken has no resource type, so AWS takes no resource but '*' (Service Authorization "
            "Reference, Amazon Elastic Container Registry). The pull itself is granted on the image's repository only.",
        )


def check_subnets(subject: str, vpc: ec2.IVpc, *, public: bool) -> Iterator[str]:
    """Find a VPC without the kind of subnets that tasks or a load balancer need."""
    if public and not vpc.public_subnets:
        fix = "subnets with a route to an internet gateway"
        yield problem(subject, "its VPC has no public subnets", vpc.node.path, fix)
    if not public and not vpc.private_subnets:
        wrong = "its VPC has no private subnets with a way out"
        yield problem(subject, wrong, vpc.node.path, "subnets with a route to a NAT")


def own_log_group(scope: Construct) -> logs.LogGroup:
    """Make the log group of a task that was given none."""
    return logs.LogGroup(scope, "LogGroup", retention=logs.RetentionDays.ONE_WEEK, removal_policy=RemovalPolicy.DESTROY)


def fargate_service(
    scope: Construct,
    *,
    cluster: ecs.ICluster,
    task_definition: ecs.FargateTaskDefinition,
    task: FargateTask,
    security_groups: Sequence[ec2.ISecurityGroup],
    vpc_subnets: ec2.SubnetSelection,
    assign_public_ip: bool = False,
) -> ecs.FargateService:
    """Keep as many tasks running as ``task`` says; when new ones do not start, go back to the last that worked."""
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
    )
    _resource(service).scheduling_strategy = "REPLICA"
    return service


def enable_execute_command(service: ecs.FargateService) -> None:
    """Let operators run commands in the tasks with ECS Exec.

    The L2's own argument is not used: it would also grant ``logs:DescribeLogGroups`` on every log group.
    """
    _resource(service).enable_execute_command = True
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
    """Write the AWS CLI's options for a service's region and cluster, and for the service itself.

    The cluster's name is read from the service's ARN, ``…:service/cluster/name``: the cluster may be in another stack,
    and an output should not pass on what another stack exports.
    """
    cluster = Fn.select(1, Fn.split("/", _resource(service).ref))
    return f"--region {Stack.of(service).region} --cluster {cluster}", f"--service-name {service.service_name}"


def _resource(service: ecs.FargateService) -> ecs.CfnService:
    resource = service.node.find_child("Service")
    assert isinstance(resource, ecs.CfnService)
    return resource
