"""Parts of ECS services that nodes and gateways have in common."""

from collections.abc import Iterator, Sequence

from aws_cdk import Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from color_mesh.cdk.task import acknowledge
from color_mesh.model import FargateTask
from color_mesh.model.errors import problem

# ECS API Reference, AwsVpcConfiguration: securityGroups.
_MAX_SECURITY_GROUPS = 5


def check_subnets(subject: str, vpc: ec2.IVpc, *, public: bool) -> Iterator[str]:
    """Validate that a VPC has the public or private subnets that tasks or a load balancer need."""
    if public and not vpc.public_subnets:
        fix = "subnets with a route to an internet gateway"
        yield problem(subject, "VPC has no public subnets", vpc.node.path, fix)
    if not public and not vpc.private_subnets:
        fix = "subnets with a route to a NAT gateway"
        yield problem(subject, "VPC has no private subnets with egress", vpc.node.path, fix)


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


def service_resource(service: ecs.BaseService) -> ecs.CfnService:
    """Return the L1 resource of a service."""
    resource = service.node.find_child("Service")
    assert isinstance(resource, ecs.CfnService)
    return resource
