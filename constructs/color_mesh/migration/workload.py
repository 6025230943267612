"""The workload of a node or a gateway: the ECS service whose tasks run its Envoy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from color_mesh.ecs.containers import Container
from color_mesh.ecs.mesh_resources import MeshResource
from color_mesh.ecs.scaling import Scaling
from color_mesh.ecs.services import Service
from color_mesh.ecs.task_definitions import TaskDefinition
from color_mesh.migration.containers import ConvertedContainer, convert_container
from color_mesh.migration.forwarding import ForwardingListener
from color_mesh.migration.sizes import (
    FargateSize,
    Shares,
    container_memory,
    cpu_shares,
    fargate_size,
    gateway_shares,
    memory_shares,
)
from color_mesh.model import Mesh

# Image of App Mesh that redirects traffic to Envoy where ECS does not. It needs NET_ADMIN.
ROUTE_MANAGER = "aws-appmesh-proxy-route-manager"


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """Workload of a node or a gateway.

    Attributes:
        part: Node or gateway.
        app: Container of the application. Default for a gateway: none.
        others: Containers other than the application and Envoy.
        size: Fargate size of a task.
        cpu: CPU units of the containers.
        memory_mib: Memory of the containers.
        definition: Old task definition.
        service: Old ECS service.
        listeners: Listeners of load balancers that forward to the tasks.
        scaling: Autoscaling of the old service. Default: none.
        tags: Tags of the node or gateway.
    """

    part: MeshResource
    app: ConvertedContainer | None
    others: tuple[ConvertedContainer, ...]
    size: FargateSize
    cpu: Shares
    memory_mib: Shares
    definition: TaskDefinition
    service: Service
    listeners: tuple[ForwardingListener, ...]
    scaling: Scaling | None = None
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def target_groups(self) -> tuple[str, ...]:
        """Target groups that the tasks were registered in."""
        return tuple(each.registry for each in self.service.targets if each.registry)

    @property
    def internet_facing(self) -> bool:
        """Scheme of the new load balancer: True for internet-facing.

        The new one has no TLS, no authentication and no rules. It is internet-facing when every old one was, without
        TLS, authentication and rules that keep requests from the tasks.
        """
        unprotected = (
            each.protocol in ("HTTP", "TCP") and not each.authenticates and not each.restricts
            for each in self.listeners
        )
        return bool(self.listeners) and all(each.public for each in self.listeners) and all(unprotected)


def create_workload(
    mesh: Mesh,
    definition: TaskDefinition,
    service: Service,
    listeners: Mapping[str, Sequence[ForwardingListener]],
    scaling: Scaling | None = None,
) -> Workload | None:
    """Return the workload of a service; ``None`` when Fargate has no task of its size.

    Args:
        mesh: Mesh of the node or gateway.
        definition: Task definition of the service. Its first Envoy names the node or gateway.
        service: ECS service.
        listeners: Listeners of load balancers, by the place or ARN of the target group.
        scaling: Autoscaling of the service. Default: none.
    """
    envoy, *_ = definition.envoys
    part = envoy.mesh_resource
    assert part is not None
    containers = [each for each in definition.containers if each.mesh_resource is None]
    app = _application(mesh, part, containers)
    others = tuple(each for each in containers if each is not app and ROUTE_MANAGER not in (each.image or ""))
    cpu, memory_mib = _shares(definition, envoy, app, others)
    size = fargate_size(max(definition.cpu or 0, cpu.total), max(definition.memory_mib or 0, memory_mib.total))
    if size is None:
        return None
    return Workload(
        part=part,
        app=None if app is None else convert_container(app),
        others=tuple(map(convert_container, others)),
        size=size,
        cpu=cpu,
        memory_mib=memory_mib,
        definition=definition,
        service=service,
        scaling=scaling,
        tags=(mesh.node(part.name) if part.kind == "virtualNode" else mesh.gateway(part.name)).tags,
        listeners=tuple(each for target in service.targets for each in listeners.get(target.registry, ())),
    )


def _application(mesh: Mesh, part: MeshResource, containers: Sequence[Container]) -> Container | None:
    """Return the container with a port of the node's listeners, or else the first essential one."""
    if part.kind != "virtualNode":
        return None
    ports = {listener.port for listener in mesh.node(part.name).listeners}
    with_port = (each for each in containers if ports & each.ports.keys())
    essential = (each for each in containers if each.essential)
    return next(with_port, None) or next(essential, containers[0])


def _shares(
    definition: TaskDefinition, envoy: Container, app: Container | None, others: Sequence[Container]
) -> tuple[Shares, Shares]:
    """Return the CPU units and the memory of the containers."""
    other_cpu = [each.cpu for each in others]
    other_memory = [container_memory(each) for each in others]
    if app is None:
        return gateway_shares(envoy.cpu, other_cpu), gateway_shares(container_memory(envoy), other_memory)
    return (
        cpu_shares(definition.cpu, envoy.cpu, app.cpu, other_cpu),
        memory_shares(definition.memory_mib, container_memory(envoy), container_memory(app), other_memory),
    )
