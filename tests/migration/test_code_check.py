"""The check of the generated Python files."""

from pathlib import Path

import pytest

from color_mesh.appmesh.source import read_source
from color_mesh.migration import migrate
from color_mesh.migration.code_check import check_modules
from tests.support.builders import refusal

BOOKSHOP = Path(__file__).parent.parent.parent / "examples" / "app_mesh" / "bookshop.yaml"
GOLD = Path(__file__).parent / "gold"


@pytest.mark.parametrize("path", sorted(GOLD.glob("*.py")), ids=lambda path: path.stem)
def test_generated_files_are_accepted(path: Path) -> None:
    modules = {path.name: path.read_text()}
    assert check_modules(modules) == modules


@pytest.mark.parametrize(
    ("code", "unknown"),
    [
        pytest.param("print(1)", "print(1)", id="call"),
        pytest.param("import subprocess", "import subprocess", id="import"),
        pytest.param("from subprocess import run", "from subprocess import run", id="import-from"),
        pytest.param("from . import mesh_stack", "from . import mesh_stack", id="relative-import"),
        pytest.param(
            "from os import system as App\nApp('id')", "from os import system as App", id="function-of-a-known-module"
        ),
        pytest.param("from aws_cdk import Fn as App", "from aws_cdk import Fn as App", id="alias-of-a-known-name"),
        pytest.param("from aws_cdk import *", "from aws_cdk import *", id="all-names-of-a-known-module"),
        pytest.param("import os as build", "import os as build", id="alias-of-a-module"),
        pytest.param("@build\ndef build(): return", "build", id="decorator-without-a-call"),
        pytest.param("class A(metaclass=dict): x = 1", "dict", id="metaclass"),
        pytest.param("import os\nx = os.system", "os.system", id="attribute"),
        pytest.param("import os\nos.environ.get('HOME')", "os.environ.get('HOME')", id="variable-of-the-environment"),
        pytest.param("from aws_cdk import App\nApp(outdir='/')", "App(outdir='/')", id="folder-of-the-output"),
        pytest.param("ServiceMesh.__init__.__globals__", "ServiceMesh.__init__.__globals__", id="dunder"),
        pytest.param("str.add_route()", "str.add_route()", id="method-of-a-builtin"),
        pytest.param("ServiceMesh(*dict)", "*dict", id="unpacked-arguments"),
        pytest.param("ServiceMesh(**dict)", "dict", id="unpacked-keywords"),
        pytest.param("str = dict", "str", id="hidden-builtin"),
        pytest.param("unknown", "unknown", id="name"),
        pytest.param("x = lambda: 1", "lambda: 1", id="lambda"),
        pytest.param("x = [1 for x in ()]", "[1 for x in ()]", id="comprehension"),
        pytest.param("x = f'{dict}'", "dict", id="f-string"),
        pytest.param("x = f'{self.region!r}'", "self.region", id="conversion-in-an-f-string"),
        pytest.param("with x: pass", "with x:\n    pass", id="statement"),
        pytest.param("x = 1 if str else exec('1')", "exec('1')", id="nested-call"),
        pytest.param("class A(exec('1')): pass", "exec('1')", id="base-class"),
        pytest.param("@exec\ndef build(): return", "exec", id="decorator"),
    ],
)
def test_code_that_the_migration_does_not_write_is_refused(code: str, unknown: str) -> None:
    assert refusal(check_modules, {"app.py": code}).splitlines()[0] == (
        f"app.py: the generated code has a part that no template may add, got {unknown!r} "
        "(report the template as a bug of color-mesh migrate)"
    )


def test_file_that_is_not_python_is_refused() -> None:
    assert refusal(check_modules, {"app.py": "x = ("}).startswith("app.py: the generated code is not Python, got ")


def test_code_in_a_generated_file_is_refused_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    source = read_source([BOOKSHOP])
    migration = migrate(source, source.meshes[0])
    monkeypatch.setattr("color_mesh.migration.migration.mesh_module", lambda _: "import os\nos.system('touch x')\n")
    assert refusal(migration.files, "").startswith("mesh_stack.py: the generated code has a part that no template may")
