"""The part of the plain language that a program can check: first words of docstrings and of their descriptions."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.syntax import nested_statements, parsed

ROOT = Path(__file__).parent.parent
FOLDERS = ("constructs", "images", "stacks", "tests", "bench", "rehearsal", "examples")
MODULES = sorted(
    str(path.relative_to(ROOT))
    for path in (*ROOT.glob("*.py"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")))
    # Apps that the migration writes have no docstrings of ours to check.
    if "gold" not in path.parts
)
# A function is described by a verb of its kind, everything else by a noun phrase.
FIRST_WORDS = re.compile(r"(What|Where|Why|Who|Whom|Whose|Whether|How|Which|Find|Finds)\b")
VERBS_OF_CLASSES = re.compile(
    r"(Accept|Count|Declare|Define|Evaluate|Forward|Handle|Keep|Print|Publish|Read|Respond|Return|Run|Send|Serve)s?\b"
)
# A line `name: description` of the sections `Args:` and `Attributes:`.
DESCRIPTION = re.compile(r" {4,8}(?:\*{0,2}\w+)(?: \([^)]*\))?: +(.+)")


def docstrings(module: ast.Module) -> Iterator[tuple[type, str]]:
    """Yield the docstrings of a module and of the definitions in it, each with its kind of syntax node."""
    for node in nested_statements(module):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield type(node), ast.get_docstring(node) or ""


def texts(docstring: str) -> Iterator[str]:
    """Yield a docstring, and the descriptions of attributes and arguments in it."""
    yield docstring
    _, *sections = re.split(r"^(?:Args|Attributes):\n", docstring, flags=re.MULTILINE)
    for section in sections:
        # A section ends with the first line that is not indented.
        (lines, *_) = re.split(r"^(?=\S)", section, flags=re.MULTILINE)
        yield from (match[1] for line in lines.splitlines() if (match := DESCRIPTION.fullmatch(line)))


def problems(module: ast.Module) -> list[str]:
    """Return the texts of a module that begin with one of the words."""
    problematic = [
        text
        for kind, docstring in docstrings(module)
        for text in texts(docstring)
        if FIRST_WORDS.match(text) or (kind is ast.ClassDef and text is docstring and VERBS_OF_CLASSES.match(text))
    ]
    return [text.partition("\n")[0] for text in problematic]


def test_descriptions_begin_with_a_noun_phrase_or_a_verb() -> None:
    trees = {module: parsed(ROOT / module) for module in MODULES}
    assert {module: texts_of_module for module, tree in trees.items() if (texts_of_module := problems(tree))} == {}


def test_words_are_found_in_docstrings_and_descriptions() -> None:
    source = '''
"""What the module is."""
class Node:
    """A node.

    Attributes:
        name: Where it is found, over
            Who knows how many lines.
        port: Port of the listener.

    Who is not listed here.
    """
    def find(self, name):
        """Find a node.

        Args:
            name (str): Whether it matters.
            **more: Which others.
        """
'''
    starts = [text.split()[0] for text in problems(ast.parse(source))]
    assert sorted(starts) == ["Find", "What", "Where", "Whether", "Which"]
