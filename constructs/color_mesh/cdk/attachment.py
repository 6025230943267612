"""Envoy in the tasks of a node, in a task definition of any origin."""

from collections.abc import Iterator, Sequence

from aws_cdk import Duration, Token
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct

from color_mesh.cdk.application import Application
from color_mesh.cdk.durations import seconds
from color_mesh.cdk.mesh import ServiceMesh
from color_mesh.cdk.task import own_log_group, task_definition_resource
from color_mesh.model import FargateContainer, VirtualNode
from color_mesh.model.errors import problem
from color_mesh.model.task import DEFAULT_STOP_TIMEOUT_SECONDS, check_container, check_shares

_ID = "NodeAttachment"


class NodeAttachment(Construct):
    """Envoy and its companions in a task definition, which `MeshNode.attach` and `add_to` create.

    Attributes:
        task_definition: Task definition.
        app_container: Container of the application. It starts after Envoy and stops before it.
        envoy_container: Container of Envoy.
        log_group: Log group of Envoy and its companions.
    """

    def __init__(
        self,
        task_definition: ecs.TaskDefinition,
        *,
        mesh: ServiceMesh,
        node: VirtualNode,
        application: Application,
        app_container: ecs.ContainerDefinition,
        containers: Sequence[FargateContainer],
        log_group: logs.ILogGroup | None,
    ) -> None:
        """Add the containers of a node's data plane to a task definition.

        Args:
            task_definition: Task definition, validated by `check_task_definition`.
            mesh: Mesh of the node.
            node: The node.
            application: Address and port of the application.
            app_container: Container of the application.
            containers: The containers of `DataPlane.node_containers`.
            log_group: Log group of the containers. ``None``: a new log group with a retention of one week.
        """
        super().__init__(task_definition, _ID)
        self.task_definition: ecs.TaskDefinition = task_definition
        self.app_container: ecs.ContainerDefinition = app_container
        self.log_group: logs.ILogGroup = log_group or own_log_group(self)
        self.envoy_container: ecs.ContainerDefinition = mesh.data_plane.add_node_containers(
            task_definition,
            containers,
            node=node,
            application=application,
            app_container=app_container,
            log_group=self.log_group,
        )
        proxy_configuration = mesh.interception.proxy_configuration(node)
        if proxy_configuration is not None:
            resource = task_definition_resource(task_definition)
            resource.proxy_configuration = proxy_configuration.bind(task_definition, task_definition)


def stop_timeout_beside(app_container: object) -> Duration | None:
    """Return the default stop timeout of Envoy: that of the application, if that is longer than the default of ECS."""
    if not isinstance(app_container, ecs.ContainerDefinition):
        return None
    timeout = app_container.render_container_definition().stop_timeout
    if timeout is None or Token.is_unresolved(timeout) or timeout <= DEFAULT_STOP_TIMEOUT_SECONDS:
        return None
    return seconds(int(timeout))


def check_created(subject: str, argument: str, value: IConstruct, kind: type[Construct]) -> Iterator[str]:
    """Validate that a service or a task definition is created by the app, so that it can be changed.

    Args:
        subject: Beginning of the message.
        argument: Name of the argument.
        value: The service or the task definition.
        kind: Class of the constructs that can be changed.
    """
    if not isinstance(value, kind):
        fix = "an imported one cannot be changed; a pattern has its own in 'service' and 'task_definition'"
        yield problem(subject, f"{argument} is not an ecs.{kind.__name__} of this app", value.node.path, fix)


def check_task_definition(
    subject: str,
    task_definition: ecs.TaskDefinition,
    app_container: ecs.ContainerDefinition | None,
    containers: Sequence[FargateContainer],
) -> Iterator[str]:
    """Validate that a task definition can get the containers of a node's data plane.

    Args:
        subject: Beginning of the messages.
        task_definition: The task definition.
        app_container: Container of the application. ``None``: the task definition has no container.
        containers: The containers of `DataPlane.node_containers`.
    """
    path = task_definition.node.path
    if task_definition.node.try_find_child(_ID) is not None:
        yield problem(subject, "task definition is in the mesh already", path, "one node for each task definition")
        return
    if task_definition.network_mode != ecs.NetworkMode.AWS_VPC:
        mode = task_definition.network_mode.value
        fix = "network_mode=NetworkMode.AWS_VPC: an Envoy needs the network of its task"
        yield problem(subject, f"network mode of task definition {path!r} is not awsvpc", mode, fix)
    resource = task_definition_resource(task_definition)
    if resource.proxy_configuration is not None:
        # It would redirect the traffic of the tasks to the ports of another Envoy.
        fix = "leave proxy_configuration out, and the container of the Envoy that it names"
        yield problem(subject, "task definition has a proxy configuration", path, fix)
    if app_container is None:
        fix = "add the container of the application first"
        yield problem(subject, "task definition has no container", path, fix)
    elif app_container.task_definition.node.path != path:
        fix = f"a container of {path!r}"
        yield problem(subject, "container is in another task definition", app_container.node.path, fix)
    if resource.cpu is not None and resource.cpu.isdecimal():
        # The CDK raises an error of its own for this, but only after it has added a part of the containers.
        own = [each.cpu for each in task_definition.node.children if isinstance(each, ecs.ContainerDefinition)]
        shares = [*own, *(container.cpu for container in containers)]
        yield from check_shares(subject, "CPU", "units", int(resource.cpu), shares)
    for container in containers:
        yield from check_container(container)
        # Ids of containers are unique in a task definition too.
        if task_definition.find_container(container.name) or task_definition.node.try_find_child(container.name):
            fix = "give the container another name: this one is that of the mesh"
            yield problem(subject, f"task definition {path!r} has a container of this name", container.name, fix)
