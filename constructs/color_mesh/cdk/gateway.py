"""The way into the mesh from outside."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from color_mesh.cdk.acknowledge import acknowledge
from color_mesh.cdk.mesh import Backend, ServiceMesh
from color_mesh.cdk.naming import default_name
from color_mesh.cdk.router import route_match
from color_mesh.cdk.task import (
    check_subnets,
    enable_execute_command,
    fargate_service,
    fargate_task_definition,
    own_log_group,
    service_options,
)
from color_mesh.model import (
    AccessLog,
    ClientTls,
    ConnectionPool,
    FargateTask,
    GatewayRoute,
    Listener,
    ListenerTls,
    MeshError,
    Method,
    Protocol,
    Rewrite,
    RouteMatch,
    VirtualGateway,
)
from color_mesh.model.checks import check_balancer_name, check_choice, check_flag
from color_mesh.model.deployment import EXPOSURES, Exposure
from color_mesh.model.errors import problem, refusing


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayImplementation:
    """What `MeshGateway.implement` made.

    Attributes:
        task_definition: The task.
        envoy_container: Envoy's container.
        fargate_service: What keeps the tasks running.
        entry_security_group: What lets clients in.
        url: Where clients find the gateway. With public addresses, a shell expression that asks AWS for one of them.
        load_balancer: What clients connect to, or ``None`` when tasks have public addresses.
        target_group: Where the load balancer finds the tasks, or ``None``.
        listener: What ties the two together, or ``None``.
    """

    task_definition: ecs.FargateTaskDefinition
    envoy_container: ecs.ContainerDefinition
    fargate_service: ecs.FargateService
    entry_security_group: ec2.ISecurityGroup
    url: str
    load_balancer: elbv2.NetworkLoadBalancer | None = None
    target_group: elbv2.NetworkTargetGroup | None = None
    listener: elbv2.NetworkListener | None = None

    @property
    def task_role(self) -> iam.IRole:
        """What Envoy may do on AWS."""
        return self.task_definition.task_role


class MeshGateway(Construct):
    """Define a virtual gateway: Envoy alone in a task, open to the outside, routing into the mesh.

    That is its specification. `implement` makes its implementation, in this stack or another.

    Attributes:
        mesh: The mesh it belongs to.
        name: Its name in the mesh.
        port: The port of its listener.
        security_group: What guards its tasks.
        connections: The same, to open paths with: ``connections.allow_from(...)``.
        mesh_resources: What the data plane declared for it and its routes, by construct id.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        mesh: ServiceMesh,
        name: str | None = None,
        port: int = 80,
        protocol: Protocol = "http",
        access_log: AccessLog | None = AccessLog(),  # noqa: B008  (a frozen value)
        connection_pool: ConnectionPool | None = None,
        tls: ListenerTls | None = None,
        client_tls: ClientTls | None = None,
        security_group: ec2.ISecurityGroup | None = None,
    ) -> None:
        """Define a gateway without routes; `add_route` gives it some.

        Args:
            scope: The construct to put it in.
            id: Its id there.
            mesh: The mesh it belongs to.
            name: Its name in the mesh. Without it, a name made of the construct's path.
            port: What it listens on, 1 to 65535.
            protocol: What is spoken there: ``http`` (HTTP/1.1, the default), ``http2`` or ``grpc``.
            access_log: Where Envoy logs requests. Without this argument, to the container's output in Envoy's default
                format; with ``None``, nowhere.
            connection_pool: How many connections and requests it takes at once. Without it, any number.
            tls: How it speaks TLS to its clients. Without it, it does not.
            client_tls: How it speaks TLS to the nodes behind it. Without it, to those that do.
            security_group: What guards its tasks, from the mesh's stack or one before it; not for a mesh with one group
                for all. Without it, that group, or a new one.

        Raises:
            MeshError: With every problem; nothing has been created then.
        """
        name = default_name(scope, id) if name is None else name
        listener = Listener(port=port, protocol=protocol, connection_pool=connection_pool, tls=tls)
        gateway = VirtualGateway(name=name, listeners=(listener,), access_log=access_log, client_tls=client_tls)
        subject = f"virtual gateway {name!r}"
        mesh.add(gateways=[gateway], problems=[*_check_group(subject, mesh.security_group, security_group)])
        super().__init__(scope, id)
        self.mesh = mesh
        self.name = name
        self.port = port
        made = f"Gateway-{name}", "Tasks of a virtual gateway."
        self.security_group = security_group or mesh.own_security_group(*made)
        self.connections = ec2.Connections(security_groups=[self.security_group])
        self.mesh_resources = mesh.data_plane.declare_gateway(self, gateway)

    def add_route(
        self,
        id: str,
        *,
        to: Backend,
        name: str | None = None,
        prefix: str | None = None,
        method: Method | None = None,
        port: int | None = None,
        match: RouteMatch | None = None,
        priority: int | None = None,
        target_port: int | None = None,
        rewrite: Rewrite = Rewrite(),  # noqa: B008  (a frozen value)
    ) -> None:
        """Send the requests that match to a node, a router, a service, or one that exists elsewhere.

        The longest prefix wins; the service sees the request with the prefix rewritten to ``/``, unless ``rewrite``
        says something else.

        Args:
            id: The route's construct id in the gateway.
            to: What gets them.
            name: The route's name in the gateway. Without it, a name made of the construct's path.
            prefix: The start of the path. Without it, ``/`` for http and http2; grpc has none.
            method: The HTTP method. Without it, any.
            port: The gateway's port that the request came to. Without it, any.
            match: All that a route may match on, such as a host, in the place of ``prefix``, ``method`` and ``port``.
            priority: 0 (asked first) to 1000. Without it, asked after all that have one.
            target_port: The service's port. Without it, its only one.
            rewrite: How the request is changed. Without it, the matched prefix becomes ``/``, and the host the
                service's name.

        Raises:
            MeshError: With every problem; nothing has changed then.
        """
        mesh = self.mesh
        gateway = mesh.model.gateway(self.name)
        protocol = gateway.listeners[0].protocol
        name = default_name(self, id) if name is None else name
        subject = f"gateway route {name!r}"
        matched, problems = route_match(subject, protocol, match, prefix, method, port)
        problems += mesh.backend_problems(subject, [to])
        # For a target that cannot be, any that can stands in, so that what else is wrong comes with it.
        service = next((backend.virtual_service for backend in mesh.virtual_backends([to])), None)
        service = service or next(iter(mesh.model.known_services), None)
        if service is None:
            raise MeshError(problems)
        route = GatewayRoute(
            name=name,
            protocol=protocol,
            priority=priority,
            match=matched,
            virtual_service=service,
            target_port=target_port,
            rewrite=rewrite,
        )
        mesh.update(replace(gateway, routes=(*gateway.routes, route)), problems)
        declared = mesh.data_plane.declare_gateway_route(self, id, gateway, route)
        self.mesh_resources = {**self.mesh_resources, **declared}
        to.admit(self)

    def implement(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: ecs.ICluster,
        exposure: Exposure = "load-balancer",
        internet_facing: bool = True,
        entry_security_group: ec2.ISecurityGroup | None = None,
        cpu: int = 256,
        memory_mib: int = 512,
        port_name: str | None = None,
        stop_timeout_seconds: int | None = None,
        desired_count: int = 1,
        execute_command: bool = False,
        cpu_architecture: ecs.CpuArchitecture | None = None,
        family: str | None = None,
        service_name: str | None = None,
        load_balancer_name: str | None = None,
        target_group_name: str | None = None,
        log_group: logs.ILogGroup | None = None,
    ) -> GatewayImplementation:
        """Define the Fargate service that implements the gateway, and what makes it reachable from outside.

        Args:
            scope: The construct to put it in.
            id: Its id there.
            cluster: Where it runs.
            exposure: ``load-balancer`` (the default): a network load balancer in the public subnets, in front of tasks
                in the private ones. ``public-ip``: tasks in the public subnets, each with a public address.
            internet_facing: Whether the internet reaches the load balancer. When ``False`` it is in the private
                subnets, for clients in the VPC.
            entry_security_group: What lets clients in, to the load balancer or to the public tasks. Without it, a new
                one that lets any IPv4 address in on the gateway's port, or those of the VPC.
            cpu: The task's CPU units, one of Fargate's sizes, all of them Envoy's.
            memory_mib: The task's memory, one of those that Fargate offers for ``cpu``, all of it Envoy's.
            port_name: The port's name in the task definition. Without it, none.
            stop_timeout_seconds: How long Envoy may take to end when a task is stopped, 1 to 120. Without it, 30, as
                ECS has it.
            desired_count: How many tasks to keep running, 0 to 5000.
            execute_command: Whether ECS Exec may run commands in Envoy's container.
            cpu_architecture: Without it, x86-64.
            family: The task definition's family. Without it, a name made up by the CDK.
            service_name: Without it, a name made up by CloudFormation.
            load_balancer_name: Without it, a name made up by CloudFormation.
            target_group_name: Without it, a name made up by CloudFormation.
            log_group: Where Envoy logs. Without it, a new one that keeps a week.

        Raises:
            MeshError: With every problem; nothing has been created then.
        """
        plane = self.mesh.data_plane
        described = plane.gateway_envoy(cpu=cpu, memory_mib=memory_mib, stop_timeout_seconds=stop_timeout_seconds)
        envoy = replace(described, port_name=port_name)
        subject = f"virtual gateway {self.name!r}"
        problems = [
            *check_choice(subject, "exposure", exposure, EXPOSURES),
            *check_balancer_name(subject, "load balancer name", load_balancer_name),
            *check_balancer_name(subject, "target group name", target_group_name),
            *check_flag(subject, "internet_facing", internet_facing),
            *_check_reach(subject, exposure, internet_facing),
            *([] if internet_facing or entry_security_group else _check_addresses(subject, self.mesh.vpc)),
            *(check_subnets(subject, cluster.vpc, public=True) if internet_facing else ()),
            *(check_subnets(subject, cluster.vpc, public=False) if exposure == "load-balancer" else ()),
        ]
        with refusing(problems):
            task = FargateTask(
                name=self.name,
                family=family,
                service_name=service_name,
                cpu=cpu,
                memory_mib=memory_mib,
                containers=(envoy,),
                desired_count=desired_count,
            )
        part = Construct(scope, id)
        log_group = log_group or own_log_group(part)
        model = self.mesh.model.gateway(self.name)
        task_definition = fargate_task_definition(part, task, cpu_architecture=cpu_architecture)
        envoy_container = plane.add_gateway_envoy(task_definition, model, envoy, log_group)
        envoy_container.add_port_mappings(
            ecs.PortMapping(container_port=self.port, protocol=ecs.Protocol.TCP, name=port_name)
        )
        entry = entry_security_group or self._open_entry(part, internet_facing)
        public = exposure == "public-ip"
        service = fargate_service(
            part,
            cluster=cluster,
            task_definition=task_definition,
            task=task,
            security_groups=[self.security_group, *([entry] if public else [])],
            vpc_subnets=ec2.SubnetSelection(
                subnet_type=ec2.SubnetType.PUBLIC if public else ec2.SubnetType.PRIVATE_WITH_EGRESS
            ),
            assign_public_ip=public,
        )
        if execute_command:
            enable_execute_command(service)
        made = GatewayImplementation(
            task_definition=task_definition,
            envoy_container=envoy_container,
            fargate_service=service,
            entry_security_group=entry,
            url=_public_address(service, self.port),
        )
        if public:
            return made
        return self._balance(part, made, load_balancer_name, target_group_name, internet_facing)

    def _balance(
        self,
        part: Construct,
        made: GatewayImplementation,
        name: str | None,
        target_group_name: str | None,
        internet_facing: bool,
    ) -> GatewayImplementation:
        shared = self.mesh.security_group
        subnets = ec2.SubnetType.PUBLIC if internet_facing else ec2.SubnetType.PRIVATE_WITH_EGRESS
        load_balancer = elbv2.NetworkLoadBalancer(
            part,
            "LoadBalancer",
            vpc=self.mesh.vpc,
            load_balancer_name=name,
            internet_facing=internet_facing,
            ip_address_type=elbv2.IpAddressType.IPV4,
            security_groups=[*([shared] if shared else []), made.entry_security_group],
            vpc_subnets=ec2.SubnetSelection(subnet_type=subnets),
        )
        acknowledge(
            load_balancer,
            "AwsSolutions::AwsSolutions-ELB2",
            "A network load balancer writes access logs for TLS listeners only, and this one listens on TCP: the "
            "bucket would stay empty. Envoy's access log has every request.",
        )
        if shared is None:
            # In this stack, which may come after that of the gateway's group, and never before.
            ec2.CfnSecurityGroupIngress(
                part,
                "FromLoadBalancer",
                group_id=self.security_group.security_group_id,
                source_security_group_id=made.entry_security_group.security_group_id,
                ip_protocol="tcp",
                from_port=self.port,
                to_port=self.port,
                description="the load balancer",
            )
        target = made.fargate_service.load_balancer_target(
            container_name=made.envoy_container.container_name, container_port=self.port
        )
        target_group = elbv2.NetworkTargetGroup(
            part,
            "TargetGroup",
            vpc=self.mesh.vpc,
            target_group_name=target_group_name,
            protocol=elbv2.Protocol.TCP,
            port=self.port,
            target_type=elbv2.TargetType.IP,
            ip_address_type=elbv2.TargetGroupIpAddressType.IPV4,
            health_check=elbv2.HealthCheck(
                enabled=True,
                interval=Duration.seconds(10),
                timeout=Duration.seconds(5),
                healthy_threshold_count=2,
                unhealthy_threshold_count=3,
            ),
            targets=[target],
        )
        listener = load_balancer.add_listener(
            "Listener", port=self.port, protocol=elbv2.Protocol.TCP, default_target_groups=[target_group]
        )
        url = f"http://{load_balancer.load_balancer_dns_name}{_port_suffix(self.port)}"
        return replace(made, url=url, load_balancer=load_balancer, target_group=target_group, listener=listener)

    def _open_entry(self, part: Construct, internet_facing: bool) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            part, "EntrySecurityGroup", vpc=self.mesh.vpc, description="Clients of a virtual gateway."
        )
        port = ec2.Port.tcp(self.port)
        if not internet_facing:
            group.add_ingress_rule(ec2.Peer.ipv4(self.mesh.vpc.vpc_cidr_block), port, "clients in the VPC")
            return group
        group.add_ingress_rule(ec2.Peer.any_ipv4(), port, "clients from anywhere")
        acknowledge(
            group,
            "AwsSolutions::AwsSolutions-EC23",
            "The gateway is the mesh's one public entry: its port is open to every client on purpose.",
        )
        return group


def _check_group(subject: str, shared: ec2.ISecurityGroup | None, own: ec2.ISecurityGroup | None) -> Iterator[str]:
    if shared is not None and own is not None:
        yield problem(subject, "its mesh has one security group for all", own.node.path, "leave security_group out")


def _check_reach(subject: str, exposure: str, internet_facing: object) -> Iterator[str]:
    if exposure == "public-ip" and internet_facing is False:
        fix = "leave it out, or exposure='load-balancer'"
        yield problem(subject, "public addresses are not for the VPC alone", internet_facing, fix)


def _check_addresses(subject: str, vpc: ec2.IVpc) -> Iterator[str]:
    try:
        _ = vpc.vpc_cidr_block
    except RuntimeError:
        fix = "import it with vpc_cidr_block, or give an entry_security_group"
        yield problem(subject, "the addresses of its VPC are not known", vpc.node.path, fix)


def _public_address(service: ecs.FargateService, port: int) -> str:
    where, which = service_options(service)
    region = f"--region {Stack.of(service).region}"
    task = f"$(aws ecs list-tasks {where} {which} --query 'taskArns[0]' --output text)"
    interface = (
        f"$(aws ecs describe-tasks {where} --tasks {task} --query "
        "\"tasks[0].attachments[0].details[?name=='networkInterfaceId'].value | [0]\" --output text)"
    )
    address = (
        f"$(aws ec2 describe-network-interfaces {region} --network-interface-ids {interface} "
        "--query 'NetworkInterfaces[0].Association.PublicIp' --output text)"
    )
    return f"http://{address}{_port_suffix(port)}"


def _port_suffix(port: int) -> str:
    return "" if port == 80 else f":{port}"
