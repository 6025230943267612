"""Facts about the meshes of templates, and of a mesh that constructs declare."""

from collections.abc import Iterable, Iterator, Sequence

from color_mesh.analysis.facts import ACCOUNT, REGION, Facts
from color_mesh.appmesh.declared import DeclaredResource
from color_mesh.cloudformation import Templates
from color_mesh.ecs import read_declarations
from color_mesh.ecs.reading import EVERY_PROPERTY, UsedProperties
from color_mesh.model import Mesh

_ASSUMED = {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT}
_USED: UsedProperties = {
    f"AWS::{each}": EVERY_PROPERTY
    for each in (
        *("EC2::VPC", "EC2::Subnet", "EC2::SecurityGroup", "EC2::SecurityGroupIngress", "EC2::SecurityGroupEgress"),
        *("EC2::NatGateway", "EC2::VPCEndpoint"),
        *("ECS::Service", "ECS::TaskDefinition"),
        *(f"ElasticLoadBalancingV2::{each}" for each in ("LoadBalancer", "Listener", "ListenerRule", "TargetGroup")),
        *("IAM::ManagedPolicy", "IAM::Policy", "IAM::Role", "Logs::LogGroup"),
        *("Route53::HostedZone", "Route53::RecordSet", "ServiceDiscovery::Service", "CertificateManager::Certificate"),
    )
}
_KINDS = {
    "mesh": "mesh",
    "virtualNode": "virtual node",
    "virtualRouter": "virtual router",
    "virtualGateway": "virtual gateway",
    "virtualService": "virtual service",
    "route": "route",
    "gatewayRoute": "gateway route",
}
# Kinds of resources that belong to another, each with the kind and the name of that one.
_OWNERS = {"route": ("virtual router", "virtualRouterName"), "gatewayRoute": ("virtual gateway", "virtualGatewayName")}


def read_facts(
    meshes: Sequence[Mesh],
    resources: Iterable[DeclaredResource],
    templates: Templates,
    left_out: Sequence[str] = (),
) -> tuple[Facts, ...]:
    """Return what rules look at, for each mesh of a source.

    Args:
        meshes: Meshes.
        resources: App Mesh resources of the meshes.
        templates: Templates of the source.
        left_out: Messages about parts of the source that are left out or changed.
    """
    declarations = read_declarations(templates.with_pseudo_parameters(_ASSUMED), _USED)
    references = templates.dependencies()
    declared = list(resources)
    return tuple(
        Facts(
            mesh=mesh,
            declarations=declarations,
            references=references,
            left_out=tuple(left_out),
            places=dict(_places(mesh, declared)),
        )
        for mesh in meshes
    )


def _places(mesh: Mesh, resources: Iterable[DeclaredResource]) -> Iterator[tuple[str, str]]:
    """Yield the place of each part of a mesh, with its subject."""
    for each in resources:
        if each.mesh_name != mesh.name:
            continue
        name = each.get(f"{each.kind}Name") or each.generated_name
        subject = f"{_KINDS[each.kind]} {name!r}"
        if each.kind in _OWNERS:
            kind, key = _OWNERS[each.kind]
            subject += f" of {kind} {each.get(key)!r}"
        yield subject, each.place
