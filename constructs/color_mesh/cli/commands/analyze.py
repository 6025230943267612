"""``color-mesh analyze``: print findings about a mesh that will not do what was meant."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace

from color_mesh.analysis import RULES, SEVERITIES, analyze
from color_mesh.analysis.output import sarif, text, to_json
from color_mesh.analysis.reading import read_facts
from color_mesh.cli.sources import print_result, read_selected_meshes
from color_mesh.model.checks import check_known
from color_mesh.model.errors import problem, refuse

FORMATS = {"text": text, "json": to_json, "sarif": sarif}


def run(options: argparse.Namespace) -> int:
    """Run the command.

    Returns:
        1 if there is a finding of the severity of ``--severity`` or above, otherwise 0.
    """
    suppressed = parse_suppressed(options.suppressed)
    source, meshes = read_selected_meshes(options)
    findings = analyze(read_facts(meshes, source.resources, source.templates, source.left_out), suppressed)
    # What is left out is among the findings.
    print_result(FORMATS[options.format](findings), replace(source, left_out=()))
    counted = SEVERITIES[: SEVERITIES.index(options.severity) + 1]
    return 1 if any(each.suppressed is None and each.rule.severity in counted for each in findings) else 0


def parse_suppressed(options: Sequence[str]) -> dict[str, str]:
    """Parse values of ``--suppress``: ``ID=REASON``.

    Raises:
        MeshError: With every value that is not of this form, and every id that no rule has.
    """
    refuse(_problems(options))
    return dict(option.split("=", 1) for option in options)


def _problems(options: Sequence[str]) -> Iterator[str]:
    for option in options:
        identifier, _, reason = option.partition("=")
        if not reason.strip():
            fix = "such as --suppress weight-is-zero='yellow is not in use yet'"
            yield problem("--suppress", "not ID=REASON", option, fix)
        yield from check_known("--suppress", "id", identifier, [rule.id for rule in RULES])
