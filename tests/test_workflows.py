"""Workflows, Dependabot and the pre-commit hooks: valid by their schemas, and consistent with the Makefile."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

ROOT = Path(__file__).parent.parent
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))


def content(path: Path) -> Any:
    # As text: YAML 1.1, unlike GitHub, reads the key `on` as a boolean.
    return yaml.load(path.read_text(), yaml.BaseLoader)


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("custom.github-workflows-require-timeout", WORKFLOWS),
        ("vendor.dependabot", [GITHUB / "dependabot.yml"]),
    ],
)
def test_file_is_valid_by_its_schema(schema: str, paths: list[Path]) -> None:
    # It takes long to import, and each process of the tests imports all test modules.
    from check_jsonschema import main

    result = CliRunner().invoke(main, ["--builtin-schema", schema, *map(str, paths)])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow_only_reads_the_repository(path: Path) -> None:
    assert content(path)["permissions"] == {"contents": "read"}
    assert [name for name, job in content(path)["jobs"].items() if "permissions" in job] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_have_full_versions(path: Path) -> None:
    steps = [step for job in content(path)["jobs"].values() for step in job["steps"]]
    actions = [step["uses"] for step in steps if "uses" in step]
    assert actions
    assert [action for action in actions if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", action)] == []


def test_gate_runs_for_every_python_of_the_classifiers() -> None:
    classifiers = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text())
    gate = content(GITHUB / "workflows" / "checks.yml")["jobs"]["gate"]
    assert gate["strategy"]["matrix"]["python"] == classifiers
    assert any(".ci/run" in step.get("run", "") for step in gate["steps"])


def test_pre_commit_hooks_are_the_checks_of_make_check() -> None:
    (checks,) = re.findall(r"^check: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    (repository,) = content(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    assert [hook["entry"] for hook in repository["hooks"]] == [f"make {check}" for check in checks.split()]
    assert [(hook["language"], hook["pass_filenames"]) for hook in repository["hooks"]] == [("system", "false")] * 3
