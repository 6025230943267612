"""Arguments of the commands: help, and invalid arguments."""

import subprocess
import sys
from pathlib import Path

import pytest

from color_mesh.cli import commands
from color_mesh.cli.main import main

COMMANDS = sorted(path.stem for path in Path(commands.__path__[0]).glob("[a-z]*.py"))


def run(*arguments: str) -> int:
    """Run the command in this process and return its exit status."""
    try:
        return main(arguments)
    except SystemExit as exit:
        return int(str(exit.code))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, "--help") == 0
    assert capsys.readouterr().out.startswith(f"usage: color-mesh {command} ")


def test_version_is_that_of_the_package(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    name, version = capsys.readouterr().out.split()
    assert name == "color-mesh"
    assert f'version = "{version}"' in (root / "pyproject.toml").read_text()


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    first_words = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("    ")]
    assert [command for command in COMMANDS if command not in first_words] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "color-mesh: error: the following arguments are required: COMMAND", id="no-command"),
        pytest.param(["draw"], "color-mesh: error: argument COMMAND: invalid choice: 'draw'", id="command"),
        pytest.param(["show"], "color-mesh show: error: the following arguments are required: SOURCE", id="show"),
        pytest.param(["parity", "--msh", "a", "b"], "color-mesh: error: unrecognized arguments: --msh", id="parity"),
        pytest.param(
            ["compile", "a"],
            "color-mesh compile: error: one of the arguments --node --gateway is required",
            id="compile-no-part",
        ),
        pytest.param(
            ["compile", "a", "--node", "red", "--gateway", "color-gateway"],
            "color-mesh compile: error: argument --gateway: not allowed with argument --node",
            id="compile-two-parts",
        ),
        pytest.param(
            ["compile", "a", "--node", "red", "--kind", "secrets"],
            "color-mesh compile: error: argument --kind: invalid choice: 'secrets'",
            id="compile-kind",
        ),
        pytest.param(
            ["migrate", "a", "--out"], "color-mesh migrate: error: argument --out: expected one argument", id="migrate"
        ),
        pytest.param(
            ["up", "--port", "http"], "color-mesh up: error: argument --port: invalid int value: 'http'", id="up"
        ),
        pytest.param(["down", "now"], "color-mesh: error: unrecognized arguments: now", id="down"),
        pytest.param(["status", "--", "red"], "color-mesh: error: unrecognized arguments: red", id="status"),
        pytest.param(["watch", "-f"], "color-mesh: error: unrecognized arguments: -f", id="watch"),
        pytest.param(
            ["exec", "red", "curl", "-s", "localhost"],
            "color-mesh: error: unrecognized arguments: -s; write -- before a command that has options",
            id="exec",
        ),
        pytest.param(["logs"], "color-mesh logs: error: the following arguments are required: TASK", id="logs"),
        pytest.param(
            ["hits", "http://localhost", "--count", "many"],
            "color-mesh hits: error: argument --count: invalid int value: 'many'",
            id="hits",
        ),
        pytest.param(["set"], "color-mesh set: error: the following arguments are required: PART", id="set"),
        pytest.param(
            ["set", "node", "red"],
            "color-mesh set node: error: the following arguments are required: --backends",
            id="set-node",
        ),
    ],
)
def test_invalid_arguments_exit_with_2_and_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    # Python's versions quote the choices differently.
    assert line.split(" (")[0] == message
    assert line.endswith(" --help)")


@pytest.mark.parametrize(
    "arguments", [["status"], ["watch"], ["logs", "red"], ["exec", "red", "true"], ["set", "route", "a", "b=1"]]
)
def test_commands_about_a_running_mesh_need_one(arguments: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "color_mesh", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"color-mesh: no mesh runs from here, got '{tmp_path}' "
        "(start one with color-mesh up, or go to the folder where it was started)\n"
    )
