"""Loopback interception: each service name resolves to a loopback address on which the caller's own Envoy listens."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from aws_cdk import CfnResource, CrossStackReferences, ReferenceStrength, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_route53 as route53
from constructs import Construct, IDependable

from color_mesh.cdk.application import Application, check_application
from color_mesh.envoy import Loopback, loopback_address
from color_mesh.envoy.placement import INBOUND_PORT
from color_mesh.model import VirtualNode, VirtualService
from color_mesh.model.checks import check_dns_name
from color_mesh.model.deployment import TASKS_LABEL
from color_mesh.model.errors import problem
from color_mesh.model.index import MeshIndex, MeshParts
from color_mesh.model.node import hostnames
from color_mesh.model.references import check_dns_answers

# User id of Envoy in the image of upstream Envoy.
IMAGE_USER = 101

_RECORD_TTL_SECONDS = 60
_COMMENT = "Services of a mesh, at the loopback addresses of their callers' Envoys."


class LoopbackInterception(Construct):
    """Interception by DNS. Private hosted zones of Route 53 answer for services, the Cloud Map namespace for tasks.

    The domain of the mesh has one zone. Each stack with callers has records of its own for the services that they
    call, so that a name exists from before a stack's first caller to after its last one, whatever other stacks and apps
    do. A service in another domain has a zone of its own name, because the rest of that domain may belong to others.
    That zone is created here, with its record: a VPC has one zone of a name.

    Attributes:
        domain: Domain of the service names.
        envoy_user: User id of a sidecar.
        member_ports: Ports on which the Envoys of nodes admit callers.
        zone: Private hosted zone of the domain.
        dns_records: Constructs that answer for the names of services in other domains.
    """

    envoy_user = IMAGE_USER
    member_ports = ec2.Port.tcp_range(INBOUND_PORT, INBOUND_PORT + 99)

    def __init__(
        self,
        scope: Construct,
        mesh_name: str,
        namespace_name: str,
        vpc: ec2.IVpc,
        other_domains: Sequence[str],
        zone: route53.IHostedZone | None,
    ) -> None:
        """Create the zone of the mesh's domain, unless it exists.

        Args:
            scope: Scope of the construct.
            mesh_name: Name of the mesh.
            namespace_name: Name of the Cloud Map namespace, validated by `check_domains`.
            vpc: VPC in which the zones answer.
            other_domains: Other domains of services, validated by `check_domains`.
            zone: Zone of the domain, of another app. ``None``: a new one.
        """
        super().__init__(scope, "Services")
        self.domain = domain_of(namespace_name)
        self.dns_records: Sequence[IDependable] = (self,)
        self._mesh_name = mesh_name
        self._namespace_name = namespace_name
        self._other_domains = tuple(other_domains)
        self._vpc = vpc
        self.zone: route53.IHostedZone = zone or self._create_zone("Zone", self.domain)

    def check_names(self, parts: MeshParts, index: MeshIndex) -> Iterator[str]:
        """Validate that DNS answers for the names of new parts as the mesh needs it.

        Args:
            parts: The new parts.
            index: Index of all parts, the new ones included.
        """
        yield from check_dns_answers(index.cloud_map_services, parts.nodes, ())
        yield from self._check_hostnames(parts, index)
        yield from self._check_services(parts.services)

    def check_application(self, node: VirtualNode, application: Application) -> Iterator[str]:
        """Validate that a node whose application has a port of its own has one listener."""
        return check_application(node, application)

    def inbound_ports(self, node: VirtualNode) -> Sequence[int]:
        """Return the ports on which a node's security group admits callers: those of its Envoy."""
        return range(INBOUND_PORT, INBOUND_PORT + len(node.listeners))

    def declare_service(self, service: VirtualService) -> Mapping[str, CfnResource]:
        """Create the zone of a service in another domain, and its record. Other records are in the callers' stacks."""
        if _is_in(service.name, self.domain):
            return {}
        zone = self._create_zone(f"Zone-{service.name}", service.name)
        zone_resource = zone.node.default_child
        assert isinstance(zone_resource, CfnResource)
        return {"ServiceZone": zone_resource, "ServiceRecord": _create_record(self, service.name, zone, None)}

    def records(self, scope: Construct, services: Iterable[str]) -> Iterator[CfnResource]:
        """Return the records of services in the stack of a scope, and create those that it has not.

        Route 53 Developer Guide, *Values specific for weighted records*: records of one name may exist several times
        with different identifiers. All have the same address.
        """
        stack, id = Stack.of(scope), f"Mesh-{self._mesh_name}"
        of_stack = stack.node.try_find_child(id) or Construct(stack, id)
        assert isinstance(of_stack, Construct)
        for service in services:
            if not _is_in(service, self.domain):
                continue
            existing = of_stack.node.try_find_child(service)
            if isinstance(existing, CfnResource):
                yield existing
            else:
                yield _create_record(of_stack, service, self.zone, stack.stack_name)

    def proxy_configuration(self, node: VirtualNode) -> None:
        """Return no configuration: ECS does not redirect traffic."""

    def placement(self, application: Application, outside: frozenset[str]) -> Loopback:
        """Return the interception as the compiler of Envoy's configuration receives it.

        Args:
            application: Address and port of the application.
            outside: Names of the nodes that have no tasks in the mesh.
        """
        return Loopback(app_address=application.address, app_port=application.port, outside=outside)

    def _check_services(self, services: Iterable[VirtualService]) -> Iterator[str]:
        domains = (self.domain, *self._other_domains)
        for service in services:
            subject = f"virtual service {service.name!r}"
            example = f"such as 'router.{self.domain}'"
            if _is(service.name, self._namespace_name) or _is_in(service.name, self._namespace_name):
                fix = f"a name in '{self.domain}': its namespace below is for tasks"
                yield problem(subject, "name is in the namespace of the tasks", service.name, fix)
            elif any(_is(service.name, domain) for domain in domains):
                yield problem(subject, "name is a whole domain", service.name, f"a name in it, {example}")
            elif not any(_is_in(service.name, domain) for domain in domains):
                fix = f"{example}, or add its domain to other_domains"
                yield problem(subject, "name is not in a domain of the mesh", service.name, fix)

    def _check_hostnames(self, parts: MeshParts, index: MeshIndex) -> Iterator[str]:
        """Validate that no hostname is the name of a service, since Envoy would connect to itself."""
        conflicts: dict[str, str] = {}
        for service in parts.services:
            name = str(service.name).lower()
            conflicts |= {**index.hostnames.get(name, {}), **index.hostnames.get(f"{name}.", {})}
        for node, hostname in hostnames(parts.nodes).items():
            if str(hostname).lower().removesuffix(".") in index.service_names:
                conflicts[node] = hostname
        for node, hostname in conflicts.items():
            fix = "give the service another name: DNS answers for it with a loopback address"
            yield problem(f"virtual node {node!r}", "hostname is the name of a virtual service", hostname, fix)

    def _create_zone(self, id: str, name: str) -> route53.PrivateHostedZone:
        zone = route53.PrivateHostedZone(self, id, zone_name=name, vpc=self._vpc, comment=_COMMENT)
        # The last record of another stack may go, and with an export that stack would still use it.
        CrossStackReferences.of(zone).produce(ReferenceStrength.WEAK)
        return zone


def _create_record(
    scope: Construct, service: str, zone: route53.IHostedZone, identifier: str | None
) -> route53.CfnRecordSet:
    """Create the record of a service, one of several if it has an identifier."""
    return route53.CfnRecordSet(
        scope,
        service,
        hosted_zone_id=zone.hosted_zone_id,
        name=service,
        type="A",
        ttl=str(_RECORD_TTL_SECONDS),
        resource_records=[loopback_address(service)],
        set_identifier=identifier,
        weight=None if identifier is None else 1,
    )


def domain_of(namespace_name: str) -> str:
    """Return the domain of the services of a mesh whose tasks are in a namespace."""
    return namespace_name.removeprefix(f"{TASKS_LABEL}.")


def check_domains(subject: str, namespace_name: str, other_domains: Iterable[str]) -> Iterator[str]:
    """Validate the namespace of the tasks and the other domains of the services."""
    label, _, domain = namespace_name.partition(".")
    if label != TASKS_LABEL or not domain:
        wrong = "namespace is not below the domain of the services"
        fix = f"'{TASKS_LABEL}.' before the domain, such as '{TASKS_LABEL}.{namespace_name}'"
        yield problem(subject, wrong, namespace_name, fix)
    own = domain_of(namespace_name)
    for other in other_domains:
        yield from check_dns_name(subject, "other domain", other)
        if _is(other, own) or _is_in(other, own):
            fix = f"leave it out: services may have any name in '{own}'"
            yield problem(subject, "other domain is the mesh's domain or in it", other, fix)


def _is(name: object, other: str) -> bool:
    return str(name).lower() == other.lower()


def _is_in(name: object, domain: str) -> bool:
    return str(name).lower().endswith(f".{domain.lower()}")
