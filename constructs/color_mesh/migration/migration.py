"""A migration: what is read, what becomes of it, and the files of the app."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from color_mesh.appmesh.source import Source
from color_mesh.cloudformation import Templates
from color_mesh.migration.app_code import app_module, network_module
from color_mesh.migration.carry import CarriedMesh, carry
from color_mesh.migration.findings import Finding, lost, to_do
from color_mesh.migration.mesh_code import mesh_module
from color_mesh.migration.placeholders import PLACEHOLDERS, named, refuse_placeholders
from color_mesh.migration.report import report
from color_mesh.migration.services_code import services_module
from color_mesh.migration.workload import Workload
from color_mesh.migration.workloads import read_workloads
from color_mesh.model import Mesh, MeshError
from color_mesh.model.errors import problem

REPORT = "MIGRATION.md"
_CDK_JSON = {
    "app": "python app.py",
    "versionReporting": False,
    "context": {
        "@aws-cdk/core:annotationsInValidationReport": True,
        "@aws-cdk/core:defaultCrossStackReferences": "strong",
        "@aws-cdk/core:validateAgainstDefaultRules": True,
        # Nothing is in a VPC's default group; emptying it takes a Lambda function with rights on every group.
        "@aws-cdk/aws-ec2:restrictDefaultSecurityGroup": False,
    },
}
# What the constructs make anew, and what a template cannot do without.
_MADE_ANEW = (
    *("AWS::AppMesh::", "AWS::ServiceDiscovery::", "AWS::ECS::", "AWS::EC2::", "AWS::ElasticLoadBalancingV2::"),
    *("AWS::Logs::LogGroup", "AWS::IAM::", "AWS::CDK::", "AWS::CloudFormation::"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """Hold a mesh as it goes on without App Mesh.

    Attributes:
        carried: The mesh.
        workloads: What implements it.
        findings: What is otherwise than before.
    """

    carried: CarriedMesh
    workloads: tuple[Workload, ...]
    findings: tuple[Finding, ...]

    def files(self, sources: str, notes: Sequence[str] = ()) -> dict[str, str]:
        """Write the app, its report and what the CDK CLI needs, by their names.

        ``sources`` is what was read, and ``notes`` what was said about how.

        Raises:
            MeshError: When something in them takes an account or a region that is not known.
        """
        files = {
            "app.py": app_module(self.carried, with_services=bool(self.workloads)),
            "network_stack.py": network_module(self.carried),
            "mesh_stack.py": mesh_module(self.carried),
            "cdk.json": json.dumps(_CDK_JSON, indent=2) + "\n",
            REPORT: report(self.carried, self.workloads, self.findings, sources, notes),
        }
        if self.workloads:
            files["services_stack.py"] = services_module(self.carried, self.workloads)
        refuse_placeholders({name: text for name, text in files.items() if name != REPORT})
        return {**files, REPORT: named(files[REPORT])}


def migrate(source: Source, mesh: Mesh) -> Migration:
    """Carry a mesh of ``source`` over, and the tasks that implement it.

    Raises:
        MeshError: With everything that cannot be read, or that no Envoy can be configured for.
    """
    findings: list[Finding] = []
    templates = source.templates.with_pseudo_parameters(PLACEHOLDERS)
    workloads = read_workloads(templates, mesh, findings)
    carried = carry(mesh, {each.part.name for each in workloads if each.part.kind == "virtualNode"})
    found = (*carried.findings, *_not_implemented(carried, workloads), *findings, *_others(templates))
    return Migration(carried=carried, workloads=tuple(workloads), findings=found)


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files to a new folder: all of them, or none.

    Raises:
        MeshError: When there is something already, or the folder cannot be written.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise MeshError([problem("--out", "is there already", str(folder), "name a folder that is new, or empty")])
    # What a link leads to is replaced, and not the link.
    place = folder.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
        try:
            for name, text in files.items():
                (made / name).write_text(text, encoding="utf-8", newline="\n")
            made.chmod(0o755)
            os.replace(made, place)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        fix = "name a folder that you may write"
        raise MeshError([problem("--out", f"cannot be written: {error.strerror}", str(folder), fix)]) from None


def _not_implemented(carried: CarriedMesh, workloads: Sequence[Workload]) -> Iterator[Finding]:
    implemented = {(workload.part.kind, workload.part.name) for workload in workloads}
    parts = (
        *(("virtualNode", f"virtual node {node.name!r}", node.name) for node in carried.mesh.nodes),
        *(("virtualGateway", f"virtual gateway {each.name!r}", each.name) for each in carried.mesh.gateways),
    )
    for kind, subject, name in parts:
        if (kind, name) not in implemented and name not in carried.outside:
            fix = "give the templates of its tasks too, or write its implement(...) in services_stack.py"
            yield to_do(subject, f"no task definition at hand runs its Envoy, so that nothing implements it: {fix}")


def _others(templates: Templates) -> Iterator[Finding]:
    kinds = sorted(kind for kind in templates.types if not kind.startswith(_MADE_ANEW))
    for kind in kinds:
        text = "resources of this type stay where they are: what they do for old services is to be done for the new"
        yield lost(kind, text)
