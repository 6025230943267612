"""The program that prepares a container.

It enters the namespaces of the container, drops all privileges, and becomes the program of the container.

Run as ``python -I -S container_entry.py SOCKET``. The options come through the socket, because everyone on the machine
reads the arguments of a process. This program sends an empty answer when the container is prepared, and the problem
otherwise. It starts for each health check, so it imports as little as possible: typing and contextlib would take
a third of its time.
"""

from __future__ import annotations

import ctypes
import marshal
import os
import stat
import sys

# Type checkers take a variable of this name for the one of typing.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Linux: include/uapi/linux/sched.h, mount.h, fcntl.h, prctl.h, capability.h and keyctl.h
_CLONE_NEWNS, _CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = 1 << 17, 1 << 27, 1 << 28, 1 << 29, 1 << 30
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC = 2, 4, 8, 1 << 12, 1 << 14
_READ_ONLY, _NO_SUID, _NO_DEVICES = 1, 2, 4
_AT_RECURSIVE = 0x8000
_SET_BOUNDING_SET_DROP, _SET_KEEP_CAPABILITIES, _SET_NO_NEW_PRIVILEGES, _SET_AMBIENT, _AMBIENT_RAISE = 24, 8, 38, 47, 2
_CAPABILITY_VERSION, _LAST_CAPABILITY = 0x20080522, 63
_JOIN_SESSION_KEYRING = 1
# The number of mount_setattr(2) is the same on all machines, that of keyctl(2) is not.
MOUNT_SETATTR = 442
_KEYCTL = {"x86_64": 250, "aarch64": 219}
# Device numbers (Linux: Documentation/admin-guide/devices.txt).
_PSEUDO_TERMINALS = range(136, 144)
_SIGNALS = 65
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Enter the container that the options describe, and run the command."""
    answers = int(sys.argv[1])
    os.set_inheritable(answers, False)
    with os.fdopen(answers, "rb", closefd=False) as received:
        options = marshal.loads(received.read())
    os.umask(0o022)
    try:
        _own_streams(options["owner"])
        if "process" in options:
            _join(options["process"])
        else:
            with open(options["network"], "rb") as network:
                _call("setns", _libc.setns(network.fileno(), _CLONE_NEWNET))
            _mount_files(options)
            os.chdir(options["folder"])
        _drop_privileges(options)
    except OSError as error:
        os.write(answers, f"the container cannot be prepared: {error}".encode())
        sys.exit(_NOT_EXECUTABLE)
    os.write(answers, b"\0")
    _execute(options["command"], options["environment"])


def _join(process: int) -> None:
    """Continue in a child process, in the namespaces of a container's process, and exit as the child does.

    Args:
        process: Its pidfd.
    """
    os.set_inheritable(process, False)
    _call("setns", _libc.setns(process, _CLONE_NEWNS | _CLONE_NEWIPC | _CLONE_NEWPID | _CLONE_NEWNET))
    child = os.fork()
    if child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os._exit(code if code >= 0 else 128 - code)


def _mount_files(options: Any) -> None:
    """Mount what the container sees: a root file system that is read-only, and its own ``/tmp``, ``/dev``, ``/proc``.

    No home directory and no folder of the run is in it, but for those that its program needs.
    """
    exposed = [(path, os.open(path, os.O_PATH)) for path in options["exposed"] if os.path.exists(path)]
    devices = os.open(options["devices"], os.O_PATH)
    _set_attributes("/", _READ_ONLY | _NO_SUID | _NO_DEVICES)
    for folder in options["hidden"]:
        if os.path.isdir(folder):
            _mount("tmpfs", folder, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755")
    for folder in options["temporary"]:
        if os.path.isdir(folder):
            _mount("tmpfs", folder, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=1777")
    for path, source in exposed:
        _expose(path, source)
        os.close(source)
    for folder in options["hidden"]:
        if os.path.isdir(folder):
            _set_attributes(folder, _READ_ONLY, recursive=False)
    _mount(f"/proc/self/fd/{devices}", "/dev", None, _MS_BIND | _MS_REC)
    os.close(devices)
    for name in options["device_names"]:
        _set_attributes(f"/dev/{name}", 0, _NO_DEVICES)
    _mount("tmpfs", "/dev/shm", "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=1777")
    _mount("devpts", "/dev/pts", "devpts", _MS_NOSUID | _MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620")
    if options["mounts_proc"]:
        _mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
        _mount("/proc/sys", "/proc/sys", None, _MS_BIND)
        _set_attributes("/proc/sys", _READ_ONLY)


def _expose(path: str, source: int) -> None:
    """Mount a folder or file, read-only as it is everywhere, at its path."""
    if not os.path.exists(path):
        if stat.S_ISDIR(os.fstat(source).st_mode):
            os.makedirs(path)
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
    _mount(f"/proc/self/fd/{source}", path, None, _MS_BIND | _MS_REC)


def _own_streams(owner: tuple[int, int]) -> None:
    """Give the container's user its standard streams, if they are pipes or pseudo terminals.

    Programs open ``/dev/stdout`` again. The client of ``color-mesh exec`` makes the pseudo terminal for the command.
    Files of the user, such as named pipes, remain what they are.
    """
    for stream in range(3):
        status = os.fstat(stream)
        is_pseudo_terminal = stat.S_ISCHR(status.st_mode) and os.major(status.st_rdev) in _PSEUDO_TERMINALS
        if is_pseudo_terminal or os.readlink(f"/proc/self/fd/{stream}").startswith("pipe:"):
            try:  # noqa: SIM105
                os.fchown(stream, *owner)
            except OSError:
                pass


def _drop_privileges(options: Any) -> None:
    """Become a user of the container, with the capabilities of one and without a way to gain more."""
    _call("setns", _libc.setns(options["users"], _CLONE_NEWUSER))
    os.close(options["users"])
    for capability in range(_LAST_CAPABILITY + 1):
        if not options["bounding_set"] >> capability & 1:
            # The kernel knows fewer capabilities.
            _libc.prctl(_SET_BOUNDING_SET_DROP, capability, 0, 0, 0)
    uid, gid = options["user"]
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    ambient = options["ambient"]
    if ambient:
        _call("prctl", _libc.prctl(_SET_KEEP_CAPABILITIES, 1, 0, 0, 0))
    os.setresuid(uid, uid, uid)
    if ambient:
        _keep_capabilities(ambient)
    _call("prctl", _libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    # Keys of the user who started the run are in the session keyring, which is inherited.
    if os.uname().machine in _KEYCTL:
        _libc.syscall(_KEYCTL[os.uname().machine], _JOIN_SESSION_KEYRING, None)


def _keep_capabilities(kept: int) -> None:
    """Keep capabilities although the user is not root."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    _call("capset", _libc.capset(header, (ctypes.c_uint32 * 6)(kept, kept, kept, 0, 0, 0)))
    for capability in range(32):
        if kept >> capability & 1:
            _call("prctl", _libc.prctl(_SET_AMBIENT, _AMBIENT_RAISE, capability, 0, 0))


def _execute(command: list[str], environment: dict[str, str]) -> None:
    """Become a program, looked up in the ``PATH`` of its environment; exit as a shell does if that fails."""
    # A program inherits which signals are ignored: Python ignores some, and so does a shell for what runs beside it.
    for number in range(1, _SIGNALS):
        _libc.signal(number, None)
    program = command[0] if command else ""
    try:
        os.execvpe(program, command, environment)
    except FileNotFoundError as error:
        print(f"{program}: {error.strerror}", file=sys.stderr)
        sys.exit(_NOT_FOUND)
    except (OSError, ValueError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        sys.exit(_NOT_EXECUTABLE if program else _NOT_FOUND)


def _mount(source: str, target: str, kind: str | None, flags: int, data: str = "") -> None:
    arguments = source.encode(), os.fsencode(target), kind.encode() if kind else None
    _call(f"mount {target}", _libc.mount(*arguments, ctypes.c_ulong(flags), data.encode()))


def _set_attributes(path: str, wanted: int, cleared: int = 0, recursive: bool = True) -> None:
    """Change the attributes of a mount, and of all below it (Linux 5.12: mount_setattr)."""
    attributes = (ctypes.c_uint64 * 4)(wanted, cleared, 0, 0)
    flags = _AT_RECURSIVE if recursive else 0
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    result = _libc.syscall(MOUNT_SETATTR, -100, os.fsencode(path), flags, attributes, size)
    _call(f"mount_setattr {path}", result)


def _call(name: str, result: int) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), name)


if __name__ == "__main__":
    main()
