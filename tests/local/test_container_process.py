"""The program of a container: its environment, and how it is looked up."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from color_mesh.local.run.isolation import SYSTEM_ENVIRONMENT
from color_mesh.local.run.tasks import container_entry
from color_mesh.local.terminal import terminal_variables

PATH = "/usr/bin:/bin"
_EXECUTE = "import ast, runpy, sys; runpy.run_path(sys.argv[1])['_execute'](*ast.literal_eval(sys.argv[2]))"


def output(environment: Mapping[str, str], *command: str) -> "subprocess.CompletedProcess[str]":
    """Run the part of the preparation of a container that needs no privileges."""
    values = repr((list(command), {"PATH": PATH, **environment}))
    words = [sys.executable, "-I", "-S", "-c", _EXECUTE, container_entry.__file__, values]
    return subprocess.run(words, env=SYSTEM_ENVIRONMENT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COLOR", "red"),
        ("EMPTY", ""),
        ("LINES_OF_TEXT", "one\ntwo"),
        ("-S", "-i"),
        ("--help", "1"),
        ("WITH SPACE", "a b"),
        ("EQUALS", "a=b"),
        ("COLOR", "$(id) `id` 'x' \"y\""),
        ("COLOR", "rouge é 🟥"),
    ],
)
def test_program_has_exactly_the_environment_of_the_container(name: str, value: str) -> None:
    printed = output({name: value}, "/usr/bin/env", "-0").stdout.split("\0")[:-1]
    assert sorted(printed) == sorted([f"PATH={PATH}", f"{name}={value}"])


def test_program_is_looked_up_in_the_path_of_the_container(tmp_path: Path) -> None:
    program = tmp_path / "stock"
    program.write_text("#!/bin/sh\necho $0 $*\n")
    program.chmod(0o755)
    assert output({"PATH": f"{tmp_path}:{PATH}"}, "stock", "a", "-b").stdout == f"{program} a -b\n"


def test_program_whose_name_has_an_equals_sign_is_a_program(tmp_path: Path) -> None:
    program = tmp_path / "a=b"
    program.write_text("#!/bin/sh\necho $0 $*\n")
    program.chmod(0o755)
    assert output({}, str(program), "c=d").stdout == f"{program} c=d\n"


@pytest.mark.parametrize("command", [(), ("",), ("no-such-program",), ("no=program",), ("/no/program",)])
def test_command_without_a_program_exits_with_127(command: tuple[str, ...]) -> None:
    completed = output({"COLOR": "red"}, *command)
    assert (completed.returncode, completed.stdout) == (127, "")
    assert "Traceback" not in completed.stderr


def test_program_that_cannot_be_executed_exits_with_126(tmp_path: Path) -> None:
    file = tmp_path / "stock"
    file.touch()
    assert output({}, str(file)).returncode == 126


def test_program_ignores_no_signal() -> None:
    signals = int(output({}, "grep", "SigIgn", "/proc/self/status").stdout.split()[1], 16)
    # Those of the C library, which no program can set, are not valid.
    assert {number for number in signal.valid_signals() if signals >> (number - 1) & 1} == set()


def test_variables_of_a_terminal_are_passed_and_no_others() -> None:
    terminal = {"TERM": "xterm", "COLUMNS": "80", "LINES": "25", "LANG": "C", "LC_ALL": "C", "LC_CTYPE": "C.UTF-8"}
    others = {"PATH": "/evil", "LD_PRELOAD": "/evil.so", "AWS_SECRET_ACCESS_KEY": "x", "TERMINAL": "x", "LANGUAGE": "x"}
    assert terminal_variables({**terminal, **others}) == terminal


def test_preparation_of_a_container_imports_neither_typing_nor_contextlib() -> None:
    """It runs for each health check and each ``color-mesh exec``, and takes a third longer with them."""
    folder, module = Path(container_entry.__file__).parent, Path(container_entry.__file__).stem
    imported = f"import sys; sys.path.append({str(folder)!r}); import {module}; print(*sys.modules)"
    words = [sys.executable, "-I", "-S", "-c", imported]
    modules = subprocess.run(words, env=SYSTEM_ENVIRONMENT, capture_output=True, text=True, check=True).stdout.split()
    assert module in modules
    assert not {"typing", "contextlib"} & set(modules)
