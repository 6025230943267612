"""Ports of a virtual service, compiled for one caller: their routes and target nodes."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from color_mesh.envoy.names import egress_cluster
from color_mesh.envoy.routes import (
    DEFAULT_IDLE_MILLIS,
    DEFAULT_TIMEOUT_MILLIS,
    cluster_specifier,
    in_order,
    router_route,
    virtual_node_route,
)
from color_mesh.envoy.typed import Json, duration, tags_metadata
from color_mesh.model import (
    ClientTls,
    Listener,
    Mesh,
    Protocol,
    Route,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    WeightedTarget,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A listener of another node to which a caller sends requests.

    Attributes:
        cluster: Name of the cluster.
        node: Node of the listener.
        listener: The listener.
        client_tls: Client policy of the caller, if it has one.
        own_policy_of: Name of the virtual service, if the caller has a policy for this backend alone.
    """

    cluster: str
    node: VirtualNode
    listener: Listener
    client_tls: ClientTls | None
    own_policy_of: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveWeight:
    """Weight that Envoy reads from Cloud Map.

    Attributes:
        router: Name of the router.
        route: The route.
        targets: The target of the route. For tcp, the target and those before it.
        key: Runtime key of the weight. For tcp, of the share of the connections that the targets have.
    """

    router: str
    route: Route
    targets: tuple[WeightedTarget, ...]
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServicePort:
    """A port of a virtual service, compiled for one caller.

    Attributes:
        service: The virtual service.
        port: Port number.
        protocol: Protocol of the port.
        routes: Routes in order of precedence. Empty for tcp.
        proxies: For tcp, the cluster or weighted clusters and the idle timeout of Envoy's TCP proxy: one, or one for
            each of the ``weights``.
        targets: Listeners that receive the requests or connections.
        weights: Weights of the routes that are in Cloud Map.
        timeout_millis: Longest request timeout of the routes in milliseconds, 0 if one has none. ``None`` without
            routes.
        idle_millis: Longest idle timeout of the routes in milliseconds, 0 if one has none.
        metadata: For tcp, the tags of the service, router and route. HTTP routes have their own metadata.
    """

    service: VirtualService
    port: int
    protocol: Protocol
    routes: tuple[Json, ...] = ()
    proxies: tuple[Json, ...] = ()
    targets: tuple[Target, ...] = ()
    weights: tuple[LiveWeight, ...] = ()
    timeout_millis: int | None = None
    idle_millis: int = DEFAULT_IDLE_MILLIS
    metadata: Json | None = None


def service_ports(
    mesh: Mesh,
    service: VirtualService,
    default_tls: ClientTls | None,
    own_tls: ClientTls | None,
    live_routes: Collection[tuple[str, str]] = (),
) -> Iterator[ServicePort]:
    """Compile the ports of a virtual service: one for each listener of its provider, none without a provider.

    Args:
        mesh: The mesh.
        service: The virtual service.
        default_tls: Client policy of the caller for all its backends.
        own_tls: Client policy of the caller for this backend.
        live_routes: Routes whose weights are in Cloud Map, each after its router. Default: none.
    """
    compiler = _ServiceCompiler(mesh, service, default_tls, own_tls, live_routes)
    provider = mesh.provider(service)
    for listener in provider.listeners if provider else ():
        if isinstance(provider, VirtualNode):
            yield compiler.node_port(provider, listener)
        elif isinstance(provider, VirtualRouter):
            yield compiler.router_port(provider, listener)


def services_at_all_addresses(mesh: Mesh, node: VirtualNode, app_ports: Collection[int]) -> tuple[str, ...]:
    """Return the services in whose place an application that listens on all addresses would be called.

    Their names resolve to loopback addresses. At those of its backends the node's Envoy must listen. At those of other
    services nothing may answer, unless it is the node that provides the service.

    Args:
        mesh: The mesh.
        node: Node of the application.
        app_ports: Ports of the application.
    """
    backends = {backend.virtual_service for backend in node.backends}
    return tuple(
        service.name
        for service in mesh.services
        if _has_port(mesh.provider(service), app_ports)
        and (service.name in backends or not _provides(mesh.provider(service), node))
    )


def _has_port(provider: VirtualNode | VirtualRouter | None, ports: Collection[int]) -> bool:
    return provider is not None and any(listener.port in ports for listener in provider.listeners)


def _provides(provider: VirtualNode | VirtualRouter | None, node: VirtualNode) -> bool:
    """Return whether a node is a provider, or a target of one that is a router."""
    if isinstance(provider, VirtualRouter):
        return any(target.virtual_node == node.name for route in provider.routes for target in route.targets)
    return provider is not None and provider.name == node.name


@dataclass(frozen=True)
class _ServiceCompiler:
    mesh: Mesh
    service: VirtualService
    default_tls: ClientTls | None
    own_tls: ClientTls | None
    live_routes: Collection[tuple[str, str]]

    def node_port(self, node: VirtualNode, listener: Listener) -> ServicePort:
        target = self._target(node, listener)
        tcp = listener.protocol == "tcp"
        metadata = tags_metadata(virtual_service=self.service.tags)
        return ServicePort(
            service=self.service,
            port=listener.port,
            protocol=listener.protocol,
            routes=() if tcp else (virtual_node_route(target.cluster, metadata),),
            proxies=({"cluster": target.cluster},) if tcp else (),
            targets=(target,),
            timeout_millis=DEFAULT_TIMEOUT_MILLIS,
            metadata=metadata if tcp else None,
        )

    def router_port(self, router: VirtualRouter, listener: Listener) -> ServicePort:
        routes = in_order(
            route
            for route in router.routes
            if route.protocol == listener.protocol and route.match.port in (None, listener.port)
        )
        targets = {
            route.name: [(self._weighted_target(weighted), weighted.weight) for weighted in route.targets]
            for route in routes
        }
        tcp = listener.protocol == "tcp"
        weights = tuple(weight for route in routes for weight in self._weights(router, route, targets[route.name]))
        return ServicePort(
            service=self.service,
            port=listener.port,
            protocol=listener.protocol,
            routes=() if tcp else tuple(self._route(router, route, targets[route.name]) for route in routes),
            proxies=_proxies(routes[0], targets[routes[0].name], live=bool(weights)) if tcp and routes else (),
            targets=tuple(target for pairs in targets.values() for target, _ in pairs),
            weights=weights,
            timeout_millis=_longest([_request_millis(route) for route in routes]) if routes else None,
            idle_millis=_longest([_idle_millis(route) for route in routes]) if routes else DEFAULT_IDLE_MILLIS,
            metadata=self._metadata(router, routes[0]) if tcp and routes else None,
        )

    def _route(self, router: VirtualRouter, route: Route, targets: Sequence[tuple[Target, int]]) -> Json:
        prefix, clusters = self._runtime_prefix(router, route), _clusters(targets)
        if prefix is not None:
            # Until the weights are read, the first target has all requests: others may be new and not ready. The
            # weights of the template are not here, so that other weights change no task definition.
            clusters = [(name, 0 if number else 1) for number, (name, _) in enumerate(clusters)]
        return router_route(route, clusters, self._metadata(router, route), prefix)

    def _weights(
        self, router: VirtualRouter, route: Route, targets: Sequence[tuple[Target, int]]
    ) -> Iterator[LiveWeight]:
        prefix = self._runtime_prefix(router, route)
        for number, (target, _) in enumerate(targets) if prefix is not None else ():
            # Envoy's TCP proxy does not read weights from its runtime. Filter chains are selected by shares.
            first = 0 if route.protocol == "tcp" else number
            of_key = route.targets[first : number + 1]
            yield LiveWeight(router=router.name, route=route, targets=of_key, key=f"{prefix}.{target.cluster}")

    def _runtime_prefix(self, router: VirtualRouter, route: Route) -> str | None:
        """Return the prefix of the runtime keys of a route's weights; ``None`` if the weights are static."""
        live = len(route.targets) > 1 and (router.name, route.name) in self.live_routes
        kind = "shares" if route.protocol == "tcp" else "weights"
        return f"{kind}.{router.name}.{route.name}" if live else None

    def _metadata(self, router: VirtualRouter, route: Route) -> Json | None:
        return tags_metadata(virtual_service=self.service.tags, virtual_router=router.tags, route=route.tags)

    def _weighted_target(self, weighted: WeightedTarget) -> Target:
        node = self.mesh.node(weighted.virtual_node)
        return self._target(node, next(each for each in node.listeners if weighted.port in (None, each.port)))

    def _target(self, node: VirtualNode, listener: Listener) -> Target:
        suffix = self.service.name if self.own_tls else None
        return Target(
            cluster=egress_cluster(self.mesh, node, listener, suffix),
            node=node,
            listener=listener,
            client_tls=self.own_tls or self.default_tls,
            own_policy_of=suffix,
        )


def _clusters(targets: Sequence[tuple[Target, int]]) -> list[tuple[str, int]]:
    return [(target.cluster, weight) for target, weight in targets]


def _proxies(route: Route, targets: Sequence[tuple[Target, int]], *, live: bool) -> tuple[Json, ...]:
    """Render the clusters and the idle timeout of a tcp route. Envoy's TCP proxy does not accept weights of 0."""
    idle_millis = route.timeout.idle_millis if route.timeout else None
    idle = {} if idle_millis is None else {"idle_timeout": duration(idle_millis)}
    if live:
        return tuple({"cluster": target.cluster, **idle} for target, _ in targets)
    return ({**cluster_specifier([pair for pair in _clusters(targets) if pair[1] > 0]), **idle},)


def _request_millis(route: Route) -> int:
    millis = route.timeout.per_request_millis if route.timeout else None
    return DEFAULT_TIMEOUT_MILLIS if millis is None else millis


def _idle_millis(route: Route) -> int:
    millis = route.timeout.idle_millis if route.timeout else None
    return DEFAULT_IDLE_MILLIS if millis is None else millis


def _longest(millis: Sequence[int]) -> int:
    return 0 if 0 in millis else max(millis)
