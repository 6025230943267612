"""Requirements of the machine that runs a mesh."""

from pathlib import Path

import pytest

from color_mesh.local.run import requirements
from tests.support.local_templates import planned


def test_kernel_without_the_system_call_for_mounts_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = "machine: the kernel cannot make mounts read-only, mount_setattr: "
    monkeypatch.setattr(requirements, "MOUNT_SETATTR", 99999)
    assert [each for each in requirements.missing(planned(tmp_path)) if each.startswith(wrong)]


def test_packages_of_the_extra_that_are_not_installed_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "find_spec", lambda _: None)
    problems = [each for each in requirements.missing(planned(tmp_path)) if "Python's" in each]
    assert [each.split()[2] for each in problems] == ["cryptography", "dns", "h11", "opentelemetry", "pyroute2"]
