"""Network namespaces, each with a file in ``/run/netns`` as ``ip netns`` and ``nsenter`` expect it.

They are entered by system calls in this process: pyroute2 would copy the process for each of them.
"""

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from color_mesh.local.run.container_users import ContainerUsers

NETWORK_NAMESPACES = Path("/run/netns")
_OWN = Path("/proc/self/ns/net")

# Linux: include/uapi/linux/sched.h, mount.h and include/linux/fs.h
_CLONE_NEWNET = 0x40000000
_MS_BIND = 4096
_MNT_DETACH = 2
_libc = ctypes.CDLL(None, use_errno=True)


def create_network_namespace(name: str, users: ContainerUsers) -> None:
    """Create a network namespace in which the root of containers may listen on any port.

    Args:
        name: Name of the namespace.
        users: Users of the containers.

    Raises:
        OSError: If the kernel refuses.
    """
    file = NETWORK_NAMESPACES / name
    file.touch(exist_ok=False)
    namespace = users.create_network_namespace()
    try:
        _call(_libc.mount(b"/proc/self/fd/%d" % namespace, bytes(file), b"none", _MS_BIND, None))
    finally:
        os.close(namespace)


def remove_network_namespace(name: str) -> None:
    """Remove a network namespace and its links, as soon as no process is in it."""
    file = NETWORK_NAMESPACES / name
    _call(_libc.umount2(bytes(file), _MNT_DETACH))
    file.unlink()


@contextmanager
def inside(name: str) -> Iterator[None]:
    """Put this thread into a network namespace while the block runs; the block must not wait for anything."""
    with _returning(), (NETWORK_NAMESPACES / name).open() as other:
        _call(_libc.setns(other.fileno(), _CLONE_NEWNET))
        yield


def tcp_socket(name: str) -> socket.socket:
    """Create a TCP socket in a network namespace."""
    with inside(name):
        created = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    created.setblocking(False)
    created.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return created


def set_kernel_parameter(name: str, parameter: str, value: str) -> None:
    """Set a kernel parameter, such as ``net.ipv4.ip_local_port_range``, of a network namespace."""
    with inside(name):
        Path("/proc/sys", parameter.replace(".", "/")).write_text(f"{value}\n")


@contextmanager
def _returning() -> Iterator[None]:
    """Put this thread back into its network namespace when the block ends."""
    with _OWN.open() as own:
        try:
            yield
        finally:
            _call(_libc.setns(own.fileno(), _CLONE_NEWNET))


def _call(result: int) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
