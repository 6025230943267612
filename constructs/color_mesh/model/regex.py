"""Regular expressions of RE2 that Envoy accepts (RE2, *Syntax*)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from color_mesh.model.errors import problem

# Instructions of a compiled expression. The limit of App Mesh's Envoy, which compiled configurations set.
MAX_PROGRAM_SIZE = 1000
_MAX_REPETITIONS = 1000
_MAX_DEPTH = 50

_ATOM_SIZE = 1
_CLASS_SIZE = 6  # A class of letters in both cases, of RE2 or POSIX, or all others.
_FIXED_SIZE = 4  # Beginning and end of each program.

_REPETITION = re.compile(r"[*+?]|\{([0-9]{1,9})(,([0-9]{1,9})?)?\}")
_GROUP = re.compile(r"\((?:\?(?:P?<([A-Za-z_][A-Za-z0-9_]*)>|([imsU]*)(?:-([imsU]+))?([:)])))?")
_POSIX = re.compile(
    r"\[:(\^?)(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]"
)
_HEX = re.compile(r"\\x(?:([0-9A-Fa-f]{2})|\{0*([0-9A-Fa-f]{1,6})\})")
_OCTAL = re.compile(r"\\(0[0-7]{0,2}|[1-7][0-7]{1,2})")
_SIMPLE = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_LAST = 0xFF
_FIX = "RE2 has no look-ahead, look-behind, backreferences and possessive repetition, and repeats at most 1000 times"


def check_regex(subject: str, field: str, value: str) -> Iterator[str]:
    """Validate a regular expression: its syntax is that of RE2, and its program is not too large for Envoy.

    Envoy compiles expressions in Latin-1: a character that is not ASCII is the several characters of its UTF-8, and
    there are no classes of Unicode. The size, which is known only after RE2 compiled it, is an upper bound.
    """
    try:
        size = _Parser(value.encode().decode("latin-1")).size()
    except _UnsupportedError as error:
        yield problem(subject, f"{field} is not a regular expression of RE2: {error}", value, _FIX)
        return
    if size > MAX_PROGRAM_SIZE:
        fix = f"at most {MAX_PROGRAM_SIZE}: fewer repetitions"
        yield problem(subject, f"{field} compiles to too many instructions", value, fix)


class _UnsupportedError(Exception):
    """An expression that RE2 does not accept, or that is not known to be accepted."""


@dataclass(frozen=True)
class _Part:
    """A part of an expression: its size, and the product of the repetitions in it."""

    size: int
    repetitions: int = 1


class _Parser:
    """Recursive descent through an expression."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._folded = False
        self._names: set[str] = set()
        self._depth = 0

    def size(self) -> int:
        """Return an upper bound of the size of the program.

        Raises:
            _UnsupportedError: If RE2 does not accept the expression.
        """
        part = self._alternatives()
        if self._position < len(self._text):
            raise _UnsupportedError("a ')' without '('")
        return part.size + _FIXED_SIZE

    def _at(self, text: str) -> bool:
        return self._text.startswith(text, self._position)

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._position)
        if match:
            self._position = match.end()
        return match

    def _alternatives(self) -> _Part:
        parts = [self._sequence()]
        while self._at("|"):
            self._position += 1
            parts.append(self._sequence())
        return _together(parts, 2 * (len(parts) - 1))

    def _sequence(self) -> _Part:
        parts: list[_Part] = []
        while self._position < len(self._text) and not self._at("|") and not self._at(")"):
            if self._at(r"\Q"):
                parts += self._quoted()
                continue
            part = self._group() if self._at("(") else self._atom()
            if part is not None:
                parts.append(self._repeated(part))
        return _together(parts, 0)

    def _quoted(self) -> Iterator[_Part]:
        end = self._text.find(r"\E", self._position)
        end = len(self._text) if end < 0 else end
        literal = self._text[self._position + 2 : end]
        self._position = end + 2
        parts = [self._literal() for _ in literal]
        yield from parts[:-1]
        if parts:
            yield self._repeated(parts[-1])

    def _repeated(self, part: _Part) -> _Part:
        repetition = self._match(_REPETITION)
        if repetition is None:
            return part
        if self._at("?"):
            self._position += 1
        if _REPETITION.match(self._text, self._position):
            raise _UnsupportedError("a repetition of a repetition")
        if not repetition[1]:
            return _Part(part.size + 4, part.repetitions)
        least = int(repetition[1])
        most = int(repetition[3]) if repetition[3] else least if repetition[2] is None else least + 1
        if most < least:
            raise _UnsupportedError(f"the repetition {repetition[0]}")
        repetitions = max(1, most) * part.repetitions
        if repetitions > _MAX_REPETITIONS:
            raise _UnsupportedError(f"more than {_MAX_REPETITIONS} repetitions")
        # Each copy of an optional part also has the way past it.
        return _Part(max(1, least) * part.size + (most - least) * (part.size + 2) + 2, repetitions)

    def _group(self) -> _Part | None:
        group = self._match(_GROUP)
        assert group is not None
        name, on, off, end = group.groups()
        if self._text.startswith("(?", group.start()) and name is None and end is None:
            raise _UnsupportedError(f"the group {self._text[group.start() : group.start() + 4]}")
        if name is not None and name in self._names:
            raise _UnsupportedError(f"two groups named {name}")
        if name is not None:
            self._names.add(name)
        if end is not None and not (on or off) and end == ")":
            raise _UnsupportedError("a group without content")
        before = self._folded
        self._folded = (self._folded or "i" in (on or "")) and "i" not in (off or "")
        if end == ")":
            if _REPETITION.match(self._text, self._position):
                raise _UnsupportedError("a repetition of nothing")
            return None
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _UnsupportedError(f"more than {_MAX_DEPTH} nested groups")
        part = self._alternatives()
        self._depth -= 1
        if not self._at(")"):
            raise _UnsupportedError("a '(' without ')'")
        self._position += 1
        self._folded = before
        return _Part(part.size + (0 if end else 2), part.repetitions)

    def _atom(self) -> _Part:
        if self._match(_REPETITION):
            raise _UnsupportedError("a repetition of nothing")
        character = self._text[self._position]
        if character == "[":
            return self._class()
        if character == "\\":
            return self._escape()
        self._position += 1
        if character == ".":
            return _Part(2)
        return _Part(_ATOM_SIZE) if character in "^$" else self._literal()

    def _literal(self) -> _Part:
        return _Part(2 if self._folded else _ATOM_SIZE)

    def _escape(self) -> _Part:
        kind = self._text[self._position + 1 : self._position + 2]
        if kind in ("A", "b", "B", "z", "C"):
            self._position += 2
            return _Part(_ATOM_SIZE)
        if kind and kind in "dDsSwW":
            self._position += 2
            return _Part(_CLASS_SIZE)
        self._escaped_code()
        return self._literal()

    def _escaped_code(self) -> int:
        """Return the character of an escape that stands for one."""
        code = self._match(_HEX)
        if code is not None:
            value = int(code[1] or code[2], 16)
            if value > _LAST:
                raise _UnsupportedError(f"the escape {code[0]}")
            return value
        octal = self._match(_OCTAL)
        if octal is not None:
            if int(octal[1], 8) > _LAST:
                raise _UnsupportedError(f"the escape {octal[0]}")
            return int(octal[1], 8)
        kind = self._text[self._position + 1 : self._position + 2]
        if kind in _SIMPLE or (kind.isascii() and kind.isprintable() and kind and not kind.isalnum()):
            self._position += 2
            return _SIMPLE.get(kind) or ord(kind)
        raise _UnsupportedError(f"the escape \\{kind}")

    def _class(self) -> _Part:
        self._position += 1
        negated = self._at("^")
        self._position += negated
        size, first = 0, True
        while first or not self._at("]"):
            if self._position >= len(self._text):
                raise _UnsupportedError("a '[' without ']'")
            size += self._class_part()
            first = False
        self._position += 1
        return _Part(2 * size + 1 if negated else size)

    def _class_part(self) -> int:
        posix = self._match(_POSIX)
        if posix is not None:
            return _CLASS_SIZE
        if self._at("[:"):
            raise _UnsupportedError("an unknown class")
        kind = self._text[self._position + 1 : self._position + 2]
        if self._at("\\") and kind and kind in "dDsSwW":
            self._position += 2
            return _CLASS_SIZE
        low = self._class_character()
        if self._at("-") and not self._text.startswith("-]", self._position):
            self._position += 1
            high = self._class_character()
            if high < low:
                raise _UnsupportedError("a range that ends before it begins")
        return 4 if self._folded else 1

    def _class_character(self) -> int:
        if self._position >= len(self._text):
            raise _UnsupportedError("a '[' without ']'")
        if self._at("\\"):
            return self._escaped_code()
        self._position += 1
        return ord(self._text[self._position - 1])


def _together(parts: list[_Part], extra_size: int) -> _Part:
    return _Part(sum(part.size for part in parts) + extra_size, max((part.repetitions for part in parts), default=1))
