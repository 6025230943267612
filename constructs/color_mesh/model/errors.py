"""How the model says that a description cannot be."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class MeshError(ValueError):
    """Say that a description of a mesh is wrong, with every problem found in it.

    The message has one problem a line, each ``<subject>: <what is wrong>, got <value> (<allowed, or how to fix it>)``.

    Attributes:
        problems: The lines of the message.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def refuse(problems: Iterable[str]) -> None:
    """Raise one `MeshError` with all of ``problems``, or do nothing when there are none."""
    found = tuple(problems)
    if found:
        raise MeshError(found)


@contextmanager
def refusing(problems: Iterable[str]) -> Iterator[None]:
    """Raise one `MeshError` with all of ``problems`` and those that the block raises, or do nothing without any."""
    found = tuple(problems)
    try:
        yield
    except MeshError as error:
        raise MeshError((*found, *error.problems)) from None
    refuse(found)


def problem(subject: str, wrong: str, got: object, fix: str) -> str:
    """Word one problem in the grammar that every message of this package follows."""
    return f"{subject}: {wrong}, got {got!r} ({fix})"
