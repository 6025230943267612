"""Namespaces of a run. Nothing of a run is left on the machine when it ends.

All its processes are in one process namespace. When the first process of that namespace ends, for whatever reason, the
kernel ends all others, and removes the network and mount namespaces, links, rules and mounts that only they use.
"""

import errno
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path

from color_mesh.local.folder import FOLDER
from color_mesh.local.run.network.network_namespaces import NETWORK_NAMESPACES

# A tmpfs of the run's mount namespace.
RUN_FOLDER = Path("/run/color-mesh")
BINARIES = RUN_FOLDER / "bin"

# Environment of the programs that prepare a container. They run with the privileges of the run, so neither the PATH nor
# any other variable of a template applies to them.
SYSTEM_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"}

# Linux: include/uapi/linux/capability.h
SETGID, SETUID, NET_ADMIN, SYS_ADMIN = 6, 7, 12, 21
# Number of users in a user namespace: those of images, among them 1337 of App Mesh's Envoy.
USERS = 65536


def has_capabilities(*capabilities: int) -> bool:
    """Return whether this process has capabilities."""
    status = Path("/proc/self/status").read_text()
    effective = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), 16)
    return all(effective >> each & 1 for each in capabilities)


def system_program(name: str) -> str:
    """Return the absolute path of a program of the system.

    Raises:
        FileNotFoundError: If it is not installed.
    """
    path = shutil.which(name, path=SYSTEM_ENVIRONMENT["PATH"])
    if path is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    return path


def user_name() -> str:
    """Return the name of this user."""
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


def first_subordinate_id(file: Path) -> int | None:
    """Return the first of this user's subordinate ids in ``/etc/subuid`` or ``/etc/subgid``, if they are enough."""
    lines = file.read_text().splitlines() if file.exists() else []
    for line in lines:
        owner, first, count = (*line.split(":"), "", "")[:3]
        if owner in (user_name(), str(os.getuid())) and count.isdigit() and int(count) >= USERS - 1:
            return int(first)
    return None


def start_isolated(command: Sequence[str], file_descriptors: Iterable[int]) -> "subprocess.Popen[bytes]":
    """Start a command as the first process of new process, network and mount namespaces.

    They belong to a new user namespace if this user may not create them otherwise.

    Args:
        command: The command.
        file_descriptors: File descriptors that the command inherits.
    """
    unshare = [system_program("unshare"), "--mount", "--net", "--pid", "--fork", "--kill-child", *command]
    inherited = tuple(file_descriptors)
    if has_capabilities(SYS_ADMIN, NET_ADMIN):
        return subprocess.Popen(unshare, pass_fds=inherited, start_new_session=True)
    # The shell waits for a line, which follows once the user namespace has its users.
    waiting = [
        system_program("unshare"),
        "--user",
        system_program("sh"),
        "-c",
        'read -r _ && exec "$@" </dev/null',
        "sh",
        *unshare,
    ]
    process = subprocess.Popen(waiting, pass_fds=inherited, start_new_session=True, stdin=subprocess.PIPE)
    assert process.stdin is not None
    try:
        _wait_for_user_namespace(process.pid)
        _map_users(process.pid)
        process.stdin.write(b"go\n")
        process.stdin.close()
    except (OSError, subprocess.CalledProcessError):
        process.kill()
        raise
    return process


def _wait_for_user_namespace(pid: int) -> None:
    own = os.readlink("/proc/self/ns/user")
    while os.readlink(f"/proc/{pid}/ns/user") == own:
        os.sched_yield()


def _map_users(pid: int) -> None:
    if has_capabilities(SETUID, SETGID):
        for file in ("uid_map", "gid_map"):
            Path(f"/proc/{pid}/{file}").write_text(f"0 0 {USERS}\n")
        return
    for tool, own, file in (("newuidmap", os.getuid(), "/etc/subuid"), ("newgidmap", os.getgid(), "/etc/subgid")):
        first = first_subordinate_id(Path(file))
        mapping = [str(pid), "0", str(own), "1", "1", str(first), str(USERS - 1)]
        subprocess.run([system_program(tool), *mapping], env=SYSTEM_ENVIRONMENT, check=True)


def prepare_mounts(resolver: IPv4Address, envoy: str) -> None:
    """Give the mount namespace of the run its own ``/run``, ``/proc`` and name resolution, and hide the run's folder.

    Args:
        resolver: Address of the VPC's resolver.
        envoy: Path of the Envoy binary, which becomes `BINARIES`/envoy, where all users reach it.
    """
    resolv_conf = Path("/etc/resolv.conf").resolve()
    nsswitch_conf = Path("/etc/nsswitch.conf").resolve()
    _mount("--make-rprivate", "/")
    # The supervisor reaches the folder through its descriptor; containers must not reach the control socket or logs.
    _mount("-t", "tmpfs", "-o", "ro,mode=755", "tmpfs", str(FOLDER.absolute()))
    # The process ids of the run. Containers may not mount /proc; then it shows those of the machine, and nothing else
    # differs.
    with suppress(subprocess.CalledProcessError):
        _mount("-t", "proc", "proc", "/proc", stderr=subprocess.DEVNULL)
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for folder in (BINARIES, NETWORK_NAMESPACES):
        folder.mkdir(parents=True)
    # Only DNS: other sources of the machine, such as mDNS for .local names, do not exist on AWS.
    _replace(resolv_conf, f"nameserver {resolver}\noptions timeout:1 attempts:3\n")
    _replace(nsswitch_conf, "passwd: files\ngroup: files\nhosts: files dns\n")
    binary = BINARIES / "envoy"
    binary.touch()
    _mount("--bind", envoy, str(binary))


def _replace(file: Path, text: str) -> None:
    own = RUN_FOLDER / file.name
    own.write_text(text)
    if file.is_relative_to("/run"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    elif file.exists():
        _mount("--bind", str(own), str(file))


def _mount(*arguments: str, stderr: int | None = None) -> None:
    subprocess.run([system_program("mount"), *arguments], env=SYSTEM_ENVIRONMENT, stderr=stderr, check=True)
