"""Rules, and the faults that they yield."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from color_mesh.analysis.facts import Facts

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A fault that a rule found.

    Attributes:
        subject: Part of the mesh, such as ``virtual node 'red'``, or place of a resource of another type in the
            templates.
        property: Property in the spelling of CloudFormation, such as ``Spec.Listeners[0].Timeout``; empty for the
            whole resource.
        text: Description in one sentence, which begins in lower case and has no full stop.
        fix: Change that removes the fault, as an imperative.
    """

    subject: str
    property: str
    text: str
    fix: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A rule.

    Attributes:
        id: Stable identifier, the name of the rule's module with hyphens.
        severity: ``error``: it cannot work. ``warning``: it does not do what it seems to. ``note``: something to know.
        check: Function that yields the faults.
        page: Text of its documentation: a title with a full stop, an empty line, and Markdown.
    """

    id: str
    severity: Severity
    check: Callable[[Facts], Iterator[Fault]]
    page: str

    @property
    def title(self) -> str:
        """First line of the documentation, without its full stop."""
        return self.page.partition("\n")[0].rstrip(".")


def rule(severity: Severity, check: Callable[[Facts], Iterator[Fault]], page: str | None) -> Rule:
    """Return a rule, identified by the name of the module of its function.

    Args:
        severity: Severity of its findings.
        check: Function that yields the faults.
        page: Docstring of the module, which is the text of its documentation.
    """
    identifier = check.__module__.rpartition(".")[2].replace("_", "-")
    return Rule(id=identifier, severity=severity, check=check, page=page or identifier)
