"""Programs that run in place of images: color-mesh.json and --image."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from color_mesh.cli.images import read_images
from color_mesh.model import MeshError

EXAMPLE = 'such as {"images": {"example/shop": {"command": ["python3", "./shop.py"]}}}'
SH = "/bin/sh"


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory, and the standard PATH."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", "/bin")
    return folder


def write(folder: Path, content: Any) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "color-mesh.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def images(**commands: list[str]) -> Any:
    return {"images": {name: {"command": command} for name, command in commands.items()}}


def problems(*options: str) -> list[str]:
    with pytest.raises(MeshError) as error:
        read_images([Path("cdk.out")], options)
    return str(error.value).splitlines()


def test_without_file_and_option_no_image_has_a_program() -> None:
    assert read_images([Path("cdk.out")], []) == {}


def test_file_is_read_from_the_working_directory(working_directory: Path) -> None:
    write(working_directory, images(shop=["sh", "-c", "true"]))
    assert read_images([Path("cdk.out")], []) == {"shop": (SH, "-c", "true")}


def test_file_beside_the_source_is_read_instead_of_that_in_the_working_directory(
    working_directory: Path, tmp_path: Path
) -> None:
    write(working_directory, images(shop=["sh"]))
    write(tmp_path / "app", images(stock=["sh"]))
    assert read_images([tmp_path / "app" / "cdk.out"], []) == {"stock": (SH,)}


def test_relative_paths_in_the_file_are_relative_to_its_folder(tmp_path: Path) -> None:
    app = tmp_path / "app"
    write(app, images(shop=["./run.sh", "./shop.py", "../data", "8080", "/etc/hosts"]))
    (app / "run.sh").write_text("")
    (app / "run.sh").chmod(0o755)
    (app / "shop.py").write_text("")
    (tmp_path / "data").write_text("")
    assert read_images([app / "cdk.out"], []) == {
        "shop": (f"{app}/run.sh", f"{app}/shop.py", f"{tmp_path}/data", "8080", "/etc/hosts")
    }


def test_relative_paths_in_an_option_are_relative_to_the_working_directory(working_directory: Path) -> None:
    (working_directory / "shop.py").write_text("")
    assert read_images([], ["shop=sh ./shop.py 'a b'"]) == {"shop": (SH, f"{working_directory}/shop.py", "a b")}


@pytest.mark.parametrize("name", ["example/shop:1", "example/shop", "shop"])
def test_option_overrides_the_file(name: str, working_directory: Path) -> None:
    write(working_directory, {"images": {"example/shop:1": {"command": ["sh"]}, "stock": {"command": ["sh"]}}})
    assert read_images([], [f"{name}=sh -x"]) == {"stock": (SH,), name: (SH, "-x")}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("{", ": is not valid JSON, got 'line 1, column 2: Expecting property name", id="json"),
        pytest.param("[" * 10_000, ": is nested too deeply, got 'more than 100 levels' (", id="depth"),
        pytest.param('{"images": {}, "images": {}}', ": has a duplicate key, got 'images' (", id="duplicate"),
        pytest.param([], ": is not an object, got 'list' (keys and values at its top)", id="list"),
        pytest.param(
            images(shop=["sh", "a\0"]),
            ": image shop: has a null character, which no program can get, got ['a\\x00'] (remove it)",
            id="null-character",
        ),
        pytest.param(images(shop=["sh", f"./{'a' * 300}"]), ": image shop: file not found, got './aaa", id="long-path"),
        pytest.param({"image": {}}, ": unknown key, got 'image' (known: images)", id="key"),
        pytest.param({"images": []}, f": images: not an object, got [] ({EXAMPLE})", id="images"),
        pytest.param(
            {"images": {"shop": {"command": ["sh"], "user": 1}}},
            ": image shop: unknown key, got 'user' (known: command)",
            id="key-of-an-image",
        ),
        pytest.param(
            {"images": {"shop": {"command": "sh -c true"}}},
            ": image shop: 'command' is not a list of text, got 'sh -c true' "
            '(a program and its arguments, such as ["python3", "./shop.py"])',
            id="command-text",
        ),
        pytest.param(
            {"images": {"shop": {"command": []}}},
            ": image shop: 'command' is not a list of text, got [] "
            '(a program and its arguments, such as ["python3", "./shop.py"])',
            id="command-empty",
        ),
        pytest.param(
            images(shop=["shop-server"]),
            ": image shop: program not found, got 'shop-server' "
            "(a program on the PATH, or the path of an executable file)",
            id="program",
        ),
    ],
)
def test_invalid_file_is_refused(content: Any, expected: str, working_directory: Path) -> None:
    file = write(working_directory, content)
    (line,) = problems()
    assert line.startswith(str(file))
    assert expected in line


def test_file_of_an_argument_that_does_not_exist_is_refused(working_directory: Path) -> None:
    file = write(working_directory, images(shop=["sh", "./shop.py"]))
    assert problems() == [
        f"{file}: image shop: file not found, got './shop.py' (a path relative to {working_directory})"
    ]


def test_every_problem_of_the_file_comes_in_one_error(working_directory: Path) -> None:
    file = write(working_directory, {"image": 1, "images": {"shop": {}, "stock": 2}})
    assert [line.removeprefix(f"{file}: ").split(", got")[0] for line in problems()] == [
        "unknown key",
        "image shop: 'command' is not a list of text",
        "image stock: not an object",
    ]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        pytest.param(
            "shop",
            "--image: not NAME=COMMAND, got 'shop' (such as --image example/shop='python3 -m http.server 8080')",
            id="no-command",
        ),
        pytest.param(
            "shop='sh",
            """--image shop: unclosed quotation mark in the command, got "'sh" (close it)""",
            id="quotation-mark",
        ),
        pytest.param(
            "shop=shop-server",
            "--image shop: program not found, got 'shop-server' "
            "(a program on the PATH, or the path of an executable file)",
            id="program",
        ),
    ],
)
def test_invalid_option_is_refused(option: str, expected: str) -> None:
    assert problems(option) == [expected]


def test_programs_of_the_tutorial_exist(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    commands = read_images([root / "cdk.out"], [])
    assert {name: command[-1] for name, command in commands.items()} == {
        "forsakenidol/colorapp": "0.0.0.0:80",
        "public.ecr.aws/docker/library/nginx": "127.0.0.1:80",
        "public.ecr.aws/aws-observability/aws-otel-collector": str(root / "images" / "collector.py"),
    }
