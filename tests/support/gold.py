"""Golden files: expected text beside a test, rewritten by ``make gold``."""

from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
import yaml

# Sequences with more items are written in block style, one item a line.
_LONGEST_FLOW_SEQUENCE = 20


def compare_with_gold(path: Path, text: str, request: pytest.FixtureRequest) -> None:
    """Raise a failure with a unified diff unless a golden file has this text; with ``--update-gold``, rewrite it."""
    if request.config.getoption("--update-gold"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    gold = path.read_text() if path.exists() else ""
    diff = unified_diff(gold.splitlines(), text.splitlines(), str(path), "actual", lineterm="")
    assert text == gold, "\n".join([*diff, "If this change is intended, run: make gold"])


def dump_yaml(value: Any) -> str:
    """Render a value as YAML for reviewers: in its own order, with short collections on one line."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=120)
    return text


class _Dumper(yaml.SafeDumper):
    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        """Represent long sequences, such as the lines of an Envoy configuration, in block style."""
        style = False if len(sequence) > _LONGEST_FLOW_SEQUENCE else flow_style
        return super().represent_sequence(tag, sequence, style)

    def ignore_aliases(self, data: object) -> bool:
        """Return True: each value is written in full, without anchors and aliases."""
        return True
