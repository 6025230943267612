"""A workload of the mesh: its specification, and its implementation on Fargate."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from color_mesh.cdk.implementation import NodeImplementation, add_application
from color_mesh.cdk.interception import Application
from color_mesh.cdk.listeners import all_listeners
from color_mesh.cdk.mesh import Backend, Caller, ServiceMesh
from color_mesh.cdk.naming import default_name
from color_mesh.cdk.node_arguments import check_discovery, check_implementation, check_names
from color_mesh.cdk.task import (
    check_subnets,
    enable_execute_command,
    fargate_service,
    fargate_task_definition,
    own_log_group,
)
from color_mesh.model import (
    AccessLog,
    ClientTls,
    CloudMapDiscovery,
    CloudMapService,
    ConnectionPool,
    ContainerHealthCheck,
    DnsDiscovery,
    DnsResponseType,
    FargateContainer,
    FargateTask,
    HealthCheck,
    Listener,
    ListenerTls,
    OutlierDetection,
    Protocol,
    Timeout,
    VirtualNode,
    VirtualService,
)
from color_mesh.model.deployment import ENVOY_CPU, ENVOY_MEMORY_MIB, AppAddress
from color_mesh.model.discovery import Discovery
from color_mesh.model.errors import refusing
from color_mesh.model.task import MIN_CPU, MIN_MEMORY_MIB, remaining_share


class MeshedColorNode(Construct):
    """Define a workload of a mesh: what it listens on, how it is found, and what it may call.

    That is its specification. `implement` makes its implementation, in this stack or another.

    Attributes:
        mesh: The mesh it belongs to.
        name: Its name in the mesh.
        port: The port of its first listener, or ``None`` when it only calls.
        virtual_service_name: The name that callers use, or ``None`` when it is reached through a router only.
        security_group: What guards its tasks, or ``None`` when it has a hostname.
        connections: The same, to open paths with: ``connections.allow_from(...)``.
        cloud_map_service: Where its tasks are registered, or ``None`` when it only calls or has a hostname.
        mesh_resources: What the data plane declared for it, by construct id: with App Mesh, ``VirtualNode`` and
            ``VirtualService``.
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
        dns_ttl_seconds: int | None = None,
        hostname: str | None = None,
        response_type: DnsResponseType = "LOADBALANCER",
    ) -> None:
        """Define a node's specification.

        Args:
            scope: The construct to put it in.
            id: Its id there.
            mesh: The mesh it belongs to.
            name: Its name in the mesh. Without it, a name made of the construct's path.
            port: What its callers call, 1 to 65535, and its application listens on.
            protocol: What is spoken there: ``http`` (HTTP/1.1, the default), ``http2``, ``grpc`` or ``tcp``.
            listeners: All that it listens on, in the place of ``port``, ``protocol``, ``timeout``, ``health_check``,
                ``outlier_detection``, ``connection_pool`` and ``tls``. An empty sequence is a node that only calls: it
                takes ``virtual_service=False``, and is in no Cloud Map service.
            backends: What it may call: nodes, routers, services (`ColorService`), or those that exist elsewhere
                (`ServiceMesh.external_service`). Without any it can call nothing in the mesh.
            virtual_service: Whether callers may name it. When ``False`` only routers reach it, and `ColorService` may
                give it a name.
            virtual_service_name: The name that callers use. Without it, its label in the namespace, in the domain of
                the mesh. With ``transparent`` it is the DNS name of one of the mesh's nodes; which of them does not
                matter.
            access_log: Where Envoy logs its requests. Without this argument, to the container's output in Envoy's
                default format; with ``None``, nowhere.
            timeout: How long its application may take for a request. Without it, 15 seconds.
            health_check: How its callers' Envoys ask whether a task is well. Without it, they do not.
            outlier_detection: When its callers' Envoys leave a task alone for its errors. Without it, never.
            connection_pool: How many connections and requests a task takes at once. Without it, any number.
            tls: How it speaks TLS to its callers. Without it, it does not.
            client_tls: How it speaks TLS to its backends. Without it, to those that do.
            cloud_map_name: Its label in the mesh's namespace. Without it, its name. This and the next two are not for a
                node that is in no Cloud Map service.
            cloud_map_description: What the Cloud Map service is for. Without it, it has no description.
            dns_ttl_seconds: How long resolvers keep its addresses, 0 to 2147483647. Without it, 60 with App Mesh, which
                asks Cloud Map itself, and 5 for Envoys, which ask DNS.
            hostname: For something outside the mesh's tasks, such as a database or another company's API: the name at
                which DNS finds it, a literal. It has no Cloud Map service, no security group and no implementation.
                Its callers' groups let out to every IPv4 address at its ports, but for the one group of a mesh, which
                is taken as it is. With ``loopback`` no virtual service may have this name. Without it, the node is its
                tasks.
            response_type: What the answer for ``hostname`` stands for. ``LOADBALANCER`` (the default): one place that
                spreads the load itself. ``ENDPOINTS``: an endpoint an address.

        Raises:
            MeshError: With every problem; nothing has been created then.
        """
        name = default_name(scope, id) if name is None else name
        subject = f"virtual node {name!r}"
        one = Listener(
            port=port,
            protocol=protocol,
            timeout=timeout,
            health_check=health_check,
            outlier_detection=outlier_detection,
            connection_pool=connection_pool,
            tls=tls,
        )
        arguments = "port, protocol, timeout, health_check, outlier_detection, connection_pool and tls"
        listens, problems = all_listeners(subject, listeners, one, arguments)
        problems += check_names(subject, listens, virtual_service, virtual_service_name)
        problems += check_discovery(
            subject,
            listens,
            hostname,
            response_type,
            cloud_map_name=cloud_map_name,
            cloud_map_description=cloud_map_description,
            dns_ttl_seconds=dns_ttl_seconds,
        )
        cloud_map = CloudMapService(
            name=name if cloud_map_name is None else cloud_map_name,
            namespace=mesh.namespace_name,
            description=cloud_map_description,
            ttl_seconds=mesh.data_plane.dns_ttl_seconds if dns_ttl_seconds is None else dns_ttl_seconds,
        )
        discovery: Discovery | None = None
        if hostname is not None:
            discovery = DnsDiscovery(hostname=hostname, response_type=response_type)
        elif listens:
            discovery = CloudMapDiscovery(namespace=cloud_map.namespace, service=cloud_map.name)
        registered = isinstance(discovery, CloudMapDiscovery)
        service_name = f"{cloud_map.name}.{mesh.domain}" if virtual_service_name is None else virtual_service_name
        service = VirtualService(name=service_name, virtual_node=name) if virtual_service and listens else None
        node = VirtualNode(
            name=name,
            listeners=listens,
            client_tls=client_tls,
            discovery=discovery,
            backends=mesh.virtual_backends(backends),
            access_log=access_log,
        )
        mesh.add(
            cloud_map_services=[cloud_map] if registered else [],
            nodes=[node],
            services=[service] if service else [],
            problems=[*problems, *mesh.backend_problems(subject, backends)],
        )
        super().__init__(scope, id)
        self.mesh = mesh
        self.name = name
        self.port = listens[0].port if listens else None
        self.virtual_service_name = service.name if service else None
        self.cloud_map_service = _register(self, mesh.namespace, cloud_map) if registered else None
        own = mesh.own_security_group(f"Node-{name}", "Tasks of a virtual node.") if hostname is None else None
        self.security_group = own
        self.connections = ec2.Connections(security_groups=[] if own is None else [own])
        declared = mesh.data_plane.declare_node(self, node)
        self.mesh_resources = {**declared, **(mesh.data_plane.declare_service(self, service) if service else {})}
        for backend in backends:
            backend.admit(self)

    def connect_to(self, *backends: Backend, client_tls: ClientTls | None = None) -> None:
        """Let the node call ``backends``: nodes, routers, services, or `ServiceMesh.external_service`.

        Args:
            backends: What it may call.
            client_tls: How it speaks TLS to these. Without it, as it does to its other backends.

        Raises:
            MeshError: With every problem; nothing has changed then.
        """
        mesh = self.mesh
        model = mesh.model.node(self.name)
        node = replace(model, backends=(*model.backends, *mesh.virtual_backends(backends, client_tls)))
        mesh.update(node, [*mesh.backend_problems(f"virtual node {self.name!r}", backends)])
        mesh.data_plane.update_node(node)
        for backend in backends:
            backend.admit(self)

    def admit(self, caller: Caller) -> None:
        """Let the tasks of ``caller`` reach this node's ports, unless that is the mesh's one group's to do."""
        own, callers, model = self.security_group, caller.security_group, self.mesh.model.node(self.name)
        if self.mesh.security_group is not None or callers is None:
            return
        if own is not None:
            for port in self.mesh.interception.inbound_ports(model):
                own.add_ingress_rule(callers, ec2.Port.tcp(port), "a caller in the mesh")
                if not callers.allow_all_outbound:
                    # The rule is where this node's group is: that of the caller may be of a stack before it.
                    callers.add_egress_rule(own, ec2.Port.tcp(port), "a backend", remote_rule=True)
        elif not callers.allow_all_outbound:
            for listener in model.listeners:
                callers.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(listener.port), "a backend somewhere else")

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
        container_health_check: ContainerHealthCheck | None = None,
        stop_timeout_seconds: int | None = None,
        desired_count: int = 1,
        execute_command: bool = False,
        cpu_architecture: ecs.CpuArchitecture | None = None,
        family: str | None = None,
        service_name: str | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        log_group: logs.ILogGroup | None = None,
    ) -> NodeImplementation:
        """Define the Fargate service that implements the node: its application, and Envoy beside it.

        Args:
            scope: The construct to put it in.
            id: Its id there.
            cluster: Where it runs.
            image: The application.
            entry_point: What the container runs. Without it, what the image says.
            command: What the container is told. Without it, what the image says.
            environment: The application's variables. Without it, none.
            secrets: Variables that ECS reads from Secrets Manager or Parameter Store. Without it, none.
            cpu: The task's CPU units, one of Fargate's sizes.
            memory_mib: The task's memory in MiB, one of those that Fargate offers for ``cpu``.
            app_cpu: The application's CPU units. Without it, what Envoy leaves.
            app_memory_mib: The application's memory. Without it, what Envoy leaves.
            app_address: Where the application listens. ``0.0.0.0`` (the default): at every address, the loopback
                addresses of its backends too, which then must have other ports with ``loopback``. ``127.0.0.1``: in its
                task alone.
            app_port: Its port, where callers call another, for a node of one listener. Without it, the node's; with
                ``transparent`` always.
            envoy_cpu: Envoy's CPU units.
            envoy_memory_mib: Envoy's memory.
            container_name: Without it, ``<node>-app``.
            port_name: The name of the first port in the task definition. Without it, none.
            container_health_check: How ECS checks the application. Without it, only Envoy is checked.
            stop_timeout_seconds: How long the application, and after it Envoy, may take to end when a task is stopped,
                1 to 120. Without it, 30, as ECS has it.
            desired_count: How many tasks to keep running, 0 to 5000. An answer of Cloud Map's DNS has eight of them at
                the most, picked anew each time; Envoys that find tasks by DNS spread requests over those of the last
                answer. While tasks are replaced there may be twice as many.
            execute_command: Whether ECS Exec may run commands in the containers; the task's role allows it then.
            cpu_architecture: Without it, x86-64.
            family: The task definition's family. Without it, a name made up by the CDK.
            service_name: Without it, a name made up by CloudFormation.
            vpc_subnets: Without it, the VPC's private subnets that have a way out.
            log_group: Where the containers log. Without it, a new one that keeps a week.

        Raises:
            MeshError: With every problem; nothing has been created then.
        """
        plane = self.mesh.data_plane
        envoy = plane.node_envoy(cpu=envoy_cpu, memory_mib=envoy_memory_mib, stop_timeout_seconds=stop_timeout_seconds)
        app = FargateContainer(
            name=f"{self.name}-app" if container_name is None else container_name,
            cpu=remaining_share(cpu, envoy_cpu, MIN_CPU) if app_cpu is None else app_cpu,
            memory_mib=remaining_share(memory_mib, envoy_memory_mib, MIN_MEMORY_MIB)
            if app_memory_mib is None
            else app_memory_mib,
            health_check=container_health_check,
            port_name=port_name,
            stop_timeout_seconds=stop_timeout_seconds,
        )
        model = self.mesh.model.node(self.name)
        subject = f"virtual node {self.name!r}"
        application = Application(address=app_address, port=app_port)
        problems = [*self.mesh.interception.check_application(model, application)]
        problems += check_implementation(subject, model, port_name, entry_point=entry_point, command=command)
        if vpc_subnets is None:
            problems += check_subnets(subject, cluster.vpc, public=False)
        with refusing(problems):
            task = FargateTask(
                name=self.name,
                family=family,
                service_name=service_name,
                cpu=cpu,
                memory_mib=memory_mib,
                containers=(app, envoy, *plane.node_companions(model)),
                desired_count=desired_count,
            )
        part = Construct(scope, id)
        log_group = log_group or own_log_group(part)
        task_definition = fargate_task_definition(
            part,
            task,
            cpu_architecture=cpu_architecture,
            proxy_configuration=self.mesh.interception.proxy_configuration(model),
        )
        app_container = add_application(
            task_definition,
            app,
            image=image,
            entry_point=entry_point,
            command=command,
            ports=[app_port or listener.port for listener in model.listeners],
            environment=environment,
            secrets=secrets,
            log_group=log_group,
        )
        envoy_container = plane.add_node_envoy(task_definition, model, envoy, log_group, application, app_container)
        service = fargate_service(
            part,
            cluster=cluster,
            task_definition=task_definition,
            task=task,
            security_groups=self.connections.security_groups,
            vpc_subnets=vpc_subnets or ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
        )
        if self.cloud_map_service is not None:
            service.associate_cloud_map_service(service=self.cloud_map_service)
        if execute_command:
            enable_execute_command(service)
        return NodeImplementation(
            task_definition=task_definition,
            app_container=app_container,
            envoy_container=envoy_container,
            fargate_service=service,
        )


def _register(
    scope: Construct, namespace: servicediscovery.INamespace, service: CloudMapService
) -> servicediscovery.Service:
    """Make the Cloud Map service that a node's tasks are registered in."""
    return servicediscovery.Service(
        scope,
        "CloudMapService",
        namespace=namespace,
        name=service.name,
        description=service.description,
        dns_record_type=servicediscovery.DnsRecordType.A,
        dns_ttl=Duration.seconds(service.ttl_seconds),
        routing_policy=servicediscovery.RoutingPolicy.MULTIVALUE,
    )
