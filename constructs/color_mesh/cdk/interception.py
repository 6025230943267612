"""How a task's traffic reaches its Envoy: what that takes of DNS, of ECS and of security groups."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aws_cdk import CfnResource
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from color_mesh.cdk.zones import ServiceZones
from color_mesh.envoy import Loopback, Transparent
from color_mesh.envoy.placement import EGRESS_PORT, INBOUND_PORT, INGRESS_PORT
from color_mesh.model import CloudMapService, Mesh, VirtualNode, VirtualService
from color_mesh.model.checks import check_choice, check_range
from color_mesh.model.deployment import APP_ADDRESSES, AppAddress
from color_mesh.model.errors import problem
from color_mesh.model.index import MeshIndex, MeshParts
from color_mesh.model.references import check_dns_answers

REDIRECTED_USER = 1337
# The addresses of the task's credentials and metadata, which Envoy must not stand before.
IGNORED_ADDRESSES = ("169.254.170.2", "169.254.169.254")
# Of upstream Envoy's image.
IMAGE_USER = 101


@dataclass(frozen=True, kw_only=True, slots=True)
class Application:
    """Say where a node's application listens.

    Attributes:
        address: ``0.0.0.0``, every address of its task, or ``127.0.0.1``, nowhere but in its task.
        port: Its port, if it is not that of the node's one listener.
    """

    address: AppAddress
    port: int | None


class Interception(Protocol):
    """Say what it takes for traffic to reach Envoy."""

    @property
    def domain(self) -> str:
        """What the names of services end with."""

    @property
    def user(self) -> int:
        """Whom Envoy runs as beside an application."""

    @property
    def sees_everything(self) -> bool:
        """Whether all that a task sends comes to its Envoy, which then keeps what the mesh does not let out."""

    def check_names(
        self,
        mesh: Mesh,
        cloud_map_services: Sequence[CloudMapService],
        nodes: Sequence[VirtualNode],
        services: Sequence[VirtualService],
    ) -> Iterator[str]:
        """Find nodes and services with names that no DNS server would answer as they need it.

        ``mesh`` is what has been declared, the others are what comes to it.
        """

    def check_application(self, node: VirtualNode, application: Application) -> Iterator[str]:
        """Find what is wrong with where the application of a node listens."""

    def inbound_ports(self, node: VirtualNode) -> Iterable[int]:
        """List the ports at which the tasks of a node take connections."""

    def declare_name(self, service: VirtualService) -> Mapping[str, CfnResource]:
        """Declare what answers for a service's name, unless Cloud Map does; by construct id."""

    def require_names(self, scope: Construct) -> None:
        """Let ``scope`` be deployed after the names of services are there, also of those that are declared later."""

    def proxy_configuration(self, node: VirtualNode) -> ecs.ProxyConfiguration | None:
        """Say what ECS does to a node's traffic."""

    def placement(self, application: Application, outside: frozenset[str]) -> Transparent | Loopback:
        """Say the same for the compiler; ``outside`` are the names of the nodes that are no tasks of the mesh."""


class TransparentInterception:
    """Let ECS redirect a task's traffic to Envoy; names are answered with the tasks' addresses."""

    user = REDIRECTED_USER
    sees_everything = True

    def __init__(self, namespace_name: str) -> None:
        """Name the Cloud Map namespace of the services."""
        self.domain = namespace_name

    def check_names(
        self,
        mesh: Mesh,
        cloud_map_services: Sequence[CloudMapService],
        nodes: Sequence[VirtualNode],
        services: Sequence[VirtualService],
    ) -> Iterator[str]:
        """Want a Cloud Map service of each name, or a node that DNS finds there; see `Interception`."""
        index = _index(mesh, cloud_map_services, nodes)
        return check_dns_answers(index.cloud_map_services, nodes, services, index.hostnames)

    def check_application(self, node: VirtualNode, application: Application) -> Iterator[str]:
        """Want the application at its listener's port, where connections are redirected back to; see `Interception`."""
        yield from _check_application(node, application)
        ports = [listener.port for listener in node.listeners]
        if application.port is not None and len(ports) == 1 and application.port not in ports:
            fix = f"it is called at {ports[0]}, and redirecting changes no port"
            wrong = "its application has another port than its listener"
            yield problem(f"virtual node {node.name!r}", wrong, application.port, fix)

    def inbound_ports(self, node: VirtualNode) -> Iterable[int]:
        """List those of the listeners: traffic is redirected behind the security group; see `Interception`."""
        return [listener.port for listener in node.listeners]

    def declare_name(self, service: VirtualService) -> Mapping[str, CfnResource]:
        """Declare nothing: Cloud Map answers; see `Interception`."""
        return {}

    def require_names(self, scope: Construct) -> None:
        """Wait for nothing: names are answered as soon as tasks are there; see `Interception`."""

    def proxy_configuration(self, node: VirtualNode) -> ecs.ProxyConfiguration:
        """Redirect the task's traffic to Envoy, except Envoy's own; see `Interception`."""
        return ecs.AppMeshProxyConfiguration(
            container_name="envoy-sidecar",
            properties=ecs.AppMeshProxyConfigurationProps(
                # ECS wants one also of a node without listeners; nothing listens where it leads.
                app_ports=[listener.port for listener in node.listeners] or [INGRESS_PORT],
                proxy_ingress_port=INGRESS_PORT,
                proxy_egress_port=EGRESS_PORT,
                ignored_uid=self.user,
                egress_ignored_i_ps=list(IGNORED_ADDRESSES),
            ),
        )

    def placement(self, application: Application, outside: frozenset[str]) -> Transparent:
        """Say the same for the compiler; see `Interception`."""
        return Transparent()


class LoopbackInterception:
    """Let each service's name stand for a loopback address, at which every caller's own Envoy listens.

    Private zones of Route 53 answer for the services, and the Cloud Map namespace, a zone below theirs, for the tasks.
    """

    user = IMAGE_USER
    sees_everything = False

    def __init__(self, zones: ServiceZones) -> None:
        """Take the zones of the services."""
        self.domain = zones.domain
        self._zones = zones

    def check_names(
        self,
        mesh: Mesh,
        cloud_map_services: Sequence[CloudMapService],
        nodes: Sequence[VirtualNode],
        services: Sequence[VirtualService],
    ) -> Iterator[str]:
        """Want each service in a zone, and none in the tasks' namespace or at a hostname; see `Interception`."""
        yield from check_dns_answers(_index(mesh, cloud_map_services, nodes).cloud_map_services, nodes, ())
        yield from self._zones.check_hostnames((*mesh.nodes, *nodes), (*mesh.services, *services))
        yield from self._zones.check(services)

    def check_application(self, node: VirtualNode, application: Application) -> Iterator[str]:
        """Want one listener of a node whose application has a port of its own; see `Interception`."""
        return _check_application(node, application)

    def inbound_ports(self, node: VirtualNode) -> Iterable[int]:
        """List Envoy's: nothing else is to be reached from outside the task; see `Interception`."""
        return range(INBOUND_PORT, INBOUND_PORT + len(node.listeners))

    def declare_name(self, service: VirtualService) -> Mapping[str, CfnResource]:
        """Declare the record of a service's loopback address; see `Interception`."""
        return self._zones.declare(service)

    def require_names(self, scope: Construct) -> None:
        """Wait for their records: that a name is not there may be remembered for 15 minutes; see `Interception`."""
        scope.node.add_dependency(self._zones)

    def proxy_configuration(self, node: VirtualNode) -> None:
        """Need nothing of ECS; see `Interception`."""

    def placement(self, application: Application, outside: frozenset[str]) -> Loopback:
        """Say the same for the compiler; see `Interception`."""
        return Loopback(app_address=application.address, app_port=application.port, outside=outside)


def _index(mesh: Mesh, cloud_map_services: Sequence[CloudMapService], nodes: Sequence[VirtualNode]) -> MeshIndex:
    index = MeshIndex()
    services = (*mesh.cloud_map_services, *cloud_map_services)
    index.add(MeshParts(cloud_map_services=services, nodes=(*mesh.nodes, *nodes)))
    return index


def _check_application(node: VirtualNode, application: Application) -> Iterator[str]:
    subject = f"virtual node {node.name!r}"
    yield from check_choice(subject, "application's address", application.address, APP_ADDRESSES)
    if application.port is not None:
        yield from check_range(subject, "application's port", application.port, 1, 65535)
    if application.port is not None and len(node.listeners) != 1:
        fix = "leave app_port out: the application listens at the ports of the listeners"
        wrong = f"one application's port stands for {'several listeners' if node.listeners else 'no listener'}"
        yield problem(subject, wrong, application.port, fix)
