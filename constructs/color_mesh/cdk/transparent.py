"""Transparent interception: ECS redirects the traffic of a task to its Envoy."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from aws_cdk import CfnResource
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct, IDependable

from color_mesh.cdk.application import Application, check_application
from color_mesh.envoy import Transparent
from color_mesh.envoy.placement import EGRESS_PORT, INGRESS_PORT
from color_mesh.model import VirtualNode, VirtualService
from color_mesh.model.errors import problem
from color_mesh.model.index import MeshIndex, MeshParts
from color_mesh.model.references import check_dns_answers

# User id of Envoy. ECS does not redirect the traffic of this user.
REDIRECTED_USER = 1337
# Endpoints of the task's credentials and of the instance metadata service: their traffic is not redirected.
IGNORED_ADDRESSES = ("169.254.170.2", "169.254.169.254")


class TransparentInterception:
    """Interception by the ``proxyConfiguration`` of the task definition. Cloud Map answers for service names.

    Attributes:
        domain: Domain of the service names.
        envoy_user: User id of a sidecar.
        zone: Private hosted zone of the domain: none.
        dns_records: Constructs that answer for service names: none.
        member_ports: Ports on which members of a mesh admit each other.
    """

    envoy_user = REDIRECTED_USER
    zone = None
    dns_records: Sequence[IDependable] = ()
    member_ports = ec2.Port.all_tcp()

    def __init__(self, namespace_name: str) -> None:
        """Use the Cloud Map namespace as the domain of the services."""
        self.domain = namespace_name

    def check_names(self, parts: MeshParts, index: MeshIndex) -> Iterator[str]:
        """Validate that Cloud Map or the hostname of a node answers for the names of new parts.

        Args:
            parts: The new parts.
            index: Index of all parts, the new ones included.
        """
        return check_dns_answers(index.cloud_map_services, parts.nodes, parts.services, index.hostnames)

    def check_application(self, node: VirtualNode, application: Application) -> Iterator[str]:
        """Validate that an application listens on the port of its listener, since redirection keeps the port."""
        yield from check_application(node, application)
        ports = [listener.port for listener in node.listeners]
        if application.port is not None and len(ports) == 1 and application.port not in ports:
            fix = f"transparent interception keeps the port: the application receives requests on {ports[0]}"
            wrong = "the application's port is not the listener's"
            yield problem(f"virtual node {node.name!r}", wrong, application.port, fix)

    def inbound_ports(self, node: VirtualNode) -> Sequence[int]:
        """Return the ports on which a node's security group admits callers: redirection happens behind the group."""
        return [listener.port for listener in node.listeners]

    def declare_service(self, service: VirtualService) -> Mapping[str, CfnResource]:
        """Return no resources: Cloud Map answers for the name of a virtual service."""
        return {}

    def records(self, scope: Construct, services: Iterable[str]) -> Iterator[CfnResource]:
        """Return no records: Cloud Map answers for the names of virtual services."""
        return iter(())

    def proxy_configuration(self, node: VirtualNode) -> ecs.ProxyConfiguration:
        """Create the configuration that redirects all traffic of a task except Envoy's own."""
        return ecs.AppMeshProxyConfiguration(
            container_name="envoy-sidecar",
            properties=ecs.AppMeshProxyConfigurationProps(
                # ECS requires a port. For a node without listeners, this one leads to a port on which nothing listens.
                app_ports=[listener.port for listener in node.listeners] or [INGRESS_PORT],
                proxy_ingress_port=INGRESS_PORT,
                proxy_egress_port=EGRESS_PORT,
                ignored_uid=REDIRECTED_USER,
                egress_ignored_i_ps=list(IGNORED_ADDRESSES),
            ),
        )

    def placement(self, application: Application, outside: frozenset[str]) -> Transparent:
        """Return the interception as the compiler of Envoy's configuration receives it."""
        return Transparent()
