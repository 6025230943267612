"""The report of a migration, for those who go on with its result."""

from collections.abc import Iterator, Sequence

from color_mesh.migration.carry import CarriedMesh
from color_mesh.migration.findings import Finding, FindingKind
from color_mesh.migration.workload import Workload
from color_mesh.report import mesh_table

TITLES: dict[FindingKind, str] = {
    "lost": "What could not be carried over",
    "changed": "What is otherwise than before",
    "to do": "What is to be done by hand",
}
_PAGE = """\
# Leaving App Mesh: {name}

Made by `color-mesh migrate {sources}`. `cdk synth` makes the templates, without an AWS account.
Parameters that are not given have their defaults, and resources whose condition is false are left out.
{notes}
{counts}

{sections}

## Before `cdk deploy`

- Services are names of the private zone `{domain}`, which the mesh makes in the VPC: another zone or namespace of that
  name there has to go first. `-c vpcId=vpc-...` has it all in a VPC that is there, `-c clusterName=...` in a cluster.
- Names of services and task definition families are those of before: in one cluster there cannot be two of a name.
- Each node and each gateway has a security group of its own, closed but for its callers and open outwards for its
  backends and port 443. What else its tasks call, such as a database, takes
  `nodes["..."].connections.allow_to(...)`, and an egress rule for what is outside.
- Tasks are found by DNS with a TTL of 5 seconds, and containers log to one group that keeps a week.

## The mesh

```
{table}
```
"""


def report(
    carried: CarriedMesh,
    workloads: Sequence[Workload],
    findings: Sequence[Finding],
    sources: str,
    notes: Sequence[str],
) -> str:
    """Write the report, in Markdown; ``sources`` is what was read, ``notes`` what was said about how."""
    return _PAGE.format(
        name=carried.mesh.name,
        sources=sources,
        notes="".join(f"\n- {note}" for note in notes) + "\n" if notes else "",
        counts=_counts(carried, workloads),
        sections="\n\n".join(_sections(findings)),
        domain=carried.names.domain,
        table=mesh_table(carried.mesh),
    )


def summary(carried: CarriedMesh, workloads: Sequence[Workload]) -> str:
    """Count what was carried over, in one line."""
    mesh = carried.mesh
    counted = (
        (len(mesh.nodes), "virtual node"),
        (len(mesh.services), "virtual service"),
        (len(mesh.routers), "virtual router"),
        (sum(len(router.routes) for router in mesh.routers), "route"),
        (len(mesh.gateways), "virtual gateway"),
        (sum(len(gateway.routes) for gateway in mesh.gateways), "gateway route"),
        (len(workloads), "service of ECS"),
    )
    return ", ".join(
        f"{count} {what}" if count == 1 else f"{count} {_plural(what)}" for count, what in counted if count
    )


def _plural(what: str) -> str:
    return "services of ECS" if what == "service of ECS" else f"{what}s"


def _counts(carried: CarriedMesh, workloads: Sequence[Workload]) -> str:
    return f"Carried over: {summary(carried, workloads)}."


def _sections(findings: Sequence[Finding]) -> Iterator[str]:
    for kind, title in TITLES.items():
        found = "\n".join(f"- {each}" for each in told(findings, kind))
        yield f"## {title}\n\n{found or 'Nothing.'}"


def told(findings: Sequence[Finding], kind: FindingKind) -> Iterator[str]:
    """Say what was found of a kind, once for all that it was found of."""
    subjects: dict[str, dict[str, None]] = {}
    for finding in findings:
        if finding.kind == kind:
            subjects.setdefault(finding.text, {})[finding.subject] = None
    for text, of in subjects.items():
        yield f"{', '.join(of)}: {text}"
