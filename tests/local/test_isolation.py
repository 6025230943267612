"""Ids of the users of containers on the machine."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from color_mesh.local.run import isolation
from color_mesh.local.run.container_users import USERS
from color_mesh.local.run.isolation import first_free_id, has_ids

_FIRST = 524288


@pytest.fixture
def maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """File of the ids of a machine on which nobody else has ids for containers."""
    file = tmp_path / "map"
    file.write_text("         0          0 4294967295\n")
    monkeypatch.setattr(isolation, "_MAPS", (str(file), str(file)))
    monkeypatch.setattr(isolation, "_PROCESSES", tmp_path)
    monkeypatch.setattr(isolation, "_subordinate_ids", lambda _: [])
    monkeypatch.setattr("pwd.getpwall", list)
    monkeypatch.setattr("grp.getgrall", list)
    return file


def test_containers_have_ids_that_nobody_has(maps: Path) -> None:
    assert first_free_id() == _FIRST


def test_containers_have_no_ids_of_a_user(maps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pwd.getpwall", lambda: [SimpleNamespace(pw_uid=_FIRST + 1000)])
    monkeypatch.setattr("grp.getgrall", lambda: [SimpleNamespace(gr_gid=_FIRST + 65536)])
    assert first_free_id() == _FIRST + 2 * 65536


def test_containers_have_no_subordinate_ids_of_a_user(maps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_subordinate_ids", lambda _: [(100000, _FIRST - 100000 + 1)])
    assert first_free_id() == _FIRST + 65536


def test_machine_whose_root_has_few_ids_has_none_for_containers(maps: Path) -> None:
    maps.write_text("         0     100000      65536\n")
    assert first_free_id() is None
    assert has_ids(1)
    maps.write_text(f"         0     100000      {USERS}\n")
    assert not has_ids(1)


def test_process_that_gets_no_user_namespace_is_an_error() -> None:
    with (
        subprocess.Popen(["sh", "-c", "exit 1"]) as process,
        pytest.raises(OSError, match="^no user namespace$"),
    ):
        isolation._wait_for_user_namespace(process)
