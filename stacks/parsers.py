"""Parsers of setting values: text from ``cdk synth -c``, or JSON from cdk.json."""

import re
from collections.abc import Callable

COLORS = ("red", "blue", "green", "yellow")
# Backends that red can have, and the chapter that adds each. Only the router calls green and yellow.
RED_BACKENDS = {"blue": 2, "router": 3}
_IMAGE = re.compile(
    r"[a-z0-9][a-z0-9._-]*(:\d+)?(/[a-z0-9._-]+)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?"
)


class InvalidSetting(Exception):
    """A value that a parser refuses, with every problem of it.

    Attributes:
        problems: Pairs of the problem and its fix.
    """

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__(*problems)
        self.problems = problems


def integer_between(low: int, high: int) -> Callable[[object], int]:
    """Return a parser of integers from ``low`` to ``high``."""

    def parse(value: object) -> int:
        number = _integer(value)
        if number is None or not low <= number <= high:
            raise InvalidSetting(("not an integer in range", f"{low} to {high}"))
        return number

    return parse


def one_of_numbers(problem: str, allowed: tuple[int, ...]) -> Callable[[object], int]:
    """Return a parser of the ``allowed`` numbers; ``problem`` describes any other value."""

    def parse(value: object) -> int:
        number = _integer(value)
        if number not in allowed:
            raise InvalidSetting((problem, f"one of: {', '.join(map(str, allowed))}"))
        return number

    return parse


def one_of_words(problem: str, allowed: tuple[str, ...]) -> Callable[[object], str]:
    """Return a parser of the ``allowed`` words; ``problem`` describes any other value."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise InvalidSetting((problem, f"one of: {', '.join(allowed)}"))
        return value

    return parse


def parse_switch(value: object) -> bool:
    """Parse ``true`` or ``false``."""
    switches: dict[object, bool] = {"true": True, "false": False}
    switch = value if isinstance(value, bool) else switches.get(value) if isinstance(value, str) else None
    if switch is None:
        raise InvalidSetting(("neither true nor false", "one of: true, false"))
    return switch


def text_matching(pattern: re.Pattern[str], problem: str, fix: str) -> Callable[[object], str]:
    """Return a parser of text that matches ``pattern``; ``problem`` and ``fix`` describe any other value."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise InvalidSetting((problem, fix))
        return value

    return parse


def parse_weights(value: object) -> tuple[tuple[str, int], ...]:
    """Parse nodes and their weights, such as ``green=4,yellow=1``."""
    if not isinstance(value, str):
        raise InvalidSetting(("not text", "such as 'green=4,yellow=1'"))
    weights: dict[str, int] = {}
    problems: list[tuple[str, str]] = []
    for item in value.split(","):
        color, equals, weight = (part.strip() for part in item.partition("="))
        number = _integer(weight)
        if not equals or color not in COLORS:
            problems.append((f"{item.strip()!r} is not NODE=WEIGHT", f"such as 'green=4'; nodes: {', '.join(COLORS)}"))
        elif number is None or number > 100:
            problems.append((f"weight of {color!r} is not an integer in range", "0 to 100"))
        elif color in weights:
            problems.append((f"duplicate node {color!r}", "name each node once"))
        else:
            weights[color] = number
    if not problems and not any(weights.values()):
        problems.append(("every weight is 0", "at least one of 1 to 100"))
    if problems:
        raise InvalidSetting(*problems)
    return tuple(weights.items())


def parse_red_backends(value: object) -> tuple[str, ...]:
    """Parse the backends of red, such as ``router,blue``; empty text is none."""
    if not isinstance(value, str):
        raise InvalidSetting(("not text", "such as 'router' or 'router,blue', or '' for none"))
    names = tuple(part.strip() for part in value.split(",")) if value.strip() else ()
    problems = [
        (f"unknown backend {name!r}", f"known: {', '.join(RED_BACKENDS)}") for name in names if name not in RED_BACKENDS
    ]
    problems += [
        (f"duplicate backend {name!r}", "name each backend once") for name in RED_BACKENDS if names.count(name) > 1
    ]
    if problems:
        raise InvalidSetting(*problems)
    return names


parse_image = text_matching(_IMAGE, "not an image name", "such as 'name', 'registry/name:tag' or 'name@sha256:…'")


def _integer(value: object) -> int | None:
    """Return the integer that JSON, or text from ``-c``, holds; ``None`` for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value) else None
