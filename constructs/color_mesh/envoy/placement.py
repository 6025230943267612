"""Settings of an Envoy that are not part of the mesh: interception of traffic and source of endpoints."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeAlias

from color_mesh.envoy.idle_timeouts import CLIENT_IDLE_MILLIS, SERVER_IDLE_MILLIS
from color_mesh.envoy.typed import duration
from color_mesh.model import IpPreference, Listener, Mesh, Telemetry, VirtualNode
from color_mesh.model.deployment import CERTIFICATE_REFRESH_SECONDS, REFRESH_SECONDS

ADMIN_PORT = 9901
INGRESS_PORT = 15000
EGRESS_PORT = 15001
INBOUND_PORT = 15100
ALL_ADDRESSES = ("0.0.0.0", "::")
# Address at which Envoy occupies the ports of an application on 127.0.0.1. It is the address of no backend.
GUARD_ADDRESS = "127.255.0.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Transparent:
    """Transparent interception: the task's network redirects connections to Envoy.

    Inbound connections are redirected to port 15000, outbound connections to port 15001 (AWS App Mesh User Guide,
    *Proxy configuration*). Envoy looks up their original destinations.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class Loopback:
    """Loopback interception: Envoy listens on one loopback address for each backend, without redirection.

    The name of a backend must resolve to its loopback address in the task. Other tasks connect to the first listener of
    a node on port 15100 of the task, to the second on port 15101, and so on.

    Attributes:
        task_address: Address on which Envoy listens for other tasks. Default: all addresses.
        app_address: Address on which the application listens. With ``0.0.0.0`` (all addresses) Envoy cannot listen on
            the application's port on any loopback address, and no other service of the mesh may have that port.
            Default: 127.0.0.1, or ::1 for a node with IPv6. Then Envoy occupies the application's port on another
            loopback address, so that an application that listens on all addresses cannot start.
        app_port: Port of the application, for a node with one listener. Default: the port of the listener.
        envoy_address: Address of Envoy's admin interface and of a gateway's second hop, reachable in the task only.
        backend_addresses: Loopback addresses by name of the virtual service. Default: see `loopback_address`.
        outside: Names of virtual nodes whose tasks have no such Envoy. Callers connect to the ports of their listeners.
    """

    task_address: str | None = None
    app_address: str | None = None
    app_port: int | None = None
    envoy_address: str = "127.0.0.1"
    backend_addresses: Mapping[str, str] = field(default_factory=dict)
    outside: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class CloudMapEndpoints:
    """Endpoints and weights from Cloud Map, and endpoints of hostnames from DNS. All else is static.

    Attributes:
        refresh_seconds: Shortest time between two calls of DiscoverInstances for the same service. The longest is twice
            as long.
        weights_namespace: Cloud Map namespace of the weights. Default: none, all weights are static.
        live_routes: Routes whose weights are in Cloud Map, each after its router. Default: none.
    """

    refresh_seconds: int = REFRESH_SECONDS
    weights_namespace: str | None = None
    live_routes: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class FileEndpoints:
    """Endpoints and all other dynamic resources from files that Envoy watches.

    Attributes:
        directory: Directory of the files. Replace a file by moving another one to its path: Envoy notices moves only.
    """

    directory: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerEndpoints:
    """Endpoints and all other dynamic resources from a discovery server with the REST protocol (Envoy, *xDS protocol*).

    Attributes:
        socket: Path of the server's Unix socket. The server may hold a request until there is a change.
    """

    socket: str


Interception: TypeAlias = Transparent | Loopback
Endpoints: TypeAlias = CloudMapEndpoints | FileEndpoints | ServerEndpoints


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvoyTelemetry:
    """Telemetry of one Envoy.

    Attributes:
        settings: Settings of the mesh.
        mesh: Name of the mesh.
        service: Name of the node or gateway.
    """

    settings: Telemetry
    mesh: str
    service: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """Admission of callers by the names in their certificates, at listeners that demand certificates of any name.

    Attributes:
        namespace: Name of the Cloud Map namespace of the mesh.
        other_callers: Names in the certificates of callers that are not in the mesh, by name of the node that they
            call. Default: none.
    """

    namespace: str
    other_callers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Settings of an Envoy that are not part of the mesh.

    Attributes:
        interception: Interception of the application's traffic.
        endpoints: Source of the endpoints.
        sds_socket: Path of the Unix socket of a Secret Discovery Service, if there is one.
        trusted_hops: Number of trusted proxies in front of a gateway.
        as_in_app_mesh: Envoy does what App Mesh's did: prefixes of gateway routes match text and not whole path
            segments, and idle connections last for an hour.
        telemetry: Spans and metrics that Envoy sends. ``None``: it sends none.
        certificate_refresh_seconds: Time between two calls of AWS for the same certificate.
        admission: Admission of callers by the names in their certificates. ``None``: all certificates are admitted.
    """

    interception: Interception
    endpoints: Endpoints
    sds_socket: str | None
    trusted_hops: int = 0
    as_in_app_mesh: bool = False
    telemetry: EnvoyTelemetry | None = None
    certificate_refresh_seconds: int = CERTIFICATE_REFRESH_SECONDS
    admission: Admission | None = None

    def inbound_port(self, node: VirtualNode, listener: Listener) -> int:
        """Return the port on which other tasks connect to a listener of a node."""
        match self.interception:
            case Loopback() as loopback if node.name not in loopback.outside:
                return INBOUND_PORT + node.listeners.index(listener)
        return listener.port

    @property
    def retry_seconds(self) -> int:
        """Shortest time between two calls of AWS for a certificate after a failure."""
        return self.endpoints.refresh_seconds if isinstance(self.endpoints, CloudMapEndpoints) else REFRESH_SECONDS

    @property
    def live_routes(self) -> frozenset[tuple[str, str]]:
        """Routes whose weights are in Cloud Map, each after its router."""
        return self.endpoints.live_routes if isinstance(self.endpoints, CloudMapEndpoints) else frozenset()

    @property
    def client_idle_timeout(self) -> str | None:
        """Idle timeout of connections to other Envoys. ``None``: that of Envoy, one hour."""
        return None if self.as_in_app_mesh else duration(CLIENT_IDLE_MILLIS)

    @property
    def server_idle_timeout(self) -> str | None:
        """Idle timeout of connections from other Envoys. ``None``: that of Envoy, one hour."""
        return None if self.as_in_app_mesh else duration(SERVER_IDLE_MILLIS)

    def task_address(self, preference: IpPreference | None) -> str:
        """Return the address on which Envoy listens for other tasks."""
        address = self.interception.task_address if isinstance(self.interception, Loopback) else None
        return address or ("0.0.0.0" if preference is None else "::")

    def app_address(self, preference: IpPreference | None) -> str:
        """Return the address at which Envoy connects to the application."""
        address = self.interception.app_address if isinstance(self.interception, Loopback) else None
        if address is None or address in ALL_ADDRESSES:
            return "::1" if preference in ("IPv6_ONLY", "IPv6_PREFERRED") else "127.0.0.1"
        return address

    def app_port(self, listener: Listener) -> int:
        """Return the port of the application behind a listener."""
        port = self.interception.app_port if isinstance(self.interception, Loopback) else None
        return port or listener.port

    @property
    def envoy_address(self) -> str:
        """Address of Envoy's admin interface and of a gateway's second hop."""
        return self.interception.envoy_address if isinstance(self.interception, Loopback) else "127.0.0.1"


def loopback_address(virtual_service: str) -> str:
    """Compute the loopback address of a backend, from 127.1.0.0 to 127.254.255.255, from a hash of its name.

    It is the same in every task, so that one DNS record is enough, and does not depend on other backends.
    """
    digest = sha256(virtual_service.lower().encode()).digest()
    return f"127.{1 + digest[0] % 254}.{digest[1]}.{digest[2]}"


def backend_address(loopback: Loopback, virtual_service: str) -> str:
    """Return the loopback address on which a caller's Envoy listens for a backend."""
    return loopback.backend_addresses.get(virtual_service) or loopback_address(virtual_service)


def ip_preference(mesh: Mesh, node: VirtualNode) -> IpPreference | None:
    """Return the IP preference of a node, or else of the mesh."""
    preference = node.discovery.ip_preference if node.discovery is not None else None
    return preference or mesh.ip_preference
