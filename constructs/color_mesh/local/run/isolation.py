"""Namespaces of a run. Nothing of a run is left on the machine when it ends.

All its processes are in one process namespace. When the first process of that namespace ends, for whatever reason, the
kernel ends all others, and removes the network and mount namespaces, links, rules and mounts that only they use.
"""

import errno
import grp
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path

from color_mesh.local.folder import FOLDER
from color_mesh.local.run.container_users import USERS
from color_mesh.local.run.network.network_namespaces import NETWORK_NAMESPACES

# A tmpfs of the run's mount namespace.
RUN_FOLDER = Path("/run/color-mesh")
BINARIES = RUN_FOLDER / "bin"

# Environment of the programs that prepare a container. They run with the privileges of the run, so neither the PATH nor
# any other variable of a template applies to them.
SYSTEM_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"}

# Linux: include/uapi/linux/capability.h
SETGID, SETUID, NET_ADMIN, SYS_ADMIN = 6, 7, 12, 21
# Ids for containers, which no user of a machine has (systemd, Users, Groups, UIDs and GIDs on systemd Systems).
_CONTAINER_IDS = range(524288, 1879048192, 65536)
_PROCESSES = Path("/proc")
_MAPS = ("/proc/self/uid_map", "/proc/self/gid_map")
# Devices of a container (Open Container Initiative, Runtime Specification, Default Devices).
DEVICE_NAMES = ("null", "zero", "full", "random", "urandom", "tty")
DEVICES = RUN_FOLDER / "dev"
# Trust store of Debian, Alpine and Envoy's images.
TRUST_STORE = Path("/etc/ssl/certs/ca-certificates.crt")


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
    return pwd.getpwuid(os.getuid()).pw_name


def first_subordinate_id(file: Path) -> int | None:
    """Return the first of this user's subordinate ids in ``/etc/subuid`` or ``/etc/subgid``, if they are enough."""
    lines = file.read_text().splitlines() if file.exists() else []
    for line in lines:
        owner, first, count = (*line.split(":"), "", "")[:3]
        if owner in (user_name(), str(os.getuid())) and count.isdigit() and int(count) >= USERS:
            return int(first)
    return None


def creates_namespaces() -> bool:
    """Return whether this process may create the namespaces of a run without a user namespace for the run."""
    return has_capabilities(SETUID, SETGID, NET_ADMIN, SYS_ADMIN)


def first_free_id() -> int | None:
    """Return the first of `USERS` ids that nobody on this machine has; ``None`` if root here has too few ids."""
    taken = [(each.pw_uid, 1) for each in pwd.getpwall()] + [(each.gr_gid, 1) for each in grp.getgrall()]
    for file in ("/etc/subuid", "/etc/subgid"):
        taken += _subordinate_ids(file)
    for process in _PROCESSES.glob("[0-9]*"):
        with suppress(OSError):
            taken.append((process.stat().st_uid, 1))
    maps = _id_maps()
    for candidate in _CONTAINER_IDS:
        is_free = all(first + count <= candidate or candidate + USERS <= first for first, count in taken)
        if is_free and _contain(maps, candidate):
            return candidate
    return None


def has_ids(first: int) -> bool:
    """Return whether the user namespace of this process has `USERS` ids from this one on."""
    return _contain(_id_maps(), first)


def _id_maps() -> list[list[tuple[int, int]]]:
    return [[_id_range(line) for line in Path(file).read_text().splitlines()] for file in _MAPS]


def _id_range(line: str) -> tuple[int, int]:
    first, _, count = line.split()
    return int(first), int(count)


def _contain(maps: Iterable[Iterable[tuple[int, int]]], first: int) -> bool:
    return all(any(start <= first and first + USERS <= start + count for start, count in each) for each in maps)


def _subordinate_ids(file: str) -> Iterator[tuple[int, int]]:
    """Yield the ranges of ids of ``/etc/subuid`` or ``/etc/subgid``."""
    lines = Path(file).read_text().splitlines() if Path(file).exists() else []
    for line in lines:
        words = line.split(":")
        if len(words) == 3 and words[1].isdigit() and words[2].isdigit():
            yield int(words[1]), int(words[2])


def start_isolated(command: Sequence[str], file_descriptors: Iterable[int]) -> "subprocess.Popen[bytes]":
    """Start a command as the first process of new process, network and mount namespaces.

    They belong to a new user namespace if this user may not create them otherwise.

    Args:
        command: The command.
        file_descriptors: File descriptors that the command inherits.

    Raises:
        OSError: If the kernel refuses.
    """
    unshare = [system_program("unshare"), "--mount", "--net", "--pid", "--fork", "--kill-child", *command]
    inherited = tuple(file_descriptors)
    if creates_namespaces():
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
        _wait_for_user_namespace(process)
        _map_users(process.pid)
        process.stdin.write(b"go\n")
        process.stdin.close()
    except OSError:
        process.kill()
        process.wait()
        raise
    return process


def shares_ids() -> bool:
    """Return whether containers have ids of users of this machine, because root here has no others."""
    return has_capabilities(SETUID, SETGID) and first_free_id() is None


def first_container_id() -> int:
    """Return the id that the root of containers has in the run.

    In a user namespace of the run it is 1: 0 is the user who started the run, and the others are ids of nobody.
    """
    return (first_free_id() or 1) if creates_namespaces() else 1


def _wait_for_user_namespace(process: "subprocess.Popen[bytes]") -> None:
    own = os.readlink("/proc/self/ns/user")
    while os.readlink(f"/proc/{process.pid}/ns/user") == own:
        if process.poll() is not None:
            raise OSError("no user namespace")
        os.sched_yield()


def _map_users(pid: int) -> None:
    if has_capabilities(SETUID, SETGID):
        for file in ("uid_map", "gid_map"):
            Path(f"/proc/{pid}/{file}").write_text(f"0 0 1\n1 {first_free_id() or 1} {USERS}\n")
        return
    for tool, own, file in (("newuidmap", os.getuid(), "/etc/subuid"), ("newgidmap", os.getgid(), "/etc/subgid")):
        first = first_subordinate_id(Path(file))
        mapping = [str(pid), "0", str(own), "1", "1", str(first), str(USERS)]
        command = [system_program(tool), *mapping]
        mapped = subprocess.run(command, env=SYSTEM_ENVIRONMENT, capture_output=True, text=True, check=False)
        if mapped.returncode != 0:
            raise OSError(mapped.stderr.strip() or f"{tool} ended with {mapped.returncode}")


def prepare_mounts(resolver: IPv4Address, envoy: str, trusted: str) -> bool:
    """Give the mount namespace of the run its own ``/run``, ``/proc``, name resolution and trust store.

    The run's folder is hidden.

    Args:
        resolver: Address of the VPC's resolver.
        envoy: Path of the Envoy binary, which becomes `BINARIES`/envoy, where all users reach it.
        trusted: Certificate of the authority that containers trust, in PEM. They reach no others.

    Returns:
        True if the run has its own ``/proc``. Containers may not mount it; then it shows the machine's processes.
    """
    resolv_conf = Path("/etc/resolv.conf").resolve()
    nsswitch_conf = Path("/etc/nsswitch.conf").resolve()
    _mount("--make-rprivate", "/")
    # The supervisor reaches the folder through its descriptor; containers must not reach the control socket or logs.
    _mount("-t", "tmpfs", "-o", "ro,mode=755", "tmpfs", str(FOLDER.absolute()))
    # The process ids of the run.
    proc = subprocess.run(
        [system_program("mount"), "-t", "proc", "proc", "/proc"],
        env=SYSTEM_ENVIRONMENT,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for folder in (BINARIES, NETWORK_NAMESPACES):
        folder.mkdir(parents=True)
    # The lock of iptables, which also runs as the root of the containers.
    lock = Path("/run/xtables.lock")
    lock.touch()
    lock.chmod(0o666)
    # Only DNS: other sources of the machine, such as mDNS for .local names, do not exist on AWS.
    _replace(resolv_conf, f"nameserver {resolver}\noptions timeout:1 attempts:3\n")
    _replace(nsswitch_conf, "passwd: files\ngroup: files\nhosts: files dns\n")
    if not TRUST_STORE.exists():
        _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(TRUST_STORE.parent.resolve()))
        TRUST_STORE.touch()
    _replace(TRUST_STORE.resolve(), trusted)
    _bind(envoy, BINARIES / "envoy")
    for mount_point in ("shm", "pts"):
        (DEVICES / mount_point).mkdir(parents=True)
    for name in DEVICE_NAMES:
        _bind(f"/dev/{name}", DEVICES / name)
    links = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}
    for name, descriptor in links.items():
        (DEVICES / name).symlink_to(f"/proc/self/fd{descriptor}")
    (DEVICES / "ptmx").symlink_to("pts/ptmx")
    return proc.returncode == 0


def _bind(source: str, target: Path) -> None:
    target.touch()
    _mount("--bind", source, str(target))


def _replace(file: Path, text: str) -> None:
    own = RUN_FOLDER / file.name
    own.write_text(text)
    if file.is_relative_to("/run"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    elif file.exists():
        _mount("--bind", str(own), str(file))


def _mount(*arguments: str) -> None:
    subprocess.run([system_program("mount"), *arguments], env=SYSTEM_ENVIRONMENT, check=True)
