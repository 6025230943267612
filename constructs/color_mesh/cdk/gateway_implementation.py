"""Implementation of a gateway on AWS Fargate."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from color_mesh.cdk.ecs_service import fargate_service, service_options, wait_for_execution_role
from color_mesh.cdk.mesh import ServiceMesh
from color_mesh.cdk.task import acknowledge, fargate_task_definition
from color_mesh.model import FargateTask, Listener, MeshError, VirtualGateway
from color_mesh.model.deployment import Exposure
from color_mesh.model.errors import problem


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayImplementation:
    """Constructs that `MeshGateway.implement` created.

    Attributes:
        task_definition: Task definition.
        envoy_container: Container of Envoy.
        fargate_service: ECS service.
        entry_security_group: Security group that admits the clients. ``None``: the exposure is ``none``.
        load_balancer: Load balancer; with certificates, an application load balancer. ``None``: the exposure is
            ``public-ip`` or ``none``.
        target_group: Target group of the load balancer. ``None``: the exposure is ``public-ip`` or ``none``.
        listener: Listener of the load balancer, with certificates that for HTTPS. ``None``: the exposure is
            ``public-ip`` or ``none``.
    """

    task_definition: ecs.FargateTaskDefinition
    envoy_container: ecs.ContainerDefinition
    fargate_service: ecs.FargateService
    entry_security_group: ec2.ISecurityGroup | None = None
    load_balancer: elbv2.NetworkLoadBalancer | elbv2.ApplicationLoadBalancer | None = None
    target_group: elbv2.NetworkTargetGroup | elbv2.ApplicationTargetGroup | None = None
    listener: elbv2.NetworkListener | elbv2.ApplicationListener | None = None
    _url: str | None = None

    @property
    def url(self) -> str:
        """URL of the gateway for clients.

        With public IP addresses, it is a shell expression that requests one of them from AWS.

        Raises:
            MeshError: If the exposure is ``none``.
        """
        if self._url is None:
            path = self.fargate_service.node.path
            raise MeshError([problem("gateway", "has no URL of its own", path, "use that of your load balancer")])
        return self._url

    @property
    def task_role(self) -> iam.IRole:
        """Task role: the permissions of Envoy on AWS."""
        return self.task_definition.task_role


def create_gateway_implementation(
    scope: Construct,
    *,
    mesh: ServiceMesh,
    gateway: VirtualGateway,
    task: FargateTask,
    cluster: ecs.ICluster,
    security_group: ec2.ISecurityGroup,
    entry_security_group: ec2.ISecurityGroup | None,
    trusted_hops: int,
    exposure: Exposure,
    client_ports: Sequence[int],
    execute_command: bool,
    cpu_architecture: ecs.CpuArchitecture | None,
    log_group: logs.ILogGroup,
) -> GatewayImplementation:
    """Create the task definition and the ECS service of a gateway.

    Args:
        scope: Scope of the constructs.
        mesh: Mesh of the gateway.
        gateway: The gateway.
        task: The task. Its container is that of `DataPlane.gateway_container`.
        cluster: Cluster of the service.
        security_group: Security group of the gateway's tasks.
        entry_security_group: Security group that admits the clients. ``None``: a new security group, unless the
            exposure is ``none``.
        trusted_hops: Number of trusted proxies in front of the gateway.
        exposure: Reach of the gateway.
        client_ports: Ports for clients, of a new security group.
        execute_command: ECS Exec is enabled.
        cpu_architecture: CPU architecture. ``None``: the default of ECS.
        log_group: Log group of the container.
    """
    port = gateway.listeners[0].port
    (container,) = task.containers
    task_definition = fargate_task_definition(scope, task, cpu_architecture=cpu_architecture)
    envoy = mesh.data_plane.add_gateway_container(
        task_definition,
        container,
        gateway=gateway,
        trusted_hops=trusted_hops,
        execute_command=execute_command,
        log_group=log_group,
    )
    envoy.add_port_mappings(ecs.PortMapping(container_port=port, protocol=ecs.Protocol.TCP, name=container.port_name))
    entry = entry_security_group
    if entry is None and exposure != "none":
        entry = _create_entry_security_group(scope, mesh.vpc, client_ports, exposure)
    public_ip = exposure == "public-ip"
    service = fargate_service(
        scope,
        cluster=cluster,
        task_definition=task_definition,
        task=task,
        security_groups=[security_group, *([entry] if entry is not None and public_ip else [])],
        vpc_subnets=subnet_selection(public=public_ip),
        rebalanced=not mesh.data_plane.follows_tutorial,
        assign_public_ip=public_ip,
    )
    wait_for_execution_role(service)
    mesh.data_plane.add_service(gateway, service)
    return GatewayImplementation(
        task_definition=task_definition,
        envoy_container=envoy,
        fargate_service=service,
        entry_security_group=entry,
        _url=_public_url(service, gateway.listeners[0]) if public_ip else None,
    )


def subnet_selection(*, public: bool) -> ec2.SubnetSelection:
    """Return the subnets of the kind that a gateway or its load balancer is in."""
    return ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC if public else ec2.SubnetType.PRIVATE_WITH_EGRESS)


def _create_entry_security_group(
    scope: Construct, vpc: ec2.IVpc, ports: Sequence[int], exposure: Exposure
) -> ec2.SecurityGroup:
    group = ec2.SecurityGroup(
        scope, "EntrySecurityGroup", vpc=vpc, description="Clients of a virtual gateway.", allow_all_outbound=False
    )
    if exposure == "internal":
        for port in ports:
            group.add_ingress_rule(ec2.Peer.ipv4(vpc.vpc_cidr_block), ec2.Port.tcp(port), "clients in the VPC")
        return group
    for port in ports:
        group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(port), "clients from anywhere")
    acknowledge(
        group,
        "AwsSolutions::AwsSolutions-EC23",
        "The gateway is the public entry of the mesh. Its port is intended to be open to all clients.",
    )
    return group


def _public_url(service: ecs.FargateService, listener: Listener) -> str:
    cluster, filters = service_options(service)
    region = f"--region {Stack.of(service).region}"
    task = f"$(aws ecs list-tasks {cluster} {filters} --query 'taskArns[0]' --output text)"
    interface = (
        f"$(aws ecs describe-tasks {cluster} --tasks {task} --query "
        "\"tasks[0].attachments[0].details[?name=='networkInterfaceId'].value | [0]\" --output text)"
    )
    address = (
        f"$(aws ec2 describe-network-interfaces {region} --network-interface-ids {interface} "
        "--query 'NetworkInterfaces[0].Association.PublicIp' --output text)"
    )
    return url_of(address, listener)


def url_of(host: str, listener: Listener) -> str:
    """Return the URL of a listener at a host."""
    scheme, port = ("https", 443) if listener.tls is not None and listener.tls.mode == "STRICT" else ("http", 80)
    return f"{scheme}://{host}" if listener.port == port else f"{scheme}://{host}:{listener.port}"
