"""Virtual gateway: its specification, and its implementation on AWS Fargate."""

from collections.abc import Sequence
from dataclasses import replace

import jsii
from aws_cdk import CfnResource, Duration
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from constructs import Construct

from color_mesh.cdk.adjustment import AdjustBootstrap
from color_mesh.cdk.arguments import match_of_arguments
from color_mesh.cdk.backend import Backend, check_backend_arguments, virtual_backends
from color_mesh.cdk.balancing import LoadBalancerTarget
from color_mesh.cdk.data_plane import MeshResources, OwnedRoute
from color_mesh.cdk.durations import in_seconds
from color_mesh.cdk.ecs_service import check_subnets, enable_execute_command
from color_mesh.cdk.gateway_arguments import (
    check_certificates,
    check_entry,
    check_proxies,
    check_security_group,
    check_vpc_cidr,
)
from color_mesh.cdk.gateway_implementation import GatewayImplementation, create_gateway_implementation
from color_mesh.cdk.gateway_load_balancers import HTTPS_PORTS, add_https_load_balancer, add_load_balancer
from color_mesh.cdk.kinds import checked
from color_mesh.cdk.member import Member
from color_mesh.cdk.mesh import ServiceMesh
from color_mesh.cdk.naming import default_name
from color_mesh.cdk.task import own_log_group
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
from color_mesh.model.checks import check_balancer_name, check_choice
from color_mesh.model.deployment import EXPOSURES, Exposure
from color_mesh.model.errors import problem, refusing
from color_mesh.model.index import MeshParts


@jsii.implements(ec2.IConnectable)
class MeshGateway(Construct):
    """Virtual gateway: an Envoy without an application, which receives requests from outside and routes them.

    The construct is the specification of the gateway. `implement` creates the implementation, in the same stack or in
    another.

    Attributes:
        mesh: Mesh of the gateway.
        name: Name of the gateway in the mesh.
        port: Port of the listener.
    """

    @checked()
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
        """Create the specification of a gateway without routes. `add_route` adds them.

        Args:
            scope: Scope of the construct.
            id: Construct id.
            mesh: Mesh of the gateway.
            name: Name of the gateway in the mesh. Default: a name derived from the path of the construct.
            port: Port of the listener, 1 to 65535. Default: 80.
            protocol: Protocol of the listener: ``http`` (HTTP/1.1), ``http2`` or ``grpc``. Default: ``http``.
            access_log: Access log of Envoy. ``None``: no access log. Default: the container's standard output, in
                Envoy's default format.
            connection_pool: Limits of the connections and requests of a task. Default: unlimited.
            tls: TLS of the listener. Default: no TLS.
            client_tls: TLS of connections to nodes. Default: that of the mesh, or TLS to nodes whose listener has TLS.
            security_group: Security group of the gateway's tasks, from the stack of the mesh or a stack that it depends
                on. Not supported if all tasks of the mesh share a security group. Default: that security group, or a
                new one.

        Raises:
            MeshError: If an argument is not valid. The error lists all problems, and no construct is created.
        """
        name = default_name(scope, id) if name is None else name
        listener = Listener(port=port, protocol=protocol, connection_pool=connection_pool, tls=tls)
        gateway = VirtualGateway(name=name, listeners=(listener,), access_log=access_log, client_tls=client_tls)
        problems = check_security_group(f"virtual gateway {name!r}", mesh.security_group, security_group)
        mesh.check(MeshParts(gateways=(gateway,)), [*problems])
        gateway = mesh.certificates.gateway(gateway)
        mesh.add(self, MeshParts(gateways=(gateway,)))
        super().__init__(scope, id)
        self.mesh: ServiceMesh = mesh
        self.name: str = name
        self.port: int = port
        self._member: Member = mesh.network.add_gateway(self, name, security_group or mesh.security_group)
        self._implementation: GatewayImplementation | None = None
        self._resources: dict[str, CfnResource] = {**mesh.data_plane.declare(self, gateway)}

    @property
    def mesh_resources(self) -> MeshResources:
        """L1 resources that the data plane created for the gateway and its routes, by construct id."""
        return self._resources

    @property
    def security_group(self) -> ec2.ISecurityGroup:
        """Security group of the gateway's tasks.

        It is created with the tasks, in their stack; if it is used before, in the stack of this construct.
        """
        return self._member.security_group(self)

    @property
    def connections(self) -> ec2.Connections:
        """Connections of the gateway's tasks, for rules such as ``cache.connections.allow_from(gateway, ...)``.

        The rules are created with the tasks.
        """
        return self._member.connections

    @checked()
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
        """Add a route, which sends matching requests to a node, a router, a service or an external service.

        Of several matching routes without a priority, the one with the longest prefix applies. The service receives the
        request with the matched prefix replaced by ``/``, unless ``rewrite`` says otherwise.

        Args:
            id: Construct id of the route, in the scope of the gateway.
            to: Service that receives the requests.
            name: Name of the route in the gateway. Default: a name derived from the path of the construct.
            prefix: Prefix of the path. With ``data_plane="envoy"`` it matches whole path segments, and with
                ``app-mesh`` ``/a`` matches ``/ab`` too. Default: ``/`` for ``http`` and ``http2``. Not supported for
                ``grpc``.
            method: HTTP method. Default: all methods.
            port: Port of the gateway that the request was sent to. Default: all ports.
            match: Match of the route with all conditions, such as a host, instead of ``prefix``, ``method`` and
                ``port``. Default: ``prefix``, ``method`` and ``port``.
            priority: Priority of the route, from 0 (first) to 1000. Default: after all routes with a priority.
            target_port: Port of the service. Default: the only port of the service.
            rewrite: Rewrite of the request. Default: ``/`` replaces the matched prefix, and the name of the service
                replaces the host.

        Raises:
            MeshError: If an argument is not valid. The error lists all problems, and the gateway stays as it is.
        """
        mesh = self.mesh
        parts = mesh.declared.parts
        protocol = parts.gateways[self.name].listeners[0].protocol
        name = default_name(self, id) if name is None else name
        subject = f"gateway route {name!r}"
        matched, problems = match_of_arguments(subject, protocol, match, prefix, method, port)
        problems += check_backend_arguments(subject, mesh, [to])
        services = [backend.virtual_service for backend in virtual_backends(mesh, [to])]
        # If the backend is not valid, any service takes its place, so that the other arguments are validated too.
        service = next(iter((*services, *parts.services, *parts.external_services)), None)
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
        mesh.declared.add_gateway_route(self.name, route, problems)
        self._resources |= mesh.data_plane.declare(self, OwnedRoute(id=id, owner=self.name, route=route))

    @checked()
    def implement(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: ecs.ICluster,
        exposure: Exposure = "internal",
        entry_security_group: ec2.ISecurityGroup | None = None,
        certificates: Sequence[acm.ICertificate] = (),
        trusted_hops: int | None = None,
        cpu: int = 256,
        memory_mib: int = 512,
        port_name: str | None = None,
        stop_timeout: Duration | None = None,
        desired_count: int | None = None,
        execute_command: bool = False,
        cpu_architecture: ecs.CpuArchitecture | None = None,
        family: str | None = None,
        service_name: str | None = None,
        load_balancer_name: str | None = None,
        target_group_name: str | None = None,
        log_group: logs.ILogGroup | None = None,
        adjust_bootstrap: AdjustBootstrap | None = None,
    ) -> GatewayImplementation:
        """Create the Fargate service that implements the gateway, and its load balancer or public IP addresses.

        Args:
            scope: Scope of the construct.
            id: Construct id.
            cluster: Cluster of the service.
            exposure: ``internal``: a network load balancer in the private subnets, for clients in the VPC.
                ``internet``: an internet-facing network load balancer in the public subnets, with tasks in the private
                subnets. ``public-ip``: tasks in the public subnets, each with a public IP address. ``none``: tasks in
                the private subnets without a load balancer, for one of yours; see `load_balancer_target`. Default:
                ``internal``.
            entry_security_group: Security group of the load balancer, or of tasks with public IP addresses, which
                admits the clients. If it restricts outbound traffic, it gets a rule for the gateway's tasks. Default: a
                new security group, which allows the gateway's port to the IPv4 addresses of the VPC, or with
                ``internet`` and ``public-ip`` to all IPv4 addresses. Not supported with ``none``.
            certificates: Certificates of ACM for HTTPS. The load balancer is then an application load balancer, which
                listens on port 443 and redirects from port 80; a new security group allows these ports. Supported with
                ``internal`` and ``internet`` only. Default: none, clients connect to the port of the gateway.
            trusted_hops: Number of trusted proxies in front of the gateway that add the address of their client to
                ``X-Forwarded-For``: 1 for an application load balancer, 0 to 10. They must be the only clients that
                ``entry_security_group`` admits, which has no default then. Supported with ``data_plane="envoy"`` only.
                Default: 1 with ``certificates``, for the gateway's own load balancer, which needs no such group.
                Otherwise 0, which removes the ``X-Forwarded-`` headers of all clients.
            cpu: CPU units of the task, one of the sizes of Fargate. Envoy gets all of them. Default: 256.
            memory_mib: Memory of the task in MiB, one of the sizes that Fargate supports with ``cpu``. Envoy gets all
                of it. Default: 512.
            port_name: Name of the port in the task definition. Default: none.
            stop_timeout: Stop timeout of Envoy, 2 to 120 seconds. Default: 30 seconds, the default of ECS.
            desired_count: Number of tasks, 0 to 5000. Default: ECS starts one task, and a deployment keeps the number
                that autoscaling or an operator has set.
            execute_command: Enable ECS Exec, and grant the task role its permissions. The file system of Envoy's
                container is then writable. Default: ``False``.
            cpu_architecture: CPU architecture of the task. Default: x86-64.
            family: Family of the task definition. Default: a name generated by the CDK.
            service_name: Name of the ECS service. Default: a name generated by CloudFormation.
            load_balancer_name: Name of the load balancer. Default: a name generated by CloudFormation.
            target_group_name: Name of the target group. Default: a name generated by CloudFormation.
            log_group: Log group of Envoy. Default: a new log group with a retention of one week.
            adjust_bootstrap: Function that gets Envoy's bootstrap configuration as a dictionary, after everything else,
                and returns the one to use. It may be called more than once. Supported with ``data_plane="envoy"`` only.
                Default: the compiled configuration.

        Raises:
            MeshError: If an argument is not valid. The error lists all problems, and no construct is created.
        """
        mesh, subject = self.mesh, f"virtual gateway {self.name!r}"
        own_hops = 1 if certificates and not mesh.data_plane.follows_tutorial else 0
        if trusted_hops is None:
            trusted_hops = own_hops
        container = mesh.data_plane.gateway_container(
            cpu=cpu, memory_mib=memory_mib, stop_timeout_seconds=in_seconds(stop_timeout)
        )
        problems = [
            *check_choice(subject, "exposure", exposure, EXPOSURES),
            *check_balancer_name(subject, "load balancer name", load_balancer_name),
            *check_balancer_name(subject, "target group name", target_group_name),
            *mesh.data_plane.check_gateway(subject, trusted_hops),
            *mesh.data_plane.check_adjustment(subject, adjust_bootstrap),
            *mesh.implementations.check(subject, cluster, mesh.vpc, service_name),
            *check_entry(subject, exposure, entry_security_group),
            *check_certificates(subject, exposure, certificates, mesh.declared.parts.gateways[self.name]),
            *(check_vpc_cidr(subject, mesh.vpc) if exposure == "internal" and entry_security_group is None else ()),
            *(check_subnets(subject, cluster.vpc, public=True) if exposure in ("internet", "public-ip") else ()),
            *(check_subnets(subject, cluster.vpc, public=False) if exposure != "public-ip" else ()),
        ]
        if not problems and trusted_hops > own_hops:
            problems += check_proxies(subject, trusted_hops, exposure, entry_security_group)
        with refusing(problems):
            task = FargateTask(
                name=self.name,
                family=family,
                service_name=service_name,
                cpu=cpu,
                memory_mib=memory_mib,
                containers=(replace(container, port_name=port_name),),
                desired_count=desired_count,
            )
        part = Construct(scope, id)
        group = self._member.security_group_of_tasks(part)
        gateway = mesh.declared.parts.gateways[self.name]
        implementation = create_gateway_implementation(
            part,
            mesh=mesh,
            gateway=gateway,
            task=task,
            cluster=cluster,
            security_group=group,
            entry_security_group=entry_security_group,
            trusted_hops=trusted_hops,
            exposure=exposure,
            client_ports=HTTPS_PORTS if certificates else [self.port],
            execute_command=execute_command,
            cpu_architecture=cpu_architecture,
            log_group=log_group or own_log_group(part),
        )
        self._member.add_tasks(part, implementation.fargate_service)
        if execute_command:
            enable_execute_command(implementation.fargate_service)
        mesh.data_plane.adjust_bootstrap(implementation.task_definition, adjust_bootstrap)
        self._implementation = implementation
        mesh.implementations.add(subject, implementation.fargate_service)
        if exposure in ("public-ip", "none"):
            return implementation
        if certificates:
            return add_https_load_balancer(
                part,
                implementation,
                mesh=mesh,
                gateway=gateway,
                target=self.load_balancer_target(),
                certificates=certificates,
                exposure=exposure,
                load_balancer_name=load_balancer_name,
                target_group_name=target_group_name,
            )
        return add_load_balancer(
            part,
            implementation,
            mesh=mesh,
            gateway=gateway,
            security_group=group,
            exposure=exposure,
            load_balancer_name=load_balancer_name,
            target_group_name=target_group_name,
        )

    def load_balancer_target(self) -> LoadBalancerTarget:
        """Return the gateway as a target, for ``listener.add_targets(..., targets=[...])`` of a load balancer.

        The load balancer may be an application or a network load balancer. The health checks of an application load
        balancer ask for a path at which Envoy answers by itself, unless the target group has a path. With ``app-mesh``
        there is no such path, and the target group needs one of yours.

        Raises:
            MeshError: If the gateway has no service yet.
        """
        if self._implementation is None:
            subject = f"virtual gateway {self.name!r}"
            raise MeshError([problem(subject, "has no service for a load balancer", None, "call implement first")])
        return LoadBalancerTarget(
            self._implementation.fargate_service,
            self._implementation.envoy_container,
            self.port,
            self.mesh.data_plane.gateway_health_path,
        )
