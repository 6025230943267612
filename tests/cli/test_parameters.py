"""Parameter files: their forms, and how they go with ``--set``."""

import json
from pathlib import Path
from typing import Any

import pytest

from color_mesh.cli.main import main
from color_mesh.cli.parameters import MAX_BYTES, read_parameters
from tests.support.builders import refusal

MESH = {
    "Parameters": {"Stage": {"Type": "String"}},
    "Resources": {"Mesh": {"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": {"Fn::Sub": "shop-${Stage}"}}}},
}


def write(folder: Path, name: str, content: Any) -> str:
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return str(folder / name)


@pytest.mark.parametrize(
    "content",
    [
        [{"ParameterKey": "Stage", "ParameterValue": "prod"}],
        {"Parameters": {"Stage": "prod"}, "Tags": {"a": "b"}},
        {"Stage": "prod"},
    ],
)
def test_every_form_gives_the_values(content: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    template, file = write(tmp_path, "mesh.json", MESH), write(tmp_path, "values.txt", content)
    assert main(["show", template, "--parameters", file]) == 0
    assert capsys.readouterr().out.startswith("mesh shop-prod ")


def test_set_overrides_the_files_in_their_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    template = write(tmp_path, "mesh.json", MESH)
    first, second = (write(tmp_path, f"{name}.txt", {"Stage": name}) for name in ("first", "second"))
    main(["show", template, "--parameters", first, "--parameters", second])
    main(["show", template, "--parameters", first, "--set", "Stage=third"])
    assert [line for line in capsys.readouterr().out.split("\n") if line.startswith("mesh ")] == [
        "mesh shop-second (egress DROP_ALL: backends only)",
        "mesh shop-third (egress DROP_ALL: backends only)",
    ]


def test_numbers_and_flags_are_text(tmp_path: Path) -> None:
    assert read_parameters(write(tmp_path, "a", {"Count": 2, "On": True})) == {"Count": "2", "On": "true"}


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ('"a"', "is not a parameter file, got 'str' (such as"),
        ("[1]", "is not a parameter file, got 'list' (such as"),
        ('[{"Key": "a"}]', "parameter None: has no text as its value, got None (such as"),
        ('{"a": []}', "parameter a: has no text as its value, got [] (such as"),
        ("{", "cannot be read as JSON, got 'JSONDecodeError' (give the path of a JSON file)"),
        ("[" * 100000, "cannot be read as JSON, got 'RecursionError' (give the path of a JSON file)"),
        (" " * (MAX_BYTES + 1), "is too large, got 'more than 1000000 bytes' (at most 1000000)"),
    ],
)
def test_other_files_are_refused(content: str, wrong: str, tmp_path: Path) -> None:
    assert wrong in refusal(read_parameters, write(tmp_path, "a", content))


def test_missing_file_and_device_are_refused(tmp_path: Path) -> None:
    for path in (str(tmp_path / "none"), "/dev/zero", str(tmp_path)):
        assert refusal(read_parameters, path) == f"{path}: cannot be read, got 'no file' (give an existing file)"


def test_every_problem_of_files_and_options_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    template = write(tmp_path, "mesh.json", MESH)
    first, second = write(tmp_path, "a.txt", {"Stage": [], "Zone": {}}), str(tmp_path / "nowhere")
    assert main(["show", template, "--parameters", first, "--parameters", second, "--set", "Stage"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(", got")[0] for line in lines] == [
        f"{first}: parameter Stage: has no text as its value",
        f"{first}: parameter Zone: has no text as its value",
        f"{second}: cannot be read",
        "--set: not NAME=VALUE",
    ]


def test_previous_value_of_a_parameter_is_not_known(tmp_path: Path) -> None:
    previous = {"ParameterKey": "Stage", "UsePreviousValue": True}
    other = {"ParameterKey": "Zone", "ParameterValue": "a", "UsePreviousValue": False}
    assert read_parameters(write(tmp_path, "a", [previous, other])) == {"Zone": "a"}
