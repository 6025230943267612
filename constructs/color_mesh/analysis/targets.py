"""Targets of load balancers that are Envoys of the mesh."""

from collections.abc import Iterator
from dataclasses import dataclass

from color_mesh.analysis.facts import Facts
from color_mesh.analysis.traffic import deliveries, is_longer, request_millis
from color_mesh.ecs.target_groups import TargetGroup
from color_mesh.ecs.task_definitions import TaskDefinition
from color_mesh.model import Listener, Mesh, Timeout, VirtualGateway, VirtualNode


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvoyTarget:
    """Target group of the tasks of a node or gateway.

    Attributes:
        part: The node or gateway.
        service: Place of the ECS service.
        index: Index of the target group in the service's load balancers.
        place: Place of the target group.
        group: The target group.
        port: Port of the targets.
        definition: Task definition.
    """

    part: VirtualNode | VirtualGateway
    service: str
    index: int
    place: str
    group: TargetGroup
    port: int
    definition: TaskDefinition

    @property
    def listener(self) -> Listener | None:
        """Listener of the node or gateway at the port."""
        return next((each for each in self.part.listeners if each.port == self.port), None)


def envoy_targets(facts: Facts) -> Iterator[EnvoyTarget]:
    """Yield the target groups of all nodes and gateways."""
    parts: tuple[VirtualNode | VirtualGateway, ...] = (*facts.mesh.nodes, *facts.mesh.gateways)
    for part in parts:
        for task, definition, _ in facts.tasks_of(part):
            for place, service in facts.services_of(task):
                for index, target in enumerate(service.targets):
                    group = facts.declarations.target_groups.get(target.registry)
                    if group is not None and target.port is not None:
                        yield EnvoyTarget(
                            part=part,
                            service=place,
                            index=index,
                            place=target.registry,
                            group=group,
                            port=target.port,
                            definition=definition,
                        )


def longest_request(mesh: Mesh, target: EnvoyTarget, *, declared_only: bool = False) -> int:
    """Return the longest time of a request to a target in milliseconds; 0 if it is unlimited, or if there is none.

    Args:
        mesh: Mesh of the target.
        target: Target.
        declared_only: Leave out requests that only App Mesh's defaults limit.
    """
    limits: list[tuple[Timeout | None, ...]] = []
    if isinstance(target.part, VirtualNode):
        limits += [(each.timeout,) for each in target.part.listeners if each is target.listener]
    else:
        for name in dict.fromkeys(route.virtual_service for route in target.part.routes):
            limits += [
                (way.route.timeout if way.route else None, way.listener.timeout) for way in deliveries(mesh, name)
            ]
    if declared_only:
        limits = [each for each in limits if any(one is not None and one.per_request_millis for one in each)]
    longest = 0
    for timeouts in limits:
        shortest = 0
        for millis in map(request_millis, timeouts):
            shortest = millis if is_longer(shortest, millis) else shortest
        if shortest == 0:
            return 0
        longest = max(longest, shortest)
    return longest
