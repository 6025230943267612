"""The pinned requirements are those that ``make requirements`` writes from pyproject.toml."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Extras and dependency groups of each file, and the oldest Python that it is for.
FILES: dict[str, tuple[tuple[str, ...], str]] = {
    "requirements.txt": (("project", "migrate", "synth"), "3.10"),
    "requirements-local.txt": (("project", "local", "synth"), "3.10"),
    "requirements-dev.txt": (("project", "local", "migrate", "synth", "dev"), "3.10"),
    "requirements-docs.txt": (("docs",), "3.11"),
    "requirements-rehearsal.txt": (("rehearsal",), "3.10"),
}
VERSIONS = ("3.10", "3.11", "3.12", "3.13")


def declared(group: str) -> list[Requirement]:
    """Return the requirements that pyproject.toml declares under a name."""
    project = PYPROJECT["project"]
    groups = {
        "project": project["dependencies"],
        **project["optional-dependencies"],
        **PYPROJECT["dependency-groups"],
    }
    return [Requirement(line) for line in groups[group]]


def pinned(file: str) -> Iterator[Requirement]:
    """Yield the pins of a file."""
    for line in (ROOT / file).read_text().splitlines():
        if not line.lstrip().startswith("#"):
            yield Requirement(line)


def versions(file: str, python: str) -> dict[str, str]:
    """Return the version of each package that pip installs from a file on Linux with this Python."""
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    pins = [pin for pin in pinned(file) if pin.marker is None or pin.marker.evaluate(environment)]
    result: dict[str, str] = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}
    assert len(result) == len(pins), f"{file} pins a package twice"
    return result


@pytest.mark.parametrize(
    ("file", "python"),
    [(file, each) for file, (_, oldest) in FILES.items() for each in VERSIONS[VERSIONS.index(oldest) :]],
)
def test_file_has_a_version_that_pyproject_accepts_of_each_declared_package(file: str, python: str) -> None:
    groups, _ = FILES[file]
    pinned = versions(file, python)
    for requirement in (each for group in groups for each in declared(group)):
        if requirement.marker is None or requirement.marker.evaluate({"python_version": python}):
            assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), requirement


@pytest.mark.parametrize("file", FILES)
def test_every_declaration_of_a_file_is_in_pyproject(file: str) -> None:
    text = (ROOT / file).read_text()
    direct = re.findall(r"^([a-z0-9-]+)==.*\n(?:    #.*\n)*?    #(?: via| +) .*pyproject\.toml", text, re.MULTILINE)
    names = {canonicalize_name(requirement.name) for group in FILES[file][0] for requirement in declared(group)}
    assert set(direct) == names


@pytest.mark.parametrize("python", VERSIONS)
@pytest.mark.parametrize("file", ["requirements.txt", "requirements-local.txt"])
def test_files_of_one_environment_have_the_same_pins(file: str, python: str) -> None:
    assert versions(file, python).items() <= versions("requirements-dev.txt", python).items()


def test_every_file_is_checked() -> None:
    assert {path.name for path in ROOT.glob("requirements*.txt")} == set(FILES)


@pytest.mark.parametrize("file", FILES)
def test_file_names_no_package_index(file: str) -> None:
    assert re.findall(r"(?:index-url|find-links|://).*", (ROOT / file).read_text()) == []
