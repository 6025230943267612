"""The folder of a run: its lock, its socket and its logs. Nothing of a run is anywhere else."""

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path

from color_mesh.model import MeshError
from color_mesh.model.errors import problem

FOLDER = Path(".color-mesh")


def take(folder: Path) -> int:
    """Take the folder of a run; whoever holds the lock has it.

    Raises:
        MeshError: When a run has it already.
    """
    folder.mkdir(exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        fix = "end it with color-mesh down, or run this one in another folder"
        raise MeshError([problem("color-mesh up", "a mesh already runs from here", str(folder), fix)]) from None
    # What a run left that was killed.
    with suppress(FileNotFoundError):
        (folder / "control.sock").unlink()
    shutil.rmtree(folder / "logs", ignore_errors=True)
    return lock


def released(folder: Path) -> bool:
    """Wait until nothing of the run of a folder is left; tell whether there was anything."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return True
    finally:
        os.close(lock)
