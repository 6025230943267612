"""What runs a node or a gateway, as the constructs are told of it."""

from dataclasses import dataclass

from color_mesh.ecs.mesh_resources import MeshResource
from color_mesh.ecs.services import Service
from color_mesh.ecs.task_definitions import TaskDefinition
from color_mesh.migration.balancers import Entry
from color_mesh.migration.containers import ConvertedContainer
from color_mesh.migration.sizes import FargateSize, Shares

# Redirected traffic where ECS does not; it takes NET_ADMIN.
ROUTE_MANAGER = "aws-appmesh-proxy-route-manager"


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """Hold what runs a node or a gateway.

    Attributes:
        part: The node or gateway.
        app: The application's container; a gateway has none.
        others: The containers that are neither that nor Envoy's.
        size: The task's size.
        cpu: What of its CPU each container gets.
        memory_mib: What of its memory each container gets.
        definition: What its task definition says.
        service: What its service says.
        entries: The listeners of load balancers before it.
    """

    part: MeshResource
    app: ConvertedContainer | None
    others: tuple[ConvertedContainer, ...]
    size: FargateSize
    cpu: Shares
    memory_mib: Shares
    definition: TaskDefinition
    service: Service
    entries: tuple[Entry, ...]

    @property
    def target_groups(self) -> tuple[str, ...]:
        """Target groups that the tasks were registered in."""
        return tuple(each.registry for each in self.service.targets if each.registry)

    @property
    def internet_facing(self) -> bool:
        """Whether the internet reached it as it will reach a load balancer that asks nothing of clients."""
        asks_nothing = (each.protocol in ("HTTP", "TCP") and not each.authenticates for each in self.entries)
        return bool(self.entries) and all(each.public for each in self.entries) and all(asks_nothing)
