"""Data plane without App Mesh: upstream Envoy in each task, configured by the task definition."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from aws_cdk import Lazy, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from color_mesh.cdk.adjustment import AdjustBootstrap
from color_mesh.cdk.application import Application
from color_mesh.cdk.certificate_calls import allow_certificates
from color_mesh.cdk.cloud_map_calls import allow_discovery
from color_mesh.cdk.container import LOW_PORTS, container_check, container_log, init_process, start_after, stop_timeout
from color_mesh.cdk.data_plane import MeshResources, OwnedRoute, Part
from color_mesh.cdk.deregistration import DELAY_ENTRY_POINT, delay_command, delay_container
from color_mesh.cdk.durations import seconds
from color_mesh.cdk.envoy_command import EntryPoint, ReadyScript
from color_mesh.cdk.envoy_configuration import EnvoyConfiguration
from color_mesh.cdk.envoy_process import READY, run_envoy
from color_mesh.cdk.live_weights import LiveWeights
from color_mesh.cdk.loopback import IMAGE_USER, LoopbackInterception
from color_mesh.cdk.mesh_tls import MeshCertificates, subject_of
from color_mesh.cdk.quotas import Caller, Quotas
from color_mesh.cdk.task import acknowledge_pulling, create_task_definition_after
from color_mesh.cdk.telemetry import COLLECTOR, add_collector, allow_otlp, collector_containers, otlp_collector
from color_mesh.cdk.transparent import TransparentInterception
from color_mesh.envoy import CloudMapEndpoints, configure
from color_mesh.envoy.edge import HEALTH_PATH
from color_mesh.envoy.typed import Json
from color_mesh.model import (
    AccessLog,
    FargateContainer,
    Mesh,
    Route,
    Telemetry,
    VirtualGateway,
    VirtualNode,
    VirtualService,
)
from color_mesh.model.builder import MeshBuilder
from color_mesh.model.checks import check_range
from color_mesh.model.deployment import DNS_TTL_SECONDS
from color_mesh.model.errors import problem
from color_mesh.model.task import DEFAULT_STOP_TIMEOUT_SECONDS, MIN_MEMORY_MIB

# Grace period for clients of a gateway that still send requests: load balancers deregister a task before ECS sends
# SIGTERM. The rest of the stop timeout is for requests in progress.
_DRAIN_SECONDS = 5


class EnvoyDataPlane:
    """Upstream Envoys that have their configuration in the task definition; see `DataPlane`."""

    dns_ttl_seconds = DNS_TTL_SECONDS["envoy"]
    follows_tutorial = False
    gateway_health_path = HEALTH_PATH

    def __init__(
        self,
        scope: Construct,
        mesh: MeshBuilder,
        namespace: servicediscovery.IPrivateDnsNamespace,
        envoy_image: ecs.ContainerImage,
        interception: TransparentInterception | LoopbackInterception,
        refresh_seconds: int,
        certificate_refresh_seconds: int,
        telemetry: Telemetry | None,
        certificates: MeshCertificates,
    ) -> None:
        """Create no resources: the configurations are compiled at synthesis, from the complete mesh.

        Args:
            scope: Construct of the mesh.
            mesh: The mesh.
            namespace: Cloud Map namespace of the mesh, with a literal name.
            envoy_image: Image of Envoy.
            interception: Interception of the traffic of a task.
            refresh_seconds: Shortest time between two calls of DiscoverInstances for the same service.
            certificate_refresh_seconds: Time between two calls of AWS for the same certificate.
            telemetry: Telemetry of all Envoys. ``None``: none.
            certificates: Certificates of the nodes and gateways, if the mesh has TLS.
        """
        name = mesh.build().name
        self._mesh = mesh
        self._namespace_name = namespace.namespace_name
        self._envoy_image = envoy_image
        self._interception = interception
        self._refresh_seconds = refresh_seconds
        self._certificate_refresh_seconds = certificate_refresh_seconds
        self._weights = LiveWeights(name, namespace, mesh.parts)
        self._configurations: dict[str, EnvoyConfiguration] = {}
        self._quotas = Quotas(scope, f"mesh {name!r}", refresh_seconds)
        scope.node.add_validation(self._quotas)
        self._telemetry = telemetry
        self._certificates = certificates

    def declare(self, scope: Construct, part: Part) -> MeshResources:
        """Create the DNS record of a virtual service, or what has the weights of a route.

        Other parts are in the configurations of the Envoys only.
        """
        if isinstance(part, OwnedRoute) and isinstance(part.route, Route):
            return self._weights.declare(scope, part)
        return self._interception.declare_service(part) if isinstance(part, VirtualService) else {}

    def check_external_service(self, name: str) -> Iterator[str]:
        """Refuse a service of which only the name is known, since no control plane knows more; see `DataPlane`."""
        fix = "import its node with MeshNode.from_attributes; outside a mesh, MeshNode(hostname=...)"
        yield problem(f"virtual service {name!r}", "Envoy needs to know where its tasks are", name, fix)

    def check_tls(self, part: VirtualNode | VirtualGateway) -> Iterator[str]:
        """Accept all sources: those that need more than the mesh are validated at synthesis; see `DataPlane`."""
        return iter(())

    def node_containers(
        self, *, cpu: int, memory_mib: int, stop_timeout_seconds: int | None, registered: bool
    ) -> tuple[FargateContainer, ...]:
        """Return the sidecar, and the deregistration delay of a node in Cloud Map; see `DataPlane`."""
        envoy = _container("envoy-sidecar", cpu, memory_mib, stop_timeout_seconds)
        delay = (delay_container(self._refresh_seconds),) if registered else ()
        return (envoy, *collector_containers(self._telemetry), *delay)

    def gateway_container(self, *, cpu: int, memory_mib: int, stop_timeout_seconds: int | None) -> FargateContainer:
        """Return the Envoy container of a gateway; see `DataPlane`.

        A gateway needs no deregistration delay. Load balancers deregister a task before ECS sends SIGTERM (ECS
        Developer Guide, *Amazon ECS task lifecycle*: DEACTIVATING), and clients of a public address receive no
        notice of its end.
        """
        return _container("envoy-proxy", cpu, memory_mib, stop_timeout_seconds)

    def check_gateway(self, subject: str, trusted_hops: int) -> Iterator[str]:
        """Validate the number of trusted hops; see `DataPlane`."""
        return check_range(subject, "trusted_hops", trusted_hops, 0, 10)

    def add_node_containers(
        self,
        task_definition: ecs.TaskDefinition,
        containers: Sequence[FargateContainer],
        *,
        node: VirtualNode,
        application: Application,
        app_container: ecs.ContainerDefinition,
        log_group: logs.ILogGroup,
    ) -> ecs.ContainerDefinition:
        """Add the sidecar and the deregistration delay; see `DataPlane`.

        ECS stops containers in the reverse order of their start: the delay, the application, then Envoy. Where it does
        not, Envoy waits for the end of the application by itself.
        """
        # Resolvers may cache for 15 minutes that a name does not exist, so tasks start after the records.
        for record in self._interception.dns_records:
            create_task_definition_after(task_definition, record)
        name = node.name
        envoy = self._add_envoy(
            task_definition,
            subject_of(node),
            containers[0],
            name,
            log_group,
            lambda mesh: self._compile(mesh, self._certificates.of_own_envoy(mesh.node(name)), application),
            app_ports=application.ports(node),
            execute_command=False,
            user=self._interception.envoy_user,
            read_only=not _logs_to_a_file(node.access_log),
        )
        start_after(app_container, envoy, ecs.ContainerDependencyCondition.HEALTHY)
        for container in (each for each in containers[1:] if each.name != COLLECTOR):
            delay = task_definition.add_container(
                container.name,
                image=self._envoy_image,
                essential=False,
                entry_point=list(DELAY_ENTRY_POINT),
                command=delay_command(container, application.ports(node)),
                user=str(IMAGE_USER),
                # Fargate requires no memory of a container, EC2 instances do.
                memory_reservation_mib=None if task_definition.is_fargate_compatible else MIN_MEMORY_MIB,
                readonly_root_filesystem=True,
                stop_timeout=stop_timeout(container),
                logging=container_log(log_group, name, container, buffered=True),
            )
            start_after(delay, app_container, ecs.ContainerDependencyCondition.START)
        return envoy

    def add_service(self, part: VirtualNode | VirtualGateway, service: ecs.BaseService) -> None:
        """Create the weights that waited for the service of a node, and count the calls of its Envoys."""
        if isinstance(part, VirtualNode):
            self._weights.attach(part.name, service)
        configuration = self._configurations[service.task_definition.node.path]
        self._quotas.callers.append(
            Caller(
                subject=subject_of(part),
                service=service,
                bootstrap=configuration.bootstrap,
                certificates=configuration.certificates,
            )
        )

    def add_gateway_container(
        self,
        task_definition: ecs.TaskDefinition,
        container: FargateContainer,
        *,
        gateway: VirtualGateway,
        trusted_hops: int,
        execute_command: bool,
        log_group: logs.ILogGroup,
    ) -> ecs.ContainerDefinition:
        """Add the Envoy of a gateway; see `DataPlane`."""
        name = gateway.name
        application = Application(address="127.0.0.1", port=None)
        return self._add_envoy(
            task_definition,
            subject_of(gateway),
            container,
            name,
            log_group,
            lambda mesh: self._compile(mesh, mesh.gateway(name), application, trusted_hops),
            app_ports=None,
            execute_command=execute_command,
            user=IMAGE_USER,
            # ECS Developer Guide, *Monitor Amazon ECS containers with ECS Exec*: it needs a writable file system.
            read_only=not execute_command and not _logs_to_a_file(gateway.access_log),
        )

    def check_adjustment(self, subject: str, adjust: AdjustBootstrap | None) -> Iterator[str]:
        """Accept the function: it is called at synthesis; see `DataPlane`."""
        return iter(())

    def adjust_bootstrap(self, task_definition: ecs.TaskDefinition, adjust: AdjustBootstrap | None) -> None:
        """Change the configuration of the Envoy; see `DataPlane`."""
        self._configurations[task_definition.node.path].adjust(adjust)

    def _compile(
        self, mesh: Mesh, part: VirtualNode | VirtualGateway, application: Application, trusted_hops: int = 0
    ) -> Json:
        outside = frozenset(name for nodes in self._mesh.parts.hostnames.values() for name in nodes)
        interception = self._interception.placement(application, outside)
        endpoints = CloudMapEndpoints(
            refresh_seconds=self._refresh_seconds,
            weights_namespace=self._namespace_name,
            live_routes=frozenset(self._weights.routes),
        )
        return configure(
            mesh,
            part,
            interception=interception,
            endpoints=endpoints,
            trusted_hops=trusted_hops,
            telemetry=self._telemetry,
            certificate_refresh_seconds=self._certificate_refresh_seconds,
            admission=self._certificates.admission,
        ).bootstrap

    def _parts(self) -> list[VirtualNode | VirtualGateway]:
        """Return the nodes and gateways of the mesh, as their own Envoys know them."""
        mesh = self._mesh.build()
        return [*map(self._certificates.of_own_envoy, mesh.nodes), *mesh.gateways]

    def _add_envoy(
        self,
        task_definition: ecs.TaskDefinition,
        subject: str,
        container: FargateContainer,
        name: str,
        log_group: logs.ILogGroup,
        compile: Callable[[Mesh], Json],
        *,
        app_ports: Sequence[int] | None,
        execute_command: bool,
        user: int,
        read_only: bool,
    ) -> ecs.ContainerDefinition:
        configuration = EnvoyConfiguration(subject, task_definition, self._mesh, compile)
        self._configurations[task_definition.node.path] = configuration
        task_definition.node.add_validation(configuration)
        allow_discovery(task_definition, configuration.bootstrap)
        allow_certificates(task_definition.task_role, configuration.certificates, self._parts)
        acknowledge_pulling(task_definition, self._envoy_image)
        entry_point = partial(
            run_envoy,
            # With a very short stop timeout, half of it remains for requests in progress.
            min(_DRAIN_SECONDS, (container.stop_timeout_seconds or DEFAULT_STOP_TIMEOUT_SECONDS) // 2),
            workers=max(1, (container.cpu or 0) // 1024),
            app_ports=app_ports,
            region=Stack.of(task_definition).region,
            url_suffix=Stack.of(task_definition).url_suffix,
            describes_task=self._telemetry is not None,
        )
        envoy = task_definition.add_container(
            container.name,
            image=self._envoy_image,
            cpu=container.cpu,
            memory_limit_mib=container.memory_mib,
            entry_point=Lazy.uncached_list(EntryPoint(configuration, entry_point)),
            command=Lazy.uncached_list(configuration),
            user=str(user),
            system_controls=[LOW_PORTS],
            readonly_root_filesystem=read_only,
            linux_parameters=init_process(task_definition, "Envoy", execute_command=execute_command),
            start_timeout=seconds(30),
            stop_timeout=stop_timeout(container),
            health_check=container_check(_when_ready(container, configuration)),
            logging=container_log(log_group, name, container, buffered=True),
        )
        self._add_telemetry(task_definition, name, log_group)
        return envoy

    def _add_telemetry(self, task_definition: ecs.TaskDefinition, name: str, log_group: logs.ILogGroup) -> None:
        """Add the permissions and the collector of telemetry."""
        if self._telemetry is None or self._telemetry.collector not in (None, "sidecar"):
            return
        allow_otlp(task_definition)
        for collector in collector_containers(self._telemetry):
            user = self._interception.envoy_user if isinstance(self._interception, TransparentInterception) else None
            logging = container_log(log_group, name, collector, buffered=True)
            add_collector(task_definition, otlp_collector(task_definition), user, logging)


def _when_ready(container: FargateContainer, configuration: EnvoyConfiguration) -> FargateContainer:
    """Return an Envoy container that is healthy when it has what its configuration needs."""
    script = Lazy.uncached_string(ReadyScript(configuration))
    return replace(container, health_check=replace(READY, command=(*READY.command[:-1], script)))


def _logs_to_a_file(access_log: AccessLog | None) -> bool:
    """Return whether an access log is written to the file system of the container, and not to its output."""
    return access_log is not None and not access_log.path.startswith("/dev/")


def _container(name: str, cpu: int, memory_mib: int, stop_timeout_seconds: int | None) -> FargateContainer:
    """Return an Envoy container. Its stop timeout is always set, because the draining of Envoy depends on it."""
    stop = DEFAULT_STOP_TIMEOUT_SECONDS if stop_timeout_seconds is None else stop_timeout_seconds
    return FargateContainer(name=name, cpu=cpu, memory_mib=memory_mib, health_check=READY, stop_timeout_seconds=stop)
