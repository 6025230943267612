"""Durations and lists in the values of a mesh, which take those of the CDK and of Python."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, TypeVar, cast

from color_mesh.model.errors import problem

T = TypeVar("T")


class Duration(Protocol):
    """A length of time: ``aws_cdk.Duration``, or `Milliseconds` where the CDK is not loaded."""

    def to_milliseconds(self) -> float:
        """Return the length in milliseconds."""


@dataclass(frozen=True, slots=True, repr=False)
class Milliseconds:
    """A length of time by its number. Durations of the CDK have no equality, so the values of a mesh hold these.

    Attributes:
        number: Length in milliseconds.
    """

    number: int

    def __repr__(self) -> str:
        return f"{self.number!r} ms"

    def to_milliseconds(self) -> int:
        """Return the length in milliseconds."""
        return self.number


def normalize(value: Any) -> None:
    """Give a new frozen value its durations as `Milliseconds`, and its lists as tuples.

    Values of other types stay as they are, and are reported when the mesh is validated.
    """
    for field in fields(value):
        given = getattr(value, field.name)
        if isinstance(given, list):
            object.__setattr__(value, field.name, tuple(given))
        elif not isinstance(given, Milliseconds | type) and hasattr(given, "to_milliseconds"):
            object.__setattr__(value, field.name, Milliseconds(given.to_milliseconds()))


def as_tuple(items: Sequence[T]) -> tuple[T, ...]:
    """Return a sequence as a tuple. Text, or what is no sequence, stays as it is, and is reported later."""
    return tuple(items) if isinstance(items, list) else cast("tuple[T, ...]", items)


def millis(duration: Duration) -> int:
    """Return a duration in milliseconds."""
    return int(duration.to_milliseconds())


def check_duration(subject: str, field: str, value: object, low: int, high: int) -> Iterator[str]:
    """Validate a duration from ``low`` to ``high``, which are milliseconds."""
    if not isinstance(value, Milliseconds):
        yield problem(subject, f"{field} is not a duration", value, "such as Duration.seconds(5)")
    elif type(value.number) is not int or not low <= value.number <= high:
        yield problem(subject, f"{field} out of range", value, f"{low} to {high} ms")
