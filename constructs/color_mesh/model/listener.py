"""What virtual nodes, routers and gateways listen on, and where they write their access log."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeGuard, get_args

from color_mesh.model.checks import check_choice, check_range, check_unique
from color_mesh.model.errors import problem

Protocol = Literal["http", "http2", "grpc", "tcp"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener:
    """Define a port and the protocol spoken on it.

    Attributes:
        port: 1 to 65535.
        protocol: ``http`` (HTTP/1.1, the default), ``http2``, ``grpc`` or ``tcp``.
    """

    port: int
    protocol: Protocol = "http"


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessLog:
    """Define where Envoy writes its access log, and in which format.

    Attributes:
        path: A file that Envoy's user may write. The default, ``/dev/stdout``, reaches the container's log driver.
        text: One line's format, in Envoy's command operators; Envoy adds no newline. Without it and without ``json``,
            Envoy writes its default format (Envoy, *Access logging: Default format string*).
        json: Keys and their operators, in order, for one JSON object a line. Excludes ``text``.
    """

    path: str = "/dev/stdout"
    text: str | None = None
    json: tuple[tuple[str, str], ...] | None = None


def check_listeners(subject: str, listeners: Sequence[Listener], protocols: Sequence[Protocol]) -> Iterator[str]:
    """Find ports and protocols that cannot be, and ports taken twice."""
    for listener in listeners:
        yield from check_range(subject, "listener port", listener.port, 1, 65535)
        yield from check_choice(subject, "protocol", listener.protocol, protocols)
    yield from check_unique(subject, "listener port", (str(listener.port) for listener in listeners))


def check_access_log(subject: str, log: AccessLog | None) -> Iterator[str]:
    """Find a path or a format that App Mesh refuses (AWS App Mesh API Reference, *FileAccessLog*, *LoggingFormat*)."""
    if log is None:
        return
    if not isinstance(log, AccessLog):
        yield problem(subject, "access log is no AccessLog", log, "such as AccessLog(path='/dev/stdout')")
        return
    yield from _check_text(subject, "access log path", log.path, 255, "such as '/dev/stdout'")
    if log.text is not None and log.json is not None:
        yield problem(subject, "access log has two formats", "text and json", "give one of them")
    if log.text is not None:
        yield from _check_text(subject, "access log text", log.text, 1000, "1 to 1000 characters")
    if log.json is not None:
        yield from _check_pairs(subject, log.json)


def _check_text(subject: str, what: str, value: object, max_length: int, fix: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield problem(subject, f"{what} is not text", value, fix)
    elif not 1 <= len(value) <= max_length:
        yield problem(subject, f"{what} has a wrong length", f"{len(value)} characters", f"1 to {max_length}")


def _check_pairs(subject: str, pairs: object) -> Iterator[str]:
    if not _are_pairs(pairs):
        fix = "such as (('method', '%REQ(:METHOD)%'),)"
        yield problem(subject, "access log json is no keys and values", pairs, fix)
        return
    yield from check_unique(subject, "access log key", (key for key, _ in pairs))
    for key, value in pairs:
        if not (1 <= len(key) <= 100 and 1 <= len(value) <= 100):
            yield problem(subject, "access log key or value has a wrong length", (key, value), "1 to 100 characters")


def _are_pairs(value: object) -> TypeGuard[tuple[tuple[str, str], ...]]:
    return (
        isinstance(value, tuple)
        and len(value) > 0
        and all(isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(x, str) for x in pair) for pair in value)
    )
