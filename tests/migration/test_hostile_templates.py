"""Hostile text in every string and key of a template.

It becomes a literal of the generated app and text of the report and of the terminal, or the template is refused.
"""

import ast
import copy
import io
import json
import re
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from color_mesh.appmesh.source import read_source
from color_mesh.cli.main import main
from color_mesh.cloudformation import load
from color_mesh.migration import Migration, migrate
from color_mesh.migration.report import TITLES
from color_mesh.model import MeshError
from tests.support.builders import refusal
from tests.support.full_template import full_template
from tests.support.migrated_template import APP, ARN, ENVOY, migrated, running
from tests.support.needs import examples

BOOKSHOP = Path(__file__).parent.parent.parent / "examples" / "app_mesh" / "bookshop.yaml"
# Variables have lower-case names, so that a name of the generated code with this word comes out of a literal.
WORD = "HOSTILE"
TEXTS = (
    f"{WORD}()",
    f'"""\n{WORD}()\n"""',
    f"''', {WORD}(), '''",
    f"', {WORD}(), '",
    f"\\', {WORD}(), \\'",
    f'\\\\"; {WORD}() #',
    f"\n        {WORD}()\n",
    f"\r{WORD}()\x0b\x0c\x85\u2028{WORD}()",
    f"$AWS-REGION${{{WORD}()}}",
    f"$AWS-ACCOUNT-ID$' + {WORD}() + f'{{{{{WORD}()}}}}",
    f"\\N{{{WORD}}} {{mesh.{WORD}}} %({WORD})s",
    f"START, x={WORD}()",
    f"ARM64.{WORD}()",
    f"\x1b]0;{WORD}\x07\x1b[2J",
    f"\u202e{WORD}\ud800\U0001f98e",
    f"</li><script>{WORD}()</script>",
    f"```\n# {WORD}\n[a](javascript:{WORD}) ![b](//{WORD}) `c` | **d** <!-- e",
    f"\n- [x] {WORD}",
)
MODES = ("replace", "prepend", "append")
Place = tuple[str | int, ...]


def places(document: Any, path: Place = ()) -> Iterator[tuple[Place, bool]]:
    """Yield the path of every string, and that of every key with True."""
    if isinstance(document, str):
        yield path, False
    elif isinstance(document, dict):
        for key, each in document.items():
            yield (*path, key), True
            yield from places(each, (*path, key))
    elif isinstance(document, list):
        for index, each in enumerate(document):
            yield from places(each, (*path, index))


def with_text(document: Any, path: Place, is_key: bool, text: str) -> Any:
    """Return the document with ``text`` at a place."""
    changed = copy.deepcopy(document)
    *above, last = path
    parent = changed
    for each in above:
        parent = parent[each]
    if is_key:
        items = [(text if key == last else key, each) for key, each in parent.items()]
        parent.clear()
        parent.update(items)
    else:
        parent[last] = text
    return changed


def identifiers(source: str) -> set[str]:
    """Return every name, attribute, argument and imported name of a module."""
    return {
        text
        for node in ast.walk(ast.parse(source))
        if not isinstance(node, ast.Constant)
        for text in vars(node).values()
        if isinstance(text, str)
    }


DOCUMENTS = (load(BOOKSHOP), full_template())
PLACES = [(document, *place) for document in DOCUMENTS for place in places(document)]


def test_full_template_is_migrated_with_its_services(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps(full_template()))
    source = read_source([tmp_path / "t.json"])
    services = migrate(source, source.meshes[0]).files("")["services_stack.py"]
    assert "add_container_dependencies" in services
    assert "from_secret_complete_arn" in services


@given(
    place=st.sampled_from(PLACES), text=st.sampled_from(TEXTS), mode=st.sampled_from(("replace", "prepend", "append"))
)
@examples(100)
def test_hostile_text_is_refused_or_a_literal_of_the_generated_app(
    place: tuple[Any, Place, bool], text: str, mode: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = hostile_template(tmp_path_factory.getbasetemp(), *place, text, mode)
    try:
        source = read_source([file])
        files = migrate(source, source.meshes[0]).files("hostile.json", source.notes)
    except MeshError:
        return
    for name, content in files.items():
        if name.endswith(".py"):
            assert not [each for each in identifiers(content) if WORD in each]
    assert_report_is_text(files["MIGRATION.md"])


REPLACED_TEXTS = (
    "a ${Token[TOKEN.3]}",
    "#{Token[TOKEN.3]}",
    "${Token[$AWS-REGION$.3]}",
    "{{resolve:secretsmanager:prod",
)


def migration_with(tmp_path: Path, key: str, text: str) -> Migration:
    """Return the migration of the full template with a text in place of the first value of a property."""
    template = full_template()
    place = next(place for place, is_key in places(template) if key in place[-2:] and not is_key)
    (tmp_path / "t.json").write_text(json.dumps(with_text(template, place, is_key=False, text=text)))
    source = read_source([tmp_path / "t.json"])
    return migrate(source, source.meshes[0])


@pytest.mark.parametrize("text", REPLACED_TEXTS)
def test_text_of_the_mesh_that_a_deployment_would_replace_is_refused(text: str, tmp_path: Path) -> None:
    migration = migration_with(tmp_path, "Exact", text)
    assert "has text that a deployment would replace by a value, got " in refusal(migration.files, "")


@pytest.mark.parametrize("text", REPLACED_TEXTS)
def test_service_with_text_that_a_deployment_would_replace_is_left_out(text: str, tmp_path: Path) -> None:
    front = {"Name": "APPMESH_RESOURCE_ARN", "Value": ARN.replace("virtualNode/red", "virtualGateway/front")}
    others = running({"ContainerDefinitions": [{**ENVOY, "Environment": [front]}]})
    service = {**others["Service"], "Properties": {"TaskDefinition": {"Ref": "OtherTask"}}}
    damaged = running({"ContainerDefinitions": [{**APP, "Command": [text]}, ENVOY]})
    migration = migrated(tmp_path, {**damaged, "OtherTask": others["Task"], "Other": service})
    (left_out,) = (each for each in migration.findings if "has text that a deployment would replace" in each.text)
    assert left_out.kind == "lost"
    assert [each.part.name for each in migration.workloads] == ["front"]
    migration.files("")


@pytest.mark.parametrize("text", REPLACED_TEXTS)
def test_variable_that_a_deployment_would_replace_is_work_by_hand(text: str, tmp_path: Path) -> None:
    app = {**APP, "Environment": [{"Name": "PASSWORD", "Value": text}]}
    migration = migrated(tmp_path, running({"ContainerDefinitions": [app, ENVOY]}))
    (removed,) = (each for each in migration.findings if "because a deployment would replace its value" in each.text)
    assert removed.kind == "to do"
    migration.files("")


SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf"
DYNAMIC = f"{{{{resolve:secretsmanager:{SECRET_ARN}:SecretString:password::}}}}"


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        pytest.param(DYNAMIC, DYNAMIC, id="secret"),
        pytest.param("{{resolve:ssm-secure:/db:1}}", "{{resolve:ssm-secure:/db:1}}", id="secure-parameter"),
        pytest.param({"Fn::Sub": "db.${AWS::Region}/{{resolve:ssm:/db}}"}, "{{resolve:ssm:/db}}", id="with-text"),
        pytest.param(
            {"Fn::Join": ["", ["a:", "{{resolve:ssm:/u}}", "@", DYNAMIC]]}, "{{resolve:ssm:/u}}", id="in-a-list"
        ),
    ],
)
@pytest.mark.parametrize("key", ["Environment", "Secrets"])
def test_dynamic_reference_of_a_variable_is_work_by_hand(key: str, value: Any, quoted: str, tmp_path: Path) -> None:
    app = {**APP, key: [{"Name": "PASSWORD", "Value": value, "ValueFrom": value}]}
    migration = migrated(tmp_path, running({"ContainerDefinitions": [app, ENVOY]}))
    text = (
        f"the variable PASSWORD is removed, because a deployment would replace its value {quoted}: "
        "add it to the container as an ecs.Secret"
    )
    assert ("to do", text) in {(each.kind, each.text) for each in migration.findings}
    assert re.findall(r"PASSWORD|{{", migration.files("")["services_stack.py"]) == []


def test_variable_with_a_secret_of_the_template_is_removed(tmp_path: Path) -> None:
    value = {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": "Db"}, ":SecretString:password::}}"]]}
    app = {**APP, "Environment": [{"Name": "PASSWORD", "Value": value}]}
    secret = {"Db": {"Type": "AWS::SecretsManager::Secret"}}
    migration = migrated(tmp_path, {**running({"ContainerDefinitions": [app, ENVOY]}), **secret})
    text = "the variable PASSWORD is removed: Db.Ref is known only at deployment (add --set Db.Ref=VALUE)"
    assert text in {each.text for each in migration.findings}
    assert "PASSWORD" not in migration.files("")["services_stack.py"]


def test_dynamic_reference_of_an_image_has_a_placeholder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = {"Fn::Sub": "${AWS::Region}.example.com/red:{{resolve:ssm:/tag}}"}
    migrated(tmp_path, running({"ContainerDefinitions": [{**APP, "Image": image}, ENVOY]}))
    assert main(["migrate", str(tmp_path / "t.json"), "--out", str(tmp_path / "out")]) == 0
    services = (tmp_path / "out" / "services_stack.py").read_text()
    assert '"placeholder/resolve-ssm-tag"' in services
    assert "{{" not in services
    note = "Image: is known only at deployment, got '<AWS::Region>.example.com/red:{{resolve:ssm:/tag}}' (write the"
    assert note in capsys.readouterr().err


@pytest.mark.parametrize(
    "container",
    [
        pytest.param({"Command": ["--password", DYNAMIC]}, id="command"),
        pytest.param({"HealthCheck": {"Command": ["CMD-SHELL", f"curl -u {DYNAMIC}"]}}, id="check"),
        pytest.param({"User": "{{resolve:ssm:/user}}"}, id="user"),
    ],
)
def test_service_with_a_dynamic_reference_elsewhere_is_left_out_alone(
    container: dict[str, Any], tmp_path: Path
) -> None:
    front = {"Name": "APPMESH_RESOURCE_ARN", "Value": ARN.replace("virtualNode/red", "virtualGateway/front")}
    others = running({"ContainerDefinitions": [{**ENVOY, "Environment": [front]}]})
    service = {**others["Service"], "Properties": {"TaskDefinition": {"Ref": "OtherTask"}}}
    damaged = running({"ContainerDefinitions": [{**APP, **container}, ENVOY]})
    migration = migrated(tmp_path, {**damaged, "OtherTask": others["Task"], "Other": service})
    (left_out,) = (each for each in migration.findings if "is known only at deployment" in each.text)
    assert left_out.kind == "lost"
    assert [each.part.name for each in migration.workloads] == ["front"]
    assert "{{" not in "".join(text for name, text in migration.files("").items() if name.endswith(".py"))


@given(
    place=st.sampled_from(PLACES),
    text=st.sampled_from(TEXTS),
    mode=st.sampled_from(MODES),
    command=st.sampled_from(("show", "parity", "up --plan", "migrate")),
)
@examples(100)
def test_terminal_gets_no_control_character_of_a_template(
    place: tuple[Any, Place, bool], text: str, mode: str, command: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    file = hostile_template(folder, *place, text, mode)
    out = ["--out", str(folder / "out")] if command == "migrate" else []
    output = io.StringIO()
    with redirect_stdout(output), redirect_stderr(output):
        main([*command.split(), str(file), *out])
    assert [line for line in output.getvalue().split("\n") if not line.isprintable()] == []


def hostile_template(folder: Path, document: Any, path: Place, is_key: bool, text: str, mode: str) -> Path:
    """Return the file of a document with ``text`` in place of the text at a place, before it or after it."""
    old = path[-1] if is_key else _at(document, path)
    texts = {"replace": text, "prepend": f"{text}{old}", "append": f"{old}{text}"}
    file = folder / "hostile.json"
    file.write_text(json.dumps(with_text(document, path, is_key, texts[mode])))
    return file


def assert_report_is_text(report: str) -> None:
    """Check that the report has the lines of its own, and no markup in what it says of a template."""
    before, fence, table = report.partition("\n\n## The mesh\n\n```")
    assert fence
    assert [line for line in report.split("\n") if not line.isprintable()] == []
    assert re.fullmatch(r"`*\n.*\n```+\n", table, re.DOTALL)
    findings, _, _ = before.partition("\n\n## Before `cdk deploy`")
    _, *sections = findings.split("\n\n## ")
    assert [each.partition("\n\n")[0] for each in sections] == [*TITLES.values(), "Findings about the old mesh"]
    for section in sections:
        for line in section.partition("\n\n")[2].split("\n"):
            assert line.startswith("- ") or line == "Nothing."
            # A backslash before punctuation makes it text (CommonMark, Backslash escapes).
            rest = re.sub(r"\\[!-/:-@\[-`{-~]", "", line.removeprefix("- "))
            assert not re.search(r"[`*\[\]<>&$|~\\]|://|^[#+=-]|^[0-9]+[.)]", rest)


def _at(document: Any, path: Place) -> Any:
    for each in path:
        document = document[each]
    return document
