"""Python source as a tree: calls, and the brackets that a line may be broken in, as formatters break it."""

import keyword
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, TypeAlias

WIDTH = 120
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class Group:
    """Hold code in brackets, after what stands before them.

    Attributes:
        before: Code before the opening bracket, such as what is called.
        brackets: The opening and the closing bracket.
        items: What is in them, each with what stands before it, such as the name of an argument.
    """

    before: str
    brackets: str
    items: tuple[tuple[str, "Code"], ...]


Code: TypeAlias = str | Group


def call(function: str, *arguments: Code, **named: Code) -> Group:
    """Write a call."""
    items = (*(("", each) for each in arguments), *((f"{name}=", each) for name, each in named.items()))
    return Group(function, "()", items)


def listed(items: Iterable[Code]) -> Group:
    """Write a list."""
    return Group("", "[]", tuple(("", each) for each in items))


def mapping(items: Iterable[tuple[str, Code]]) -> Group:
    """Write a dictionary, of keys that are code."""
    return Group("", "{}", tuple((f"{key}: ", each) for key, each in items))


def value(of: Any) -> Code:
    """Write a value: text, a number, a truth value, ``None``, a tuple of values, or a frozen dataclass of values."""
    if isinstance(of, str):
        return text(of)
    if isinstance(of, tuple):
        return Group("", "()", tuple(("", value(each)) for each in of))
    if isinstance(of, Mapping):
        return mapping((text(key), value(each)) for key, each in of.items())
    if is_dataclass(of) and not isinstance(of, type):
        said = {each.name: getattr(of, each.name) for each in fields(of)}
        return call(
            type(of).__name__, **{each.name: value(said[each.name]) for each in fields(of) if _is_said(each, said)}
        )
    return repr(of)


def text(of: str) -> str:
    """Write text in double quotes, unless it has some and no single ones."""
    if '"' in of and "'" not in of:
        return "'" + _escaped(of) + "'"
    return '"' + _escaped(of).replace('"', '\\"') + '"'


def unless(default: object, **said: Any) -> dict[str, Code]:
    """Write the arguments that are not the default."""
    return {name: value(each) for name, each in said.items() if each != default}


def names_in(code: Code) -> Iterator[str]:
    """Find what is called."""
    if isinstance(code, Group):
        yield from re.findall(r"^[A-Za-z_][A-Za-z_.]*$", code.before)
        for _, each in code.items:
            yield from names_in(each)


def lines(before: str, code: Code, indent: int = 0, after: str = "") -> Iterator[str]:
    """Write ``before``, code and ``after``, in one line where that is short enough."""
    margin = _INDENT * indent
    flat = margin + before + flattened(code) + after
    if len(flat) <= WIDTH or isinstance(code, str) or not code.items:
        yield flat
        return
    opening, closing = code.brackets[0], code.brackets[1]
    yield f"{margin}{before}{code.before}{opening}"
    inner = margin + _INDENT + ", ".join(name + flattened(each) for name, each in code.items)
    one = len(code.items) == 1 and not code.before
    if len(inner) <= WIDTH and not (one and opening == "("):
        yield inner
    else:
        for name, each in code.items:
            yield from lines(name, each, indent + 1, ",")
    yield f"{margin}{closing}{after}"


def flattened(code: Code) -> str:
    """Write code in one line."""
    if isinstance(code, str):
        return code
    opening, closing = code.brackets[0], code.brackets[1]
    items = ", ".join(name + flattened(each) for name, each in code.items)
    comma = "," if opening == "(" and not code.before and len(code.items) == 1 else ""
    return f"{code.before}{opening}{items}{comma}{closing}"


class Identifiers:
    """Make names of variables and ids of constructs, each once."""

    def __init__(self, reserved: Iterable[str]) -> None:
        self._taken = {name.lower() for name in reserved}

    def variable(self, name: str, kind: str) -> str:
        """Make a variable's name of a part's; ``kind`` tells it from others of its name."""
        words = re.sub(r"[^A-Za-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).strip("_").lower()
        if not words or words[0].isdigit():
            words = f"{kind}_{words}".strip("_")
        return self._unique((words, f"{words}_{kind}"), "_")

    def construct_id(self, name: str, kind: str) -> str:
        """Make a construct's id of a part's name; ``kind`` tells it from others of its name."""
        words = "".join(each[0].upper() + each[1:] for each in re.split(r"[^A-Za-z0-9]+", name) if each)
        return self._unique((words or kind, f"{words}{kind}"), "")

    def _unique(self, wanted: Sequence[str], separator: str) -> str:
        numbered = (f"{wanted[-1]}{separator}{number}" for number in range(2, 10000))
        found = next(
            each for each in (*wanted, *numbered) if each.lower() not in self._taken and not keyword.iskeyword(each)
        )
        self._taken.add(found.lower())
        return found


def _is_said(field: Any, said: Mapping[str, Any]) -> bool:
    default = field.default if field.default is not MISSING else MISSING
    return bool(said[field.name] != default) if default is not MISSING else True


def _escaped(of: str) -> str:
    return "".join(each if each.isprintable() and each != "\\" else _escape(each) for each in of)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
