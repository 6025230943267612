"""ECS services that run an Envoy of the mesh, with the sizes of their tasks on Fargate."""

from dataclasses import dataclass

from color_mesh.ecs.mesh_resources import MeshResource
from color_mesh.ecs.services import Service
from color_mesh.ecs.task_definitions import TaskDefinition
from color_mesh.migration.containers import ConvertedContainer
from color_mesh.migration.load_balancers import ForwardingListener
from color_mesh.migration.sizes import FargateSize, Shares

# Image of the container that redirects traffic to Envoy where ECS does not; it needs NET_ADMIN.
ROUTE_MANAGER = "aws-appmesh-proxy-route-manager"


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """ECS service that runs a node or a gateway.

    Attributes:
        part: Node or gateway.
        app: Container of the application. ``None`` for a gateway.
        others: Containers other than the application and Envoy.
        size: Size of a task on Fargate.
        cpu: Shares of the CPU.
        memory_mib: Shares of the memory.
        definition: Task definition of the old service.
        service: The old service.
        listeners: Listeners of load balancers that forward to the old service.
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

    @property
    def target_groups(self) -> tuple[str, ...]:
        """Target groups that the tasks of the old service are registered in."""
        return tuple(each.registry for each in self.service.targets if each.registry)

    @property
    def internet_facing(self) -> bool:
        """True if clients on the internet had access without TLS and authentication."""
        is_open = (each.protocol in ("HTTP", "TCP") and not each.authenticates for each in self.listeners)
        return bool(self.listeners) and all(each.public for each in self.listeners) and all(is_open)
