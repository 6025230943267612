"""Private zones of Route 53, which answer for the services of a mesh with loopback addresses."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from aws_cdk import CfnResource
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_route53 as route53
from constructs import Construct

from color_mesh.envoy import loopback_address
from color_mesh.model import VirtualNode, VirtualService
from color_mesh.model.checks import check_dns_name
from color_mesh.model.deployment import TASKS_LABEL
from color_mesh.model.errors import problem
from color_mesh.model.node import hostnames

_RECORD_TTL_SECONDS = 60
_COMMENT = "Services of a mesh, at the loopback addresses of their callers' Envoys."


class ServiceZones(Construct):
    """Answer for services: in one zone for the mesh's domain, and in one each for those of other domains.

    The rest of another domain may be somebody else's, so nothing but the service's name is answered there. All of it is
    here, and not with the services: every stack with a part of the mesh depends on the mesh's stack anyway, so tasks
    that wait for names of each other's stacks never make two stacks depend on each other.
    """

    def __init__(self, scope: Construct, namespace_name: str, vpc: ec2.IVpc, other_domains: Sequence[str]) -> None:
        """Make the zone of the mesh's domain in ``scope``; `check_domains` has found nothing wrong."""
        super().__init__(scope, "Services")
        self.domain = domain_of(namespace_name)
        self._namespace_name = namespace_name
        self._other_domains = tuple(other_domains)
        self._vpc = vpc
        self._zone = self._make("Zone", self.domain)

    def check(self, services: Iterable[VirtualService]) -> Iterator[str]:
        """Find services that no zone may answer for: those of no domain, and those in the namespace of the tasks."""
        domains = (self.domain, *self._other_domains)
        for service in services:
            subject = f"virtual service {service.name!r}"
            such_as = f"such as 'router.{self.domain}'"
            if _is(service.name, self._namespace_name) or _is_in(service.name, self._namespace_name):
                fix = f"name it in '{self.domain}': the namespace below is where tasks are found"
                yield problem(subject, "has a name of the tasks' namespace", service.name, fix)
            elif any(_is(service.name, domain) for domain in domains):
                yield problem(subject, "has the name of a whole domain", service.name, f"a name in it, {such_as}")
            elif not any(_is_in(service.name, domain) for domain in domains):
                fix = f"{such_as}, or give its domain in other_domains"
                yield problem(subject, "is not in the mesh's domain, which answers for it", service.name, fix)

    def check_hostnames(self, nodes: Iterable[VirtualNode], services: Iterable[VirtualService]) -> Iterator[str]:
        """Find hostnames that a zone would answer with a loopback address, at which Envoy would call itself."""
        names = {str(service.name).lower() for service in services}
        for node, hostname in hostnames(nodes).items():
            if str(hostname).lower().removesuffix(".") in names:
                fix = "give the service another name: its own is answered with the address of its caller's Envoy"
                yield problem(f"virtual node {node!r}", "its hostname is the name of a virtual service", hostname, fix)

    def declare(self, service: VirtualService) -> Mapping[str, CfnResource]:
        """Declare the record of a service's loopback address, and a zone for it when it needs one."""
        declared: dict[str, CfnResource] = {}
        zone = self._zone
        if not _is_in(service.name, self.domain):
            zone = self._make(f"Zone-{service.name}", service.name)
            made = zone.node.default_child
            assert isinstance(made, CfnResource)
            declared["ServiceZone"] = made
        record = route53.CfnRecordSet(
            self,
            service.name,
            hosted_zone_id=zone.hosted_zone_id,
            name=service.name,
            type="A",
            ttl=str(_RECORD_TTL_SECONDS),
            resource_records=[loopback_address(service.name)],
        )
        return {**declared, "ServiceRecord": record}

    def _make(self, id: str, name: str) -> route53.PrivateHostedZone:
        return route53.PrivateHostedZone(self, id, zone_name=name, vpc=self._vpc, comment=_COMMENT)


def domain_of(namespace_name: str) -> str:
    """Find the domain of services above the namespace of tasks."""
    return namespace_name.removeprefix(f"{TASKS_LABEL}.")


def check_domains(subject: str, namespace_name: str, other_domains: Iterable[str]) -> Iterator[str]:
    """Find a namespace that is not below the domain of the services, and other domains that are none."""
    label, _, domain = namespace_name.partition(".")
    if label != TASKS_LABEL or not domain:
        wrong = "its namespace is not below the domain of its services"
        fix = f"'{TASKS_LABEL}.' before the domain, such as '{TASKS_LABEL}.{namespace_name}'"
        yield problem(subject, wrong, namespace_name, fix)
    own = domain_of(namespace_name)
    for other in other_domains:
        yield from check_dns_name(subject, "other domain", other)
        if _is(other, own) or _is_in(other, own):
            fix = f"leave it out: services may have any name in '{own}'"
            yield problem(subject, "other domain is its own or in it", other, fix)


def _is(name: object, other: str) -> bool:
    return str(name).lower() == other.lower()


def _is_in(name: object, domain: str) -> bool:
    return str(name).lower().endswith(f".{domain.lower()}")
