"""Node of a mesh: its specification, and its implementation on AWS Fargate."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import jsii
from aws_cdk import Annotations, Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from color_mesh.cdk.adjustment import AdjustBootstrap
from color_mesh.cdk.application import Application
from color_mesh.cdk.arguments import (
    check_discovery_arguments,
    check_implementation_arguments,
    check_policies,
    check_unregistered,
    check_virtual_service_arguments,
    listeners_of_arguments,
)
from color_mesh.cdk.attachment import NodeAttachment, check_created, stop_timeout_beside
from color_mesh.cdk.backend import Backend, check_backend_arguments, virtual_backends
from color_mesh.cdk.balancing import LoadBalancerTarget
from color_mesh.cdk.caller_policy import declare_router, router_with_policy
from color_mesh.cdk.container import read_container_check
from color_mesh.cdk.data_plane import MeshResources
from color_mesh.cdk.durations import in_seconds
from color_mesh.cdk.ecs_service import check_subnets, enable_execute_command
from color_mesh.cdk.imported_node import ImportedNode, TargetNode
from color_mesh.cdk.kinds import checked
from color_mesh.cdk.mesh import ServiceMesh
from color_mesh.cdk.mesh_tls import check_admitted
from color_mesh.cdk.naming import default_name
from color_mesh.cdk.node_implementation import ApplicationImage, NodeImplementation
from color_mesh.cdk.node_tasks import NodeTasks
from color_mesh.model import (
    AccessLog,
    ClientTls,
    CloudMapDiscovery,
    CloudMapService,
    ConnectionPool,
    DnsDiscovery,
    DnsResponseType,
    FargateContainer,
    FargateTask,
    HealthCheck,
    IpPreference,
    Listener,
    ListenerTls,
    OutlierDetection,
    Protocol,
    RetryPolicy,
    Timeout,
    VirtualNode,
    VirtualService,
)
from color_mesh.model.deployment import ENVOY_CPU, ENVOY_MEMORY_MIB, AppAddress
from color_mesh.model.discovery import Discovery
from color_mesh.model.errors import problem, refuse, refusing
from color_mesh.model.index import MeshParts
from color_mesh.model.task import MIN_CPU, MIN_MEMORY_MIB, remaining_share


@jsii.implements(ec2.IConnectable)
class MeshNode(TargetNode):
    """Node of a mesh: a workload with its listeners, its service discovery and its backends.

    The construct is the specification of the node. `implement` creates the implementation, in the same stack or in
    another.

    Attributes:
        mesh: Mesh of the node.
        name: Name of the node in the mesh.
        port: Port of the first listener. ``None``: the node has no listener.
        virtual_service_name: Name that callers use. ``None``: callers reach the node through a router only.
        mesh_resources: L1 resources that the data plane created for the node, by construct id. With App Mesh:
            ``VirtualNode`` and ``VirtualService``; with a policy for callers also ``VirtualRouter``, and its routes.
    """

    @checked(tokens=("cloud_map_description",))
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        mesh: ServiceMesh,
        name: str | None = None,
        port: int = 80,
        protocol: Protocol = "http",
        listeners: Sequence[Listener] | None = None,
        backends: Sequence[Backend] = (),
        virtual_service: bool = True,
        virtual_service_name: str | None = None,
        access_log: AccessLog | None = AccessLog(),  # noqa: B008  (a frozen value)
        timeout: Timeout | None = None,
        health_check: HealthCheck | None = None,
        outlier_detection: OutlierDetection | None = None,
        connection_pool: ConnectionPool | None = None,
        tls: ListenerTls | None = None,
        client_tls: ClientTls | None = None,
        cloud_map_name: str | None = None,
        cloud_map_description: str | None = None,
        dns_ttl: Duration | None = None,
        hostname: str | None = None,
        response_type: DnsResponseType = "LOADBALANCER",
        ip_preference: IpPreference | None = None,
        retry_policy: RetryPolicy | None = None,
        caller_timeout: Timeout | None = None,
    ) -> None:
        """Create the specification of a node.

        Args:
            scope: Scope of the construct.
            id: Construct id.
            mesh: Mesh of the node.
            name: Name of the node in the mesh. Default: a name derived from the path of the construct.
            port: Port of the listener, 1 to 65535. The application listens on it, unless `implement` gets another
                port. Default: 80.
            protocol: Protocol of the listener: ``http`` (HTTP/1.1), ``http2``, ``grpc`` or ``tcp``. Default: ``http``.
            listeners: Listeners, instead of ``port``, ``protocol``, ``timeout``, ``health_check``,
                ``outlier_detection``, ``connection_pool`` and ``tls``. An empty sequence makes a node that only sends
                requests: it needs ``virtual_service=False``, and is not registered in Cloud Map. Default: one listener.
            backends: Services that the node may call: nodes, routers, services (`MeshService`), or external services
                (`ServiceMesh.external_service`). Default: none.
            virtual_service: Create a virtual service that callers can name. With ``False``, the node is a target of
                routers, and `MeshService` may declare a virtual service for it. Default: ``True``.
            virtual_service_name: Name that callers use. With transparent interception it is the DNS name of a node of
                the mesh; any node will do. Default: the name of the Cloud Map service in the domain of the mesh.
            access_log: Access log of Envoy. ``None``: no access log. Default: the container's standard output, in
                Envoy's default format.
            timeout: Timeout of a request to the application. Callers have one of their own: ``caller_timeout``, or that
                of a route. Default: 15 seconds.
            health_check: Health check that the Envoys of callers perform on the tasks. Default: none.
            outlier_detection: Outlier ejection by the Envoys of callers. Default: none.
            connection_pool: Limits of the connections and requests of a task. Default: unlimited.
            tls: TLS of the listener. Default: that of the mesh, or no TLS.
            client_tls: TLS of connections to backends. Default: that of the mesh, or TLS to backends whose listener has
                TLS.
            cloud_map_name: Name of the Cloud Map service. Default: ``name``. This argument and the next two are not
                supported for nodes that are not registered in Cloud Map.
            cloud_map_description: Description of the Cloud Map service. Default: none.
            dns_ttl: TTL of the node's DNS record, at most 2147483647 seconds. Callers in the mesh do not depend on it,
                since Cloud Map is asked for the tasks. Default: 5 seconds, or 60 seconds with ``app-mesh``.
            hostname: DNS name of a workload outside the mesh, such as a database or another company's API, as a
                literal. The node then has no Cloud Map service, no security group and no implementation. The security
                groups of its callers allow its ports to all IPv4 addresses; a security group of all tasks stays as it
                is. With loopback interception no virtual service may have this name. Default: the node has tasks, which
                are registered in Cloud Map.
            response_type: DNS response type of ``hostname``. ``LOADBALANCER``: the addresses of a response are one
                endpoint. ``ENDPOINTS``: each address of a response is an endpoint. Default: ``LOADBALANCER``.
            ip_preference: IP versions of the DNS lookup of ``hostname``. Default: IPv6, then IPv4.
            retry_policy: Retry policy of the callers of the virtual service. Default: two retries if a task is
                unavailable.
            caller_timeout: Timeout of the callers of the virtual service. With this argument or ``retry_policy``, a
                router with the name of the node provides the service. Default: 15 seconds.

        Raises:
            MeshError: If an argument is not valid. The error lists all problems, and no construct is created.
        """
        has_name_of_path = name is None and cloud_map_name is None and virtual_service_name is None
        name = default_name(scope, id) if name is None else name
        subject = f"virtual node {name!r}"
        single_listener = Listener(
            port=port,
            protocol=protocol,
            timeout=timeout,
            health_check=health_check,
            outlier_detection=outlier_detection,
            connection_pool=connection_pool,
            tls=tls,
        )
        arguments = "port, protocol, timeout, health_check, outlier_detection, connection_pool and tls"
        node_listeners, problems = listeners_of_arguments(subject, listeners, single_listener, arguments)
        ttl_seconds = in_seconds(dns_ttl)
        cloud_map_arguments = {
            "cloud_map_name": cloud_map_name,
            "cloud_map_description": cloud_map_description,
            "dns_ttl": ttl_seconds,
        }
        problems += check_virtual_service_arguments(subject, node_listeners, virtual_service, virtual_service_name)
        problems += check_discovery_arguments(
            subject, node_listeners, hostname, response_type, ip_preference, cloud_map_arguments
        )
        problems += check_backend_arguments(subject, mesh, backends)
        cloud_map = CloudMapService(
            name=name if cloud_map_name is None else cloud_map_name,
            namespace=mesh.namespace_name,
            description=cloud_map_description,
            ttl_seconds=mesh.data_plane.dns_ttl_seconds if ttl_seconds is None else ttl_seconds,
        )
        discovery: Discovery | None = None
        if hostname is not None:
            discovery = DnsDiscovery(hostname=hostname, response_type=response_type, ip_preference=ip_preference)
        elif node_listeners:
            discovery = CloudMapDiscovery(namespace=cloud_map.namespace, service=cloud_map.name)
        registered = cloud_map if isinstance(discovery, CloudMapDiscovery) else None
        service_name = f"{cloud_map.name}.{mesh.domain}" if virtual_service_name is None else virtual_service_name
        router = router_with_policy(
            name, node=name, listeners=node_listeners, retry_policy=retry_policy, timeout=caller_timeout
        )
        problems += check_policies(subject, virtual_service and bool(node_listeners), retry_policy, caller_timeout)
        service = None
        if virtual_service and node_listeners:
            service = VirtualService(
                name=service_name, virtual_node=None if router else name, virtual_router=name if router else None
            )
        node = VirtualNode(
            name=name,
            listeners=node_listeners,
            client_tls=client_tls,
            discovery=discovery,
            backends=virtual_backends(mesh, backends),
            access_log=access_log,
        )
        parts = MeshParts(
            cloud_map_services=(registered,) if registered else (),
            nodes=(node,),
            services=(service,) if service else (),
            routers=(router,) if router and service else (),
        )
        mesh.check(parts, problems)
        node = mesh.certificates.node(node)
        mesh.add(self, replace(parts, nodes=(node,)))
        super().__init__(scope, id)
        self.mesh: ServiceMesh = mesh
        self.name: str = name
        self.port: int | None = node_listeners[0].port if node_listeners else None
        self.virtual_service_name: str | None = service.name if service else None
        self._tasks: NodeTasks = NodeTasks(mesh, name, registered)
        if mesh.data_plane.follows_tutorial:
            self._tasks.register(self)
        if hostname is None:
            self._tasks.member = mesh.network.add_node(self, node)
        else:
            mesh.network.add_workload_outside(node)
        if registered is not None:
            mesh.implementations.expect(name, self)
        if service and has_name_of_path:
            _warn_of_path(self, subject, service)
        declared = mesh.data_plane.declare(self, node)
        if router:
            declared = {**declared, **declare_router(self, mesh, router)}
        self.mesh_resources: MeshResources = {**declared, **(mesh.data_plane.declare(self, service) if service else {})}

    @property
    def security_group(self) -> ec2.ISecurityGroup | None:
        """Security group of the node's tasks. ``None``: the node has a hostname.

        It is created with the tasks, in their stack; if it is used before, in the stack of this construct.
        """
        member = self._tasks.member
        return None if member is None else member.security_group(self)

    @property
    def cloud_map_service(self) -> servicediscovery.Service | None:
        """Cloud Map service in which the node's tasks are registered. ``None``: it has no listener, or a hostname.

        It is created with the tasks, in their stack; if it is used before, and with App Mesh, in the stack of this
        construct.
        """
        return self._tasks.register(self)

    @property
    def connections(self) -> ec2.Connections:
        """Connections of the node's tasks, for rules such as ``database.connections.allow_default_port_from(node)``.

        The rules are created with the tasks. A node with a hostname has none.
        """
        member = self._tasks.member
        return ec2.Connections() if member is None else member.connections

    @staticmethod
    @checked()
    def from_attributes(
        scope: Construct,
        id: str,
        *,
        mesh: ServiceMesh,
        name: str,
        port: int = 80,
        protocol: Protocol = "http",
        listeners: Sequence[Listener] | None = None,
        security_group: ec2.ISecurityGroup | None = None,
        virtual_service_name: str | None = None,
        cloud_map_name: str | None = None,
    ) -> ImportedNode:
        """Import a node whose tasks another app deploys into the same mesh.

        The rules and DNS records for its callers in this app are created here, in the stacks of the callers. Retries,
        timeouts and outlier ejection are up to the callers, so a router of this app may add them.

        Args:
            scope: Scope of the construct.
            id: Construct id.
            mesh: Mesh of the node: the mesh of this app, or one of `ServiceMesh.from_attributes`.
            name: Name of the node in the mesh.
            port: Port of its listener. Default: 80.
            protocol: Protocol of its listener. Default: ``http``.
            listeners: Its listeners, in its order, instead of ``port`` and ``protocol``. Default: one listener.
            security_group: Security group of its tasks, imported by its id and mutable. Required unless the mesh has
                ``isolation="mesh"``.
            virtual_service_name: Name that callers use. Default: the name of the Cloud Map service in the domain of the
                mesh.
            cloud_map_name: Name of its Cloud Map service. Default: ``name``.

        Raises:
            MeshError: If an argument is not valid. The error lists all problems, and no construct is created.
        """
        single_listener = Listener(port=port, protocol=protocol)
        node_listeners, problems = listeners_of_arguments(
            f"virtual node {name!r}", listeners, single_listener, "port and protocol"
        )
        refuse(problems)
        return ImportedNode(
            scope,
            id,
            mesh=mesh,
            name=name,
            listeners=node_listeners,
            security_group=security_group,
            virtual_service_name=virtual_service_name,
            cloud_map_name=cloud_map_name,
        )

    @checked()
    def connect_to(self, *backends: Backend, client_tls: ClientTls | None = None) -> None:
        """Add backends to the node, and allow its tasks to connect to them.

        Args:
            backends: Services that the node may call: nodes, routers, services, or external services.
            client_tls: TLS of connections to these backends. Default: the TLS of the node.

        Raises:
            MeshError: If a backend is not valid. The error lists all problems, and the node stays as it is.
        """
        mesh = self.mesh
        problems = check_backend_arguments(f"virtual node {self.name!r}", mesh, backends)
        added = virtual_backends(mesh, backends, client_tls)
        mesh.declared.check_backends(self.name, added, problems)
        of_node = mesh.certificates.client_tls(mesh.declared.parts.nodes[self.name])
        certificates = mesh.data_plane.check_tls(VirtualNode(name=self.name, backends=added, client_tls=of_node))
        mesh.declared.add_backends(self.name, added, certificates, of_node)
        mesh.data_plane.declare(self, mesh.declared.parts.nodes[self.name])

    @checked()
    def admit(self, *callers: ImportedNode | str) -> None:
        """Admit callers that this app does not know: nodes and gateways of other apps, and clients outside the mesh.

        Callers of this app are admitted anyway. Security groups let them in as before.

        Args:
            callers: Imported nodes, or the names in the certificates of the callers: DNS names or URIs.

        Raises:
            MeshError: If the mesh or the node does not admit callers by name, or a name is not valid. The error lists
                all problems, and the node stays as it is.
        """
        names = [caller if isinstance(caller, str) else caller.certificate_name for caller in callers]
        refuse(check_admitted(self.mesh.declared.parts.nodes[self.name], self.mesh.certificates, names))
        self.mesh.certificates.admit(self.name, names)

    @checked(tokens=("command", "entry_point", "environment"))
    def implement(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: ecs.ICluster,
        image: ecs.ContainerImage,
        entry_point: Sequence[str] | None = None,
        command: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, ecs.Secret] | None = None,
        cpu: int = 256,
        memory_mib: int = 512,
        app_cpu: int | None = None,
        app_memory_mib: int | None = None,
        app_address: AppAddress = "0.0.0.0",
        app_port: int | None = None,
        envoy_cpu: int = ENVOY_CPU,
        envoy_memory_mib: int = ENVOY_MEMORY_MIB,
        container_name: str | None = None,
        port_name: str | None = None,
        container_health_check: ecs.HealthCheck | None = None,
        stop_timeout: Duration | None = None,
        desired_count: int | None = None,
        execute_command: bool = False,
        cpu_architecture: ecs.CpuArchitecture | None = None,
        family: str | None = None,
        service_name: str | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        log_group: logs.ILogGroup | None = None,
        adjust_bootstrap: AdjustBootstrap | None = None,
    ) -> NodeImplementation:
        """Create the Fargate service that implements the node: the application with an Envoy sidecar.

        Args:
            scope: Scope of the construct.
            id: Construct id.
            cluster: Cluster of the service.
            image: Image of the application.
            entry_point: Entry point of the application. Default: the entry point of the image.
            command: Command of the application. Default: the command of the image.
            environment: Environment variables of the application. Default: none.
            secrets: Environment variables of the application that ECS reads from Secrets Manager or Parameter Store.
                Default: none.
            cpu: CPU units of the task, one of the sizes of Fargate. Default: 256.
            memory_mib: Memory of the task in MiB, one of the sizes that Fargate supports with ``cpu``. Default: 512.
            app_cpu: CPU units of the application. Default: the rest of the task's CPU units.
            app_memory_mib: Memory of the application in MiB. Default: the rest of the task's memory.
            app_address: Address that the application listens on. ``0.0.0.0``: all addresses of the task. With loopback
                interception these include the addresses of all services, so services that the node does not provide
                must use other ports. ``127.0.0.1``: the loopback interface of the task only. With loopback
                interception an application that listens on all addresses all the same cannot start. Default:
                ``0.0.0.0``.
            app_port: Port that the application listens on, for a node with one listener. With transparent interception
                it is always the listener's. Default: the port of the listener.
            envoy_cpu: CPU units of Envoy. Default: 128.
            envoy_memory_mib: Memory of Envoy in MiB. Default: 384.
            container_name: Name of the application's container. Default: ``<node>-app``.
            port_name: Name of the first port in the task definition. Default: none.
            container_health_check: Health check that ECS performs on the application's container. Default: none, ECS
                checks Envoy only.
            stop_timeout: Stop timeout of the application, and then of Envoy, 2 to 120 seconds. Default: 30 seconds, the
                default of ECS.
            desired_count: Number of tasks, 0 to 5000. During a rolling deployment up to twice as many run. Cloud
                Map has at most 1,000 tasks of a node. Default: ECS starts one task, and a deployment
                keeps the number that autoscaling or an operator has set.
            execute_command: Enable ECS Exec for the application's container, and grant the task role its permissions.
                With ``data_plane="envoy"`` it does not work for Envoy's, whose file system is read-only. Default:
                ``False``.
            cpu_architecture: CPU architecture of the task. Default: x86-64.
            family: Family of the task definition. Default: a name generated by the CDK.
            service_name: Name of the ECS service. Default: a name generated by CloudFormation.
            vpc_subnets: Subnets of the tasks. Default: the private subnets of the VPC with egress.
            log_group: Log group of the containers. Default: a new log group with a retention of one week.
            adjust_bootstrap: Function that gets Envoy's bootstrap configuration as a dictionary, after everything else,
                and returns the one to use. It may be called more than once. Supported with ``data_plane="envoy"`` only.
                Default: the compiled configuration.

        Raises:
            MeshError: If an argument is not valid. The error lists all problems, and no construct is created.
        """
        mesh, node, subject = self.mesh, self.mesh.declared.parts.nodes[self.name], f"virtual node {self.name!r}"
        application = Application(address=app_address, port=app_port)
        problems = [
            *mesh.interception.check_application(node, application),
            *check_implementation_arguments(subject, node, port_name),
            *mesh.data_plane.check_adjustment(subject, adjust_bootstrap),
            *mesh.implementations.check(subject, cluster, mesh.vpc, service_name),
            *(check_subnets(subject, cluster.vpc, public=False) if vpc_subnets is None else ()),
        ]
        app_memory = remaining_share(memory_mib, envoy_memory_mib, MIN_MEMORY_MIB)
        app = FargateContainer(
            name=f"{self.name}-app" if container_name is None else container_name,
            cpu=remaining_share(cpu, envoy_cpu, MIN_CPU) if app_cpu is None else app_cpu,
            memory_mib=app_memory if app_memory_mib is None else app_memory_mib,
            health_check=read_container_check(container_health_check),
            port_name=port_name,
            stop_timeout_seconds=in_seconds(stop_timeout),
        )
        containers = self._tasks.containers(envoy_cpu, envoy_memory_mib, stop_timeout)
        with refusing(problems):
            task = FargateTask(
                name=self.name,
                family=family,
                service_name=service_name,
                cpu=cpu,
                memory_mib=memory_mib,
                containers=(app, *containers),
                desired_count=desired_count,
            )
        member = self._tasks.member
        assert member is not None
        implementation = NodeImplementation(
            scope,
            id,
            task=task,
            image=ApplicationImage(
                image=image, entry_point=entry_point, command=command, environment=environment, secrets=secrets
            ),
            ports=application.ports(node),
            cluster=cluster,
            security_group=member.security_group_of_tasks,
            vpc_subnets=vpc_subnets or ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            cpu_architecture=cpu_architecture,
            execute_command=execute_command,
            log_group=log_group,
            follows_tutorial=mesh.data_plane.follows_tutorial,
            attach=lambda service, container, log_group: self._tasks.attach(
                service, container, application, containers, log_group
            ),
        )
        if execute_command:
            enable_execute_command(implementation.fargate_service)
        mesh.data_plane.adjust_bootstrap(implementation.task_definition, adjust_bootstrap)
        return implementation

    @checked()
    def attach(
        self,
        service: ecs.BaseService,
        *,
        container: ecs.ContainerDefinition | None = None,
        app_address: AppAddress = "0.0.0.0",
        app_port: int | None = None,
        envoy_cpu: int = ENVOY_CPU,
        envoy_memory_mib: int = ENVOY_MEMORY_MIB,
        stop_timeout: Duration | None = None,
        log_group: logs.ILogGroup | None = None,
        adjust_bootstrap: AdjustBootstrap | None = None,
    ) -> NodeAttachment:
        """Make an ECS service the implementation of the node, with Envoy in its tasks.

        The service may be of any kind with network mode ``awsvpc``: `ecs.FargateService`, `ecs.Ec2Service`, or the
        ``service`` of a pattern of ``aws_ecs_patterns``. Its tasks get the containers of `add_to`, register in the
        Cloud Map service of the node, and get the security group of the node beside their own. Nothing else of the
        service changes. Rules of the groups that it has stay in force, and may allow more than the mesh does.

        Args:
            service: The ECS service.
            container: Container of the application. Default: the default container of the task definition.
            app_address: Address that the application listens on; see `implement`. Default: ``0.0.0.0``.
            app_port: Port that the application listens on; see `implement`. Default: the port of the listener.
            envoy_cpu: CPU units of Envoy. Default: 128.
            envoy_memory_mib: Memory of Envoy in MiB. Default: 384.
            stop_timeout: Stop timeout of Envoy, 2 to 120 seconds; not less than that of the application. Default: that
                of the application, or 30 seconds, the default of ECS, if that is longer.
            log_group: Log group of Envoy and its companions. Default: a new log group with a retention of one week.
            adjust_bootstrap: Function that changes Envoy's configuration; see `implement`. Default: no change.

        Raises:
            MeshError: If the node or the service does not permit it. The error lists all problems, and both stay as
                they are.
        """
        subject = f"virtual node {self.name!r}"
        refuse(check_created(subject, "service", service, ecs.BaseService))
        application = Application(address=app_address, port=app_port)
        app_container = container or service.task_definition.default_container
        stop_timeout = stop_timeout or stop_timeout_beside(app_container)
        containers = self._tasks.containers(envoy_cpu, envoy_memory_mib, stop_timeout)
        problems = [
            *self._tasks.check_service(service),
            *self.mesh.data_plane.check_adjustment(subject, adjust_bootstrap),
        ]
        self._tasks.check(service.task_definition, app_container, application, containers, problems)
        assert app_container is not None
        attachment = self._tasks.attach(service, app_container, application, containers, log_group)
        self.mesh.data_plane.adjust_bootstrap(service.task_definition, adjust_bootstrap)
        return attachment

    def load_balancer_target(self) -> LoadBalancerTarget:
        """Return the node's Envoy as a target, for ``listener.add_targets(..., targets=[...])`` of a load balancer.

        The load balancer may be an application or a network load balancer. Requests reach the first listener of the
        node, and pass through Envoy to the application, health checks too. With transparent interception the target is
        the application's own port, whose traffic is redirected to Envoy.

        Raises:
            MeshError: If the node has no service yet, or no listener.
        """
        return self._tasks.load_balancer_target()

    @checked()
    def add_to(
        self,
        task_definition: ecs.TaskDefinition,
        *,
        container: ecs.ContainerDefinition | None = None,
        envoy_cpu: int = ENVOY_CPU,
        envoy_memory_mib: int = ENVOY_MEMORY_MIB,
        stop_timeout: Duration | None = None,
        log_group: logs.ILogGroup | None = None,
        adjust_bootstrap: AdjustBootstrap | None = None,
    ) -> NodeAttachment:
        """Add Envoy and its companions to a task definition, such as that of a scheduled task.

        Whoever runs the task gives it the security group of the node. Without a service no task is registered in Cloud
        Map, so the node must have no listener: it only calls its backends. A service is attached with `attach`.

        Args:
            task_definition: Task definition with network mode ``awsvpc``.
            container: Container of the application; see `attach`.
            envoy_cpu: CPU units of Envoy. Default: 128.
            envoy_memory_mib: Memory of Envoy in MiB. Default: 384.
            stop_timeout: Stop timeout of Envoy; see `attach`.
            log_group: Log group of Envoy and its companions; see `attach`.
            adjust_bootstrap: Function that changes Envoy's configuration; see `implement`. Default: no change.

        Raises:
            MeshError: If the node or the task definition does not permit it. The error lists all problems, and both
                stay as they are.
        """
        subject = f"virtual node {self.name!r}"
        refuse(check_created(subject, "task definition", task_definition, ecs.TaskDefinition))
        application = Application(address="0.0.0.0", port=None)
        app_container = container or task_definition.default_container
        stop_timeout = stop_timeout or stop_timeout_beside(app_container)
        containers = self._tasks.containers(envoy_cpu, envoy_memory_mib, stop_timeout)
        problems = [
            *check_unregistered(subject, self.mesh.declared.parts.nodes[self.name]),
            *self.mesh.data_plane.check_adjustment(subject, adjust_bootstrap),
        ]
        self._tasks.check(task_definition, app_container, application, containers, problems)
        assert app_container is not None
        attachment = self._tasks.add_to(task_definition, app_container, application, containers, log_group)
        self.mesh.data_plane.adjust_bootstrap(task_definition, adjust_bootstrap)
        return attachment


def _warn_of_path(node: MeshNode, subject: str, service: VirtualService) -> None:
    """Warn of a name that another place of the construct changes: callers look up the node by it."""
    fix = "give it a name"
    text = problem(subject, "name is that of its path, so moving the construct changes its DNS name", service.name, fix)
    Annotations.of(node).add_warning_v2("color-mesh:name-from-path", text)
