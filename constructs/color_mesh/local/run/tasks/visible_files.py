"""Files of the machine that containers see: everything that other users may read, without home directories.

The programs that run in place of images may be in a home directory, or in a folder that only its owner may enter. They
stay visible, and what is beside them.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from color_mesh.local.run.isolation import BINARIES, DEVICES
from color_mesh.model.errors import problem

_TEMPORARY_FOLDERS = ("/tmp", "/var/tmp")
# Has the sockets of all tasks, and is not what it is on the machine.
_RUN = "/run"
# Folders of programs that use files of the folder above: those of virtual environments, of npm, of pyenv.
_PROGRAM_FOLDERS = ("bin", "sbin", ".bin", "shims")
_LINKS = 40
_LONGEST_FIRST_LINE = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class VisibleFiles:
    """Files that containers see.

    Attributes:
        hidden: Folders in whose place containers see an empty one.
        temporary: Folders in whose place each container has its own, which it may write.
        exposed: Files and folders in hidden folders that containers see.
        devices: Folder with the devices of a container.
    """

    hidden: tuple[str, ...]
    temporary: tuple[str, ...]
    exposed: tuple[str, ...]
    devices: str = str(DEVICES)


def visible_files(commands: Iterable[Sequence[str]]) -> VisibleFiles:
    """Return the files that containers see.

    Args:
        commands: Commands that run in place of images.
    """
    temporary = {os.path.realpath(each) for each in _TEMPORARY_FOLDERS}
    hidden = {_RUN, *_homes()}
    named = list(dict.fromkeys(_named_files(commands)))
    hidden |= {str(folder) for file in named if (folder := _closed_folder(file)) is not None}
    unseen = [Path(each) for each in (*hidden, *temporary)]
    exposed = dict.fromkeys(
        str(each)
        for each in (BINARIES, Path("/etc/resolv.conf").resolve(), *(_exposed(file, unseen) for file in named))
        if any(each.is_relative_to(folder) and each != folder for folder in unseen)
    )
    # A folder in one that is hidden already needs nothing in its place.
    outer = [each for each in hidden if not any(folder in unseen for folder in Path(each).parents)]
    # A folder comes before what is in it.
    return VisibleFiles(hidden=tuple(sorted(outer)), temporary=tuple(sorted(temporary)), exposed=tuple(sorted(exposed)))


def unreadable_programs(commands: Iterable[Sequence[str]]) -> Iterator[str]:
    """Validate that other users may read the programs that run in place of images: containers have such users."""
    for file in dict.fromkeys(_named_files(commands)):
        mode = file.stat().st_mode
        wanted = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) else 0)
        if mode & wanted != wanted:
            fix = f"chmod o+rX {file}"
            yield problem("machine", "users of containers cannot read the program", str(file), fix)


def _homes() -> Iterator[str]:
    yield from ("/root", "/home")
    home = os.path.realpath(os.path.expanduser("~"))
    if home != "/":
        yield home


def _named_files(commands: Iterable[Sequence[str]]) -> Iterator[Path]:
    """Yield the files and folders that commands name by absolute paths.

    What symbolic links lead to, and the interpreters of scripts, follow them.
    """
    for word in (word for command in commands for word in command if word.startswith("/")):
        file = Path(os.path.normpath(word))
        for _ in range(_LINKS):
            if not file.exists():
                break
            yield file
            following = os.readlink(file) if file.is_symlink() else _interpreter(file)
            if following is None:
                break
            file = Path(os.path.normpath(file.parent / following))


def _interpreter(file: Path) -> str | None:
    """Return the interpreter of a script (execve(2), Interpreter scripts); ``None`` if it is none."""
    with suppress(OSError):
        if file.is_file():
            with file.open("rb") as opened:
                line = opened.read(_LONGEST_FIRST_LINE).partition(b"\n")[0]
            if line.startswith(b"#!") and line[2:].strip():
                return os.fsdecode(line[2:].split()[0])
    return None


def _closed_folder(file: Path) -> Path | None:
    """Return the first folder on the way to a file that other users may not enter."""
    return next((each for each in reversed(file.parents) if not each.stat().st_mode & stat.S_IXOTH), None)


def _exposed(file: Path, unseen: Iterable[Path]) -> Path:
    """Return what containers see of a file: its folder with all that is in it, unless that is hidden itself."""
    folder = file if file.is_dir() else file.parent
    folder = folder.parent if folder.name in _PROGRAM_FOLDERS else folder
    is_closed = not folder.stat().st_mode & stat.S_IXOTH
    return file if is_closed or any(each.is_relative_to(folder) for each in unseen) else folder
