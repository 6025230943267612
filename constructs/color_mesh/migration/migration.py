"""The migration of a mesh, and the files of the generated app."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from color_mesh.analysis import Facts, analyze
from color_mesh.analysis.analyze import Finding as AnalysisFinding
from color_mesh.analysis.hosts import named_hosts
from color_mesh.analysis.reading import read_facts
from color_mesh.appmesh.source import Source
from color_mesh.cloudformation import Templates
from color_mesh.migration.app_code import app_module, network_module
from color_mesh.migration.balancers import MigratedBalancer
from color_mesh.migration.code_check import check_modules
from color_mesh.migration.containers import check_deployment_text, check_hidden
from color_mesh.migration.conversion import ConvertedMesh, convert_mesh
from color_mesh.migration.converted_properties import ALARM
from color_mesh.migration.findings import Finding, lost, to_do
from color_mesh.migration.formatter import format_modules
from color_mesh.migration.gateway_listeners import split_workloads
from color_mesh.migration.mesh_code import mesh_module
from color_mesh.migration.placeholders import PLACEHOLDERS, readable
from color_mesh.migration.report import REPORT_FILE, render_report
from color_mesh.migration.services_code import services_module
from color_mesh.migration.tags import tag_findings
from color_mesh.migration.workload import Workload
from color_mesh.migration.workload_reader import read_workloads
from color_mesh.model import Mesh
from color_mesh.model.errors import refuse

_CDK_JSON = {
    "app": "python app.py",
    "versionReporting": False,
    "context": {
        "@aws-cdk/core:annotationsInValidationReport": True,
        "@aws-cdk/core:defaultCrossStackReferences": "strong",
        "@aws-cdk/core:validateAgainstDefaultRules": True,
        # No task uses the default security group of the VPC. Emptying it would take a Lambda function that may change
        # every security group.
        "@aws-cdk/aws-ec2:restrictDefaultSecurityGroup": False,
    },
}
# Resources that the constructs replace, and those that belong to templates as such.
_REPLACED_TYPES = (
    *(
        "AWS::AppMesh::",
        "AWS::ServiceDiscovery::",
        "AWS::ApplicationAutoScaling::",
        "AWS::ECS::",
        "AWS::EC2::",
        "AWS::ElasticLoadBalancingV2::",
    ),
    *("AWS::Logs::LogGroup", "AWS::IAM::", "AWS::CDK::", "AWS::CloudFormation::"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """A mesh that was converted to self-managed Envoy, with the workloads that implement it.

    Attributes:
        converted: The mesh.
        workloads: ECS services of its nodes and gateways.
        balancers: Load balancers of its nodes and gateways.
        findings: Differences from the mesh of App Mesh, and work that remains.
        analysis: Findings of the analysis of the mesh of App Mesh.
    """

    converted: ConvertedMesh
    workloads: tuple[Workload, ...]
    balancers: tuple[MigratedBalancer, ...]
    findings: tuple[Finding, ...]
    analysis: tuple[AnalysisFinding, ...] = ()

    def files(self, arguments: str, notes: Sequence[str] = ()) -> dict[str, str]:
        """Render the files of the app, by file name.

        Args:
            arguments: Arguments of ``color-mesh migrate``, for the report.
            notes: Notes of the source, for the report.

        Raises:
            MeshError: When the formatter is not installed, or a file has code that the migration does not write, needs
                the value of a parameter with ``NoEcho``, or has text that a deployment would replace.
        """
        modules = {
            "app.py": app_module(self.converted, with_services=bool(self.workloads)),
            "network_stack.py": network_module(self.converted),
            "mesh_stack.py": mesh_module(self.converted),
        }
        if self.workloads:
            modules["services_stack.py"] = services_module(self.converted, self.workloads, self.balancers)
        refuse(each for name, source in modules.items() for each in _check_text(name, source))
        return {
            **check_modules(format_modules(check_modules(modules))),
            "cdk.json": json.dumps(_CDK_JSON, indent=2) + "\n",
            REPORT_FILE: render_report(
                self.converted, self.workloads, self.findings, self.analysis, arguments, [*map(readable, notes)]
            ),
        }


def migrate(source: Source, mesh: Mesh) -> Migration:
    """Convert a mesh of the source, and the ECS services that run its nodes and gateways.

    Raises:
        MeshError: With every property that cannot be evaluated, and every Envoy that cannot be configured.
    """
    templates = source.templates.with_pseudo_parameters(PLACEHOLDERS)
    workloads, balancers, workload_findings = read_workloads(templates, mesh)
    converted = convert_mesh(mesh, {each.part.name for each in workloads if each.part.kind == "virtualNode"})
    facts = read_facts([mesh], source.resources, templates)
    workloads = tuple(split_workloads(mesh, workloads))
    findings = (
        *converted.findings,
        *(each for of_mesh in facts for each in _unanswered_names(of_mesh, converted)),
        *_unimplemented_parts(converted, workloads),
        *_unused_tags(mesh, workloads),
        *workload_findings,
        *_other_resources(templates, workloads),
    )
    findings = tuple(replace(each, text=readable(each.text)) for each in findings)
    return Migration(
        converted=converted, workloads=workloads, balancers=balancers, findings=findings, analysis=analyze(facts)
    )


def _check_text(name: str, source: str) -> Iterator[str]:
    """Validate that a file needs no value of a parameter with ``NoEcho``, and that a deployment replaces none of it."""
    yield from check_hidden(name, source)
    yield from check_deployment_text(name, source)


def _unanswered_names(facts: Facts, converted: ConvertedMesh) -> Iterator[Finding]:
    """Yield the names that applications call and that the private hosted zone of the mesh hides."""
    answered = {service.name.lower() for service in converted.mesh.services}
    for named in named_hosts(facts):
        if converted.domain.contains(named.host) and named.host not in answered:
            text = (
                f"calls {named.host!r}, which the private hosted zone {converted.domain.name!r} of the mesh hides and "
                "nothing answers any more: declare a virtual service or a record of that name, or change the variable"
            )
            yield to_do(f"{named.place} {named.property}", text)


def _unimplemented_parts(converted: ConvertedMesh, workloads: Sequence[Workload]) -> Iterator[Finding]:
    implemented = {(workload.part.kind, workload.part.name) for workload in workloads}
    parts = (
        *(("virtualNode", f"virtual node {node.name!r}", node.name) for node in converted.mesh.nodes),
        *(("virtualGateway", f"virtual gateway {each.name!r}", each.name) for each in converted.mesh.gateways),
    )
    for kind, subject, name in parts:
        if (kind, name) not in implemented and name not in converted.external_nodes:
            text = (
                "no task definition in the templates: add the template of its tasks, or write its implement(...) "
                "in services_stack.py"
            )
            yield to_do(subject, text)


def _unused_tags(mesh: Mesh, workloads: Sequence[Workload]) -> Iterator[Finding]:
    """Yield the tags of nodes and gateways: of those with tasks, the ones that cannot be migrated."""
    implemented = {(workload.part.kind, workload.part.name) for workload in workloads}
    parts = (
        *(("virtualNode", f"virtual node {node.name!r}", node.name, node.tags) for node in mesh.nodes),
        *(("virtualGateway", f"virtual gateway {each.name!r}", each.name, each.tags) for each in mesh.gateways),
    )
    for kind, subject, name, tags in parts:
        if (kind, name) in implemented:
            yield from tag_findings(subject, tags)
        elif tags:
            pairs = ", ".join(f"{key}={text}" for key, text in tags)
            text = (
                f"the tags {pairs} are removed, since it has no tasks here: add them with Tags.of(...) to its service"
            )
            yield lost(subject, text)


def _other_resources(templates: Templates, workloads: Sequence[Workload]) -> Iterator[Finding]:
    """Yield the types of resources that are not migrated. Alarms of autoscaling are part of its findings."""
    scaling = [each.scaling for each in workloads if each.scaling is not None]
    carried = {place for each in scaling for _, policy in each.policies for place, _ in policy.alarms}
    for resource_type in sorted(each for each in templates.types if not each.startswith(_REPLACED_TYPES)):
        if resource_type == ALARM and carried.issuperset(each.place for each in templates.resources(ALARM)):
            continue
        text = "resources of this type are not migrated: connect those that the services need in the new app"
        yield lost(resource_type, text)
