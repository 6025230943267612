"""The analysis of a mesh: all rules, and the places of what they find."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from color_mesh.analysis.facts import Facts
from color_mesh.analysis.rule import SEVERITIES, Rule
from color_mesh.analysis.rules import RULES
from color_mesh.model.errors import printable


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A finding.

    Attributes:
        rule: Rule that it is of.
        place: File and resource, or path of the construct; the subject if neither is known.
        subject: Part of the mesh, such as ``virtual node 'red'``, or the place.
        property: Property in the spelling of CloudFormation; empty for the whole resource.
        text: Description in one sentence.
        fix: Change that removes the finding.
        suppressed: Reason why it is suppressed. Default: it is not.
    """

    rule: Rule
    place: str
    subject: str
    property: str
    text: str
    fix: str
    suppressed: str | None = None

    def where(self) -> str:
        """Return the place, subject and property, as text."""
        place = self.place if self.place == self.subject else f"{self.place} ({self.subject})"
        return f"{place} {self.property}".rstrip()

    def sentence(self) -> str:
        """Return the description and fix, as text."""
        return f"{self.text} ({self.fix})"


def analyze(
    all_facts: Collection[Facts], suppressed: Mapping[str, str] | None = None, rules: Iterable[Rule] = RULES
) -> tuple[Finding, ...]:
    """Return the findings of all rules, the most severe first.

    Args:
        all_facts: Meshes, each with what the templates declare beside it.
        suppressed: Reasons why rules are suppressed, by their ids. Default: none is.
        rules: Rules. Default: all.
    """
    suppressed = suppressed or {}
    findings: dict[Finding, None] = {}
    for rule in rules:
        for facts in all_facts:
            for fault in rule.check(facts):
                finding = Finding(
                    rule=rule,
                    place=printable(facts.places.get(fault.subject, fault.subject)),
                    subject=printable(fault.subject),
                    property=printable(fault.property),
                    text=printable(fault.text),
                    fix=printable(fault.fix),
                    suppressed=suppressed.get(rule.id),
                )
                findings[finding] = None
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.rule.severity)))
