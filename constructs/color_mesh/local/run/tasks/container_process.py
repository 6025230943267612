"""Processes of containers.

A container has its own process, mount and IPC namespaces, and the network namespace of its task. Its users are those of
`color_mesh.local.run.container_users`, and it sees the files of the machine that `visible_files` names.

`container_entry` prepares each process. The environment of the container takes effect after that, and only for the
program of the container.
"""

import asyncio
import marshal
import os
import signal
import socket
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from color_mesh.local.run.container_users import ContainerUsers
from color_mesh.local.run.interpreter import script_command
from color_mesh.local.run.isolation import DEVICE_NAMES, SYSTEM_ENVIRONMENT, system_program
from color_mesh.local.run.network.network_namespaces import NETWORK_NAMESPACES
from color_mesh.local.run.tasks import container_entry
from color_mesh.local.run.tasks.visible_files import VisibleFiles

# Docker's default capabilities, which ECS uses too (Docker documentation, Runtime privilege and Linux capabilities):
# CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, MKNOD,
# AUDIT_WRITE and SETFCAP.
_CAPABILITIES = 0xA80425FB
# Linux: include/uapi/linux/capability.h
NET_BIND_SERVICE = 10
# The shell is the first process of the container, and ends all others when it ends. It starts the program as a child:
# the kernel ignores signals to the first process, such as SIGTERM, for which it has no handler.
_FIRST_PROCESS = '"$@"; exit $?'
# unix(7), SCM_CREDENTIALS: process id, user id and group id.
_CREDENTIALS = struct.Struct("iII")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sandbox:
    """Properties that all containers of a run share.

    Attributes:
        users: Users of the containers.
        files: Files that containers see.
        mounts_proc: Containers have their own ``/proc``. The kernel refuses that in some containers of Docker.
    """

    users: ContainerUsers
    files: VisibleFiles
    mounts_proc: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerProgram:
    """Program of a container.

    Attributes:
        command: The program and its arguments.
        environment: Environment.
        user: User and group.
        capabilities: Capabilities that the program has although its user is not root.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    user: tuple[int, int]
    capabilities: tuple[int, ...] = ()


async def start_container(
    sandbox: Sandbox, program: ContainerProgram, network: str, folder: Path, output: int
) -> tuple[asyncio.subprocess.Process, int]:
    """Start the first process of a container, and wait until its program starts.

    Args:
        sandbox: Properties that all containers share.
        program: The program.
        network: Network namespace.
        folder: Working directory, of which the container sees what the run has put there.
        output: File descriptor of standard output and standard error.

    Returns:
        The process that ends when the container does, and the id of the program in the run.

    Raises:
        RuntimeError: If the container cannot be prepared.
    """
    files = sandbox.files
    exposed = [*files.exposed, *([str(folder)] if folder != Path("/") else [])]
    options = {
        "network": str(NETWORK_NAMESPACES / network),
        "folder": str(folder),
        "hidden": list(files.hidden),
        "exposed": exposed,
        "temporary": list(files.temporary),
        "devices": files.devices,
        "device_names": list(DEVICE_NAMES),
        "mounts_proc": sandbox.mounts_proc,
    }
    namespaces = [system_program("unshare"), "--mount", "--ipc", "--pid", "--fork", "--kill-child"]
    first_process = [system_program("sh"), "-c", _FIRST_PROCESS, "sh"]
    streams = (asyncio.subprocess.DEVNULL, output, output)
    return await _start([*namespaces, *first_process], sandbox, program, options, streams, ())


async def start_in_container(
    sandbox: Sandbox, program: ContainerProgram, process: int, streams: tuple[int, int, int]
) -> asyncio.subprocess.Process:
    """Start another process in a running container.

    Args:
        sandbox: Properties that all containers share.
        program: The program.
        process: File descriptor of the container's process.
        streams: Standard streams.

    Raises:
        RuntimeError: If the container has ended.
    """
    started, _ = await _start([], sandbox, program, {"process": process}, streams, (process,))
    return started


async def _start(
    prefix: Sequence[str],
    sandbox: Sandbox,
    program: ContainerProgram,
    options: Mapping[str, Any],
    streams: tuple[int, int, int],
    descriptors: tuple[int, ...],
) -> tuple[asyncio.subprocess.Process, int]:
    """Start `container_entry` with its options, and wait until it has prepared the container."""
    users = sandbox.users
    options = {
        **options,
        "command": list(program.command),
        "environment": dict(program.environment),
        "user": program.user,
        "owner": users.outside(program.user),
        "users": users.namespace,
        "bounding_set": _CAPABILITIES,
        "ambient": sum(1 << each for each in program.capabilities),
    }
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            entry = script_command(container_entry.__file__, str(theirs.fileno()))
            started = await asyncio.create_subprocess_exec(
                *prefix,
                *entry,
                env=SYSTEM_ENVIRONMENT,
                stdin=streams[0],
                stdout=streams[1],
                stderr=streams[2],
                start_new_session=True,
                pass_fds=(theirs.fileno(), users.namespace, *descriptors),
                cwd="/",
            )
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(ours, marshal.dumps(options))
            ours.shutdown(socket.SHUT_WR)
            return started, await _prepared(ours)
        except BaseException:
            kill_group(started)
            raise


def kill_group(process: asyncio.subprocess.Process) -> None:
    """Kill a process and those that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


async def _prepared(answers: socket.socket) -> int:
    """Wait until `container_entry` has prepared a container, and return the id of its program in the run."""
    readable = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(answers, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(answers)
    message, ancillary, _, _ = answers.recvmsg(1024, socket.CMSG_SPACE(_CREDENTIALS.size))
    if message != b"\0":
        raise RuntimeError(message.decode() or "the container cannot be prepared")
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            return int(_CREDENTIALS.unpack(content[: _CREDENTIALS.size])[0])
    raise RuntimeError("the container cannot be prepared: the kernel sent no credentials")
