"""Virtual router and its virtual service."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from aws_cdk import CfnResource
from constructs import Construct

from color_mesh.cdk.arguments import listeners_of_arguments, match_of_arguments
from color_mesh.cdk.data_plane import MeshResources, OwnedRoute
from color_mesh.cdk.imported_node import TargetNode
from color_mesh.cdk.kinds import checked
from color_mesh.cdk.mesh import ServiceMesh
from color_mesh.cdk.naming import default_name
from color_mesh.cdk.node import MeshNode
from color_mesh.model import (
    Listener,
    Method,
    Protocol,
    RetryPolicy,
    Route,
    RouteMatch,
    Timeout,
    VirtualRouter,
    VirtualService,
    WeightedTarget,
)
from color_mesh.model.errors import problem
from color_mesh.model.index import MeshParts

# The key type of a mapping is invariant: a dictionary of nodes of this app is none of nodes of both kinds.
TargetNumbers: TypeAlias = Mapping[MeshNode, int] | Mapping[TargetNode, int]
"""Numbers by target node."""


class MeshRouter(Construct):
    """Virtual router, which distributes requests over nodes by weight, and the virtual service that it provides.

    Attributes:
        mesh: Mesh of the router.
        name: Name of the router in the mesh.
        virtual_service_name: Name that callers use.
    """

    @checked()
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        mesh: ServiceMesh,
        virtual_service_name: str,
        name: str | None = None,
        port: int = 80,
        protocol: Protocol = "http",
        listeners: Sequence[Listener] | None = None,
    ) -> None:
        """Create a router without routes. `add_route` adds them.

        Args:
            scope: Scope of the construct.
            id: Construct id.
            mesh: Mesh of the router.
            virtual_service_name: Name that callers use. With transparent interception it is the DNS name of a node of
                the mesh, because callers resolve it before Envoy receives the request; any node will do.
            name: Name of the router in the mesh. Default: a name derived from the path of the construct.
            port: Port that callers use, 1 to 65535. Default: 80.
            protocol: Protocol of the port: ``http`` (HTTP/1.1), ``http2``, ``grpc`` or ``tcp``. Default: ``http``.
            listeners: Ports and protocols that callers use, instead of ``port`` and ``protocol``. Default: one
                listener, with ``port`` and ``protocol``.

        Raises:
            MeshError: If an argument is not valid. The error lists all problems, and no construct is created.
        """
        name = default_name(scope, id) if name is None else name
        single_listener = Listener(port=port, protocol=protocol)
        router_listeners, problems = listeners_of_arguments(
            f"virtual router {name!r}", listeners, single_listener, "port and protocol"
        )
        router = VirtualRouter(name=name, listeners=router_listeners)
        service = VirtualService(name=virtual_service_name, virtual_router=name)
        mesh.add(self, MeshParts(routers=(router,), services=(service,)), problems)
        super().__init__(scope, id)
        self.mesh: ServiceMesh = mesh
        self.name: str = name
        self.virtual_service_name: str = virtual_service_name
        self._resources: dict[str, CfnResource] = {
            **mesh.data_plane.declare(self, router),
            **mesh.data_plane.declare(self, service),
        }

    @property
    def mesh_resources(self) -> MeshResources:
        """L1 resources that the data plane created for the router and its routes, by construct id."""
        return self._resources

    @checked()
    def add_route(
        self,
        id: str,
        *,
        targets: TargetNumbers,
        target_ports: TargetNumbers | None = None,
        name: str | None = None,
        prefix: str | None = None,
        method: Method | None = None,
        port: int | None = None,
        match: RouteMatch | None = None,
        priority: int | None = None,
        retry_policy: RetryPolicy | None = None,
        timeout: Timeout | None = None,
    ) -> None:
        """Add a route, which sends matching requests to its targets in proportion to their weights.

        Args:
            id: Construct id of the route, in the scope of the router.
            targets: Weights by target node: 0 to 100, relative to each other, at least one of them not 0. At most 10
                targets.
            target_ports: Ports of targets that have several listeners. Default: the port of the node's first listener.
            name: Name of the route in the router. Default: a name derived from the path of the construct.
            prefix: Prefix of the path. Default: ``/`` for ``http`` and ``http2``. Not supported for ``grpc`` and
                ``tcp``.
            method: HTTP method. Default: all methods.
            port: Port of the router that the request was sent to. The route has the protocol of that port. Default:
                the only port of the router.
            match: Match of the route with all conditions, such as headers, instead of ``prefix``, ``method`` and
                ``port``. Default: ``prefix``, ``method`` and ``port``.
            priority: Priority of the route, from 0 (first) to 1000. Default: after all routes with a priority, in the
                order of descending prefix length.
            retry_policy: Retry policy. Default: two retries if a task is unavailable.
            timeout: Timeout of a request. Default: 15 seconds.

        Raises:
            MeshError: If an argument is not valid. The error lists all problems, and the router stays as it is.
        """
        router = self.mesh.declared.parts.routers[self.name]
        name = default_name(self, id) if name is None else name
        subject = f"route {name!r}"
        protocol = _protocol(router, port if match is None else match.port)
        ports: dict[TargetNode, int] = dict((target_ports or {}).items())
        matched, problems = match_of_arguments(subject, protocol, match, prefix, method, port)
        route = Route(
            name=name,
            protocol=protocol,
            priority=priority,
            match=matched,
            retry_policy=retry_policy,
            timeout=timeout,
            targets=tuple(
                WeightedTarget(virtual_node=node.name, weight=weight, port=ports.get(node, node.port))
                for node, weight in targets.items()
            ),
        )
        problems += _check_targets(subject, self.mesh, targets, ports)
        self.mesh.declared.add_route(self.name, route, problems)
        self._resources |= self.mesh.data_plane.declare(self, OwnedRoute(id=id, owner=self.name, route=route))


def _protocol(router: VirtualRouter, port: int | None) -> Protocol:
    of_port = (listener.protocol for listener in router.listeners if listener.port == port)
    return next(of_port, router.listeners[0].protocol)


def _check_targets(
    subject: str,
    mesh: ServiceMesh,
    targets: TargetNumbers,
    target_ports: TargetNumbers,
) -> Iterator[str]:
    for node in targets:
        if node.mesh is not mesh:
            yield problem(subject, "target belongs to another mesh", node.name, f"a node of {mesh.name!r}")
    for node in target_ports:
        if node not in targets:
            fix = f"targets: {', '.join(target.name for target in targets) or 'none'}"
            yield problem(subject, "'target_ports' names a node that is not a target", node.name, fix)
