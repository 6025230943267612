"""The README and the pages of docs/ against the program: pages, settings, commands, messages and paths."""

import json
import re
from importlib import import_module
from pathlib import Path

import pytest

import color_mesh
from color_mesh.cli.main import main
from color_mesh.cloudformation import document_limits, evaluate, files, reading, stack, yaml_loader
from color_mesh.ecs.task_definitions import MAX_CONTAINERS
from color_mesh.model import errors
from color_mesh.model.router import MAX_ROUTES
from stacks.settings import PARSERS, read_settings

# The package has a function of the same name.
load = import_module("color_mesh.cloudformation.load")
ROOT = Path(__file__).parents[2]
PAGES = {path.relative_to(ROOT / "docs").as_posix(): path.read_text() for path in ROOT.glob("docs/**/*.md")}
PAGES = {name: text for name, text in PAGES.items() if not name.startswith("node_modules/")}
AT_ROOT = {name: (ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")}
SETTINGS_TABLE = r"^\| `(color-mesh:\w+)` \|"
# Headings of troubleshooting.md that quote a message of this project; those of other programs begin with their name.
MESSAGES = re.findall(r"^### `(?!curl|color-mesh: error)(.+)`$", PAGES["troubleshooting.md"], re.MULTILINE)
SOURCES = "\n".join(
    path.read_text() for folder in ("constructs/color_mesh", "stacks") for path in (ROOT / folder).glob("**/*.py")
)


def test_readme_is_at_most_120_lines() -> None:
    assert len(AT_ROOT["README.md"].splitlines()) <= 120


def test_page_on_constructs_has_the_id_of_every_warning() -> None:
    # "color-mesh:domain" is metadata of a VPC, and the context of the tutorial's app is in another form.
    source = "\n".join(path.read_text() for path in (ROOT / "constructs/color_mesh/cdk").glob("*.py"))
    ids = {*re.findall(r'"color-mesh:(\w[\w-]*)', source)} - {"domain"}
    assert [each for each in ids if f"`color-mesh:{each}" not in PAGES["constructs.md"]] == []
    assert [each for each in ids if each != each.lower()] == []


def test_navigation_has_every_page() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text().split("\nnav:")[1].split("\nvalidation:")[0]
    # The list of findings leads to their pages.
    pages = [name for name in PAGES if not name.startswith("findings/")]
    assert sorted(re.findall(r"[\w/-]+\.md", navigation)) == sorted(pages)


@pytest.mark.parametrize("name", AT_ROOT)
def test_links_outside_the_built_pages_lead_to_files(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", AT_ROOT[name])
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_reference_has_every_public_name() -> None:
    names = re.findall(r"^::: color_mesh\.(\w+)$", "\n".join(PAGES.values()), re.MULTILINE)
    assert sorted(names) == sorted(color_mesh.__all__)


def test_settings_page_has_every_setting() -> None:
    settings = re.findall(SETTINGS_TABLE, PAGES["settings.md"], re.MULTILINE)
    assert settings == [f"color-mesh:{name}" for name in PARSERS]


def test_defaults_on_the_settings_page_are_the_defaults() -> None:
    rows = re.findall(rf"{SETTINGS_TABLE} `([^`]+)`", PAGES["settings.md"], re.MULTILINE)
    assert len(rows) > 5
    assert read_settings(dict(rows)) == read_settings({})


def test_cdk_json_has_the_defaults() -> None:
    assert read_settings(json.loads((ROOT / "cdk.json").read_text())["context"]) == read_settings({})


def test_tables_of_commands_are_the_help_of_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = re.findall(r"^    (\w+) +(.+)$", capsys.readouterr().out, re.MULTILINE)
    rows = re.findall(
        r"^\| `color-mesh (\w+).*?` \| (.+) \|$",
        PAGES["local.md"] + PAGES["migration.md"] + PAGES["analysis.md"],
        re.MULTILINE,
    )
    assert sorted(rows) == sorted(commands)


def test_local_page_shows_the_programs_of_this_project() -> None:
    assert (ROOT / "color-mesh.json").read_text() in PAGES["local.md"]


@pytest.mark.parametrize("message", MESSAGES)
def test_messages_under_troubleshooting_are_those_of_the_program(message: str) -> None:
    assert all(part.strip() in SOURCES for part in message.split("..."))


def test_limits_under_troubleshooting_are_those_of_the_program() -> None:
    table = PAGES["troubleshooting.md"].split("| limit | at most |")[1].split("###")[0]
    assert [int(limit) for limit in re.findall(r"\| (\d+) \|$", table, re.MULTILINE)] == [
        load.MAX_BYTES,
        load.MAX_JSON_BYTES,
        stack.MAX_MANIFEST_BYTES,
        files.MAX_TOTAL_BYTES,
        files.MAX_FILES,
        document_limits.MAX_DEPTH,
        yaml_loader.MAX_VALUES,
        files.MAX_TOTAL_VALUES,
        evaluate.MAX_SIZE,
        evaluate.MAX_STEPS,
        stack.MAX_RESOURCES,
        reading.MAX_RESOURCES,
        stack.MAX_NESTED,
        stack.MAX_STACKS,
        MAX_CONTAINERS,
        MAX_ROUTES,
        errors.MAX_PROBLEMS,
        errors.MAX_QUOTED,
    ]
    assert evaluate.MAX_DEPTH == document_limits.MAX_DEPTH


def test_gate_runs_the_commands_of_the_readme() -> None:
    gate = (ROOT / ".ci/run").read_text()
    assert all(command in gate and f"`{command}`" in AT_ROOT["README.md"] for command in ("make test", "make synth"))


@pytest.mark.parametrize("name", ["architecture.md", "CONTRIBUTING.md"])
def test_paths_named_in_pages_exist(name: str) -> None:
    text = {**PAGES, **AT_ROOT}[name]
    paths = re.findall(r"`([\w./-]+(?:\.py|\.md|\.json|/))`", text)
    assert len(paths) > 10
    generated = {"MIGRATION.md"}
    roots = (ROOT, ROOT / "constructs/color_mesh", ROOT / "tests")
    assert [path for path in paths if path not in generated and not any((root / path).exists() for root in roots)] == []
