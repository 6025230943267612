"""Python source code of values, calls and identifiers. Every text of a template becomes a literal."""

import builtins
import keyword
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from itertools import chain, count
from math import isfinite
from typing import NewType

from color_mesh.model import Milliseconds
from color_mesh.model.errors import problem, refuse

# Ids of constructs that the CDK adds to a stack.
CDK_IDS = ("BootstrapVersion", "CDKMetadata", "CheckBootstrapVersion", "Exports")
# Source code, as opposed to text of a template, which `value` turns into a literal.
Code = NewType("Code", str)


def value(of: object) -> Code:
    """Render text, a number, a boolean, a duration, ``None``, or a tuple, mapping or frozen dataclass of such values.

    The arguments of a dataclass that have their default are left out. Nothing else has a literal: the representation of
    any other object could be code.
    """
    if isinstance(of, tuple):
        comma = "," if len(of) == 1 else ""
        return Code(f"({', '.join(map(value, of))}{comma})")
    if isinstance(of, Mapping):
        return mapping((value(key), value(each)) for key, each in of.items())
    if isinstance(of, Milliseconds):
        unit, number = ("millis", of.number) if of.number % 1000 else ("seconds", of.number // 1000)
        return call(f"Duration.{unit}", value(number))
    if is_dataclass(of) and not isinstance(of, type):
        arguments = {each.name: getattr(of, each.name) for each in fields(of) if getattr(of, each.name) != each.default}
        return call(type(of).__name__, **{name: value(each) for name, each in arguments.items()})
    if isinstance(of, float) and isfinite(of):
        return Code(repr(int(of) if of.is_integer() else of))
    if of is not None and type(of) not in (str, int, bool):
        raise TypeError(f"no literal for {type(of).__name__}")
    return Code(repr(of))


def member(enumeration: str, name: str, members: Collection[str]) -> Code:
    """Render a member of an enumeration.

    Raises:
        MeshError: When the enumeration has no member of that name.
    """
    if name not in members:
        refuse([problem(enumeration, "has no such member", name, f"one of: {', '.join(members)}")])
    return Code(f"{enumeration}.{name}")


def prose(text: str) -> str:
    """Return text for a docstring or a comment, without the characters that could end one."""
    return re.sub(r"[^A-Za-z0-9_. -]", "?", text)


def call(function: str, *arguments: Code, **named: Code) -> Code:
    """Render a call."""
    return Code(f"{function}({', '.join((*arguments, *(f'{name}={each}' for name, each in named.items())))})")


def listed(items: Iterable[Code]) -> Code:
    """Render a list."""
    return Code(f"[{', '.join(items)}]")


def mapping(items: Iterable[tuple[Code, Code]]) -> Code:
    """Render a dictionary."""
    return Code(f"{{{', '.join(f'{key}: {each}' for key, each in items)}}}")


def unless(default: object, **named: object) -> dict[str, Code]:
    """Render the arguments whose value is not the default."""
    return {name: value(each) for name, each in named.items() if each != default}


class Identifiers:
    """Names of variables and ids of constructs, each unique regardless of case, and none of Python itself.

    Args:
        reserved: Names that are in use.
    """

    def __init__(self, reserved: Iterable[str]) -> None:
        self._used = {name.lower() for name in reserved}

    def variable(self, name: str, kind: str) -> Code:
        """Return a new variable for a part of the mesh; ``kind`` is added to its name when the name alone is taken."""
        words = re.sub(r"[^A-Za-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).strip("_").lower()
        if not words or words[0].isdigit():
            words = f"{kind}_{words}".strip("_")
        return Code(self._unique((words, f"{words}_{kind}"), "_"))

    def construct_id(self, name: str, kind: str) -> str:
        """Return a new construct id for a part of the mesh; ``kind`` is added when the name alone is taken."""
        words = "".join(each[0].upper() + each[1:] for each in re.split(r"[^A-Za-z0-9]+", name) if each)
        return self._unique((words or kind, f"{words}{kind}"), "")

    def _unique(self, candidates: Sequence[str], separator: str) -> str:
        numbered = (f"{candidates[-1]}{separator}{number}" for number in count(2))
        unused = (each for each in chain(candidates, numbered) if each.lower() not in self._used)
        identifier = next(each for each in unused if not keyword.iskeyword(each) and not hasattr(builtins, each))
        self._used.add(identifier.lower())
        return identifier
