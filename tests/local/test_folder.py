"""The folder of a run: names of files, access, and symbolic links."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from color_mesh.local.folder import FOLDER, RunFolder, file_name, opened_folder, take
from color_mesh.model import MeshError

NAMES = st.text(min_size=0, max_size=300) | st.sampled_from(["", ".", "..", "/", "../x", "a/b", "a%2Fb", "%", "%2E"])


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def taken() -> RunFolder:
    """Take the folder, and let go of its lock."""
    folder, lock = take()
    os.close(lock)
    return folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("red-app", "red-app"),
        ("color_mesh.1", "color_mesh.1"),
        ("/ecs/shop", "%2Fecs%2Fshop"),
        ("..", "%2E."),
        (".bashrc", "%2Ebashrc"),
        ("", "%"),
        ("a\0b\nc", "a%00b%0Ac"),
        ("\ud800", "%ED%A0%80"),
    ],
)
def test_file_name_of_a_name(name: str, expected: str) -> None:
    assert file_name(name) == expected


@given(NAMES, NAMES)
def test_file_names_are_no_paths_and_are_all_different(one: str, other: str) -> None:
    for name in (file_name(one), file_name(one, longest=60)):
        assert "/" not in name
        assert not name.startswith(".")
        assert name.isascii()
        assert name.isprintable()
    assert len(file_name(one)) <= 200
    assert len(file_name(one, longest=60)) <= 60
    assert (file_name(one) == file_name(other)) == (one == other)
    assert (file_name(one, longest=60) == file_name(other, longest=60)) == (one == other)


def test_long_names_that_begin_alike_have_different_file_names() -> None:
    assert file_name("a" * 300) != file_name("a" * 301)
    # The file name of one long name is not the file name of any other name.
    assert file_name(file_name("a" * 300)) != file_name("a" * 300)


def test_folder_is_only_for_its_user() -> None:
    taken()
    assert mode(FOLDER) == 0o700


def test_folder_that_others_could_enter_is_closed_to_them() -> None:
    FOLDER.mkdir(0o777)
    FOLDER.chmod(0o777)
    taken()
    assert mode(FOLDER) == 0o700


def test_symbolic_link_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (target / "logs").mkdir(parents=True)
    (target / "logs" / "kept").touch()
    FOLDER.symlink_to(target)
    expected = (
        f"color-mesh: the folder of the run is a symbolic link, got '{tmp_path}/.color-mesh' "
        "(remove it: color-mesh up creates the folder)"
    )
    with pytest.raises(MeshError) as error:
        take()
    assert str(error.value) == expected
    with pytest.raises(MeshError) as error, opened_folder():
        pass
    assert str(error.value) == expected
    assert [path.name for path in target.rglob("*")] == ["logs", "kept"]


def test_file_in_place_of_the_folder_is_refused() -> None:
    FOLDER.touch()
    with pytest.raises(MeshError, match="color-mesh: the folder of the run is a file, got "):
        take()


def test_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FOLDER.mkdir()
    (FOLDER / "logs").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    expected = (
        f"color-mesh: the folder of the run belongs to another user, got '{tmp_path}/.color-mesh' "
        "(use color-mesh as that user, or in a folder of your own)"
    )
    with pytest.raises(MeshError) as error:
        take()
    assert str(error.value) == expected
    with pytest.raises(MeshError) as error, opened_folder():
        pass
    assert str(error.value) == expected
    assert [path.name for path in FOLDER.iterdir()] == ["logs"]


@pytest.mark.parametrize("name", ["lock", "logs", "control.sock"])
def test_symbolic_link_in_the_folder_is_not_followed(tmp_path: Path, name: str) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "kept").touch()
    FOLDER.mkdir()
    (FOLDER / name).symlink_to(target / "kept" if name == "lock" else target)
    if name == "lock":
        with pytest.raises(MeshError, match="color-mesh up: cannot be written: "):
            take()
    else:
        taken()
        assert not (FOLDER / name).is_symlink()
    assert [path.name for path in target.iterdir()] == ["kept"]
    assert (target / "kept").read_text() == ""


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_log_is_not_written_through_a_symbolic_link(tmp_path: Path, depth: int) -> None:
    target = tmp_path / "target"
    target.mkdir()
    log = taken().log_file("cloudwatch", "/ecs/shop", "red-app")
    link = FOLDER.joinpath(*log.path.parts[: depth + 1])
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target / "file" if depth == 3 else target)
    with pytest.raises(OSError, match="Not a directory|Too many levels of symbolic links"):
        log.open()
    assert list(target.iterdir()) == []


def test_log_is_appended_to_and_its_folders_are_only_for_the_user() -> None:
    log = taken().log_file("cloudwatch", "../../shop", "", "red-app")
    for _ in range(2):
        file = log.open()
        os.write(file, b"line\n")
        os.close(file)
    path = FOLDER / "logs" / "cloudwatch" / "%2E.%2F..%2Fshop" / "%" / "red-app"
    assert path.read_text() == "line\nline\n"
    assert {mode(parent) for parent in list(path.parents)[:4]} == {0o700}


@pytest.mark.parametrize("path", ["/etc/passwd", "../file", "logs/../../file"])
def test_path_outside_the_folder_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is not in the folder of the run"):
        taken().open_file(Path(path), os.O_RDONLY)


def test_control_socket_is_only_for_its_user() -> None:
    with taken().listen():
        assert mode(FOLDER / "control.sock") == 0o600
