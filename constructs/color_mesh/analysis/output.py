"""Findings as text, JSON and SARIF."""

import json
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

from color_mesh.analysis.analyze import Finding
from color_mesh.analysis.rule import SEVERITIES, Rule
from color_mesh.analysis.rules import RULES

# Folder of the rules' pages in the documentation, each named after its rule.
PAGES = "docs/findings"


def text(findings: Sequence[Finding]) -> str:
    """Render findings as lines: each with its place, and below it the sentence, the fix and the page."""
    shown = [each for each in findings if each.suppressed is None]
    lines = [line for finding in shown for line in _lines(finding)]
    return "\n".join([*lines, summary(findings)])


def summary(findings: Sequence[Finding]) -> str:
    """Render the number of findings of each severity, as one line."""
    shown = [each for each in findings if each.suppressed is None]
    counts = {severity: sum(each.rule.severity == severity for each in shown) for severity in SEVERITIES}
    parts = [f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in counts.items() if count]
    suppressed = len(findings) - len(shown)
    return (", ".join(parts) or "no findings") + (f" ({suppressed} suppressed)" if suppressed else "")


def to_json(findings: Sequence[Finding]) -> str:
    """Render findings as a JSON list."""
    return json.dumps([_object(finding) for finding in findings], indent=2)


def sarif(findings: Sequence[Finding]) -> str:
    """Render findings in the Static Analysis Results Interchange Format, version 2.1.0."""
    tool = {
        "name": "color-mesh",
        "version": version("color-mesh"),
        "rules": [_sarif_rule(rule) for rule in RULES],
    }
    run = {"tool": {"driver": tool}, "results": [_sarif_result(finding) for finding in findings]}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2)


def page_of(rule: Rule) -> str:
    """Return the path of a rule's page."""
    return f"{PAGES}/{rule.id}.md"


def _lines(finding: Finding) -> Iterator[str]:
    yield f"{finding.rule.severity} {finding.rule.id}: {finding.where()}"
    yield f"  {finding.text}"
    yield f"  fix: {finding.fix}"


def _object(finding: Finding) -> dict[str, Any]:
    file, _, resource = finding.place.rpartition(": ")
    return {
        "id": finding.rule.id,
        "severity": finding.rule.severity,
        "file": file or None,
        "resource": resource,
        "subject": finding.subject,
        "property": finding.property or None,
        "text": finding.text,
        "fix": finding.fix,
        "page": page_of(finding.rule),
        "suppressed": finding.suppressed,
    }


def _sarif_rule(rule: Rule) -> dict[str, Any]:
    _, _, body = rule.page.partition("\n")
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": " ".join(body.split())},
        "help": {"text": page_of(rule)},
        "defaultConfiguration": {"level": rule.severity},
    }


def _sarif_result(finding: Finding) -> dict[str, Any]:
    file, _, resource = finding.place.rpartition(": ")
    location: dict[str, Any] = {
        "logicalLocations": [{"fullyQualifiedName": f"{resource}.{finding.property}".rstrip("."), "kind": "resource"}]
    }
    if file:
        location["physicalLocation"] = {"artifactLocation": {"uri": file}}
    result: dict[str, Any] = {
        "ruleId": finding.rule.id,
        "level": finding.rule.severity,
        "message": {"text": f"{finding.subject}: {finding.sentence()}"},
        "locations": [location],
    }
    if finding.suppressed is not None:
        result["suppressions"] = [{"kind": "external", "justification": finding.suppressed}]
    return result
