"""What is to run: all that a cloud assembly says of it, read and checked before anything starts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from color_mesh.appmesh.source import KNOWN_ATTRIBUTES, meshes_in
from color_mesh.cloudformation import Templates, read_templates
from color_mesh.ecs.hosted_zones import Zones, read_zones
from color_mesh.ecs.network import Network, read_network
from color_mesh.ecs.reading import MeshResource, Reader
from color_mesh.ecs.roles import Role, read_roles
from color_mesh.ecs.services import (
    DiscoveryService,
    LoadBalancer,
    Service,
    TargetGroup,
    read_discovery_services,
    read_load_balancers,
    read_services,
    read_target_groups,
)
from color_mesh.ecs.task_definitions import Container, TaskDefinition, read_task_definitions
from color_mesh.model import Mesh, MeshError, VirtualGateway, VirtualNode
from color_mesh.model.errors import problem, refuse

# Where the stacks are taken to be deployed when they do not say.
REGION = "us-east-1"
ACCOUNT = "123456789012"

NOT_EMULATED = (
    "limits of CPU and memory",
    "NAT and everything outside the VPC",
    "IPv6",
    "availability zones",
    "the endpoints of task metadata and credentials",
    "CloudWatch (logs are files)",
    "the rollback of a failed deployment",
    "who may use ECS Exec",
    "the pauses between health checks, until the first one passes",
    "the minute that Route 53 may take for a change (here --dns-delay), and resolvers that differ",
)
# What is read for what it refers to, or is no matter on one machine.
_QUIET = frozenset(
    (
        *(f"AWS::AppMesh::{kind}" for kind in ("Mesh", "VirtualNode", "VirtualService", "VirtualRouter", "Route")),
        *(f"AWS::AppMesh::{kind}" for kind in ("VirtualGateway", "GatewayRoute")),
        "AWS::CDK::Metadata",
        "AWS::CloudFormation::Stack",
        *(f"AWS::EC2::{kind}" for kind in ("VPC", "Subnet", "RouteTable", "Route", "SubnetRouteTableAssociation")),
        *(f"AWS::EC2::{kind}" for kind in ("InternetGateway", "VPCGatewayAttachment", "NatGateway", "EIP")),
        *(f"AWS::EC2::SecurityGroup{kind}" for kind in ("", "Ingress", "Egress")),
        *(f"AWS::ECS::{kind}" for kind in ("Cluster", "Service", "TaskDefinition")),
        *(f"AWS::ElasticLoadBalancingV2::{kind}" for kind in ("LoadBalancer", "Listener", "TargetGroup")),
        *(f"AWS::IAM::{kind}" for kind in ("Role", "Policy", "ManagedPolicy")),
        "AWS::Logs::LogGroup",
        *(f"AWS::Route53::{kind}" for kind in ("HostedZone", "RecordSet")),
        *(f"AWS::ServiceDiscovery::{kind}" for kind in ("PrivateDnsNamespace", "PublicDnsNamespace", "Service")),
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Hold what is to run. Everything but the meshes is by what tells it from others.

    Attributes:
        meshes: The meshes.
        network: The VPC.
        roles: The roles.
        log_groups: The names of log groups.
        task_definitions: What tasks are made of.
        services: What keeps them running.
        discovery: The names that DNS answers with tasks.
        zones: The private zones, whose names it answers as they say.
        target_groups: The targets of load balancers.
        load_balancers: The load balancers.
        not_emulated: What of the templates has no effect here.
    """

    network: Network
    meshes: tuple[Mesh, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=dict)
    log_groups: Mapping[str, str] = field(default_factory=dict)
    task_definitions: Mapping[str, TaskDefinition] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    discovery: Mapping[str, DiscoveryService] = field(default_factory=dict)
    zones: Zones = field(default_factory=Zones)
    target_groups: Mapping[str, TargetGroup] = field(default_factory=dict)
    load_balancers: Mapping[str, LoadBalancer] = field(default_factory=dict)
    not_emulated: tuple[str, ...] = ()

    def definition(self, service: Service) -> TaskDefinition:
        """Look up what a service's tasks are made of."""
        return self.task_definitions[service.task_definition]

    def part(self, resource: MeshResource) -> tuple[Mesh, VirtualNode | VirtualGateway] | None:
        """Look up a node or gateway, and the mesh that it is in; nothing when no template declares it."""
        for mesh in self.meshes:
            parts = mesh.nodes if resource.kind == "virtualNode" else mesh.gateways
            for part in parts:
                if (mesh.name, part.name) == (resource.mesh, resource.name):
                    return mesh, part
        return None

    def sidecars(self, service: Service) -> list[tuple[Container, MeshResource]]:
        """Find the containers of a service's tasks that ask App Mesh for their configuration."""
        found = self.definition(service).containers
        return [(each, each.mesh_resource) for each in found if each.mesh_resource is not None]


def read_plan(
    paths: Sequence[Path],
    images: Mapping[str, tuple[str, ...]] | None = None,
    values: Mapping[str, str] | None = None,
) -> Plan:
    """Read what is to run from a cloud assembly or from templates.

    Args:
        paths: Where they are.
        images: The programs of images, by names of images.
        values: Values of parameters, pseudo parameters and attributes that the templates do not give.

    Raises:
        MeshError: With everything that cannot run.
    """
    assumed = {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT}
    templates = read_templates(paths, values or {}, KNOWN_ATTRIBUTES).with_pseudo_parameters(assumed)
    reader = Reader()
    try:
        meshes = meshes_in(templates)
    except MeshError as error:
        reader.problems += error.problems
        meshes = ()
    plan = Plan(
        meshes=meshes,
        network=read_network(templates, reader),
        roles=read_roles(templates, reader),
        log_groups={
            each.place: str(each.property("LogGroupName") or each.generated_name)
            for each in templates.resources("AWS::Logs::LogGroup")
        },
        task_definitions=read_task_definitions(templates, reader, images or {}),
        services=read_services(templates, reader),
        discovery=read_discovery_services(templates, reader),
        zones=read_zones(templates, reader),
        target_groups=read_target_groups(templates, reader),
        load_balancers=read_load_balancers(templates, reader),
        not_emulated=(*NOT_EMULATED, *_passed_over(templates, reader), *templates.notes),
    )
    if not reader.problems and not plan.services:
        where = ", ".join(map(str, paths))
        reader.problems.append(problem(where, "holds nothing to run", "no AWS::ECS::Service", "give what declares one"))
    refuse(dict.fromkeys((*reader.problems, *_wrong_references(plan))))
    return replace(plan, not_emulated=(*plan.not_emulated, *_unknown_groups(plan)))


def _unknown_groups(plan: Plan) -> Iterator[str]:
    placed: list[Service | LoadBalancer] = [*plan.services.values(), *plan.load_balancers.values()]
    for group in dict.fromkeys(group for each in placed for group in each.groups):
        if group not in plan.network.groups:
            yield f"security group {group}, which no template declares: it lets everything through"


def _passed_over(templates: Templates, reader: Reader) -> Iterator[str]:
    yield from sorted(templates.types - _QUIET)
    for kind, path in sorted(reader.passed_over):
        yield f"{kind} {path}"


def _wrong_references(plan: Plan) -> Iterator[str]:
    """Find what is referred to that no template declares."""
    for place, service in plan.services.items():
        references: list[tuple[str, str, Mapping[str, object]]] = [
            ("TaskDefinition", service.task_definition, plan.task_definitions),
            *(("ServiceRegistries", each.registry, plan.discovery) for each in service.discovery),
            *(("LoadBalancers", each.registry, plan.target_groups) for each in service.targets),
        ]
        for name, wanted, known in references:
            if wanted not in known:
                yield problem(f"{place}.{name}", "refers to what is not at hand", wanted, "declare it in the templates")
        if not service.subnets:
            yield problem(f"{place}.NetworkConfiguration", "has no subnet", (), "one or more")
    for place, balancer in plan.load_balancers.items():
        for port, group in balancer.listeners:
            if group not in plan.target_groups:
                yield problem(f"{place}: listener {port}", "has no target group", group, "one that a template declares")
