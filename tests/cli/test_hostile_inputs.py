"""Inputs that are made to exhaust a command: it ends within 5 s of CPU time and 500 MB, with an answer or an error."""

from pathlib import Path

import pytest

from tests.support.hostile_inputs import HOSTILE_INPUTS
from tests.support.limited import run_limited

COMMANDS = (
    ("show",),
    ("parity",),
    ("analyze",),
    ("compile", "--node", "a"),
    ("up", "--plan"),
    ("migrate", "--out", "out"),
)
MAX_OUTPUT = 1_000_000


@pytest.mark.thorough
@pytest.mark.parametrize("name", HOSTILE_INPUTS)
def test_hostile_input_ends_within_the_limits(tmp_path: Path, name: str) -> None:
    source = HOSTILE_INPUTS[name](tmp_path)
    for command, ended in zip(
        COMMANDS, run_limited([[*each, str(source)] for each in COMMANDS], tmp_path), strict=True
    ):
        assert ended.status in (0, 1), (command, ended)
        assert "Traceback" not in ended.output, ended.output
        assert ended.output_bytes < MAX_OUTPUT
