"""How a task's traffic reaches its Envoy: what that takes of DNS, of ECS and of security groups."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from aws_cdk import CfnResource
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_route53 as route53
from constructs import Construct

from color_mesh.envoy import Loopback, Transparent, loopback_address
from color_mesh.envoy.placement import EGRESS_PORT, INBOUND_PORT, INGRESS_PORT
from color_mesh.model import CloudMapService, Mesh, VirtualNode, VirtualService
from color_mesh.model.checks import check_choice
from color_mesh.model.deployment import APP_ADDRESSES, AppAddress
from color_mesh.model.errors import problem
from color_mesh.model.mesh import check_dns_answers
from color_mesh.model.node import hostnames

REDIRECTED_USER = 1337
# The addresses of the task's credentials and metadata, which Envoy must not stand before.
IGNORED_ADDRESSES = ("169.254.170.2", "169.254.169.254")
# Of upstream Envoy's image.
IMAGE_USER = 101
TASKS_LABEL = "tasks"
_RECORD_TTL_SECONDS = 60


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

    @property
    def members_reach_gateways(self) -> bool:
        """Whether a mesh's one security group lets its members reach the port of a gateway."""

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

    def declare_name(self, scope: Construct, service: VirtualService) -> CfnResource | None:
        """Declare in ``scope`` what answers for a service's name, unless Cloud Map does."""

    def require_names(self, scope: Construct, names: Iterable[str]) -> None:
        """Let ``scope`` be deployed after the names of services are there."""

    def proxy_configuration(self, node: VirtualNode) -> ecs.ProxyConfiguration | None:
        """Say what ECS does to a node's traffic."""

    def placement(self, application: Application, outside: frozenset[str]) -> Transparent | Loopback:
        """Say the same for the compiler; ``outside`` are the names of the nodes that are no tasks of the mesh."""


class TransparentInterception:
    """Let ECS redirect a task's traffic to Envoy; names are answered with the tasks' addresses."""

    user = REDIRECTED_USER
    sees_everything = True
    members_reach_gateways = True

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
        answered = (*mesh.cloud_map_services, *cloud_map_services)
        return check_dns_answers(answered, nodes, services, hostnames((*mesh.nodes, *nodes)).values())

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

    def declare_name(self, scope: Construct, service: VirtualService) -> CfnResource | None:
        """Declare nothing: Cloud Map answers; see `Interception`."""
        return None

    def require_names(self, scope: Construct, names: Iterable[str]) -> None:
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

    A private zone of Route 53 answers for the services, and the Cloud Map namespace, a zone below it, for the tasks.
    """

    user = IMAGE_USER
    sees_everything = False
    members_reach_gateways = False

    def __init__(self, scope: Construct, namespace_name: str, vpc: ec2.IVpc) -> None:
        """Make the zone in ``scope``; `check_tasks_namespace` has found nothing wrong with the namespace."""
        self.domain = namespace_name.removeprefix(f"{TASKS_LABEL}.")
        self._namespace_name = namespace_name
        self._records: dict[str, route53.CfnRecordSet] = {}
        self._zone = route53.PrivateHostedZone(
            scope,
            "ServiceZone",
            zone_name=self.domain,
            vpc=vpc,
            comment="Services of a mesh, at the loopback addresses of their callers' Envoys.",
        )

    def check_names(
        self,
        mesh: Mesh,
        cloud_map_services: Sequence[CloudMapService],
        nodes: Sequence[VirtualNode],
        services: Sequence[VirtualService],
    ) -> Iterator[str]:
        """Want each service in the zone, and none in the namespace below it or at a hostname; see `Interception`."""
        yield from check_dns_answers((*mesh.cloud_map_services, *cloud_map_services), nodes, ())
        yield from _check_hostnames((*mesh.nodes, *nodes), (*mesh.services, *services))
        for service in services:
            subject = f"virtual service {service.name!r}"
            name = str(service.name).lower()
            if name.endswith(f".{self._namespace_name.lower()}"):
                fix = f"name it in '{self.domain}': the namespace below is where tasks are found"
                yield problem(subject, "has a name of the tasks' namespace", service.name, fix)
            elif not name.endswith(f".{self.domain.lower()}"):
                fix = f"such as 'router.{self.domain}'"
                yield problem(subject, "is not in the mesh's domain, which answers for it", service.name, fix)

    def check_application(self, node: VirtualNode, application: Application) -> Iterator[str]:
        """Want one listener of a node whose application has a port of its own; see `Interception`."""
        return _check_application(node, application)

    def inbound_ports(self, node: VirtualNode) -> Iterable[int]:
        """List Envoy's: nothing else is to be reached from outside the task; see `Interception`."""
        return range(INBOUND_PORT, INBOUND_PORT + len(node.listeners))

    def declare_name(self, scope: Construct, service: VirtualService) -> CfnResource | None:
        """Declare the record of a service's loopback address; see `Interception`."""
        record = route53.CfnRecordSet(
            scope,
            "ServiceRecord",
            hosted_zone_id=self._zone.hosted_zone_id,
            name=service.name,
            type="A",
            ttl=str(_RECORD_TTL_SECONDS),
            resource_records=[loopback_address(service.name)],
        )
        self._records[service.name] = record
        return record

    def require_names(self, scope: Construct, names: Iterable[str]) -> None:
        """Wait for the records: that a name is not there may be remembered for 15 minutes; see `Interception`."""
        for name in names:
            if name in self._records:
                scope.node.add_dependency(self._records[name])

    def proxy_configuration(self, node: VirtualNode) -> None:
        """Need nothing of ECS; see `Interception`."""

    def placement(self, application: Application, outside: frozenset[str]) -> Loopback:
        """Say the same for the compiler; see `Interception`."""
        return Loopback(app_address=application.address, app_port=application.port, outside=outside)


def check_tasks_namespace(subject: str, name: str) -> Iterator[str]:
    """Find a namespace that is not below the domain of the services, which then would have no zone of its own."""
    label, _, domain = name.partition(".")
    if label != TASKS_LABEL or not domain:
        wrong = "its namespace is not below the domain of its services"
        yield problem(subject, wrong, name, f"'{TASKS_LABEL}.' before the domain, such as '{TASKS_LABEL}.{name}'")


def _check_hostnames(nodes: Iterable[VirtualNode], services: Iterable[VirtualService]) -> Iterator[str]:
    """Find hostnames that the zone would answer with a loopback address, at which Envoy would call itself."""
    names = {str(service.name).lower() for service in services}
    for node, hostname in hostnames(nodes).items():
        if str(hostname).lower().removesuffix(".") in names:
            fix = "give the service another name: its own is answered with the address of its caller's Envoy"
            yield problem(f"virtual node {node!r}", "its hostname is the name of a virtual service", hostname, fix)


def _check_application(node: VirtualNode, application: Application) -> Iterator[str]:
    subject = f"virtual node {node.name!r}"
    yield from check_choice(subject, "application's address", application.address, APP_ADDRESSES)
    if application.port is not None and len(node.listeners) != 1:
        fix = "leave app_port out: the application listens at the ports of the listeners"
        wrong = f"one application's port stands for {'several listeners' if node.listeners else 'no listener'}"
        yield problem(subject, wrong, application.port, fix)
