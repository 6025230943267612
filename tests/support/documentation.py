"""The code blocks of README.md and docs/ as tests, run in a copy of the project.

Python blocks run in this process. ``shell`` blocks run in bash and must succeed. In ``console`` blocks, each line after
a ``$`` is a command that runs. Its output must be what the lines below it show, where ``...`` stands for any text; with
nothing below it, any output will do. ``make up`` starts a mesh that runs until the next one or the end of the page.
"""

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Timer

import pytest
from sybil import Example

from tests.support.local_mesh import free_port, require

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 120.0
# The port that the documentation uses.
PORT = "8080"
_PATTERNS = ("*.json", "*.toml", "*.txt", "*.py", "Makefile", "stacks/*", "images/*", "examples/*/*")


@cache
def project() -> Path:
    """Create a copy of the project, installed as this one is, so that this one's cdk.out is left alone."""
    copy = Path(tempfile.mkdtemp(prefix="documentation-"))
    for path in (path for pattern in _PATTERNS for path in ROOT.glob(pattern) if path.is_file()):
        (copy / path.relative_to(ROOT)).parent.mkdir(exist_ok=True, parents=True)
        shutil.copy(path, copy / path.relative_to(ROOT))
        # Older than anything in .venv, so that make installs nothing.
        os.utime(copy / path.relative_to(ROOT), (0, 0))
    for name in (".venv", "node_modules"):
        (copy / name).symlink_to(ROOT / name)
    return copy


class Terminal:
    """Terminal of a page, whose shell and console blocks run one after the other."""

    def __init__(self) -> None:
        self._mesh: subprocess.Popen[str] | None = None
        self._port = PORT
        # Reasons why the meshes of pages cannot run on this machine.
        self._skipped: dict[str, str] = {}

    def run_shell(self, example: Example) -> None:
        """Run a block of commands; fail with their output."""
        process = self._bash(str(example.parsed), check_templates=True)
        assert process.returncode == 0, process.stdout

    def run_console(self, example: Example) -> None:
        """Run each command of a block, and compare its output with the one shown.

        Where a page cannot run its mesh, its later blocks are skipped with the same reason.
        """
        if example.path in self._skipped:
            pytest.skip(self._skipped[example.path])
        try:
            self._run_commands(str(example.parsed))
        except pytest.skip.Exception as skipped:
            self._skipped[example.path] = str(skipped)
            raise

    def _run_commands(self, block: str) -> None:
        for command, expected in _commands(block):
            output = self._start_mesh(command) if command.startswith("make up") else self._bash(command).stdout
            assert _shows(expected, output.replace(self._port, PORT)), (
                f"{command}\nshown:\n{expected}\nprinted:\n{output}"
            )

    def close(self, namespace: dict[str, object] | None = None) -> None:
        """End the mesh, and remove the copy of the project."""
        self._end_mesh()
        if project.cache_info().currsize:
            shutil.rmtree(project())
            project.cache_clear()

    def _bash(self, command: str, check_templates: bool = False) -> "subprocess.CompletedProcess[str]":
        validation = {} if check_templates else {"CDK_VALIDATION": "false"}
        path = os.pathsep.join((str(project() / ".venv/bin"), os.environ["PATH"]))
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command.replace(f"localhost:{PORT}", f"localhost:{self._port}")],
            cwd=project(),
            env={**os.environ, "PATH": path, **validation},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )

    def _start_mesh(self, command: str) -> str:
        """Synthesize and start a mesh; return what ``color-mesh up`` prints until it is healthy."""
        self._end_mesh()
        self._synthesize(command)
        require(project() / "cdk.out")
        self._port = str(free_port())
        self._mesh = subprocess.Popen(
            [".venv/bin/color-mesh", "up", "--port", self._port],
            cwd=project(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._mesh.stdout is not None
        timer = Timer(DEADLINE_SECONDS, self._mesh.kill)
        timer.start()
        lines = []
        for line in self._mesh.stdout:
            lines.append(line)
            if "Ctrl-C ends it." in line or "not healthy yet" in line:
                break
        timer.cancel()
        output = "".join(lines)
        assert "the mesh is healthy" in output, output
        return output

    def _synthesize(self, command: str) -> None:
        """Synthesize with the settings that ``make up`` gives to the CDK CLI, in this process."""
        from app import build

        recipe = self._bash(f"{command} --dry-run").stdout
        assert re.search("^cdk synth ", recipe, re.MULTILINE), recipe
        context = dict(each.split("=", 1) for each in re.findall(r"-c (color-mesh:\S+)", recipe))
        shutil.rmtree(project() / "cdk.out", ignore_errors=True)
        build(context=context, outdir=str(project() / "cdk.out"), validate=False).synth()

    def _end_mesh(self) -> None:
        if self._mesh is None:
            return
        self._mesh.terminate()
        with suppress(ValueError):
            self._mesh.communicate(timeout=DEADLINE_SECONDS)
        self._mesh = None


def _commands(block: str) -> list[tuple[str, str]]:
    """Split a console block into commands and the output shown below each."""
    commands: list[tuple[str, str]] = []
    for line in block.splitlines():
        command, expected = commands[-1] if commands else ("", "")
        if line.startswith("$ "):
            commands.append((line.removeprefix("$ "), ""))
        elif command.endswith("\\") and not expected:
            commands[-1] = (f"{command}\n{line.removeprefix('> ')}", "")
        else:
            commands[-1] = (command, f"{expected}{line}\n")
    return commands


def _shows(expected: str, output: str) -> bool:
    """Return whether ``output`` is what ``expected`` shows, whatever the white space."""
    parts = (re.escape(" ".join(part.split())) for part in expected.split("..."))
    return not expected or re.fullmatch(r"\s?.*?\s?".join(parts), " ".join(output.split()), re.DOTALL) is not None
