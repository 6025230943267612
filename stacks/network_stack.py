"""What the tutorial's reader has before it begins, and its section 1: VPC, cluster, namespace, security groups."""

from aws_cdk import Environment, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from color_mesh.cdk.acknowledge import acknowledge


class NetworkStack(Stack):
    """Define where the mesh lives. It is the same in every chapter, so that chapters can be changed back and forth."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc_id: str | None,
        cluster_name: str | None,
        log_retention: logs.RetentionDays,
        namespace_name: str,
        shared_group: bool,
        env: Environment | None,
    ) -> None:
        super().__init__(scope, id, env=env)
        self.vpc = _import_vpc(self, vpc_id) if vpc_id else _new_vpc(self, log_retention)
        self.cluster = _import_cluster(self, cluster_name, self.vpc) if cluster_name else _new_cluster(self, self.vpc)
        self.namespace = servicediscovery.PrivateDnsNamespace(
            self, "Namespace", name=namespace_name, description="Namespace for the color mesh.", vpc=self.vpc
        )
        self.colorapp_security_group = _member_group(self, self.vpc) if shared_group else None
        self.gateway_task_security_group = None if shared_group else _gateway_task_group(self, self.vpc)
        self.gateway_security_group = ec2.SecurityGroup(
            self,
            "GatewaySecurityGroup",
            vpc=self.vpc,
            security_group_name="gateway-sg",
            description="Clients of the gateway of the color mesh.",
        )
        self.gateway_security_group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(80), "clients from anywhere")
        acknowledge(
            self.gateway_security_group,
            "AwsSolutions::AwsSolutions-EC23",
            "The gateway is the mesh's one public entry, and the tutorial opens its port 80 to everybody. No other "
            "group lets anything in from outside.",
        )
        # The services' stack uses these in some chapters only. CloudFormation refuses to drop an export that is in
        # use, so they stay, and changing the chapter back deploys.
        for group in (self.gateway_security_group, self.gateway_task_security_group):
            if group:
                self.export_value(group.security_group_id)
        if not vpc_id:
            self.export_value(self.vpc.vpc_id)
            for subnet in self.vpc.public_subnets:
                self.export_value(subnet.subnet_id)


def _new_vpc(stack: Stack, log_retention: logs.RetentionDays) -> ec2.IVpc:
    flow_log = logs.LogGroup(stack, "FlowLog", retention=log_retention, removal_policy=RemovalPolicy.DESTROY)
    return ec2.Vpc(
        stack,
        "Vpc",
        max_azs=2,
        # One is enough for a tutorial, and each costs by the hour.
        nat_gateways=1,
        # Nothing is in the default group; emptying it takes a Lambda function with rights on every group.
        restrict_default_security_group=False,
        flow_logs={
            "Flows": ec2.FlowLogOptions(
                destination=ec2.FlowLogDestination.to_cloud_watch_logs(flow_log),
                traffic_type=ec2.FlowLogTrafficType.ALL,
            )
        },
    )


def _member_group(stack: Stack, vpc: ec2.IVpc) -> ec2.SecurityGroup:
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


def _import_vpc(stack: Stack, vpc_id: str) -> ec2.IVpc:
    return ec2.Vpc.from_lookup(stack, "Vpc", vpc_id=vpc_id)


def _new_cluster(stack: Stack, vpc: ec2.IVpc) -> ecs.ICluster:
    return ecs.Cluster(stack, "Cluster", vpc=vpc, container_insights_v2=ecs.ContainerInsights.ENABLED)


def _import_cluster(stack: Stack, name: str, vpc: ec2.IVpc) -> ecs.ICluster:
    return ecs.Cluster.from_cluster_attributes(stack, "Cluster", cluster_name=name, vpc=vpc)
