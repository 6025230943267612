"""Results of an evaluation that are not plain JSON, and the errors of an evaluation."""

import re
import shlex
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from color_mesh.cloudformation.stack import Stack
from color_mesh.model import MeshError
from color_mesh.model.errors import MAX_QUOTED, listed, problem

T = TypeVar("T")


class NoValue:
    """Result of ``AWS::NoValue``: the property or item is removed."""

    def __repr__(self) -> str:
        return "AWS::NoValue"


NO_VALUE = NoValue()


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only a deployment knows.

    Attributes:
        stack: Stack of the resource.
        logical_id: Logical id of the resource.
        attribute: Name of the attribute; ``Ref`` for the value of a ``Ref``.
    """

    stack: Stack
    logical_id: str
    attribute: str

    def __repr__(self) -> str:
        return f"{self.logical_id}.{self.attribute}"


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A value that cannot be evaluated. It is an error only if a reader needs it.

    Attributes:
        problems: Reasons, as error messages.
        deployment_name: Name of the attribute, or text with the dynamic reference, that only a deployment knows.
            Default: the reason is another one.
    """

    problems: tuple[str, ...]
    deployment_name: str | None = None


class MissingValue(MeshError):
    """The error for a value that neither the templates nor the user give.

    Attributes:
        name: Name of the parameter, the import or the attribute.
    """

    def __init__(self, problems: Iterable[str], name: str) -> None:
        super().__init__(problems)
        self.name = name


class DeploymentValue(MissingValue):
    """The error for a value that only a deployment knows: its name is an attribute, or has a dynamic reference."""


_HIDDEN = re.compile(r"\$NOECHO:([^$]*)\$")


def hidden_value(parameter: str) -> str:
    """Return the text in place of the value of a ``NoEcho`` parameter."""
    return f"$NOECHO:{re.sub(r'[^A-Za-z0-9_. ]', '?', parameter)}$"


def hidden_parameters(text: str) -> tuple[str, ...]:
    """Return the ``NoEcho`` parameters whose values are hidden in a text."""
    return tuple(dict.fromkeys(_HIDDEN.findall(text)))


def unhidden(value: T, place: str) -> T:
    """Return a value for a function whose result would not tell that a hidden value is in it.

    Raises:
        MeshError: When one is.
    """
    if parameters := hidden_parameters(str(value)):
        fix = "a parameter without NoEcho, or a comparison with the parameter itself"
        raise refusal(place, "uses the value of a NoEcho parameter in a function", parameters[0], fix)
    return value


def as_text(value: Any) -> Any:
    """Return booleans and numbers as the text into which CloudFormation converts them, other values as they are."""
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int | float) else value


def is_plain(value: Any) -> bool:
    """Return whether a value is a scalar or a list of scalars."""
    items = value if isinstance(value, list) else [value]
    return all(isinstance(item, str | int | float | Unknown) for item in items)


def set_option(name: str) -> str:
    """Return the option that gives a value, as it is written in a shell. A template chose the name, such as ``$(id)``.

    Messages shorten long texts, which must not happen within quotes.
    """
    value = shlex.quote(f"{name}=VALUE")
    return f"--set {value if len(value) <= MAX_QUOTED // 2 else 'NAME=VALUE'}"


def deployment_only(place: str, value: Unknown) -> DeploymentValue:
    """Return the error for a value that only a deployment knows."""
    name = f"{value.logical_id}.{value.attribute}"
    text = problem(place, "is known only at deployment", name, f"give it with {set_option(name)}")
    return DeploymentValue([text], name)


def unknown_name(place: str, kind: str, name: Any, known: Collection[object]) -> MeshError:
    """Return the error for a reference to an undeclared name."""
    return refusal(place, f"unknown {kind}", name, f"known: {listed(known)}")


def refusal(place: str, wrong: str, got: object, fix: str) -> MeshError:
    """Return the error with one problem of a value."""
    return MeshError([problem(place, wrong, got, fix)])
