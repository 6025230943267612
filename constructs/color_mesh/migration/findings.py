"""Findings of a migration: differences between the old mesh and the new one, and work that remains.

Every step returns its findings together with its result: each pass of `conversion` those about the mesh,
`workload_findings` and `containers` those about ECS services, `migration` those about parts without tasks. `report`
renders them.
"""

from dataclasses import dataclass
from typing import Literal

FindingKind = Literal["lost", "changed", "to do"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A difference between the old mesh and the new one, or work that remains.

    Attributes:
        kind: ``lost`` for what was not migrated, ``changed`` for what behaves differently, ``to do`` for work that
            remains before the result can be deployed.
        subject: Part of the mesh or resource, such as ``virtual node 'red'``.
        text: Description, with the reason.
    """

    kind: FindingKind
    subject: str
    text: str


def lost(subject: str, text: str) -> Finding:
    """Return a finding about something that was not migrated."""
    return Finding(kind="lost", subject=subject, text=text)


def changed(subject: str, text: str) -> Finding:
    """Return a finding about something that behaves differently."""
    return Finding(kind="changed", subject=subject, text=text)


def to_do(subject: str, text: str) -> Finding:
    """Return a finding about work that remains."""
    return Finding(kind="to do", subject=subject, text=text)
