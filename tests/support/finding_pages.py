"""Documentation of the rules of the analysis: a page a rule, and the list of all. ``make gold`` writes it."""

from color_mesh.analysis.rule import SEVERITIES, Rule
from color_mesh.analysis.rules import RULES

_MEANINGS = {
    "error": "it cannot work",
    "warning": "it does not do what it seems to",
    "note": "something to know",
}
_LIST = """# Findings

`color-mesh analyze SOURCE` reports the following findings about a mesh that is valid and will not do what was meant.
See [Analyzing a mesh](analysis.md). `make gold` writes this page and those of the rules from their modules.

{tables}
"""


def rule_page(rule: Rule) -> str:
    """Render the page of a rule."""
    _, _, body = rule.page.partition("\n")
    return f"# {rule.title}\n\n`{rule.id}`, {rule.severity}: {_MEANINGS[rule.severity]}\n\n{body.strip()}\n"


def list_page() -> str:
    """Render the list of all rules."""
    tables = []
    for severity in SEVERITIES:
        rows = [f"| [{each.id}](findings/{each.id}.md) | {each.title} |" for each in RULES if each.severity == severity]
        heading = f"## {severity.capitalize()}s: {_MEANINGS[severity]}"
        if rows:
            tables.append("\n".join([heading, "", "| id | finding |", "| --- | --- |", *rows]))
    return _LIST.format(tables="\n\n".join(tables))
