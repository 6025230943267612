"""The meshes of this project have no findings."""

import json
from pathlib import Path

import pytest

from color_mesh.cli.main import main
from tests.support.chapters import CASES


def findings(capsys: pytest.CaptureFixture[str], *sources: Path) -> list[str]:
    assert main(["analyze", *map(str, sources), "--format", "json", "--severity", "note"]) in (0, 1)
    return [f"{each['id']}: {each['subject']}: {each['text']}" for each in json.loads(capsys.readouterr().out)]


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("app-mesh/")])
def test_chapters_have_no_finding(case: str, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = root / "tests/app/gold" / case
    assert findings(capsys, folder, root / "tests/app/gold/app-mesh/network.yaml") == []


def test_manifests_of_the_tutorial_have_no_finding(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert findings(capsys, root / "tests/manifests") == []


def test_bookshop_has_no_finding(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert findings(capsys, root / "examples/app_mesh/bookshop.yaml") == []
