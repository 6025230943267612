"""Files of the machine that containers see."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from color_mesh.local.run.isolation import BINARIES
from color_mesh.local.run.tasks.visible_files import unreadable_programs, visible_files


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is a home directory."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def program(path: Path, mode: int = 0o755) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    path.chmod(mode)
    return str(path)


def exposed(*command: str) -> set[str]:
    return set(visible_files([command]).exposed) - {str(BINARIES)}


def test_home_directories_and_the_files_of_the_run_are_hidden() -> None:
    assert {"/home", "/root", "/run"} <= set(visible_files([]).hidden)


def test_programs_of_the_system_need_nothing_more() -> None:
    assert exposed("/usr/bin/env", "-x") == set()


def test_folder_of_a_program_in_a_home_directory_is_visible(folder: Path) -> None:
    assert exposed("/bin/sh", program(folder / "shop" / "stock.sh")) == {str(folder / "shop")}


def test_program_that_is_in_the_home_directory_itself_is_visible_alone(folder: Path) -> None:
    folder.chmod(0o755)
    file = program(folder / "stock.sh")
    program(folder / ".ssh" / "id")
    assert exposed("/bin/sh", file) == {file}


def test_program_in_a_folder_of_its_owner_is_visible_alone(folder: Path) -> None:
    file = program(folder / "shop" / "stock.sh")
    (folder / "shop").chmod(0o700)
    assert exposed("/bin/sh", file) == {file}


def test_virtual_environment_is_visible_with_the_python_that_its_links_lead_to(folder: Path) -> None:
    python = Path(program(folder / "versions" / "3" / "bin" / "python3"))
    link = folder / "shop" / "venv" / "bin" / "python"
    link.parent.mkdir(parents=True)
    link.symlink_to(python)
    assert exposed(str(link)) == {str(folder / "shop" / "venv"), str(folder / "versions" / "3")}


def test_interpreter_of_a_script_is_visible(folder: Path) -> None:
    script = Path(program(folder / "shop" / "venv" / "bin" / "serve"))
    python = folder / "versions" / "3" / "bin" / "python3"
    script.write_text(f"#!{script.parent}/python -I\n")
    (script.parent / "python").symlink_to(program(python))
    assert exposed(str(script)) == {str(folder / "shop" / "venv"), str(folder / "versions" / "3")}


def test_folder_that_only_its_owner_may_enter_is_hidden_but_for_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("color_mesh.local.run.tasks.visible_files._TEMPORARY_FOLDERS", ())
    with TemporaryDirectory() as closed:
        file = program(Path(closed, "project", "stock.sh"))
        files = visible_files([("/bin/sh", file)])
        assert closed in files.hidden
        assert f"{closed}/project" in files.exposed


def test_program_that_other_users_cannot_read_is_refused(folder: Path) -> None:
    file = program(folder / "shop" / "stock.sh", 0o700)
    assert list(unreadable_programs([("/bin/sh", file)])) == [
        f"machine: users of containers cannot read the program, got '{file}' (chmod o+rX {file})"
    ]
