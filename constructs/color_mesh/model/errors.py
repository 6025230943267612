"""The error that reports every problem of a mesh, and the grammar of its messages."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class MeshError(ValueError):
    """An invalid mesh, with all its problems.

    Each line of the message is one problem: ``<subject>: <problem>, got <value> (<allowed values, or the fix>)``.

    Attributes:
        problems: Lines of the message.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__("\n".join(self.problems))


def refuse(problems: Iterable[str]) -> None:
    """Raise one `MeshError` with all ``problems``; without any, return."""
    lines = tuple(problems)
    if lines:
        raise MeshError(lines)


@contextmanager
def refusing(problems: Iterable[str]) -> Iterator[None]:
    """Raise one `MeshError` with all ``problems`` and those that the block raises; without any, return."""
    lines = tuple(problems)
    try:
        yield
    except MeshError as error:
        raise MeshError((*lines, *error.problems)) from None
    refuse(lines)


def problem(subject: str, wrong: str, got: object, fix: str) -> str:
    """Return one line of a `MeshError`."""
    return f"{subject}: {wrong}, got {got!r} ({fix})"
