"""Layout of the generated Python files, with ruff."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from color_mesh.model import MeshError
from color_mesh.model.errors import problem

# Settings of the user's own projects do not apply.
_OPTIONS = ("--isolated", "--no-cache", "--quiet", "--target-version=py310", "--line-length=120")


def format_modules(modules: Mapping[str, str]) -> dict[str, str]:
    """Return modules, by file name, with unused imports removed, imports sorted and lines laid out.

    Raises:
        MeshError: When ruff is not installed.
    """
    try:
        from ruff import find_ruff_bin
    except ImportError:
        fix = "pip install 'color-mesh[migrate]'"
        message = problem("color-mesh migrate", "the Python package ruff is not installed", None, fix)
        raise MeshError([message]) from None
    with TemporaryDirectory() as folder:
        for name, source in modules.items():
            Path(folder, name).write_text(source, encoding="utf-8")
        for command in (("check", "--fix-only", "--select=F401,I"), ("format",)):
            subprocess.run([find_ruff_bin(), *command, *_OPTIONS, *modules], cwd=folder, check=True)
        return {name: Path(folder, name).read_text(encoding="utf-8") for name in modules}
