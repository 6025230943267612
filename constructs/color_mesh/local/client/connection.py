"""Requests to the running mesh of a folder, over its control socket."""

import json
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from color_mesh.local.client.terminal_relay import relayed_streams
from color_mesh.local.folder import opened_folder, wait_for_end
from color_mesh.local.terminal import terminal_variables
from color_mesh.model import MeshError
from color_mesh.model.errors import problem

_START = "start one with color-mesh up"


def request(command: Any, files: Sequence[int] = ()) -> Any:
    """Send a request and return the response.

    Args:
        command: The request, as JSON.
        files: File descriptors to send with it.

    Raises:
        MeshError: When no mesh runs from this folder, it refuses the request, or it ends before it has answered.
    """
    with opened_folder() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            if folder is None:
                raise FileNotFoundError
            folder.connect(connection)
        except OSError:
            fix = f"{_START}, or go to the folder where it was started"
            raise MeshError([problem("color-mesh", "no mesh runs from here", str(Path.cwd()), fix)]) from None
        # A client that is refused gets its response although nobody reads its request.
        with suppress(BrokenPipeError, ConnectionResetError):
            socket.send_fds(connection, [json.dumps(command).encode() + b"\n"], list(files))
        line = _receive_line(connection)
    if not line.endswith(b"\n"):
        raise MeshError([problem("color-mesh", "the mesh ended before it answered", str(Path.cwd()), _START)])
    response = json.loads(line)
    if "error" in response:
        raise MeshError(response["error"].splitlines())
    return response


def _receive_line(connection: socket.socket) -> bytes:
    """Receive a line; a part of it, or nothing, if the run ends before."""
    content = b""
    with suppress(ConnectionResetError):
        while not content.endswith(b"\n") and (part := connection.recv(65536)):
            content += part
    return content


def stop_mesh() -> bool:
    """Stop the mesh of this folder and wait until all of it has ended; return whether there was one."""
    with suppress(MeshError):
        request({"command": "down"})
    return wait_for_end()


def execute(target: str, container: str | None, arguments: Sequence[str]) -> int:
    """Run a command in a container with this process's standard streams, and return its exit status."""
    command = {
        "command": "exec",
        "target": target,
        "container": container,
        "arguments": list(arguments),
        "environment": terminal_variables(os.environ),
    }
    with relayed_streams() as streams:
        code: int = request(command, streams)["code"]
    # Shells report a process that a signal ended as 128 plus its number.
    return code if code >= 0 else 128 - code
