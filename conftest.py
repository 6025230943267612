"""The code blocks of the documentation are tests."""

import os
import sysconfig

from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

from tests.support import skips
from tests.support.documentation import Terminal

pytest_plugins = ("pytester", "tests.support.needs")
pytest_terminal_summary = skips.pytest_terminal_summary
# Programs of this virtual environment, although it may not be activated, and those of /sbin, as an administrator has.
os.environ["PATH"] = os.pathsep.join((sysconfig.get_path("scripts"), os.environ["PATH"], "/usr/sbin", "/sbin"))
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
