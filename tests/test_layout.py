"""Rules of the layout that break silently."""

import ast
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

from tests.support.syntax import imported_modules, parsed


def test_source_root_is_no_package(root: Path) -> None:
    assert not (root / "constructs" / "__init__.py").exists()


def test_constructs_is_the_library_of_that_name(root: Path) -> None:
    spec = find_spec("constructs")
    assert spec is not None
    assert spec.origin is not None
    assert not Path(spec.origin).is_relative_to(root / "constructs")


TESTS = Path(__file__).parent


def test_test_modules_import_only_support_modules() -> None:
    imports = {
        (str(path.relative_to(TESTS)), name)
        for path in TESTS.rglob("*.py")
        for name in imported_modules(parsed(path))
        if name.startswith("tests.") and not name.startswith("tests.support")
    }
    assert imports == set()


def test_support_modules_have_no_two_public_definitions_of_one_name() -> None:
    definitions = Counter(
        node.name
        for path in (TESTS / "support").glob("*.py")
        for node in parsed(path).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in definitions.items() if count > 1] == []


def folders(path: Path) -> set[str]:
    # Folders that only have bytecode are left over from before a change.
    return {each.name for each in path.iterdir() if any(file.suffix != ".pyc" for file in each.glob("**/*.*"))}


def test_tests_mirror_the_packages(root: Path) -> None:
    packages = folders(root / "constructs" / "color_mesh")
    assert folders(TESTS) == packages | {"app", "docs", "examples", "manifests", "support", "traffic", "up"}
