"""What the README says is so; its blocks are run by the conftest beside it."""

import json
import re
from pathlib import Path

from stacks.settings import PARSERS, read_settings


def test_settings_table_has_every_setting(root: Path) -> None:
    rows = re.findall(r"^\| `color-mesh:(\w+)` \|", (root / "README.md").read_text(), re.MULTILINE)
    assert tuple(rows) == tuple(PARSERS)


def test_defaults_in_the_settings_table_are_the_defaults(root: Path) -> None:
    rows = re.findall(r"^\| `(color-mesh:\w+)` \| `([^`]+)`", (root / "README.md").read_text(), re.MULTILINE)
    assert read_settings(dict(rows)) == read_settings({})


def test_cdk_json_has_the_defaults(root: Path) -> None:
    assert read_settings(json.loads((root / "cdk.json").read_text())["context"]) == read_settings({})


def test_gate_runs_the_readmes_commands(root: Path) -> None:
    gate, readme = ((root / name).read_text().splitlines() for name in (".ci/run", "README.md"))
    assert {"make test", "make synth"} <= set(gate) & set(readme)
