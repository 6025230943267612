"""What whoever leaves App Mesh must know of a migration, besides its result."""

from dataclasses import dataclass
from typing import Literal

FindingKind = Literal["lost", "changed", "to do"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Say something of one part of what was migrated.

    Attributes:
        kind: ``lost``: it could not be carried over. ``changed``: it was, in another form. ``to do``: what remains to
            be done by hand before the result can be deployed.
        subject: The part, such as ``virtual node 'red'``.
        text: What is lost, changed or to be done, and why.
    """

    kind: FindingKind
    subject: str
    text: str


def lost(subject: str, text: str) -> Finding:
    """Say what could not be carried over."""
    return Finding(kind="lost", subject=subject, text=text)


def changed(subject: str, text: str) -> Finding:
    """Say what was carried over in another form."""
    return Finding(kind="changed", subject=subject, text=text)


def to_do(subject: str, text: str) -> Finding:
    """Say what remains to be done by hand."""
    return Finding(kind="to do", subject=subject, text=text)
