"""Inside the namespaces of a run: its own files in the place of the machine's, its network, and sockets in others'."""

import ctypes
import os
import socket
import struct
import subprocess
from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path

# The first of them is private to the namespace; nothing of it is on the machine's disk.
RUN = Path("/run/color-mesh")
NETWORKS = Path("/run/netns")
BINARIES = RUN / "bin"
SHM = 'mount -t tmpfs -o mode=1777 shm /dev/shm; exec "$@"'

# Docker's default capabilities, which are ECS's (Docker documentation, *Runtime privilege and Linux capabilities*).
_CAPABILITIES = (
    "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod,"
    "audit_write,setfcap"
)
_CLONE_NEWNET = 0x40000000
# Linux: include/uapi/linux/rtnetlink.h, if_link.h and ip.h
_RTM_SETLINK, _NLM_F_REQUEST_ACK, _IFLA_AF_SPEC, _IFLA_INET_CONF, _FORWARDING = 19, 5, 26, 1, 1
_libc = ctypes.CDLL(None, use_errno=True)


def prepare(resolver: IPv4Address, envoy: str) -> None:
    """Give this mount namespace its own ``/run``, ``/proc`` and name resolution, and Envoy a place all users reach."""
    resolving = Path("/etc/resolv.conf").resolve()
    switching = Path("/etc/nsswitch.conf").resolve()
    _mount("--make-rprivate", "/")
    # Processes here have other numbers than outside. A container may not mount it anew, and needs it only for looks.
    subprocess.run(["mount", "-t", "proc", "proc", "/proc"], stderr=subprocess.DEVNULL, check=False)
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for folder in (BINARIES, NETWORKS):
        folder.mkdir(parents=True)
    # Only DNS: what the machine knows besides, such as its own `.local` names, does not exist on AWS.
    _replace(resolving, f"nameserver {resolver}\noptions timeout:1 attempts:3\n")
    _replace(switching, "passwd: files\ngroup: files\nhosts: files dns\n")
    binary = BINARIES / "envoy"
    binary.touch()
    _mount("--bind", envoy, str(binary))


def _replace(file: Path, text: str) -> None:
    own = RUN / file.name
    own.write_text(text)
    if file.is_relative_to("/run"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    elif file.exists():
        _mount("--bind", str(own), str(file))


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def forward(link: str) -> None:
    """Let what comes from a link go on to others.

    By netlink, because ``/proc/sys`` may not be written in many containers.
    """
    option = _attribute(_FORWARDING, struct.pack("I", 1))
    settings = _attribute(_IFLA_AF_SPEC, _attribute(socket.AF_INET, _attribute(_IFLA_INET_CONF, option)))
    body = struct.pack("BxHiII", 0, 0, socket.if_nametoindex(link), 0, 0) + settings
    header = struct.pack("IHHII", 16 + len(body), _RTM_SETLINK, _NLM_F_REQUEST_ACK, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.send(header + body)
        (error,) = struct.unpack("i", netlink.recv(4096)[16:20])
    if error:
        raise OSError(-error, os.strerror(-error), link)


def _attribute(kind: int, content: bytes) -> bytes:
    return struct.pack("HH", 4 + len(content), kind) + content + bytes(-len(content) % 4)


def socket_in(network: str) -> socket.socket:
    """Make a TCP socket that belongs to another network namespace."""
    with (NETWORKS / network).open() as other, Path("/proc/self/ns/net").open() as own:
        _enter(other.fileno())
        try:
            made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        finally:
            _enter(own.fileno())
    made.setblocking(False)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _enter(namespace: int) -> None:
    if _libc.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def contained(network: str, user: tuple[int, int], command: Sequence[str]) -> list[str]:
    """Write the command line of a container's process: its network, user and capabilities."""
    uid, gid = user
    privileges = [f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--inh-caps=-all"]
    bounding = "--bounding-set=-all," + ",".join(f"+{each}" for each in _CAPABILITIES.split(","))
    return ["nsenter", f"--net={NETWORKS / network}", "setpriv", *privileges, bounding, "--", *command]


def with_own_memory(command: Sequence[str]) -> list[str]:
    """Write the command line of a process with shared memory of its own, as each container has it."""
    return ["unshare", "--mount", "sh", "-c", SHM, "sh", *command]
