"""The ways of requests through a mesh: from callers to the listeners of nodes."""

from collections.abc import Iterator
from dataclasses import dataclass

from color_mesh.analysis.facts import DEFAULT_TCP_IDLE_MILLIS
from color_mesh.envoy.routes import DEFAULT_IDLE_MILLIS, DEFAULT_TIMEOUT_MILLIS
from color_mesh.model import (
    ClientTls,
    GatewayRoute,
    Listener,
    Mesh,
    Protocol,
    Route,
    Timeout,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
    WeightedTarget,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """Requests of a virtual service that arrive at a listener of a node.

    Attributes:
        service: The virtual service.
        node: The node.
        listener: The listener.
        router: Router that provides the service. Default: the node does.
        route: Route of the router.
        target: Target of the route.
    """

    service: VirtualService
    node: VirtualNode
    listener: Listener
    router: VirtualRouter | None = None
    route: Route | None = None
    target: WeightedTarget | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """Requests of a node or gateway to a virtual service.

    Attributes:
        caller: Node or gateway.
        service: Name of the virtual service.
        client_tls: Client policy, if there is one.
        property: Property of the caller that names the service.
        tls_property: Property of the caller that has the client policy.
        routes: Gateway routes to the service; none for a node.
    """

    caller: VirtualNode | VirtualGateway
    service: str
    client_tls: ClientTls | None
    property: str
    tls_property: str
    routes: tuple[GatewayRoute, ...] = ()


def deliveries(mesh: Mesh, service: str | None = None) -> Iterator[Delivery]:
    """Yield the ways from virtual services to listeners.

    Args:
        mesh: The mesh.
        service: Name of one virtual service. Default: all.
    """
    selected = mesh.services
    if service is not None:
        selected = (mesh.service(service),) if service not in mesh.external_services else ()
    for each in selected:
        provider = mesh.provider(each)
        if isinstance(provider, VirtualNode):
            for listener in provider.listeners:
                yield Delivery(service=each, node=provider, listener=listener)
        elif isinstance(provider, VirtualRouter):
            yield from _routed(mesh, each, provider)


def _routed(mesh: Mesh, service: VirtualService, router: VirtualRouter) -> Iterator[Delivery]:
    for route in router.routes:
        for target in route.targets:
            node = mesh.node(target.virtual_node)
            for listener in node.listeners:
                if target.port in (None, listener.port) and listener.protocol == route.protocol:
                    yield Delivery(
                        service=service, node=node, listener=listener, router=router, route=route, target=target
                    )


def calls(mesh: Mesh) -> Iterator[Call]:
    """Yield the calls of nodes and gateways to virtual services."""
    for node in mesh.nodes:
        for index, backend in enumerate(node.backends):
            own = f"Spec.Backends[{index}].VirtualService"
            yield Call(
                caller=node,
                service=backend.virtual_service,
                client_tls=backend.client_tls or node.client_tls,
                property=f"{own}.VirtualServiceName",
                tls_property=f"{own}.ClientPolicy" if backend.client_tls else "Spec.BackendDefaults.ClientPolicy",
            )
    for gateway in mesh.gateways:
        for name in dict.fromkeys(route.virtual_service for route in gateway.routes):
            yield Call(
                caller=gateway,
                service=name,
                client_tls=gateway.client_tls,
                property="Spec",
                tls_property="Spec.BackendDefaults.ClientPolicy",
                routes=tuple(route for route in gateway.routes if route.virtual_service == name),
            )


def route_property(route: Route | GatewayRoute, name: str) -> str:
    """Return the path of a property of a route, such as ``Spec.HttpRoute.Timeout``."""
    kind = {"http": "Http", "http2": "Http2", "grpc": "Grpc", "tcp": "Tcp"}[route.protocol]
    return f"Spec.{kind}Route.{name}"


def listener_property(owner: VirtualNode | VirtualRouter | VirtualGateway, listener: Listener, name: str = "") -> str:
    """Return the path of a property of a listener, such as ``Spec.Listeners[0].Timeout``."""
    path = f"Spec.Listeners[{owner.listeners.index(listener)}]"
    return f"{path}.{name}" if name else path


def timeout_property(owner: VirtualNode, listener: Listener, name: str) -> str:
    """Return the path of a timeout of a listener, such as ``Spec.Listeners[0].Timeout.HTTP.PerRequest``."""
    key = {"http": "HTTP", "http2": "HTTP2", "grpc": "GRPC", "tcp": "TCP"}[listener.protocol]
    return listener_property(owner, listener, f"Timeout.{key}.{name}")


def request_millis(timeout: Timeout | None) -> int:
    """Return a request timeout in milliseconds, App Mesh's default if there is none; 0 for no limit."""
    return (
        DEFAULT_TIMEOUT_MILLIS if timeout is None or timeout.per_request_millis is None else timeout.per_request_millis
    )


def idle_millis(timeout: Timeout | None, protocol: Protocol, tcp_default: int = DEFAULT_TCP_IDLE_MILLIS) -> int:
    """Return an idle timeout in milliseconds, Envoy's default if there is none; 0 for no limit.

    Args:
        timeout: Timeouts of a route or a listener.
        protocol: Protocol of the route or the listener.
        tcp_default: Default for tcp.
    """
    if timeout is None or timeout.idle_millis is None:
        return tcp_default if protocol == "tcp" else DEFAULT_IDLE_MILLIS
    return timeout.idle_millis


def is_longer(millis: int, other: int) -> bool:
    """Return whether a timeout is longer than another; 0 is no limit."""
    return other != 0 and (millis == 0 or millis > other)


def seconds(millis: int) -> str:
    """Return a timeout as text, such as ``15 s``; 0 is ``unlimited``."""
    return "unlimited" if millis == 0 else f"{millis / 1000:g} s"
