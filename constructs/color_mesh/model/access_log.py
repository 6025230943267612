"""Access logs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeGuard

from color_mesh.model.checks import check_characters, check_text, check_unique
from color_mesh.model.errors import problem
from color_mesh.model.log_format import check_log_format

_WHITE_SPACE = str.maketrans("\t\n\r", "   ")


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessLog:
    """The access log of an Envoy.

    Attributes:
        path: Path of the log file, writable by Envoy's user. Default: ``/dev/stdout``, which is the container's log.
        text: Format string of a line, with Envoy's command operators; Envoy adds no newline. Mutually exclusive with
            ``json``. Default, without ``json``: Envoy's default format (Envoy, *Access logging: Default format
            string*).
        json: Keys and format strings of a JSON object for each line. Mutually exclusive with ``text``.
    """

    path: str = "/dev/stdout"
    text: str | None = None
    json: tuple[tuple[str, str], ...] | None = None

    @classmethod
    def from_text(cls, text: str, *, path: str = "/dev/stdout") -> "AccessLog":
        """Return an access log with a format string; see `AccessLog`."""
        return cls(path=path, text=text)

    @classmethod
    def from_json(cls, json: Mapping[str, str], *, path: str = "/dev/stdout") -> "AccessLog":
        """Return an access log with the keys and format strings of a JSON object; see `AccessLog`."""
        return cls(path=path, json=tuple(json.items()))


def check_access_log(subject: str, log: AccessLog | None) -> Iterator[str]:
    """Validate an access log (AWS App Mesh API Reference, *FileAccessLog*, *LoggingFormat*)."""
    if log is None:
        return
    if not isinstance(log, AccessLog):
        yield problem(subject, "access log is not an AccessLog", log, "such as AccessLog(path='/dev/stdout')")
        return
    yield from check_text(subject, "access log path", log.path, 255, "such as '/dev/stdout'")
    if log.text is not None and log.json is not None:
        yield problem(subject, "access log has two formats", "text and json", "give one of them")
    if log.text is not None:
        yield from _check_format(subject, "access log text", log.text, 1000)
    if log.json is not None:
        yield from _check_pairs(subject, log.json)


def _check_pairs(subject: str, pairs: object) -> Iterator[str]:
    if not _are_pairs(pairs):
        fix = "such as (('method', '%REQ(:METHOD)%'),)"
        yield problem(subject, "access log json is not a tuple of pairs", pairs, fix)
        return
    yield from check_unique(subject, "access log key", (key for key, _ in pairs))
    for key, value in pairs:
        if not (1 <= len(key) <= 100 and 1 <= len(value) <= 100):
            yield problem(subject, "access log key or value has an invalid length", (key, value), "1 to 100 characters")
        else:
            yield from check_characters(subject, "access log key", key)
            yield from _check_format(subject, f"access log value of {key!r}", value, 100)


def _check_format(subject: str, field: str, text: object, max_length: int) -> Iterator[str]:
    # Unlike other text, a format has line ends and tabs.
    plain = text.translate(_WHITE_SPACE) if isinstance(text, str) else text
    problems = [*check_text(subject, field, plain, max_length, f"1 to {max_length} characters")]
    yield from problems
    if isinstance(text, str) and not problems:
        yield from check_log_format(subject, field, text)


def _are_pairs(value: object) -> TypeGuard[tuple[tuple[str, str], ...]]:
    return (
        isinstance(value, tuple)
        and len(value) > 0
        and all(isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(x, str) for x in pair) for pair in value)
    )
