"""The tests of a checkout run as editors start them, say what they skip, and are marked with what they need."""

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

SCRIPTS = Path(sysconfig.get_path("scripts"))
SKIPPED = """
import pytest
from tests.support.skips import skip

@pytest.mark.parametrize("count", range(3))
def test_needs_curl(count):
    skip(["curl is not installed (sudo apt-get install curl)"])

def test_needs_two_programs():
    skip(["curl is not installed (sudo apt-get install curl)", "ps is not installed (sudo apt-get install procps)"])

def test_needs_nothing():
    skip([])
"""
UNMARKED = """
import subprocess
import pytest

@pytest.mark.{mark}
def test_starts_envoy():
    subprocess.run(["envoy", "--version"], check=True, stdout=subprocess.DEVNULL)
"""


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    """Make the support modules importable in projects of `pytester`."""
    monkeypatch.setenv("PYTHONPATH", str(root))


def project(pytester: pytest.Pytester, tests: str, *plugins: str) -> None:
    pytester.makeconftest(f"pytest_plugins = {plugins}")
    pytester.makepyfile(tests)


@pytest.mark.parametrize("program", ["cdk", "node", "envoy", "color-mesh", "ruff", "check-jsonschema"])
def test_programs_are_those_of_the_virtual_environment(program: str) -> None:
    path = shutil.which(program)
    assert path is not None
    assert Path(path).parent == SCRIPTS


def test_tests_run_without_an_activated_environment(root: Path) -> None:
    result = subprocess.run(
        [SCRIPTS / "pytest", "--quiet", "-p", "no:cacheprovider", f"{__file__}::{_PROGRAMS.__name__}"],
        cwd=root,
        env={"HOME": os.environ["HOME"], "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    assert "6 passed" in result.stdout


_PROGRAMS = test_programs_are_those_of_the_virtual_environment


def test_skipped_tests_are_counted_by_reason(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    project(pytester, SKIPPED, "tests.support.skips")
    result = pytester.runpytest()
    result.assert_outcomes(passed=1, skipped=4)
    result.stdout.fnmatch_lines(
        [
            "*tests that this machine cannot run*",
            "4 skipped: curl is not installed (sudo apt-get install curl)",
            "1 skipped: ps is not installed (sudo apt-get install procps)",
        ]
    )


def test_nothing_is_skipped_in_ci(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    project(pytester, SKIPPED, "tests.support.skips")
    pytester.runpytest().assert_outcomes(passed=1, failed=4)


@pytest.mark.envoy
@pytest.mark.parametrize(("mark", "outcomes"), [("node", {"passed": 1, "errors": 1}), ("envoy", {"passed": 1})])
def test_program_without_its_mark_is_an_error(pytester: pytest.Pytester, mark: str, outcomes: dict[str, int]) -> None:
    project(pytester, UNMARKED.format(mark=mark), "tests.support.needs")
    pytester.runpytest_subprocess().assert_outcomes(**outcomes)


def test_quick_leaves_out_tests_that_need_a_program(pytester: pytest.Pytester) -> None:
    project(pytester, UNMARKED.format(mark="envoy"), "tests.support.needs")
    pytester.runpytest_subprocess("--quick").assert_outcomes(deselected=1)


def test_marks_are_those_of_fixtures_and_imports(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest
        pytest_plugins = ("tests.support.needs",)

        @pytest.fixture
        def assembly():
            from aws_cdk import App

        def pytest_collection_finish(session):
            for item in session.items:
                print("marks of", item.name, *[mark.name for mark in item.iter_markers()])
        """
    )
    pytester.makepyfile(
        """
        def test_fixture(assembly): ...
        def test_import():
            import tests.support.loopback_mesh
        def test_nothing(): ...
        """
    )
    result = pytester.runpytest_subprocess("--collect-only", "--quiet")
    result.stdout.fnmatch_lines(
        ["marks of test_fixture node", "marks of test_import envoy", "marks of test_nothing"], consecutive=True
    )
