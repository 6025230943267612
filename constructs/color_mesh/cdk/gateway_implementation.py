"""Implementation of a gateway on AWS Fargate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from color_mesh.cdk.balancing import LoadBalancerTarget
from color_mesh.cdk.mesh import ServiceMesh
from color_mesh.cdk.task import (
    acknowledge,
    fargate_service,
    fargate_task_definition,
    service_options,
    wait_for_execution_role,
)
from color_mesh.envoy.security import speaks_tls
from color_mesh.model import FargateTask, Listener, MeshError, VirtualGateway
from color_mesh.model.deployment import Exposure
from color_mesh.model.errors import problem

# A network load balancer goes on sending new connections to a target for about 120 s after its deregistration
# (aws/containers-roadmap, issue 470). The rest is for the requests on them. ECS stops the task after the delay; the
# default of 300 s would make deployments minutes longer.
_DEREGISTRATION_DELAY = Duration.seconds(150)
# An application load balancer sends no new requests after the deregistration. Without another timeout, requests end
# after 15 s.
_HTTPS_DEREGISTRATION_DELAY = Duration.seconds(30)
# Ports of an application load balancer for clients: HTTPS, and HTTP, which it redirects.
HTTPS_PORTS = (443, 80)
_PROTOCOL_VERSIONS: Mapping[str, elbv2.ApplicationProtocolVersion] = {
    "http": elbv2.ApplicationProtocolVersion.HTTP1,
    "http2": elbv2.ApplicationProtocolVersion.HTTP2,
    "grpc": elbv2.ApplicationProtocolVersion.GRPC,
}


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
        vpc_subnets=_subnets(public=public_ip),
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


def add_load_balancer(
    scope: Construct,
    implementation: GatewayImplementation,
    *,
    mesh: ServiceMesh,
    gateway: VirtualGateway,
    security_group: ec2.ISecurityGroup,
    exposure: Exposure,
    load_balancer_name: str | None,
    target_group_name: str | None,
) -> GatewayImplementation:
    """Create the load balancer of a gateway, and return the implementation with it.

    Args:
        scope: Scope of the constructs.
        implementation: Implementation of the gateway.
        mesh: Mesh of the gateway.
        gateway: The gateway. TLS of its listener goes through the load balancer.
        security_group: Security group of the gateway's tasks.
        exposure: Reach of the gateway: ``internal`` or ``internet``.
        load_balancer_name: Name of the load balancer. ``None``: a name generated by CloudFormation.
        target_group_name: Name of the target group. ``None``: a name generated by CloudFormation.
    """
    (envoy_listener,) = gateway.listeners
    port = envoy_listener.port
    shared = mesh.security_group
    entry = implementation.entry_security_group
    assert entry is not None
    internet_facing = exposure == "internet"
    load_balancer = elbv2.NetworkLoadBalancer(
        scope,
        "LoadBalancer",
        vpc=mesh.vpc,
        load_balancer_name=load_balancer_name,
        internet_facing=internet_facing,
        ip_address_type=elbv2.IpAddressType.IPV4,
        security_groups=[*([shared] if shared else []), entry],
        vpc_subnets=_subnets(public=internet_facing),
        # Network Load Balancers User Guide, *Cross-zone load balancing*: off by default. Each address of the load
        # balancer would reach the tasks of its zone only, however few or many they are.
        cross_zone_enabled=None if mesh.data_plane.follows_tutorial else True,
    )
    acknowledge(
        load_balancer,
        "AwsSolutions::AwsSolutions-ELB2",
        "A network load balancer writes access logs for TLS listeners only, and this one listens on TCP: the "
        "bucket would stay empty. Envoy's access log has every request.",
    )
    if shared is None:
        # The rule is created in this stack, which is the stack of the gateway's security group or depends on it.
        ec2.CfnSecurityGroupIngress(
            scope,
            "FromLoadBalancer",
            group_id=security_group.security_group_id,
            source_security_group_id=entry.security_group_id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description="the load balancer",
        )
    if not entry.allow_all_outbound:
        # Elastic Load Balancing, *Update the security groups for your Network Load Balancer*: outbound rules apply to
        # health checks too, which are sent to the same port.
        ec2.CfnSecurityGroupEgress(
            scope,
            "ToGateway",
            group_id=entry.security_group_id,
            destination_security_group_id=security_group.security_group_id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description="the tasks of the gateway",
        )
    target_group = _create_target_group(scope, implementation, mesh, envoy_listener, target_group_name)
    listener = load_balancer.add_listener(
        "Listener", port=port, protocol=elbv2.Protocol.TCP, default_target_groups=[target_group]
    )
    url = _url(load_balancer.load_balancer_dns_name, envoy_listener)
    return replace(implementation, _url=url, load_balancer=load_balancer, target_group=target_group, listener=listener)


def add_https_load_balancer(
    scope: Construct,
    implementation: GatewayImplementation,
    *,
    mesh: ServiceMesh,
    gateway: VirtualGateway,
    target: LoadBalancerTarget,
    certificates: Sequence[acm.ICertificate],
    exposure: Exposure,
    load_balancer_name: str | None,
    target_group_name: str | None,
) -> GatewayImplementation:
    """Create an application load balancer for HTTPS, which redirects from HTTP, and return the implementation with it.

    Args:
        scope: Scope of the constructs.
        implementation: Implementation of the gateway.
        mesh: Mesh of the gateway.
        gateway: The gateway.
        target: The gateway as a target.
        certificates: Certificates of the listener.
        exposure: Reach of the gateway: ``internal`` or ``internet``.
        load_balancer_name: Name of the load balancer. ``None``: a name generated by CloudFormation.
        target_group_name: Name of the target group. ``None``: a name generated by CloudFormation.
    """
    internet_facing = exposure == "internet"
    load_balancer = elbv2.ApplicationLoadBalancer(
        scope,
        "HttpsLoadBalancer",
        vpc=mesh.vpc,
        load_balancer_name=load_balancer_name,
        internet_facing=internet_facing,
        ip_address_type=elbv2.IpAddressType.IPV4,
        security_group=implementation.entry_security_group,
        vpc_subnets=_subnets(public=internet_facing),
        drop_invalid_header_fields=True,
    )
    acknowledge(
        load_balancer,
        "AwsSolutions::AwsSolutions-ELB2",
        "Envoy's access log has every request that the load balancer forwards. Access logs of the load balancer need "
        "a bucket of yours: load_balancer.log_access_logs(bucket).",
    )
    (envoy_listener,) = gateway.listeners
    # Without a path of its own, the gateway answers `/` with the answer of a service or 404. Both show that it is up.
    any_answer = mesh.data_plane.gateway_health_path is None and envoy_listener.protocol != "grpc"
    target_group = elbv2.ApplicationTargetGroup(
        scope,
        "HttpsTargetGroup",
        vpc=mesh.vpc,
        target_group_name=target_group_name,
        protocol=elbv2.ApplicationProtocol.HTTPS if speaks_tls(envoy_listener) else elbv2.ApplicationProtocol.HTTP,
        protocol_version=_PROTOCOL_VERSIONS[envoy_listener.protocol],
        port=envoy_listener.port,
        target_type=elbv2.TargetType.IP,
        deregistration_delay=_HTTPS_DEREGISTRATION_DELAY,
        health_check=_health_check(healthy_http_codes="200-499" if any_answer else None),
        targets=[target],
    )
    # `open` would admit clients by rules in security groups that are not of this package.
    listener = load_balancer.add_listener(
        "Https",
        port=HTTPS_PORTS[0],
        protocol=elbv2.ApplicationProtocol.HTTPS,
        certificates=list(certificates),
        ssl_policy=elbv2.SslPolicy.RECOMMENDED_TLS,
        default_target_groups=[target_group],
        open=False,
    )
    load_balancer.add_redirect(open=False)
    url = f"https://{load_balancer.load_balancer_dns_name}"
    return replace(implementation, _url=url, load_balancer=load_balancer, target_group=target_group, listener=listener)


def _create_target_group(
    scope: Construct, implementation: GatewayImplementation, mesh: ServiceMesh, listener: Listener, name: str | None
) -> elbv2.NetworkTargetGroup:
    target = implementation.fargate_service.load_balancer_target(
        container_name=implementation.envoy_container.container_name, container_port=listener.port
    )
    return elbv2.NetworkTargetGroup(
        scope,
        "TargetGroup",
        vpc=mesh.vpc,
        target_group_name=name,
        protocol=elbv2.Protocol.TCP,
        port=listener.port,
        target_type=elbv2.TargetType.IP,
        ip_address_type=elbv2.TargetGroupIpAddressType.IPV4,
        # Network Load Balancers User Guide, Client IP preservation: disabled by default for IP addresses as targets.
        preserve_client_ip=None if mesh.data_plane.follows_tutorial else True,
        deregistration_delay=None if mesh.data_plane.follows_tutorial else _DEREGISTRATION_DELAY,
        health_check=_health_check(**_readiness_check(listener, mesh.data_plane.gateway_health_path)),
        targets=[target],
    )


def _readiness_check(listener: Listener, path: str | None) -> dict[str, Any]:
    """Return how a network load balancer checks that a gateway is ready, and not only that Envoy accepts connections.

    The check presents no client certificate, and with TLS it speaks HTTP/1.1 only.
    """
    tls = listener.tls if speaks_tls(listener) else None
    if path is None:
        return {}
    if tls is not None and tls.validation is None and listener.protocol == "http":
        return {"protocol": elbv2.Protocol.HTTPS, "path": path}
    return {"protocol": elbv2.Protocol.HTTP, "path": path} if tls is None or tls.mode == "PERMISSIVE" else {}


def _health_check(healthy_http_codes: str | None = None, **changes: Any) -> elbv2.HealthCheck:
    return elbv2.HealthCheck(
        enabled=True,
        interval=Duration.seconds(10),
        timeout=Duration.seconds(5),
        healthy_threshold_count=2,
        unhealthy_threshold_count=3,
        healthy_http_codes=healthy_http_codes,
        **changes,
    )


def _subnets(*, public: bool) -> ec2.SubnetSelection:
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
    return _url(address, listener)


def _url(host: str, listener: Listener) -> str:
    scheme, port = ("https", 443) if listener.tls is not None and listener.tls.mode == "STRICT" else ("http", 80)
    return f"{scheme}://{host}" if listener.port == port else f"{scheme}://{host}:{listener.port}"
