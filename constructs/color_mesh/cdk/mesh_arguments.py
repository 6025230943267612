"""Validation of the arguments of a mesh."""

from collections.abc import Iterator, Sequence

from aws_cdk import Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_servicediscovery as servicediscovery

from color_mesh.model import Telemetry
from color_mesh.model.checks import check_choice, check_dns_name, check_range
from color_mesh.model.deployment import DATA_PLANES, INTERCEPTIONS, ISOLATIONS
from color_mesh.model.errors import problem

# Metadata of a VPC: the domain of a mesh that creates a zone for it.
DOMAIN_METADATA = "color-mesh:domain"


def check_telemetry(subject: str, data_plane: str, telemetry: Telemetry | None) -> Iterator[str]:
    """Validate that the data plane supports the telemetry."""
    if telemetry is not None and data_plane == "app-mesh" and telemetry.collector != "sidecar":
        fix = "Telemetry(collector='sidecar'), or data_plane='envoy'"
        yield problem(subject, "App Mesh sends telemetry to a collector in the task only", telemetry.collector, fix)


def check_domain(
    subject: str, domain: str | None, namespace: servicediscovery.IPrivateDnsNamespace | None
) -> Iterator[str]:
    """Validate that a mesh has either a domain or a namespace, of a known name."""
    if domain is None and namespace is None:
        yield problem(subject, "has no domain", None, "domain='shop.local', or a namespace that exists")
    elif domain is not None and namespace is not None:
        yield problem(subject, "'namespace' excludes 'domain'", domain, "leave one of them out")
    elif domain is not None:
        yield from check_dns_name(subject, "domain", domain)
    elif namespace is not None and Token.is_unresolved(namespace.namespace_name):
        fix = "create or import it with a literal name"
        yield problem(subject, "name of the namespace is not known", "a token", fix)


def check_not_shared(subject: str, domain: str, vpc: ec2.IVpc) -> Iterator[str]:
    """Validate that no other mesh creates a zone of the same name in the VPC."""
    if any(entry.type == DOMAIN_METADATA and entry.data == domain.lower() for entry in vpc.node.metadata):
        # Route 53 API Reference, ConflictingDomainExists: a VPC has one zone of a name.
        fix = "give each mesh of a VPC a domain of its own"
        yield problem(subject, "another mesh has this domain in the VPC", domain, fix)


def check_isolation(subject: str, isolation: str, security_group: ec2.ISecurityGroup | None) -> Iterator[str]:
    """Validate the isolation, and that the tasks share a security group only with ``mesh``."""
    yield from check_choice(subject, "isolation", isolation, ISOLATIONS)
    if security_group is not None and isolation == "node":
        # With loopback interception only the Envoy of a task restricts it, and nothing forces traffic through it.
        fix = "leave it out: each node gets its own group, or isolation='mesh'"
        path = security_group.node.path
        yield problem(subject, "one security group would allow requests to nodes that are no backends", path, fix)


def check_interval(subject: str, data_plane: str, name: str, seconds: int | None, most: int) -> Iterator[str]:
    """Validate an interval of calls of AWS."""
    if seconds is None:
        return
    if data_plane == "app-mesh":
        fix = "leave it out, or data_plane='envoy'"
        yield problem(subject, f"App Mesh has no {name!r}", seconds, fix)
    yield from check_range(subject, f"{name.replace('_', ' ')} in seconds", seconds, 1, most)


def check_data_plane(
    subject: str, data_plane: str, interception: str | None, other_domains: Sequence[str]
) -> Iterator[str]:
    """Validate the data plane, and that it supports the interception."""
    yield from check_choice(subject, "data plane", data_plane, DATA_PLANES)
    if interception is not None:
        yield from check_choice(subject, "interception", interception, INTERCEPTIONS)
    if data_plane == "app-mesh" and interception == "loopback":
        fix = "transparent, or data_plane='envoy'"
        yield problem(subject, "App Mesh does not support the interception", interception, fix)
    if other_domains and interception == "transparent":
        fix = "leave it out: with transparent interception Cloud Map and hostnames answer for services"
        yield problem(subject, "'other_domains' needs loopback interception", other_domains, fix)
