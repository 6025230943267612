"""``color-mesh migrate``: write a CDK app with the same mesh, on Envoys without App Mesh."""

import argparse
import shlex
from collections.abc import Collection
from pathlib import Path

from color_mesh.cli.sources import print_result, read_one_mesh
from color_mesh.migration import migrate, write_files
from color_mesh.migration.report import REPORT_FILE, TITLES, finding_lines, summary
from color_mesh.model.errors import problem, refuse


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    source, mesh = read_one_mesh(options)
    folder = Path(options.out or mesh.name)
    if options.out is None and folder.is_symlink():
        # The name is the template's, which may have come with the link.
        wrong = "the folder with the name of the mesh is a symbolic link"
        refuse([problem("--out", wrong, str(folder), "name a folder, or remove the link")])
    migration = migrate(source, mesh)
    values = (_masked(value, source.templates.secret_parameters) for value in options.values)
    files = [word for path in options.parameters for word in ("--parameters", path)]
    arguments = shlex.join([*options.source, *files, *(word for value in values for word in ("--set", value))])
    notes = (*source.notes, *source.templates.placeholders, *source.left_out)
    write_files(folder, migration.files(arguments, notes))
    lines = [f"{folder}: a CDK app with {summary(migration.converted, migration.workloads)}"]
    for kind, title in TITLES.items():
        findings = [f"  {finding}" for finding in finding_lines(migration.findings, kind)]
        lines += [f"{title}:", *findings] if findings else []
    # "cd -" would go to the previous folder, whose cdk.json the CDK would run.
    name = f"./{folder}" if str(folder).startswith("-") else str(folder)
    lines.append(f"Details: {folder / REPORT_FILE}. Next: cd {shlex.quote(name)} && cdk synth")
    print_result("\n".join(lines), source)
    return 0


def _masked(option: str, secrets: Collection[str]) -> str:
    """Return a value of ``--set``, with asterisks in place of the value of a parameter with ``NoEcho``."""
    name, _, _ = option.partition("=")
    return f"{name}=****" if name in secrets else option
