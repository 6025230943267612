"""Processes that run a module of the package."""

import subprocess
from pathlib import Path

import color_mesh.local.run
from color_mesh.local.run.interpreter import module_command


def test_modules_in_the_working_folder_are_not_imported(tmp_path: Path) -> None:
    for name in ("json", "asyncio", "socket", "color_mesh"):
        (tmp_path / f"{name}.py").write_text(f"open('imported-{name}', 'w')")
    command = module_command("color_mesh.local.run.dns.resolver", "127.88.0.1")
    subprocess.run(command, input="", cwd=tmp_path, check=True, text=True, timeout=60)
    assert [path.name for path in tmp_path.glob("imported-*")] == []


def test_processes_of_a_run_are_started_by_the_command_for_modules() -> None:
    (folder,) = color_mesh.local.run.__path__
    modules = [path for path in Path(folder).rglob("*.py") if "sys.executable" in path.read_text()]
    assert [path.name for path in modules] == ["interpreter.py"]
