"""The plan of a run: all that a cloud assembly declares, read and validated before anything starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from color_mesh.analysis import Finding, analyze
from color_mesh.analysis.reading import read_facts
from color_mesh.appmesh.source import KNOWN_ATTRIBUTES, Source, read_declared_meshes
from color_mesh.cloudformation import Files, Templates, read_templates
from color_mesh.ecs import Declarations, read_declarations
from color_mesh.ecs.cloud_map import CloudMapInstance, DiscoveryService
from color_mesh.ecs.load_balancers import LoadBalancer
from color_mesh.ecs.mesh_resources import MeshResource
from color_mesh.ecs.roles import Role
from color_mesh.ecs.services import Service
from color_mesh.ecs.target_groups import TargetGroup
from color_mesh.local.plan.bootstraps import Bootstrap, cluster_hostnames
from color_mesh.local.plan.certificates import RunCertificates, run_certificates
from color_mesh.local.plan.emulation import EMULATED, not_emulated
from color_mesh.local.plan.left_out import LeftOut, left_out_of_mesh
from color_mesh.local.plan.network import Network, PrivateZones, network, private_zones
from color_mesh.local.plan.programs import Commands
from color_mesh.local.plan.runnable import RunnableContainer, RunnableTask, runnable_task
from color_mesh.local.plan.validation import runnable_declarations
from color_mesh.local.plan.xray import xray_telemetry
from color_mesh.model import Mesh, MeshError, Telemetry
from color_mesh.model.errors import problem, refuse

# The resolver answers the name of a load balancer with its address.
_AUTHORITY = "arn:${AWS::Partition}:acm-pca:${AWS::Region}:${AWS::AccountId}:certificate-authority/"
_KNOWN_ATTRIBUTES = {
    **KNOWN_ATTRIBUTES,
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "DNSName"): "Name",
    ("AWS::ACMPCA::CertificateAuthority", "Arn"): _AUTHORITY,
    ("AWS::ACMPCA::CertificateAuthority", "Ref"): _AUTHORITY,
    ("AWS::CertificateManager::Certificate", "Ref"): (
        "arn:${AWS::Partition}:acm:${AWS::Region}:${AWS::AccountId}:certificate/"
    ),
    ("AWS::SecretsManager::Secret", "Ref"): (
        "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"
    ),
}
# Region and account of stacks that do not declare theirs.
REGION = "us-east-1"
ACCOUNT = "123456789012"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Plan of a run. Everything but the meshes is by its place in the templates.

    Attributes:
        network: VPC.
        meshes: Meshes.
        roles: IAM roles.
        log_groups: Names of log groups.
        tasks: Task definitions, with the programs of their containers.
        services: ECS services.
        discovery: Cloud Map services.
        instances: Instances that the templates register in Cloud Map services, by service.
        regions: Regions of the stacks.
        zones: Private hosted zones.
        target_groups: Target groups.
        load_balancers: Load balancers.
        findings: Findings of the analysis of the meshes.
        domain_names: Domain names of certificates.
        certificates: Certificates that are made for the run.
        left_out: Resources and parts of meshes that cannot run, and what depends on them.
        notes: Notes for the user about the sources, and about placeholders for missing values.
        not_emulated: Parts of the templates that have no effect in the run.
        secrets: Values of ``NoEcho`` parameters, which are not printed.
    """

    network: Network
    meshes: tuple[Mesh, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=dict)
    log_groups: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[str, RunnableTask] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    discovery: Mapping[str, DiscoveryService] = field(default_factory=dict)
    instances: Mapping[str, tuple[CloudMapInstance, ...]] = field(default_factory=dict)
    regions: tuple[str, ...] = (REGION,)
    zones: PrivateZones = field(default_factory=PrivateZones)
    target_groups: Mapping[str, TargetGroup] = field(default_factory=dict)
    load_balancers: Mapping[str, LoadBalancer] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    domain_names: tuple[str, ...] = ()
    certificates: RunCertificates = field(default_factory=RunCertificates)
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    not_emulated: tuple[str, ...] = ()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    def task(self, service: Service) -> RunnableTask:
        """Look up the task definition of a service."""
        return self.tasks[service.task_definition]

    def sidecars(self, service: Service) -> list[tuple[RunnableContainer, MeshResource]]:
        """Return the containers of a service's tasks that get their configuration from App Mesh."""
        containers = self.task(service).containers
        return [(each, each.mesh_resource) for each in containers if each.mesh_resource is not None]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Reasons why something is left out, each once: several resources may need the same value."""
        return tuple(dict.fromkeys(each.text for each in self.left_out))

    @property
    def telemetry(self) -> dict[MeshResource, Telemetry]:
        """Telemetry of the Envoys that get their configuration from App Mesh."""
        envoys = [
            (each.mesh_resource, xray_telemetry(task, each.environment))
            for task in self.tasks.values()
            for each in task.containers
        ]
        return {resource: telemetry for resource, telemetry in envoys if resource and telemetry}

    def without_secrets(self, text: str) -> str:
        """Return a text with asterisks in place of the values of ``NoEcho`` parameters."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "****")
        return text

    def cluster_nodes(self, bootstrap: Bootstrap) -> dict[str, str]:
        """Return the nodes that the clusters of an Envoy lead to, by cluster.

        A cluster leads to the node whose tasks are registered under its hostname. The hostname stands for a node
        without tasks in the templates.
        """
        nodes = {
            self.discovery[registration.registry].dns_name.lower(): resource.name
            for service in self.services.values()
            for registration in service.discovery
            for resource in self.task(service).mesh_resources.values()
        }
        return {cluster: nodes.get(name, name) for cluster, name in cluster_hostnames(bootstrap).items()}


def read_plan(
    paths: Sequence[Path],
    images: Commands | None = None,
    values: Mapping[str, str] | None = None,
) -> Plan:
    """Read the plan of a run from a cloud assembly, templates, JSON of the AWS CLI, or a Terraform state.

    Args:
        paths: Cloud assemblies, files, and folders of them.
        images: Programs that run in place of images, by image.
        values: Values of parameters, pseudo parameters and attributes that the templates do not give.

    Raises:
        MeshError: With everything that cannot run, if no service can.
    """
    assumed = {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT}
    files = Files()
    templates = read_templates(paths, values or {}, _KNOWN_ATTRIBUTES, files).with_pseudo_parameters(assumed)
    plan = _readable_plan(templates, paths, images or {})
    return replace(plan, notes=(*templates.notes, *files.notes, *files.left_out, *templates.placeholders))


def _readable_plan(templates: Templates, paths: Sequence[Path], images: Commands) -> Plan:
    """Return the plan, whose messages have no value of a ``NoEcho`` parameter."""
    if not templates.secrets:
        return _plan_of(templates, paths, images)
    # Error messages quote values: those about the templates without the values of NoEcho parameters come first.
    hidden: MeshError | None = None
    known: tuple[LeftOut, ...] = ()
    try:
        known = _plan_of(templates.without_secrets(), paths, images).left_out
    except MeshError as error:
        hidden = error
    try:
        plan = _plan_of(templates, paths, images)
        return replace(plan, left_out=tuple(each if each in known else _without_values(each) for each in plan.left_out))
    except MeshError:
        fix = "check them against the templates"
        raise hidden or MeshError(
            [problem("--set", "values of NoEcho parameters that the templates do not take", "****", fix)]
        ) from None


def _without_values(left_out: LeftOut) -> LeftOut:
    """Return what is left out because of the value of a ``NoEcho`` parameter, without the value."""
    text = problem(left_out.place, "does not take a secret value", "****", "another value")
    return replace(left_out, text=text)


def _plan_of(templates: Templates, paths: Sequence[Path], images: Commands) -> Plan:
    problems: list[str] = []
    source = Source(templates=templates)
    try:
        source = read_declared_meshes(templates)
    except MeshError as error:
        problems += error.problems
    declared = read_declarations(templates, EMULATED)
    declarations, left_out = runnable_declarations(declared, images)
    left_out = (*left_out, *map(left_out_of_mesh, source.left_out))
    if not declarations.services:
        problems += (each.text for each in left_out if each.is_cause)
        if not problems:
            subject = ", ".join(map(str, paths))
            problems.append(
                problem(subject, "declares nothing to run", "no AWS::ECS::Service", "give templates that declare one")
            )
    refuse(dict.fromkeys(problems))
    regions = templates.regions
    tasks = {
        place: runnable_task(each, images, regions[place]) for place, each in declarations.task_definitions.items()
    }
    return Plan(
        network=network(declarations),
        meshes=source.meshes,
        roles=declarations.roles,
        log_groups=declarations.log_groups,
        tasks=tasks,
        services=declarations.services,
        discovery={place: each for place, each in declarations.discovery_services.items() if each.namespace},
        instances=_instances(declarations),
        regions=tuple(dict.fromkeys(regions.values())),
        zones=private_zones(declarations),
        target_groups=declarations.target_groups,
        load_balancers=declarations.load_balancers,
        findings=analyze(read_facts(source.meshes, source.resources, templates)),
        domain_names=tuple(dict.fromkeys(name for each in declared.certificates.values() for name in each.names)),
        certificates=run_certificates(declarations, tasks, source.meshes),
        left_out=left_out,
        not_emulated=tuple(not_emulated(templates, declarations)),
        secrets=templates.secrets,
    )


def _instances(declarations: Declarations) -> dict[str, tuple[CloudMapInstance, ...]]:
    services = dict.fromkeys(service for service, _ in declarations.instances.values())
    return {
        service: tuple(each for key, each in declarations.instances.values() if key == service) for service in services
    }
