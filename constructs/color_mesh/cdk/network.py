"""Network of the tasks of a mesh: their security groups, and the rules and DNS records of the calls between them."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import jsii
from aws_cdk import (
    Annotations,
    CfnResource,
    CrossStackReferences,
    ReferenceStrength,
    Stack,
)
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct, IDependable, IValidation

from color_mesh.cdk.loopback import LoopbackInterception
from color_mesh.cdk.synthesis import at_synthesis
from color_mesh.cdk.task import (
    add_security_groups,
    security_group_of_tasks,
    service_resource,
    task_definition_resource,
)
from color_mesh.cdk.transparent import TransparentInterception
from color_mesh.model import DnsDiscovery, EgressFilter, VirtualNode, VirtualRouter
from color_mesh.model.builder import MeshBuilder
from color_mesh.model.deployment import Isolation
from color_mesh.model.errors import problem
from color_mesh.model.index import MeshIndex

# Amazon VPC User Guide, *Amazon VPC quotas*: inbound or outbound rules per security group.
_MAX_RULES = 60


class Member:
    """Node or gateway in the network of its mesh.

    What a member has on AWS is created in the stack of its tasks, with the tasks. CloudFormation then creates it before
    them and deletes it after them, and a stack that is deployed earlier has nothing of it that is in use.

    Attributes:
        name: Name of the node or the gateway.
        connections: Connections of the tasks. Rules that are added before the tasks exist are created with them.
        place: Construct in the stack of the tasks, for what their calls need. ``None``: no tasks in this app.
        known_group: Security group of the tasks. ``None``: it does not exist yet.
    """

    def __init__(
        self,
        name: str,
        scope: Construct | None,
        security_group: ec2.ISecurityGroup | None,
        create_group: Callable[[Construct], ec2.ISecurityGroup] | None = None,
        mesh_group: ec2.ISecurityGroup | None = None,
    ) -> None:
        """Create no resources.

        Args:
            name: Name of the node or the gateway.
            scope: Construct of the node or the gateway. ``None``: the tasks are in another app.
            security_group: Security group of the tasks. ``None``: a new one.
            create_group: Creates the security group in a scope. ``None``: it exists.
            mesh_group: Security group of the mesh that the tasks also have. ``None``: they do not have it.
        """
        self.name = name
        self.connections: ec2.Connections = ec2.Connections()
        self.place: Construct | None = None
        self.known_group: ec2.ISecurityGroup | None = security_group
        self._scope = scope
        self._create_group = create_group
        self._mesh_group = mesh_group
        self._starts: list[CfnResource] = []

    @property
    def group_count(self) -> int:
        """Number of security groups of the tasks."""
        return 1 if self._mesh_group is None else 2

    def security_group(self, scope: Construct) -> ec2.ISecurityGroup:
        """Return the security group of the tasks, and create it in a scope unless it exists."""
        if self.known_group is None:
            assert self._create_group is not None
            self.known_group = self._create_group(scope)
        return self.known_group

    def security_group_of_tasks(self, scope: Construct) -> ec2.ISecurityGroup:
        """Return the security group for tasks in the stack of a scope, in which its rules are created."""
        return security_group_of_tasks(scope, self.security_group(scope))

    def add_tasks(self, scope: Construct, tasks: ecs.BaseService | ecs.TaskDefinition) -> None:
        """Add tasks, and give those of a service the security groups.

        Args:
            scope: Scope in the stack of the tasks.
            tasks: Service of the tasks, or the task definition of tasks without a service.
        """
        if self.place is None:
            group = self.security_group(scope)
            self.place = Construct(scope, "Calls")
            self.connections.add_security_group(security_group_of_tasks(self.place, group))
        if isinstance(tasks, ecs.TaskDefinition):
            self._starts.append(task_definition_resource(tasks))
            return
        self._starts.append(service_resource(tasks))
        of_mesh = self._mesh_group
        add_security_groups(tasks, [*self.connections.security_groups, *([of_mesh] if of_mesh else [])])

    def start_after(self, *needs: IDependable) -> None:
        """Start the tasks after what their calls need exists."""
        for start in self._starts:
            start.node.add_dependency(*needs)

    def complete(self) -> None:
        """Take the stack of the specification for tasks that have the security group and were not added."""
        if self.place is None and self._scope is not None and self.known_group is not None:
            self.place = Construct(self._scope, "Calls")
            self.connections.add_security_group(self.known_group)


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
        calls = _Calls(self)
        at_synthesis(scope, calls.create, creates=True)
        scope.node.add_validation(calls)

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
                self._shared.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(listener.port), _OUTSIDE)

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


@jsii.implements(IValidation)
class _Calls:
    """Rules and DNS records of the calls in a mesh, created at synthesis, when the mesh is complete.

    CloudFormation updates a stack before the stacks that refer to it, and deletes what a stack no longer has at the end
    of its own update. So what a call needs is in the stack of the caller: it is created before the caller's new tasks
    and deleted after the old ones. A rule needs the security groups of both ends. It is in the stack of the callee if
    the app creates that one later, because a stack can only refer to stacks that are deployed before it.
    """

    def __init__(self, network: MeshNetwork) -> None:
        """Create no resources."""
        self._network = network
        self._positions: dict[str, tuple[int, ...]] = {}
        self._rules: dict[str, set[tuple[str, int]]] = {}
        self._late_callees: dict[tuple[str, str], tuple[str, str]] = {}
        self._created = False

    def create(self) -> None:
        """Create the rules and records of the mesh, also if the app is synthesized twice."""
        if self._created:
            return
        self._created = True
        network = self._network
        parts = network.declared.parts
        for member in (*network.nodes.values(), *network.gateways.values()):
            member.complete()
        for name, member in network.nodes.items():
            if member.place is not None:
                services = [backend.virtual_service for backend in parts.nodes[name].backends]
                for record in network.interception.records(member.place, services):
                    member.start_after(record)
                self._add_calls(f"Node-{name}", member, services)
        for name, member in network.gateways.items():
            if member.place is not None:
                services = [route.virtual_service for route in parts.gateways[name].routes]
                self._add_calls(f"Gateway-{name}", member, services)
        for (caller_stack, callee_stack), (caller, callee) in self._late_callees.items():
            wrong = f"stack {caller_stack!r} calls stack {callee_stack!r}, which is created and deployed later"
            fix = (
                "create the stack of the callee first: a new call starts before its rule exists, and before a caller "
                "is removed, its backend must be taken away in a deployment of its own"
            )
            Annotations.of(network.scope).add_warning_v2(
                f"color-mesh:callee-deployed-later[{caller_stack}:{callee_stack}]",
                problem(f"virtual node {caller!r}", wrong, f"backend {callee!r}", fix),
            )

    def validate(self) -> list[str]:
        """Validate that no security group has more rules than Amazon VPC allows."""
        fix = f"at most {_MAX_RULES}; with ServiceMesh(isolation='mesh') callers need no rules"
        return [
            problem(f"virtual node {name!r}", "too many callers for the rules of a security group", len(rules), fix)
            for name, rules in self._rules.items()
            if len(rules) > _MAX_RULES
        ]

    def _add_calls(self, id: str, caller: Member, services: Iterable[str]) -> None:
        """Let a member call the nodes behind services."""
        network, source = self._network, caller.known_group
        if network.isolation == "mesh" or source is None or caller.place is None:
            return
        let_out = not source.allow_all_outbound
        for node in _reached_nodes(network.declared.parts, services):
            if isinstance(node.discovery, DnsDiscovery):
                for listener in node.listeners if let_out else ():
                    caller.start_after(_let_out(caller.place, source, listener.port, None))
                continue
            for port in network.interception.inbound_ports(node) if let_out else ():
                caller.start_after(_let_out(caller.place, source, port, network.security_group))
            self._let_in(id, caller, network.nodes[node.name], node)

    def _let_in(self, id: str, caller: Member, callee: Member, node: VirtualNode) -> None:
        """Let the tasks of a caller connect to those of a node. A node without tasks has no security group."""
        source, target = caller.known_group, callee.known_group
        if source is None or target is None or caller.place is None:
            return
        rules = self._rules.setdefault(node.name, set())
        if callee.place is None:
            for port in self._network.interception.inbound_ports(node):
                # The construct of an imported group knows whether its rules may change.
                target.add_ingress_rule(source, ec2.Port.tcp(port), _CALLER, remote_rule=True)
            caller.start_after(source, target)
            return
        scope, rule = caller.place, f"To-{node.name}"
        source_id, target_id = source.security_group_id, target.security_group_id
        if self._position(callee.place) > self._position(caller.place):
            scope, rule = callee.place, f"From-{id}"
            # EC2 does not delete a group that a rule of another group names. A strong reference makes CloudFormation
            # refuse it before it has changed anything.
            source_id = Stack.consume_reference(source_id, ReferenceStrength.STRONG)
            stacks = Stack.of(caller.place).node.path, Stack.of(callee.place).node.path
            self._late_callees.setdefault(stacks, (caller.name, callee.name))
        for port in self._network.interception.inbound_ports(node):
            if (source.security_group_id, port) not in rules:
                rules.add((source.security_group_id, port))
                created = ec2.CfnSecurityGroupIngress(
                    scope,
                    f"{rule}-{port}",
                    group_id=target_id,
                    source_security_group_id=source_id,
                    ip_protocol="tcp",
                    from_port=port,
                    to_port=port,
                    description=_CALLER,
                )
                if scope is caller.place:
                    caller.start_after(created)

    def _position(self, construct: Construct) -> tuple[int, ...]:
        """Return the position of the stack of a construct, in the order in which the app creates stacks."""
        stack = Stack.of(construct)
        if stack.node.path not in self._positions:
            scopes = stack.node.scopes
            self._positions[stack.node.path] = tuple(
                [child.node.id for child in parent.node.children].index(scope.node.id)
                for parent, scope in pairwise(scopes)
            )
        return self._positions[stack.node.path]


_CALLER = "a caller in the mesh"
_OUTSIDE = "a backend somewhere else"


def _let_out(place: Construct, source: ec2.ISecurityGroup, port: int, to: ec2.ISecurityGroup | None) -> CfnResource:
    """Let tasks connect to a port of tasks that others call, or of any address."""
    id = f"{'Outside' if to is None else 'Backends'}-{port}"
    existing = place.node.try_find_child(id)
    if isinstance(existing, CfnResource):
        return existing
    return ec2.CfnSecurityGroupEgress(
        place,
        id,
        group_id=source.security_group_id,
        destination_security_group_id=None if to is None else to.security_group_id,
        cidr_ip="0.0.0.0/0" if to is None else None,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        description=_OUTSIDE if to is None else "backends",
    )


def _refer_weakly(group: ec2.SecurityGroup) -> None:
    """Let the stack of a group delete it although another stack, which is deployed later, still refers to it.

    An export could not be deleted then, nor the group be removed from the app.
    """
    CrossStackReferences.of(group).produce(ReferenceStrength.WEAK)


def _reached_nodes(parts: MeshIndex, services: Iterable[str]) -> Iterator[VirtualNode]:
    """Look up the nodes that answer for virtual services, each once."""
    names: dict[str, None] = {}
    for name in services:
        service = parts.services.get(name)
        provider = None if service is None else parts.provider(service)
        if isinstance(provider, VirtualRouter):
            names |= {target.virtual_node: None for route in provider.routes for target in route.targets}
        elif provider is not None:
            names[provider.name] = None
    return (parts.nodes[name] for name in names)
