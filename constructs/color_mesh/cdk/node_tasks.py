"""Tasks of a node: what its task definitions and its ECS service get from the mesh, however they were created."""

from collections.abc import Iterable, Sequence

from aws_cdk import Duration
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from color_mesh.cdk.application import Application
from color_mesh.cdk.arguments import check_implementation_arguments
from color_mesh.cdk.attachment import NodeAttachment, check_task_definition
from color_mesh.cdk.balancing import LoadBalancerTarget, keep_load_balancers_at_envoy
from color_mesh.cdk.durations import in_seconds
from color_mesh.cdk.ecs_service import check_service, wait_for_execution_role
from color_mesh.cdk.member import Member
from color_mesh.cdk.mesh import ServiceMesh
from color_mesh.cdk.surroundings import service_name
from color_mesh.model import CloudMapService, FargateContainer, MeshError, VirtualNode
from color_mesh.model.errors import problem, refuse


class NodeTasks:
    """Tasks of a node.

    Attributes:
        member: The node in the network of the mesh. ``None``: it has a hostname, and so no tasks.
    """

    def __init__(self, mesh: ServiceMesh, name: str, cloud_map: CloudMapService | None) -> None:
        """Create no resources.

        Args:
            mesh: Mesh of the node.
            name: Name of the node in the mesh.
            cloud_map: Cloud Map service of the node. ``None``: it is not registered.
        """
        self.member: Member | None = None
        self._mesh = mesh
        self._name = name
        self._subject = f"virtual node {name!r}"
        self._cloud_map = cloud_map
        self._cloud_map_service: servicediscovery.Service | None = None
        self._attached: tuple[ecs.BaseService, NodeAttachment] | None = None

    @property
    def node(self) -> VirtualNode:
        """The node as it is declared so far."""
        return self._mesh.declared.parts.nodes[self._name]

    def containers(self, cpu: int, memory_mib: int, stop_timeout: Duration | None) -> tuple[FargateContainer, ...]:
        """Return the containers that a task of the node has beside its application."""
        return self._mesh.data_plane.node_containers(
            cpu=cpu,
            memory_mib=memory_mib,
            stop_timeout_seconds=in_seconds(stop_timeout),
            registered=self._cloud_map is not None,
        )

    def check_service(self, service: ecs.BaseService) -> list[str]:
        """Return the problems of a service whose tasks are to be tasks of the node."""
        mesh = self._mesh
        problems = [*mesh.implementations.check(self._subject, service.cluster, mesh.vpc, service_name(service))]
        if self.member is not None:
            group, count = self.member.known_group, self.member.group_count
            registered = self._cloud_map is not None
            problems += check_service(self._subject, service, group, count, registered=registered)
        return problems

    def check(
        self,
        task_definition: ecs.TaskDefinition,
        app_container: ecs.ContainerDefinition | None,
        application: Application,
        containers: Sequence[FargateContainer],
        problems: Iterable[str],
    ) -> None:
        """Raise unless the tasks of a task definition can be tasks of the node."""
        refuse(
            [
                *problems,
                *self._mesh.interception.check_application(self.node, application),
                *check_implementation_arguments(self._subject, self.node, None),
                *check_task_definition(self._subject, task_definition, app_container, containers),
            ]
        )

    def attach(
        self,
        service: ecs.BaseService,
        app_container: ecs.ContainerDefinition,
        application: Application,
        containers: Sequence[FargateContainer],
        log_group: logs.ILogGroup | None,
    ) -> NodeAttachment:
        """Attach the node to a service that is validated."""
        mesh, node = self._mesh, self.node
        attachment = self._add_envoy(service.task_definition, app_container, application, containers, log_group)
        cloud_map_service = self.register(attachment)
        if cloud_map_service is not None:
            service.associate_cloud_map_service(service=cloud_map_service)
        assert self.member is not None
        wait_for_execution_role(service)
        self.member.add_tasks(attachment, service)
        self._attached = service, attachment
        mesh.data_plane.add_service(node, service)
        mesh.implementations.add(self._subject, service)
        inbound = mesh.interception.inbound_ports(node)
        past_envoy = [port for port in application.ports(node) if port not in inbound]
        keep_load_balancers_at_envoy(self._subject, service, past_envoy)
        return attachment

    def add_to(
        self,
        task_definition: ecs.TaskDefinition,
        app_container: ecs.ContainerDefinition,
        application: Application,
        containers: Sequence[FargateContainer],
        log_group: logs.ILogGroup | None,
    ) -> NodeAttachment:
        """Add Envoy and its companions to a task definition that is validated, and has no service."""
        attachment = self._add_envoy(task_definition, app_container, application, containers, log_group)
        assert self.member is not None
        self.member.add_tasks(attachment, task_definition)
        return attachment

    def register(self, scope: Construct) -> servicediscovery.Service | None:
        """Return the Cloud Map service of the node, and create it in a scope unless it exists.

        ECS tells it which tasks are healthy, so that Envoys send no requests to a task that starts. It cannot be added
        to a service later.
        """
        service = self._cloud_map
        if self._cloud_map_service is None and service is not None:
            kept_by_ecs = servicediscovery.HealthCheckCustomConfig(failure_threshold=1)
            self._cloud_map_service = servicediscovery.Service(
                scope,
                "CloudMapService",
                namespace=self._mesh.namespace,
                name=service.name,
                description=service.description,
                dns_record_type=servicediscovery.DnsRecordType.A,
                dns_ttl=Duration.seconds(service.ttl_seconds),
                routing_policy=servicediscovery.RoutingPolicy.MULTIVALUE,
                custom_health_check=None if self._mesh.data_plane.follows_tutorial else kept_by_ecs,
            )
        return self._cloud_map_service

    def load_balancer_target(self) -> LoadBalancerTarget:
        """Return the node's Envoy as a target; see `MeshNode.load_balancer_target`."""
        if not self.node.listeners:
            fix = "give the node a port"
            raise MeshError([problem(self._subject, "has no listener for a load balancer", None, fix)])
        if self._attached is None:
            has_tasks = self.member is not None
            fix = "call implement or attach first" if has_tasks else "leave it out: a node with a hostname has no tasks"
            raise MeshError([problem(self._subject, "has no service for a load balancer", None, fix)])
        service, attachment = self._attached
        interception = self._mesh.interception
        redirected = interception.proxy_configuration(self.node) is not None
        container = attachment.app_container if redirected else attachment.envoy_container
        return LoadBalancerTarget(service, container, interception.inbound_ports(self.node)[0], health_path=None)

    def _add_envoy(
        self,
        task_definition: ecs.TaskDefinition,
        app_container: ecs.ContainerDefinition,
        application: Application,
        containers: Sequence[FargateContainer],
        log_group: logs.ILogGroup | None,
    ) -> NodeAttachment:
        return NodeAttachment(
            task_definition,
            mesh=self._mesh,
            node=self.node,
            application=application,
            app_container=app_container,
            containers=containers,
            log_group=log_group,
        )
