"""Network of the tutorial's mesh: the VPC and cluster it requires, and its section 1, namespace and security groups."""

from aws_cdk import Acknowledgment, Environment, RemovalPolicy, Stack, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from stacks.settings import Settings


class NetworkStack(Stack):
    """Stack with the VPC, ECS cluster, Cloud Map namespace and security groups of the mesh.

    The stack is the same in every chapter, so that a deployed app can change its chapter in both directions.

    Attributes:
        vpc: The VPC.
        cluster: The ECS cluster.
        namespace: The Cloud Map namespace of the tasks.
        colorapp_security_group: Security group of all tasks. ``None``: each node creates its own.
        gateway_task_security_group: Security group of the gateway's tasks. ``None``: ``colorapp_security_group``.
        gateway_security_group: Security group that admits the gateway's clients.
    """

    def __init__(self, scope: Construct, id: str, *, settings: Settings, env: Environment | None) -> None:
        super().__init__(scope, id, env=env)
        self.vpc = (
            ec2.Vpc.from_lookup(self, "Vpc", vpc_id=settings.vpc_id)
            if settings.vpc_id
            else _new_vpc(self, logs.RetentionDays[settings.log_retention] if settings.flow_logs else None)
        )
        self.cluster = (
            ecs.Cluster.from_cluster_attributes(self, "Cluster", cluster_name=settings.cluster_name, vpc=self.vpc)
            if settings.cluster_name
            else _new_cluster(self, self.vpc, insights=settings.container_insights)
        )
        self.namespace = servicediscovery.PrivateDnsNamespace(
            self,
            "Namespace",
            name=settings.plane.namespace_name,
            description="Namespace for the color mesh.",
            vpc=self.vpc,
        )
        shared = settings.plane.shared_group
        self.colorapp_security_group = _shared_group(self, self.vpc) if shared else None
        self.gateway_task_security_group = None if shared else _gateway_task_group(self, self.vpc)
        self.gateway_security_group = ec2.SecurityGroup(
            self,
            "GatewaySecurityGroup",
            vpc=self.vpc,
            security_group_name="gateway-sg",
            description="Clients of the gateway of the color mesh.",
            # The tutorial's group lets out everything, as each group that the AWS CLI creates.
            allow_all_outbound=shared,
        )
        self.gateway_security_group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(80), "clients from anywhere")
        Validations.of(self.gateway_security_group).acknowledge(
            Acknowledgment(
                id="AwsSolutions::AwsSolutions-EC23",
                reason="The gateway is the mesh's one public entry, and the tutorial opens its port 80 to everybody. "
                "No other group lets anything in from outside.",
            )
        )
        # EcsStack imports these in some chapters only. CloudFormation refuses to delete an export that is in use, so
        # they are always exported. A deployed app can then return to an earlier chapter.
        for group in (self.gateway_security_group, self.gateway_task_security_group):
            if group:
                self.export_value(group.security_group_id)
        if settings.vpc_id is None:
            self.export_value(self.vpc.vpc_id)
            for subnet in self.vpc.public_subnets:
                self.export_value(subnet.subnet_id)


def _new_cluster(stack: Stack, vpc: ec2.IVpc, *, insights: bool) -> ecs.ICluster:
    state = ecs.ContainerInsights.ENABLED if insights else ecs.ContainerInsights.DISABLED
    cluster = ecs.Cluster(stack, "Cluster", vpc=vpc, container_insights_v2=state)
    if not insights:
        _acknowledge(cluster, "AwsSolutions::AwsSolutions-ECS4", "containerInsights")
    return cluster


def _new_vpc(stack: Stack, flow_log_retention: logs.RetentionDays | None) -> ec2.IVpc:
    """Create a VPC. Without a retention it has no flow logs."""
    flow_log = None
    if flow_log_retention is not None:
        flow_log = logs.LogGroup(stack, "FlowLog", retention=flow_log_retention, removal_policy=RemovalPolicy.DESTROY)
    vpc = ec2.Vpc(
        stack,
        "Vpc",
        max_azs=2,
        # One is enough for a tutorial, and each is charged by the hour.
        nat_gateways=1,
        # No resource uses the default group. Restricting it takes a Lambda function with permissions on every group.
        restrict_default_security_group=False,
    )
    if flow_log is None:
        _acknowledge(vpc, "AwsSolutions::AwsSolutions-VPC7", "flowLogs")
        return vpc
    vpc.add_flow_log(
        "Flows",
        destination=ec2.FlowLogDestination.to_cloud_watch_logs(flow_log),
        traffic_type=ec2.FlowLogTrafficType.ALL,
    )
    # Amazon VPC User Guide, *IAM role for publishing flow logs to CloudWatch Logs*, recommends these conditions. The
    # construct of the VPC has no argument for them.
    (role,) = (each for each in vpc.node.find_all() if isinstance(each, iam.CfnRole))
    role.add_property_override(
        "AssumeRolePolicyDocument.Statement.0.Condition",
        {
            "StringEquals": {"aws:SourceAccount": stack.account},
            "ArnLike": {"aws:SourceArn": stack.format_arn(service="ec2", resource="vpc-flow-log", resource_name="*")},
        },
    )
    return vpc


def _acknowledge(construct: Construct, rule: str, setting: str) -> None:
    reason = f"The setting color-mesh:{setting} is false: CloudWatch charges for it, and a tutorial can do without."
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))


def _shared_group(stack: Stack, vpc: ec2.IVpc) -> ec2.SecurityGroup:
    group = ec2.SecurityGroup(
        stack,
        "ColorAppSecurityGroup",
        vpc=vpc,
        security_group_name="colorapp-sg",
        description="Members of the color mesh, which reach each other.",
    )
    group.add_ingress_rule(group, ec2.Port.all_traffic(), "members of the mesh")
    return group


def _gateway_task_group(stack: Stack, vpc: ec2.IVpc) -> ec2.SecurityGroup:
    group = ec2.SecurityGroup(
        stack,
        "GatewayTaskSecurityGroup",
        vpc=vpc,
        description="Tasks of the gateway of the color mesh.",
        allow_all_outbound=False,
    )
    group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "image registries, and AWS")
    return group
