"""The folder of a run, which holds its lock, its control socket, the certificate of its authority, and its logs.

It belongs to the user who started the run, and other users cannot enter it.
"""

import fcntl
import os
import shutil
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote

from color_mesh.model import MeshError
from color_mesh.model.errors import problem

FOLDER = Path(".color-mesh")
# Certificate of the run's authority, for clients on this machine.
CERTIFICATE = "ca.pem"
_CONTROL_SOCKET = "control.sock"
_LOCK = "lock"
_LOGS = "logs"
_OPEN_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def file_name(name: str, longest: int = 200) -> str:
    """Return the file name that stands for a name of a template.

    It is never a path, and no two names have the same one.

    Args:
        name: Any text.
        longest: Length of the longest file name that is not shortened.
    """
    quoted = quote(name, safe="", errors="surrogatepass")
    if quoted.startswith("."):
        quoted = f"%2E{quoted[1:]}"
    if len(quoted) > longest:
        # No quoted name has letters that are not hexadecimal after a percent sign.
        digest = blake2b(name.encode(errors="surrogatepass"), digest_size=16).hexdigest()
        return f"{quoted[: longest - 34]}%x{digest}"
    return quoted or "%"


class RunFolder:
    """An open folder of a run. Symbolic links in it are not followed.

    Args:
        descriptor: File descriptor of the folder.

    Attributes:
        descriptor: File descriptor of the folder.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def open_file(self, file: Path, flags: int, mode: int = 0o600) -> int:
        """Open a file, and return its descriptor. ``O_CREAT`` creates its folders too.

        Args:
            file: Path relative to the folder.
            flags: Flags of `os.open`.
            mode: Mode of a new file.
        """
        if file.is_absolute() or ".." in file.parts:
            raise ValueError(f"{file} is not in the folder of the run")
        folder = os.dup(self.descriptor)
        try:
            for name in file.parts[:-1]:
                if flags & os.O_CREAT:
                    with suppress(FileExistsError):
                        os.mkdir(name, 0o700, dir_fd=folder)
                parent, folder = folder, os.open(name, _OPEN_FOLDER, dir_fd=folder)
                os.close(parent)
            return os.open(file.name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=folder)
        finally:
            os.close(folder)

    def log_file(self, *names: str) -> "LogFile":
        """Return the log file with these names, each of which becomes one part of its path."""
        return LogFile(folder=self, path=Path(_LOGS, *map(file_name, names)))

    def write_certificate(self, certificate: str) -> None:
        """Write the certificate of the run's authority."""
        descriptor = self.open_file(Path(CERTIFICATE), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        with os.fdopen(descriptor, "w") as file:
            file.write(certificate)

    def listen(self) -> socket.socket:
        """Create the control socket, and listen on it."""
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o177)
        try:
            # The path of a socket has at most 107 characters.
            listening.bind(f"/proc/self/fd/{self.descriptor}/{_CONTROL_SOCKET}")
        finally:
            os.umask(mask)
        listening.listen()
        return listening

    def connect(self, connection: socket.socket) -> None:
        """Connect a socket to the control socket."""
        control = os.open(_CONTROL_SOCKET, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.descriptor)
        try:
            connection.connect(f"/proc/self/fd/{control}")
        finally:
            os.close(control)

    def remove_files(self) -> None:
        """Remove the control socket and the certificate, if there are any. Logs remain."""
        for name in (_CONTROL_SOCKET, CERTIFICATE):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self.descriptor)

    def remove_logs(self) -> None:
        """Remove the logs, if there are any. A symbolic link in their place is removed, not followed."""
        with suppress(FileNotFoundError):
            if stat.S_ISDIR(os.stat(_LOGS, dir_fd=self.descriptor, follow_symlinks=False).st_mode):
                shutil.rmtree(f"/proc/self/fd/{self.descriptor}/{_LOGS}")
            else:
                os.unlink(_LOGS, dir_fd=self.descriptor)

    def open_lock(self, flags: int = 0) -> int:
        """Open the file of the lock, and return its descriptor."""
        return self.open_file(Path(_LOCK), os.O_RDWR | flags)


@dataclass(frozen=True, kw_only=True, slots=True)
class LogFile:
    """A log file of a run.

    Attributes:
        folder: Folder of the run.
        path: Path relative to the folder of the run.
    """

    folder: RunFolder
    path: Path

    def open(self) -> int:
        """Open the file to append to it, and return its descriptor."""
        return self.folder.open_file(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def take() -> tuple[RunFolder, int]:
    """Create the folder if need be, lock it, and remove the files of an earlier run.

    Returns:
        The folder and the lock's descriptor.

    Raises:
        MeshError: When the folder is not this user's alone, another run has locked it, or it cannot be written.
    """
    path = str(FOLDER.absolute())
    try:
        with suppress(FileExistsError):
            FOLDER.mkdir(0o700)
        folder = _open_own_folder()
        os.chmod(f"/proc/self/fd/{folder.descriptor}", 0o700)
        lock = folder.open_lock(os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A run that was killed may leave its files.
            folder.remove_files()
            folder.remove_logs()
        except OSError:
            os.close(lock)
            raise
    except BlockingIOError:
        fix = "end it with color-mesh down, or run this one in another folder"
        raise MeshError([problem("color-mesh up", "a mesh already runs from here", path, fix)]) from None
    except OSError as error:
        fix = "run it in a folder that you can write"
        raise MeshError([problem("color-mesh up", f"cannot be written: {error.strerror}", path, fix)]) from None
    return folder, lock


@contextmanager
def opened_folder() -> Iterator[RunFolder | None]:
    """Open the folder of a run in the working directory while the block runs; ``None`` if there is none.

    Raises:
        MeshError: When the folder is not this user's.
    """
    try:
        folder = _open_own_folder()
    except OSError:
        yield None
        return
    try:
        yield folder
    finally:
        os.close(folder.descriptor)


def _open_own_folder() -> RunFolder:
    """Open the folder of a run.

    Raises:
        MeshError: When it is a symbolic link, no folder, or another user's.
        OSError: When it does not exist.
    """
    path = str(FOLDER.absolute())
    try:
        descriptor = os.open(FOLDER, _OPEN_FOLDER)
    except OSError:
        if FOLDER.is_symlink() or (FOLDER.exists() and not FOLDER.is_dir()):
            kind = "a symbolic link" if FOLDER.is_symlink() else "a file"
            fix = "remove it: color-mesh up creates the folder"
            raise MeshError([problem("color-mesh", f"the folder of the run is {kind}", path, fix)]) from None
        raise
    if os.fstat(descriptor).st_uid != os.geteuid():
        os.close(descriptor)
        fix = "use color-mesh as that user, or in a folder of your own"
        raise MeshError([problem("color-mesh", "the folder of the run belongs to another user", path, fix)])
    return RunFolder(descriptor)


def wait_for_end() -> bool:
    """Wait until no run holds the lock of the folder; return whether one did."""
    with opened_folder() as folder:
        if folder is None:
            return False
        try:
            lock = folder.open_lock()
        except FileNotFoundError:
            return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return True
    finally:
        os.close(lock)
