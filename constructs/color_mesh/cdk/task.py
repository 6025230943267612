"""Parts of task definitions that nodes and gateways have in common."""

from collections.abc import Mapping

from aws_cdk import Acknowledgment, RemovalPolicy, Stack, Validations
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct, IDependable

from color_mesh.model import FargateTask


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Acknowledge a finding of a validator on a construct and its children.

    Args:
        construct: The construct.
        rule: Id of the rule, as the validation report prints it.
        reason: Reason why the finding is intended.
    """
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))


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


def acknowledge_pulling(task_definition: ecs.TaskDefinition, image: ecs.ContainerImage) -> None:
    """Acknowledge the wildcard resource that pulling from a private Amazon ECR registry requires."""
    if isinstance(image, ecs.EcrImage):
        acknowledge(
            task_definition,
            "AwsSolutions::AwsSolutions-IAM5[Resource::*]",
            "ecr:GetAuthorizationToken has no resource type, so AWS takes no resource but '*' (Service Authorization "
            "Reference, Amazon Elastic Container Registry). The pull itself is granted on the image's repository only.",
        )


def own_log_group(scope: Construct) -> logs.LogGroup:
    """Create the default log group of a task, which retains logs for one week."""
    return logs.LogGroup(scope, "LogGroup", retention=logs.RetentionDays.ONE_WEEK, removal_policy=RemovalPolicy.DESTROY)


def create_task_definition_after(task_definition: ecs.TaskDefinition, resource: IDependable) -> None:
    """Create the resource of a task definition after another; its roles and log groups need not wait."""
    task_definition_resource(task_definition).node.add_dependency(resource)


def task_definition_resource(task_definition: ecs.TaskDefinition) -> ecs.CfnTaskDefinition:
    """Return the L1 resource of a task definition."""
    resource = task_definition.node.default_child
    assert isinstance(resource, ecs.CfnTaskDefinition)
    return resource
