"""Command lines of the processes of containers."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from color_mesh.local.run.isolation import SYSTEM_ENVIRONMENT
from color_mesh.local.run.tasks.container_process import contained, with_shared_memory
from color_mesh.local.terminal import terminal_variables

PATH = "/usr/bin:/bin"


def command_of_the_container(command: Sequence[str]) -> list[str]:
    """Return the end of a command line, which runs after the privileges are dropped."""
    words = list(command)
    return words[words.index("--") + 1 :]


def output(environment: Mapping[str, str], *command: str) -> "subprocess.CompletedProcess[str]":
    """Run the part of a command line that needs no privileges."""
    words = command_of_the_container(contained("network", (0, 0), {"PATH": PATH, **environment}, command))
    return subprocess.run(words, env=SYSTEM_ENVIRONMENT, capture_output=True, text=True, check=False)


def test_programs_that_prepare_a_container_are_called_by_absolute_path() -> None:
    words = with_shared_memory(contained("network", (0, 0), {"PATH": "/evil", "LD_PRELOAD": "/evil.so"}, ["true"]))
    before = words[: words.index("--")]
    programs = [Path(word.split()[0]).name for word in [*before, *command_of_the_container(words)] if word[0] == "/"]
    assert programs == ["unshare", "sh", "mount", "nsenter", "setpriv", "env"]
    assert "--no-new-privs" in before
    assert "evil" not in " ".join(before)


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


@pytest.mark.parametrize("command", [(), ("",), ("no-such-program",), ("no=program",)])
def test_command_without_a_program_exits_with_127(command: tuple[str, ...]) -> None:
    completed = output({"COLOR": "red"}, *command)
    assert (completed.returncode, completed.stdout) == (127, "")


def test_variables_of_a_terminal_are_passed_and_no_others() -> None:
    terminal = {"TERM": "xterm", "COLUMNS": "80", "LINES": "25", "LANG": "C", "LC_ALL": "C", "LC_CTYPE": "C.UTF-8"}
    others = {"PATH": "/evil", "LD_PRELOAD": "/evil.so", "AWS_SECRET_ACCESS_KEY": "x", "TERMINAL": "x", "LANGUAGE": "x"}
    assert terminal_variables({**terminal, **others}) == terminal
