"""Users of containers, which are no users of the machine.

All containers of a run are in one user namespace. Its ids are ids of the machine that no user has: the root of a
container is nobody outside, and a process of the machine with the number of a container's user is another user.
"""

import ctypes
import os
import socket

# Number of the users and groups of containers: 0 to 65534, which is `nobody`.
USERS = 65535

_CLONE_NEWUSER, _CLONE_NEWNET = 1 << 28, 1 << 30
_libc = ctypes.CDLL(None, use_errno=True)


class ContainerUsers:
    """User namespace of the containers of a run.

    Args:
        first: Id that the containers' root has in the run.

    Attributes:
        first: Id that the containers' root has in the run.
        namespace: File descriptor of the user namespace.

    Raises:
        OSError: If the kernel refuses.
    """

    def __init__(self, first: int) -> None:
        self.first = first
        self._requests, inside = socket.socketpair()
        if os.fork() == 0:
            self._requests.close()
            _serve_namespaces(inside)
        inside.close()
        # The process sends its folder in /proc: its id may be another one there.
        process = self._receive()
        try:
            for file in ("uid_map", "gid_map"):
                opened = os.open(file, os.O_WRONLY, dir_fd=process)
                try:
                    os.write(opened, f"0 {first} {USERS}\n".encode())
                finally:
                    os.close(opened)
        finally:
            os.close(process)
        self._requests.send(b"\0")
        self.namespace = self._receive()

    def outside(self, user: tuple[int, int]) -> tuple[int, int]:
        """Return the ids that a user and group of a container have in the run."""
        return self.first + user[0], self.first + user[1]

    def create_network_namespace(self) -> int:
        """Create a network namespace that belongs to the user namespace, and return its file descriptor.

        The containers' root may listen on any port of it, which it could not in one that belongs to the run.
        """
        self._requests.send(b"\0")
        return self._receive()

    def _receive(self) -> int:
        message, files, _, _ = socket.recv_fds(self._requests, 1024, 1)
        if not files:
            raise OSError(f"no namespaces for containers: {message.decode()}")
        return files[0]


def _serve_namespaces(requests: socket.socket) -> None:
    """Create namespaces in the user namespace, and send them, until the socket is closed."""
    try:
        _call(_libc.unshare(_CLONE_NEWUSER))
        _send(requests, "/proc/self")
        requests.recv(1)
        # Docker and ECS let no process of a container create user namespaces (Docker documentation, Seccomp security
        # profiles). Where /proc/sys is read-only, containers may create them, as any user of the machine.
        try:
            with open("/proc/sys/user/max_user_namespaces", "w", encoding="ascii") as setting:
                setting.write("0")
        except OSError:
            pass
        _send(requests, "/proc/self/ns/user")
        # A network namespace ends when no process is in it.
        _call(_libc.unshare(_CLONE_NEWNET))
        own = os.open("/proc/self/ns/net", os.O_RDONLY)
        while requests.recv(1):
            _call(_libc.unshare(_CLONE_NEWNET))
            _send(requests, "/proc/self/ns/net")
            _call(_libc.setns(own, _CLONE_NEWNET))
    except OSError as error:
        requests.send(str(error).encode())
    finally:
        os._exit(0)


def _send(requests: socket.socket, file: str) -> None:
    opened = os.open(file, os.O_RDONLY)
    socket.send_fds(requests, [b"\0"], [opened])
    os.close(opened)


def _call(result: int) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
