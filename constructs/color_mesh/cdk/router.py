"""A name behind which requests are spread over nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from constructs import Construct

from color_mesh.cdk.data_plane import MeshResources
from color_mesh.cdk.listeners import all_listeners
from color_mesh.cdk.mesh import Caller, ServiceMesh
from color_mesh.cdk.naming import default_name
from color_mesh.cdk.node import MeshedColorNode
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


class ColorRouter(Construct):
    """Define a virtual router and the virtual service in front of it.

    Attributes:
        mesh: The mesh it belongs to.
        name: Its name in the mesh.
        virtual_service_name: The name that callers use.
        mesh_resources: What the data plane declared for it and its routes, by construct id.
    """

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
        """Define a router without routes; `add_route` gives it some.

        Args:
            scope: The construct to put it in.
            id: Its id there.
            mesh: The mesh it belongs to.
            virtual_service_name: The name that callers use. DNS must answer it before Envoy sees a request, so it is
                the DNS name of one of the mesh's nodes; which of them does not matter.
            name: Its name in the mesh. Without it, a name made of the construct's path.
            port: What callers call, 1 to 65535.
            protocol: What is spoken there: ``http`` (HTTP/1.1, the default), ``http2``, ``grpc`` or ``tcp``.
            listeners: All that callers call, ports and protocols, in the place of ``port`` and ``protocol``.

        Raises:
            MeshError: With every problem; nothing has been created then.
        """
        name = default_name(scope, id) if name is None else name
        one = Listener(port=port, protocol=protocol)
        called_at, problems = all_listeners(f"virtual router {name!r}", listeners, one, "port and protocol")
        router = VirtualRouter(name=name, listeners=called_at)
        service = VirtualService(name=virtual_service_name, virtual_router=name)
        mesh.add(routers=[router], services=[service], problems=problems)
        super().__init__(scope, id)
        self.mesh = mesh
        self.name = name
        self.virtual_service_name = virtual_service_name
        self.mesh_resources: MeshResources = {
            **mesh.data_plane.declare_router(self, router),
            **mesh.data_plane.declare_service(self, service),
        }
        self._callers: list[Caller] = []
        self._targets: list[MeshedColorNode] = []

    def add_route(
        self,
        id: str,
        *,
        targets: Mapping[MeshedColorNode, int],
        target_ports: Mapping[MeshedColorNode, int] | None = None,
        name: str | None = None,
        prefix: str | None = None,
        method: Method | None = None,
        port: int | None = None,
        match: RouteMatch | None = None,
        priority: int | None = None,
        retry_policy: RetryPolicy | None = None,
        timeout: Timeout | None = None,
    ) -> None:
        """Send the requests that match to ``targets``, in proportion to their weights.

        Args:
            id: The route's construct id in the router.
            targets: Nodes and their weights, 0 to 100, relative to each other and not all 0; at most 10 nodes.
            target_ports: The ports of targets that have several. Without it, and for targets that are not in it, the
                port of the node's first listener.
            name: The route's name in the router. Without it, a name made of the construct's path.
            prefix: The start of the path. Without it, ``/`` for http and http2; grpc and tcp have none.
            method: The HTTP method. Without it, any.
            port: The router's port that the request came to; the route has its protocol. Without it the router's only
                one.
            match: All that a route may match on, such as headers, in the place of ``prefix``, ``method`` and ``port``.
            priority: 0 (asked first) to 1000. Without it, asked after all that have one, longest prefix first.
            retry_policy: When a caller's Envoy asks again. Without it twice, when a task is unavailable.
            timeout: How long a request may take. Without it, 15 seconds.

        Raises:
            MeshError: With every problem; nothing has changed then.
        """
        router = self.mesh.model.router(self.name)
        name = default_name(self, id) if name is None else name
        subject = f"route {name!r}"
        protocol = _protocol(router, port if match is None else match.port)
        ports = target_ports or {}
        matched, problems = route_match(subject, protocol, match, prefix, method, port)
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
        problems += (
            problem(subject, "target belongs to another mesh", node.name, f"a node of {self.mesh.model.name!r}")
            for node in targets
            if node.mesh is not self.mesh
        )
        fix = f"targets: {', '.join(node.name for node in targets) or 'none'}"
        problems += (
            problem(subject, "has a port of what is no target", node.name, fix) for node in ports if node not in targets
        )
        self.mesh.update(replace(router, routes=(*router.routes, route)), problems)
        declared = self.mesh.data_plane.declare_route(self, id, router, route)
        self.mesh_resources = {**self.mesh_resources, **declared}
        for node in targets:
            self._targets.append(node)
            for caller in self._callers:
                node.admit(caller)

    def admit(self, caller: Caller) -> None:
        """Let the tasks of ``caller`` reach every node that the routes send requests to, now and later."""
        self._callers.append(caller)
        for node in self._targets:
            node.admit(caller)


def _protocol(router: VirtualRouter, port: int | None) -> Protocol:
    of_port = (listener.protocol for listener in router.listeners if listener.port == port)
    return next(of_port, router.listeners[0].protocol)


def route_match(
    subject: str,
    protocol: Protocol,
    match: RouteMatch | None,
    prefix: str | None,
    method: Method | None,
    port: int | None,
) -> tuple[RouteMatch, list[str]]:
    """Find what a route matches on, and what is wrong with how it is said; ``subject`` begins the messages.

    Without any path, a route of http and http2 takes every path.
    """
    given = RouteMatch(prefix=prefix, method=method, port=port)
    problems = []
    if match is not None and given != RouteMatch():
        fix = "all of it in match, or prefix, method and port"
        problems.append(problem(subject, "says twice what it matches on", given, fix))
    found = match or given
    if protocol in ("http", "http2") and found.prefix is found.path is found.path_regex is None:
        found = replace(found, prefix="/")
    return found, problems
