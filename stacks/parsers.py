"""What a setting's value means: text from ``cdk synth -c``, or JSON from cdk.json, as the value it stands for."""

import re
from collections.abc import Callable

COLORS = ("red", "blue", "green", "yellow")
# What red may name as a backend, and the chapter that brings it; green and yellow are behind the router only.
RED_BACKENDS = {"blue": 2, "router": 3}
_IMAGE = re.compile(
    r"[a-z0-9][a-z0-9._-]*(:\d+)?(/[a-z0-9._-]+)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?"
)


class Wrong(Exception):
    """What is wrong with a value, and what would be right; more than once, where more is wrong."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__(*problems)
        self.problems = problems


def whole_number(low: int, high: int) -> Callable[[object], int]:
    """Read a whole number from ``low`` to ``high``."""

    def parse(value: object) -> int:
        number = _number(value)
        if number is None or not low <= number <= high:
            raise Wrong(("not a number in range", f"{low} to {high}"))
        return number

    return parse


def number_of(what: str, allowed: tuple[int, ...]) -> Callable[[object], int]:
    """Read one of some numbers; ``what`` says what the others are not."""

    def parse(value: object) -> int:
        number = _number(value)
        if number not in allowed:
            raise Wrong((what, f"one of: {', '.join(map(str, allowed))}"))
        return number

    return parse


def word_of(what: str, allowed: tuple[str, ...]) -> Callable[[object], str]:
    """Read one of some words; ``what`` says what the others are not."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise Wrong((what, f"one of: {', '.join(allowed)}"))
        return value

    return parse


def text_like(pattern: re.Pattern[str], what: str, fix: str) -> Callable[[object], str]:
    """Read text that matches a pattern; ``what`` and ``fix`` are for text that does not."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise Wrong((what, fix))
        return value

    return parse


def _number(value: object) -> int | None:
    """Read a number from cdk.json, or the text that ``-c`` makes of it."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value) else None


def weights(value: object) -> tuple[tuple[str, int], ...]:
    """Read nodes and their weights, such as ``green=4,yellow=1``."""
    if not isinstance(value, str):
        raise Wrong(("weights are not text", "such as 'green=4,yellow=1'"))
    weights: dict[str, int] = {}
    wrong: list[tuple[str, str]] = []
    for part in value.split(","):
        color, equals, weight = (piece.strip() for piece in part.partition("="))
        number = _number(weight)
        if not equals or color not in COLORS:
            wrong.append((f"{part.strip()!r} is no node and weight", f"such as 'green=4'; nodes: {', '.join(COLORS)}"))
        elif number is None or number > 100:
            wrong.append((f"weight of {color!r} is no whole number in range", "0 to 100"))
        elif color in weights:
            wrong.append((f"duplicate node {color!r}", "each node may be there once"))
        else:
            weights[color] = number
    if not wrong and not any(weights.values()):
        wrong.append(("every weight is 0", "at least one must be 1 to 100"))
    if wrong:
        raise Wrong(*wrong)
    return tuple(weights.items())


def red_backends(value: object) -> tuple[str, ...]:
    """Read what red may call, such as ``router,blue``; empty text is nothing."""
    if not isinstance(value, str):
        raise Wrong(("backends are not text", "such as 'router' or 'router,blue', or '' for none"))
    names = tuple(part.strip() for part in value.split(",")) if value.strip() else ()
    wrong = [
        (f"unknown backend {name!r}", f"known: {', '.join(RED_BACKENDS)}") for name in names if name not in RED_BACKENDS
    ]
    wrong += [
        (f"duplicate backend {name!r}", "each may be there once") for name in RED_BACKENDS if names.count(name) > 1
    ]
    if wrong:
        raise Wrong(*wrong)
    return names


image = text_like(_IMAGE, "not an image name", "such as 'name', 'registry/name:tag' or 'name@sha256:…'")
