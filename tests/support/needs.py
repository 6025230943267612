"""A pytest plugin: marks for the programs that tests start, and ``--quick``, which leaves those tests out.

A test is marked with what its fixtures and the imports of its module need. A test that starts one of the programs by
itself has its marks written beside it. A test that starts a program without its mark fails.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import hypothesis
import pytest
from hypothesis.database import DirectoryBasedExampleDatabase

from tests.support.syntax import imported_modules, parsed

MARKS = {
    "node": "starts Node: the CDK, its CLI",
    "envoy": "starts Envoy",
    "root": "creates network namespaces: as root, or in a user namespace",
    "thorough": "needs the full number of generated examples",
}
# By the name of a file in the command; `app.py` starts Node itself.
_PROGRAMS = {"node": "node", "npm": "node", "npx": "node", "cdk": "node", "app.py": "node", "envoy": "envoy"}
_MODULES = {
    "aws_cdk": {"node"},
    "app": {"node"},
    "tests.support.loopback_mesh": {"envoy"},
    "tests.support.local_mesh": {"node", "envoy", "root"},
}
_DEFAULT_EXAMPLES, _QUICK_EXAMPLES = 100, 5
_most_examples = sys.maxsize
# Programs of `_PROGRAMS` that were started since the last test, or while test modules were imported.
_started: set[str] = set()


def examples(count: int) -> hypothesis.settings:
    """Return settings of hypothesis for this number of generated examples; with ``--quick``, for a few."""
    return hypothesis.settings(max_examples=min(count, _most_examples))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick",
        action="store_true",
        help="only tests that start neither Node nor Envoy, with fewer generated examples",
    )
    parser.addoption(
        "--fuzz",
        action="store_true",
        help="other generated examples in each run; those that fail are kept and run first",
    )


def pytest_configure(config: pytest.Config) -> None:
    for name, description in MARKS.items():
        config.addinivalue_line("markers", f"{name}: {description}")
    quick = config.getoption("--quick")
    if quick:
        global _most_examples
        _most_examples = _QUICK_EXAMPLES
    fuzz = config.getoption("--fuzz")
    # The same examples every time, however slow the machine is and however large they are.
    hypothesis.settings.register_profile(
        "color-mesh",
        max_examples=min(_DEFAULT_EXAMPLES, _most_examples),
        derandomize=not fuzz,
        deadline=None,
        database=DirectoryBasedExampleDatabase(".hypothesis/examples") if fuzz else None,
        print_blob=True,
        suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
    )
    hypothesis.settings.load_profile("color-mesh")

    def note_program(event: str, arguments: tuple[object, ...]) -> None:
        if event == "subprocess.Popen":
            _, command, *_ = arguments
            # A program, or Python and its script.
            words = command[:2] if isinstance(command, list | tuple) else [command]
            _started.update({Path(str(word)).name for word in words} & set(_PROGRAMS))

    sys.addaudithook(note_program)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Ignore modules, and folders with a conftest.py, that need a program as soon as they are imported."""
    if not config.getoption("--quick"):
        return None
    module = collection_path / "conftest.py" if collection_path.is_dir() else collection_path
    return True if module.suffix == ".py" and module.exists() and _needs(module)[""] else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if not isinstance(item, pytest.Function):
            # A code block of the documentation.
            item.add_marker("node")
            item.add_marker("envoy")
            continue
        for path in (item.path, *_conftests(item.path.parent)):
            for name in ("", item.originalname, *item.fixturenames):
                for need in sorted(_needs(path).get(name, set())):
                    item.add_marker(need)
    if config.getoption("--quick"):
        if _started:
            raise pytest.UsageError(f"{sorted(_started)} started while test modules were imported")
        left_out = [item for item in items if _marks(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not _marks(item)]


def pytest_runtest_logstart() -> None:
    _started.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    yield
    unmarked = {program for program in _started if _PROGRAMS[program] not in _marks(item)}
    if unmarked:
        pytest.fail(f"starts {sorted(unmarked)} without a mark such as pytest.mark.{_PROGRAMS[min(unmarked)]}")


def _marks(item: pytest.Item) -> set[str]:
    return {mark.name for mark in item.iter_markers()} & set(MARKS)


@cache
def _conftests(folder: Path) -> list[Path]:
    return [each / "conftest.py" for each in (folder, *folder.parents) if (each / "conftest.py").exists()]


@cache
def _needs(path: Path) -> dict[str, set[str]]:
    """Return what the imports of each function of a module need: a test or a fixture; of the module itself: ""."""
    tree = parsed(path)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    rest = [node for node in tree.body if not isinstance(node, ast.FunctionDef)]
    needs = {function.name: _needs_of_imports(function.body) for function in functions}
    return {"": _needs_of_imports(rest), **needs}


def _needs_of_imports(block: Sequence[ast.stmt]) -> set[str]:
    names = {name for statement in block for name in imported_modules(statement)}
    return {
        need
        for name in names
        for module, needs in _MODULES.items()
        if name == module or name.startswith(f"{module}.")
        for need in needs
    }
