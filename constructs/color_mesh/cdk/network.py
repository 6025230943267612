"""Network of the tasks of a mesh: its members and their security groups."""

from aws_cdk import CrossStackReferences, ReferenceStrength
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from color_mesh.cdk.loopback import LoopbackInterception
from color_mesh.cdk.member import Member
from color_mesh.cdk.transparent import TransparentInterception
from color_mesh.model import EgressFilter, VirtualNode
from color_mesh.model.builder import MeshBuilder
from color_mesh.model.deployment import Isolation

OUTSIDE = "a backend somewhere else"  # Description of rules.


class MeshNetwork:
    """Members of a mesh, and how they let each other in.

    Attributes:
        scope: The mesh.
        isolation: ``node``: a node admits its callers only. ``mesh``: all members admit each other.
        security_group: Security group of all tasks, or with ``isolation="node"`` of the tasks that others call.
        declared: Parts of the mesh.
        interception: Interception of the traffic of a task.
        nodes: Nodes with tasks, in this app or another one, by name.
        gateways: Gateways by name.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        vpc: ec2.IVpc,
        isolation: Isolation,
        egress_filter: EgressFilter,
        security_group: ec2.ISecurityGroup | None,
        collector_port: int | None,
        declared: MeshBuilder,
        interception: TransparentInterception | LoopbackInterception,
    ) -> None:
        """Create the security group of the mesh, unless it exists.

        Args:
            scope: The mesh.
            vpc: VPC of the tasks.
            isolation: Isolation of the nodes.
            egress_filter: Egress filter of the nodes.
            security_group: Security group of the mesh, whose rules stay as they are. ``None``: a new one.
            collector_port: Port of a collector of telemetry outside of the tasks. ``None``: there is none.
            declared: Parts of the mesh.
            interception: Interception of the traffic of a task.
        """
        self.scope = scope
        self.isolation = isolation
        self.declared = declared
        self.interception = interception
        self.nodes: dict[str, Member] = {}
        self.gateways: dict[str, Member] = {}
        self._vpc = vpc
        self._egress_filter = egress_filter
        self._collector_port = collector_port
        self._shared: ec2.SecurityGroup | None = None
        if security_group is None and isolation == "mesh":
            self._shared = self._create_group(scope, "Tasks of a mesh.", egress_filter)
            self._shared.connections.allow_internally(interception.member_ports, "members of the mesh")
            security_group = self._shared
        elif security_group is None:
            # Callers' groups let out to its members. Whom a member lets in is in a group of its own.
            security_group = ec2.SecurityGroup(
                scope, "SecurityGroup", vpc=vpc, description="Tasks that others call.", allow_all_outbound=False
            )
            _refer_weakly(security_group)
        self.security_group: ec2.ISecurityGroup = security_group

    def add_node(self, scope: Construct, node: VirtualNode) -> Member:
        """Add a node whose tasks are in this app."""
        if self.isolation == "mesh":
            member = Member(node.name, scope, self.security_group)
        else:
            member = Member(
                node.name,
                scope,
                None,
                lambda scope: self._create_group(scope, "Tasks of a virtual node.", self._egress_filter),
                self.security_group if node.listeners else None,
            )
        self.nodes[node.name] = member
        return member

    def add_node_elsewhere(self, name: str, security_group: ec2.ISecurityGroup | None) -> None:
        """Add a node whose tasks are in another app."""
        self.nodes[name] = Member(name, None, security_group)

    def add_workload_outside(self, node: VirtualNode) -> None:
        """Let all tasks call a workload outside the mesh, if they share a new security group."""
        if self._shared is not None and not self._shared.allow_all_outbound:
            for listener in node.listeners:
                self._shared.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(listener.port), OUTSIDE)

    def add_gateway(self, scope: Construct, name: str, security_group: ec2.ISecurityGroup | None) -> Member:
        """Add a gateway.

        Args:
            scope: Construct of the gateway.
            name: Name of the gateway.
            security_group: Security group of the tasks. ``None``: a new one.
        """
        member = Member(
            name,
            scope,
            security_group,
            # The egress filter is for applications. A gateway sends requests to the targets of its routes only.
            lambda scope: self._create_group(scope, "Tasks of a virtual gateway.", "DROP_ALL"),
            self.security_group if self.isolation == "mesh" and security_group is not self.security_group else None,
        )
        self.gateways[name] = member
        return member

    def _create_group(self, scope: Construct, description: str, egress_filter: EgressFilter) -> ec2.SecurityGroup:
        # Interception by Envoy is no barrier: the user id of Envoy and some addresses are exempt from redirection, and
        # with loopback interception nothing is redirected. So the group applies the egress filter too.
        allow_all = egress_filter == "ALLOW_ALL"
        group = ec2.SecurityGroup(
            scope, "SecurityGroup", vpc=self._vpc, description=description, allow_all_outbound=allow_all
        )
        if not allow_all:
            group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "image registries, and AWS")
            if self._collector_port is not None:
                collector = ec2.Port.tcp(self._collector_port)
                group.add_egress_rule(ec2.Peer.any_ipv4(), collector, "collector of telemetry")
        _refer_weakly(group)
        return group


def _refer_weakly(group: ec2.SecurityGroup) -> None:
    """Let the stack of a group delete it although another stack, which is deployed later, still refers to it.

    An export could not be deleted then, nor the group be removed from the app.
    """
    CrossStackReferences.of(group).produce(ReferenceStrength.WEAK)
