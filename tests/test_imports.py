"""Imports go one way: a table of what each package of the library may import, and no circles within a package."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import color_mesh
from tests.support.syntax import nested_statements, parsed

SOURCE = Path(__file__).parent.parent / "constructs"
MODULES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in (SOURCE / "color_mesh").rglob("*.py")
}
CORE = ("model", "cloudformation", "appmesh", "ecs", "envoy")
# Each package or module, in order: what it may import of the library, and which other libraries.
MAY_IMPORT: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "model": ((), ()),
    "aws_json": (("model",), ()),
    "cloudformation": (("model", "aws_json"), ("yaml",)),
    "appmesh": (("model", "aws_json", "cloudformation"), ()),
    "ecs": (("model", "cloudformation", "appmesh"), ()),
    "envoy": (("model",), ()),
    "report": (("model",), ()),
    "authority": ((), ("cryptography",)),
    "analysis": ((*CORE,), ()),
    "cdk": (("model", "appmesh", "envoy", "analysis"), ("aws_cdk", "constructs", "jsii")),
    "local.folder": (("model",), ()),
    "local.terminal": ((), ()),
    "local.plan": ((*CORE, "analysis"), ()),
    "local.run": (
        ("model", "ecs", "envoy", "authority", "local.folder", "local.terminal", "local.plan"),
        ("dns", "google", "h11", "opentelemetry", "pyroute2"),
    ),
    "local.client": (("model", "local.folder", "local.terminal"), ()),
    "migration": ((*CORE, "report", "analysis"), ("ruff",)),
    "cli": (
        (
            *(
                "model",
                "aws_json",
                "cloudformation",
                "appmesh",
                "envoy",
                "report",
                "authority",
                "analysis",
                "local.plan",
                "local.run",
                "local.client",
            ),
            "migration",
        ),
        (),
    ),
    "__main__": (("cli",), ()),
    # The public names: constructs, loaded when they are first used, and the values that they take.
    "__init__": (("model", "cdk"), ()),
}


def package(module: str) -> str:
    """Return the row of the table that a module belongs to."""
    _, *parts = module.split(".")
    return ".".join(parts[:2] if parts[:1] == ["local"] else parts[:1]) or "__init__"


@cache
def imports(module: str) -> set[str]:
    """Return what a module imports, including imports within functions and those for type checking only."""
    names = set()
    for node in nested_statements(parsed(MODULES[module])):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, f"{module} has a relative import"
            members = [f"{node.module}.{alias.name}" for alias in node.names]
            names |= {member if member in MODULES else node.module for member in members}
    return names


def forbidden_imports(row: str) -> Iterator[tuple[str, str]]:
    """Yield each import of the modules of a row that the table does not have."""
    packages, libraries = MAY_IMPORT[row]
    for module in (module for module in MODULES if package(module) == row):
        for name in imports(module):
            library = name.partition(".")[0]
            if library == "color_mesh":
                allowed = package(name) in (row, *packages)
            else:
                allowed = library in libraries or library in sys.stdlib_module_names
            if not allowed:
                yield module.removeprefix("color_mesh."), package(name) if library == "color_mesh" else name


def test_table_has_every_package() -> None:
    # `color_mesh.local` itself is only a folder.
    assert {package(module) for module in MODULES} - {"local"} == set(MAY_IMPORT)


@pytest.mark.parametrize("row", MAY_IMPORT)
def test_row_allows_only_rows_above_it(row: str) -> None:
    rows = list(MAY_IMPORT)
    assert set(MAY_IMPORT[row][0]) <= set(rows[: rows.index(row)])


@pytest.mark.parametrize("row", MAY_IMPORT)
def test_package_imports_only_what_the_table_allows(row: str) -> None:
    assert set(forbidden_imports(row)) == set()


@pytest.mark.parametrize("row", MAY_IMPORT)
def test_table_allows_only_what_the_package_imports(row: str) -> None:
    names = {name for module in MODULES if package(module) == row for name in imports(module)}
    packages, libraries = MAY_IMPORT[row]
    assert set(packages) <= {package(name) for name in names if name.startswith("color_mesh")}
    assert set(libraries) <= {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("row", MAY_IMPORT)
def test_package_has_no_import_circle(row: str) -> None:
    modules = {module for module in MODULES if package(module) == row}
    TopologicalSorter({module: modules & imports(module) for module in modules}).prepare()


def test_imports_beside_the_constructs_do_not_load_the_cdk(root: Path) -> None:
    modules = [module for module in MODULES if package(module) not in ("cdk", "__main__")]
    code = f"""
import importlib, sys
for module in {[*modules, "stacks.settings"]}:
    importlib.import_module(module)
    assert not {{"aws_cdk", "jsii"}} & sys.modules.keys(), module
"""
    child = subprocess.run([sys.executable, "-c", code], cwd=root, check=False, capture_output=True, text=True)
    assert child.returncode == 0, child.stderr


@pytest.mark.parametrize("command", ["exec", "fail", "heal", "renew", "set", "status"])
def test_commands_at_a_running_mesh_load_no_reader_and_no_event_loop(command: str) -> None:
    """They are typed often, and scripts and tests repeat them until something is as they want it."""
    slow = "{'yaml', 'asyncio', 'color_mesh.ecs'} & sys.modules.keys()"
    code = f"import sys, color_mesh.cli.main, color_mesh.cli.commands.{command}; print({slow})"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert output == "set()\n"


@pytest.mark.node
@pytest.mark.parametrize("name", color_mesh.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(color_mesh, name).__name__ == name


def test_directory_of_the_package_lists_every_public_name_before_the_cdk_is_loaded() -> None:
    code = "import sys, color_mesh; print({*color_mesh.__all__} - {*dir(color_mesh)}, 'jsii' in sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert output == "set() False\n"


def test_a_name_that_is_not_public_does_not_resolve() -> None:
    with pytest.raises(AttributeError, match="^module 'color_mesh' has no attribute 'ColourRouter'$"):
        _ = color_mesh.ColourRouter
