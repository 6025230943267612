"""What a value may turn out to be, and what is said when it is nothing."""

from dataclasses import dataclass
from typing import Any

from color_mesh.cloudformation.stack import Stack
from color_mesh.model import MeshError
from color_mesh.model.errors import problem


class NoValue:
    """Stand for what ``AWS::NoValue`` removes."""

    def __repr__(self) -> str:
        return "AWS::NoValue"


NO_VALUE = NoValue()


@dataclass(frozen=True, slots=True)
class Unknown:
    """Stand for what only a deployment knows: an attribute of a resource, or ``Ref`` for what a reference gives."""

    stack: Stack
    logical_id: str
    attribute: str


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Stand for what cannot be worked out, which is no matter unless somebody needs it.

    Attributes:
        problems: Why it cannot.
    """

    problems: tuple[str, ...]


def plain(value: Any) -> Any:
    """Compare and join truth values and numbers as the text that CloudFormation makes of them."""
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int | float) else value


def is_plain(value: Any) -> bool:
    """Tell whether a value is text or a list of text, or what stands for it."""
    items = value if isinstance(value, list) else [value]
    return all(isinstance(item, str | int | float | Unknown) for item in items)


def only_deployed(place: str, found: Unknown) -> MeshError:
    """Say that only a deployment knows a value, and how to give it."""
    name = f"{found.logical_id}.{found.attribute}"
    return refusal(place, "is known only to a deployment", name, f"give it with --set {name}=VALUE")


def unknown(place: str, what: str, name: Any, known: Any) -> MeshError:
    """Say that a name is of nothing, and which names there are."""
    return refusal(place, f"unknown {what}", name, f"known: {', '.join(sorted(map(str, known))) or 'none'}")


def refusal(place: str, wrong: str, got: object, fix: str) -> MeshError:
    """Say what is wrong with one value."""
    return MeshError([problem(place, wrong, got, fix)])
