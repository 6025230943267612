"""The folder of a run, which holds its lock, its control socket and its logs."""

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path

from color_mesh.model import MeshError
from color_mesh.model.errors import problem

FOLDER = Path(".color-mesh")


def take(folder: Path) -> int:
    """Create the folder if need be, lock it, remove the files of an earlier run, and return the lock's descriptor.

    Raises:
        MeshError: When another run has locked the folder, or it cannot be written.
    """
    try:
        folder.mkdir(exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        fix = "run it in a folder that you can write"
        reason = f"cannot be written: {error.strerror}"
        raise MeshError([problem("color-mesh up", reason, str(folder), fix)]) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        fix = "end it with color-mesh down, or run this one in another folder"
        raise MeshError([problem("color-mesh up", "a mesh already runs from here", str(folder), fix)]) from None
    # A run that was killed leaves its socket.
    with suppress(FileNotFoundError):
        (folder / "control.sock").unlink()
    shutil.rmtree(folder / "logs", ignore_errors=True)
    return lock


def wait_for_end(folder: Path) -> bool:
    """Wait until no run holds the lock of the folder; return whether one did."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return True
    finally:
        os.close(lock)
