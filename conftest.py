"""The README's blocks are tests: Python in this process, shell in bash."""

import os
import shutil
import subprocess
import sysconfig
import tempfile
from functools import cache
from pathlib import Path

from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

ROOT = Path(__file__).parent
pytest_plugins = ("tests.support.needs", "tests.support.skips")
# The programs of this environment, although it is not activated; and those for administrators, as Debian's users lack.
os.environ["PATH"] = os.pathsep.join((sysconfig.get_path("scripts"), os.environ["PATH"], "/usr/sbin", "/sbin"))


@cache
def project() -> Path:
    """Make a copy of the project, installed as this one is, so that this one's cdk.out is left alone."""
    copy = Path(tempfile.mkdtemp(prefix="readme-"))
    for name in ("Makefile", "app.py", "cdk.json", "package.json", "package-lock.json", "pyproject.toml"):
        shutil.copy2(ROOT / name, copy)
    for path in (*ROOT.glob("requirements*.txt"), *ROOT.glob("stacks/*.py"), *ROOT.glob("examples/*/*.yaml")):
        (copy / path.relative_to(ROOT)).parent.mkdir(exist_ok=True, parents=True)
        shutil.copy2(path, copy / path.relative_to(ROOT))
    for name in (".venv", "node_modules"):
        (copy / name).symlink_to(ROOT / name)
    return copy


def run_shell(example: Example) -> None:
    """Run a shell block as a person would, and fail with what it said."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example.parsed], cwd=project(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def remove_project(namespace: dict[str, object]) -> None:
    """Leave nothing behind."""
    if project.cache_info().currsize:
        shutil.rmtree(project())


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), CodeBlockParser(language="shell", evaluator=run_shell)],
    patterns=["README.md"],
    teardown=remove_project,
).pytest()
