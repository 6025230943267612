"""The package by itself: built as a wheel, installed alone, used by the examples."""

import email
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest


def run(*command: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel installed in it, and nothing else of the repository."""
    root, source, target = Path(__file__).parent.parent, *(tmp_path_factory.mktemp(n) for n in ("source", "target"))
    shutil.copytree(root / "constructs", source / "constructs", ignore=shutil.ignore_patterns("*.egg-info", "__pyc*"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, source)
    # The build backend of pyproject.toml, called as pip does (PEP 517).
    run(sys.executable, "-c", "from setuptools import build_meta; build_meta.build_wheel('.')", cwd=source)
    (wheel,) = source.glob("*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def test_wheel_has_the_package_and_its_types_and_nothing_else(installed: Path) -> None:
    assert [path.name for path in installed.iterdir() if path.suffix != ".dist-info"] == ["color_mesh"]
    assert (installed / "color_mesh" / "py.typed").exists()


def test_wheel_has_the_command_the_license_and_the_metadata_of_the_project(installed: Path, root: Path) -> None:
    (info,) = installed.glob("*.dist-info")
    assert (info / "licenses" / "LICENSE").read_text() == (root / "LICENSE").read_text()
    scripts = (info / "entry_points.txt").read_text()
    assert scripts == "[console_scripts]\ncolor-mesh = color_mesh.cli.main:main\n"
    metadata = email.message_from_string((info / "METADATA").read_text())
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["Author"] == "The color-mesh authors"
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    assert metadata.get_all("Provides-Extra") == ["local", "certificates", "migrate"]


@pytest.mark.node
@pytest.mark.parametrize(
    ("example", "stack", "applications", "data_plane"),
    [
        ("two_services", "ShopStack", ["stock-app", "shop-app"], "envoy"),
        ("existing_network", "ReportsStack", ["reports-app"], "envoy"),
        ("json_web_tokens", "ShopStack", ["shop-app"], "envoy"),
    ],
)
def test_example_synthesizes_with_the_wheel(
    example: str, stack: str, applications: list[str], data_plane: str, installed: Path, tmp_path: Path
) -> None:
    app = Path(__file__).parent.parent / "examples" / example / "app.py"
    shutil.copy(app, tmp_path)
    run(sys.executable, "app.py", cwd=tmp_path, PYTHONPATH=str(installed), CDK_OUTDIR="out", CDK_VALIDATION="false")
    used = run(
        sys.executable, "-c", "import color_mesh; print(color_mesh.__file__)", cwd=tmp_path, PYTHONPATH=str(installed)
    )
    assert Path(used.strip()) == installed / "color_mesh" / "__init__.py"
    template: dict[str, Any] = json.loads((tmp_path / "out" / f"{stack}.template.json").read_text())
    resources = template["Resources"].values()
    containers = [
        container["Name"]
        for resource in resources
        if resource["Type"] == "AWS::ECS::TaskDefinition"
        for container in resource["Properties"]["ContainerDefinitions"]
    ]
    assert [name for name in containers if name.endswith("-app")] == applications
    assert any(each["Type"].startswith("AWS::AppMesh::") for each in resources) == (data_plane == "app-mesh")
