"""Where an Envoy stands: how traffic reaches it, and how it finds the endpoints of others. Neither is the mesh's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeAlias

from color_mesh.model import IpPreference, Listener, Mesh, VirtualNode

ADMIN_PORT = 9901
INGRESS_PORT = 15000
EGRESS_PORT = 15001
INBOUND_PORT = 15100
EVERYWHERE = ("0.0.0.0", "::")


@dataclass(frozen=True, kw_only=True, slots=True)
class Transparent:
    """Let the task's network redirect its traffic to Envoy, which finds out where it was going.

    Connections to the application come to port 15000, those it makes to port 15001 (AWS App Mesh User Guide, *Proxy
    configuration*).
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class Loopback:
    """Let Envoy listen on one loopback address a backend, so that nothing has to redirect traffic.

    The application reaches a backend at its address, to which the backend's name must resolve. Other tasks reach a
    node's first listener at port 15100 of the task, the second at 15101, and so on.

    Attributes:
        task_address: Where others connect to; by default every address of the task.
        app_address: Where the application listens; by default 127.0.0.1, or ::1 for a node of IPv6. ``0.0.0.0`` is
            everywhere: then Envoy cannot listen on the application's port at any loopback address.
        app_port: The application's port, where it is not that of its node's one listener.
        envoy_address: Where Envoy's administration and a gateway's second hop listen, for nobody outside the task.
        backend_addresses: Addresses of backends by virtual service, where that of `loopback_address` will not do.
        outside: Names of virtual nodes that are no tasks with such an Envoy; others reach them at their listeners' own
            ports.
    """

    task_address: str | None = None
    app_address: str | None = None
    app_port: int | None = None
    envoy_address: str = "127.0.0.1"
    backend_addresses: Mapping[str, str] = field(default_factory=dict)
    outside: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class DnsEndpoints:
    """Find endpoints by DNS, and hold everything in the bootstrap."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileEndpoints:
    """Find endpoints, and everything else that may change, in files that Envoy watches.

    Attributes:
        directory: Where the files are. They are to be replaced by renaming, the only change that Envoy notices.
    """

    directory: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerEndpoints:
    """Take endpoints, and everything else that may change, from a discovery server, by REST (Envoy's *xDS protocol*).

    Attributes:
        socket: The path of the Unix socket at which it answers. It may hold a request until it has something new.
    """

    socket: str


Interception: TypeAlias = Transparent | Loopback
Endpoints: TypeAlias = DnsEndpoints | FileEndpoints | ServerEndpoints


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Hold all that a configuration depends on beside the mesh.

    Attributes:
        interception: How traffic reaches Envoy.
        endpoints: How Envoy finds others.
        sds_socket: The path of the Unix socket of a Secret Discovery Service; without it nothing can come from one.
    """

    interception: Interception
    endpoints: Endpoints
    sds_socket: str | None

    def inbound_port(self, node: VirtualNode, listener: Listener) -> int:
        """Find the port at which others reach a listener of a node."""
        match self.interception:
            case Loopback() as loopback if node.name not in loopback.outside:
                return INBOUND_PORT + node.listeners.index(listener)
        return listener.port

    def task_address(self, preference: IpPreference | None) -> str:
        """Find the address to listen on for others."""
        given = self.interception.task_address if isinstance(self.interception, Loopback) else None
        return given or ("0.0.0.0" if preference is None else "::")

    def app_address(self, preference: IpPreference | None) -> str:
        """Find the address at which the application listens."""
        given = self.interception.app_address if isinstance(self.interception, Loopback) else None
        if given is None or given in EVERYWHERE:
            return "::1" if preference in ("IPv6_ONLY", "IPv6_PREFERRED") else "127.0.0.1"
        return given

    def app_port(self, listener: Listener) -> int:
        """Find the port at which the application listens for what comes to a listener."""
        given = self.interception.app_port if isinstance(self.interception, Loopback) else None
        return given or listener.port

    @property
    def envoy_address(self) -> str:
        """Find the address to listen on for Envoy's own purposes."""
        return self.interception.envoy_address if isinstance(self.interception, Loopback) else "127.0.0.1"


def loopback_address(virtual_service: str) -> str:
    """Find the loopback address of a backend: one of 127.1.0.0 to 127.254.255.255, made of its name alone.

    The same in every task, so that one DNS record serves all, and not changed by anything else that comes or goes.
    """
    digest = sha256(virtual_service.lower().encode()).digest()
    return f"127.{1 + digest[0] % 254}.{digest[1]}.{digest[2]}"


def backend_address(loopback: Loopback, virtual_service: str) -> str:
    """Find the address at which a caller's own Envoy listens for a backend."""
    return loopback.backend_addresses.get(virtual_service) or loopback_address(virtual_service)


def ip_preference(mesh: Mesh, node: VirtualNode) -> IpPreference | None:
    """Find which addresses of a node are used: its own preference stands before the mesh's."""
    own = node.discovery.ip_preference if node.discovery is not None else None
    return own or mesh.ip_preference
