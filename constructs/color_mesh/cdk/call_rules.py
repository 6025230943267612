"""Rules and DNS records of the calls in a mesh, created at synthesis."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import jsii
from aws_cdk import Annotations, CfnResource, ReferenceStrength, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct, IValidation

from color_mesh.cdk.member import Member
from color_mesh.cdk.network import OUTSIDE, MeshNetwork
from color_mesh.cdk.synthesis import at_synthesis
from color_mesh.model import DnsDiscovery, VirtualNode, VirtualRouter
from color_mesh.model.errors import problem
from color_mesh.model.index import MeshIndex

# Amazon VPC User Guide, *Amazon VPC quotas*: inbound or outbound rules per security group.
_MAX_RULES = 60
_CALLER = "a caller in the mesh"  # Description of rules.


def create_call_rules(network: MeshNetwork) -> None:
    """Create the rules and records of the calls in a mesh at synthesis, when it is complete."""
    calls = _Calls(network)
    at_synthesis(network.scope, calls.create, creates=True)
    network.scope.node.add_validation(calls)


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
        description=OUTSIDE if to is None else "backends",
    )


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
