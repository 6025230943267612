"""The code blocks of the documentation are tests."""

from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

from tests.support.documentation import Terminal

_terminal = Terminal()

pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(),
        CodeBlockParser(language="shell", evaluator=_terminal.run_shell),
        CodeBlockParser(language="console", evaluator=_terminal.run_console),
    ],
    patterns=["README.md", "docs/*.md"],
    teardown=_terminal.close,
).pytest()
