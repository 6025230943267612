"""The README's blocks are tests: Python in this process, shell in bash."""

import subprocess
from pathlib import Path

from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

ROOT = Path(__file__).parent


def run_shell(example: Example) -> None:
    """Run a shell block as a person would, and fail with what it said."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example.parsed], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), CodeBlockParser(language="shell", evaluator=run_shell)], patterns=["README.md"]
).pytest()
