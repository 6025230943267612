"""Meshes with one text or number in place of another: what readers may bring and Envoy may refuse."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from hypothesis import strategies as st

from color_mesh.model import Mesh
from color_mesh.model.log_format import ARGUMENTS

TEXTS = st.sampled_from(
    (
        *(
            "😀",
            "☃ä",
            "a b",
            '"',
            "'",
            "\\",
            "\\n",
            "${a}",
            "{{",
            "%41",
            "%",
            "a:b",
            "*",
            "*.a",
            "-",
            "#",
            "a#b",
            "?a=b",
        ),
        *("\n", "\x00", "\x1b[31m", "\x7f", "\x85", "\u2028", "\xa0", "\ufeff", "\u202e", "\ud800", "", " ", "a" * 300),
        *("/😀", "/a b", "/a\nb", "/\x7f", "/?a", "/#", "//", "/..", "/%", "/\\1", "/*", "/" + "a" * 254, "/\u2028"),
        *(".*", ".a", "..a", ".\n", "*.😀", ".example.com:80", "example.com:80", "[::1]", "A", "10.0.0.1"),
    )
)
NUMBERS = st.sampled_from((-(2**63), -1, 0, 1, 2, 65535, 65536, 2**31 - 1, 2**31, 2**32, 2**53, 2**63, 10**400))

_PARTS_OF_EXPRESSIONS = (
    *("a", "k", "ä", "☃", "😀", ".", "^", "$", "[a-z]", "[^a-z]", "[k-s]", "[ä-ü]", "[[:alpha:]]", "[[:^digit:]]"),
    *("[]a]", "[^]a]", "[a-]", "[[:", "[z-a]", "[\\x{100}-\\x{24F}]", "[^\\x{100}-\\x{2000}]", "[", "]", "{", "}", "|"),
    *(
        "\\d",
        "\\W",
        "\\S",
        "\\b",
        "\\B",
        "\\A",
        "\\z",
        "\\Z",
        "\\C",
        "\\Q",
        "\\E",
        "\\1",
        "\\12",
        "\\0",
        "\\x41",
        "\\_",
    ),
    *(
        "\\x{1F600}",
        "\\x{110000}",
        "\\x",
        "\\e",
        "\\pL",
        "\\\\",
        "\\",
        "(a|b)",
        "(?:a?){20}",
        "((^)*){0,90}",
        "(?i)\\W",
    ),
    *("(", ")", "(?:", "(?i)", "(?i:", "(?-i)", "(?s-m)", "(?P<n>", "(?<n>", "(?=", "(?!", "(?>", "(?#", "(?P=n)"),
    *("*", "+", "?", "*?", "+?", "??", "{2}", "{3,}", "{2,5}", "{,3}", "{0}", "{30}", "{0,100}", "{1000}", "{1001}"),
    *("\\377", "\\400", "\\x{e9}", "[\\xe0-\\xff]", "[a-ä]", "[ü-ä]", "[^\\W]", "[[:^punct:]]", "(?i)\\W"),
)
EXPRESSIONS = st.lists(st.sampled_from(_PARTS_OF_EXPRESSIONS), min_size=1, max_size=8).map("".join)
_NAMES = (*ARGUMENTS, "FOO", "CEL", "COALESCE", "req", "")
_BY_ARGUMENTS = tuple({arguments: name for name, arguments in ARGUMENTS.items()}.values())
_OPERATOR_ARGUMENTS = (
    *("", "()", "(a)", "(:path)", "(a?b)", "(a?)", "(a?b?c)", "(a b)", "(ä)", "(a%b)", "(a(b)", "(a\nb)"),
    *("(%s.%3f)", "(%n)", "(%%n)", "(%)", "(%1En)", "(%10n)", "(%-On)", "(WQ)", "(NQ:ORIG)", "(NQ:X)", "(ORIG)"),
    *("(NUMBER)", "(24)", "(MASK_PREFIX_LEN=24)", "(MASK_PREFIX_LEN=)", "(ROUTE:a:b)", "(ROUTE)", "(X:a)", "(a:PLAIN)"),
    *("(a:FIELD:b)", "(a:FIELD:b:c)", "(a:FIELD)", "(a:b:ms)", "(a:b:x)", "(a:b)", "(::)", "(:)", "(a::b)", '(["a"])'),
)
FORMATS = st.lists(
    st.builds(
        "{}%{}{}{}%".format,
        st.sampled_from(("", "", "☃ ", "%%", "\n", "%")),
        st.sampled_from(_BY_ARGUMENTS) | st.sampled_from(_NAMES),
        st.sampled_from(_OPERATOR_ARGUMENTS),
        st.sampled_from(("", "", "", ":5", ":x", ":99999999999999999999")),
    ),
    min_size=1,
    max_size=2,
).map("".join)


def leaves(value: Any, kind: str = "", path: tuple[Any, ...] = ()) -> Iterator[tuple[str, tuple[Any, ...], Any]]:
    """Yield each text and number of a mesh: the name of its field, the path to it, and the value."""
    if is_dataclass(value):
        for field in fields(value):
            if field.init:
                name = f"{type(value).__name__}.{field.name}"
                yield from leaves(getattr(value, field.name), name, (*path, field.name))
    elif isinstance(value, tuple):
        for index, each in enumerate(value):
            yield from leaves(each, kind, (*path, index))
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield kind, path, value


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return a value with another one at a path.

    Raises:
        MeshError: If the new mesh is not valid.
    """
    if not path:
        return new
    first, *rest = path
    if isinstance(value, tuple):
        return (*value[:first], replaced(value[first], tuple(rest), new), *value[first + 1 :])
    return replace(value, **{first: replaced(getattr(value, first), tuple(rest), new)})


@st.composite
def replacements(draw: st.DrawFn, mesh: Mesh) -> tuple[tuple[Any, ...], Any]:
    """Draw the path to a text or number of a mesh, and what to put there."""
    found = list(leaves(mesh))
    kind = draw(st.sampled_from(sorted({kind for kind, _, _ in found})))
    path, old = draw(st.sampled_from([(path, old) for each, path, old in found if each == kind]))
    if isinstance(old, int):
        return path, draw(NUMBERS)
    if "regex" in kind:
        return path, draw(EXPRESSIONS)
    return path, draw(FORMATS | TEXTS if kind.startswith("AccessLog") else TEXTS)
