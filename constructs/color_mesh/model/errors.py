"""The error that reports every problem of a mesh, and the grammar of its messages."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

MAX_PROBLEMS = 100
MAX_QUOTED = 1000  # Characters of a value, of a subject or of a fix.
MAX_LISTED = 100  # Names.


def printable(text: str) -> str:
    r"""Return text as one line with escapes, such as ``\x1b``, in place of characters that a terminal would obey.

    These are control characters, line ends, marks that change the direction of text, and halves of surrogate pairs.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


class MeshError(ValueError):
    """An invalid mesh, with all its problems.

    Each line of the message is one problem: ``<subject>: <problem>, got <value> (<allowed values, or the fix>)``. After
    100 problems, the last line has the number of the others. Control
    characters are escaped, because subjects contain names of templates.

    Attributes:
        problems: Lines of the message.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        lines: list[str] = []
        omitted = 0
        for each in problems:
            if isinstance(each, _Omitted):
                omitted += each.problems
            elif len(lines) < MAX_PROBLEMS:
                lines.append(printable(each))
            else:
                omitted += 1
        self.problems: tuple[str, ...] = (*lines, _omitted(omitted)) if omitted else tuple(lines)
        super().__init__("\n".join(self.problems))


class _Omitted(str):
    """The line that stands for further problems. Errors that are merged add their numbers."""

    problems = 0

    # Two equal lines stand for two numbers: callers that remove equal lines must keep both.
    __eq__ = object.__eq__
    __hash__ = object.__hash__


def _omitted(count: int) -> _Omitted:
    line = _Omitted(f"and {count} more problem{'s' if count > 1 else ''}")
    line.problems = count
    return line


def refuse(problems: Iterable[str]) -> None:
    """Raise one `MeshError` with all ``problems``; without any, return."""
    error = MeshError(problems)
    if error.problems:
        raise error


def add_problems(problems: list[str], more: Iterable[str]) -> None:
    """Add problems to a list, which keeps no more of them than a `MeshError` does."""
    problems += more
    if len(problems) > 10 * MAX_PROBLEMS:
        problems[:] = MeshError(dict.fromkeys(problems)).problems


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
    """Return one line of a `MeshError`; long parts are shortened."""
    return f"{shortened(subject)}: {shortened(wrong)}, got {_quoted(got)} ({shortened(fix)})"


def shortened(text: str, max_length: int = MAX_QUOTED) -> str:
    """Return a text, without its middle if it is long."""
    if len(text) <= max_length:
        return text
    half = (max_length - 3) // 2
    return f"{text[:half]}...{text[-half:]}"


def listed(names: Collection[object], none: str = "none") -> str:
    """Return the sorted names of a list in a message, or their number if there are many."""
    if len(names) > MAX_LISTED:
        return f"{len(names)} names"
    return ", ".join(sorted({str(name) for name in names})) or none


def _quoted(value: object) -> str:
    """Return the ``repr`` of a value. Parts of a large value are left out before it is rendered."""
    return shortened(repr(_reduced(value, 6)))


def _reduced(value: object, levels: int) -> object:
    if isinstance(value, str):
        return value if len(value) <= MAX_QUOTED else shortened(value)
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 1000:
        return _Text(f"a number of {value.bit_length()} bits")
    if type(value) not in (dict, list, tuple):
        return value
    if levels == 0:
        return _Text("...")
    if isinstance(value, dict):
        items = islice(value.items(), MAX_LISTED)
        return {_reduced(key, 0): _reduced(each, levels - 1) for key, each in items}
    assert isinstance(value, list | tuple)
    return type(value)(_reduced(each, levels - 1) for each in value[:MAX_LISTED])


class _Text(str):
    """Text that is quoted without quotation marks."""

    def __repr__(self) -> str:
        return str(self)
