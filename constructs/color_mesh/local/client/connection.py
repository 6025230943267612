"""Requests to the running mesh of a folder, over its control socket."""

import json
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from color_mesh.local.folder import FOLDER, wait_for_end
from color_mesh.model import MeshError
from color_mesh.model.errors import problem

# Environment variables of the terminal that programs in a container need.
_TERMINAL = ("TERM", "COLUMNS", "LINES", "LANG")


def request(command: Any, files: Sequence[int] = ()) -> Any:
    """Send a request and return the response.

    Args:
        command: The request, as JSON.
        files: File descriptors to send with it.

    Raises:
        MeshError: When no mesh runs from this folder, or it refuses the request.
    """
    path = FOLDER / "control.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            # Relative, because the path of a socket has at most 107 characters.
            connection.connect(os.path.relpath(path.absolute()))
        except OSError:
            fix = "start one with color-mesh up, or go to the folder where it was started"
            raise MeshError([problem("color-mesh", "no mesh runs from here", str(Path.cwd()), fix)]) from None
        socket.send_fds(connection, [json.dumps(command).encode() + b"\n"], list(files))
        content = b"".join(iter(lambda: connection.recv(65536), b""))
    response = json.loads(content) if content else {}
    if "error" in response:
        raise MeshError(response["error"].splitlines())
    return response


def stop_mesh() -> bool:
    """Stop the mesh of this folder and wait until all of it has ended; return whether there was one."""
    with suppress(MeshError):
        request({"command": "down"})
    return (FOLDER / "lock").exists() and wait_for_end(FOLDER)


def execute(target: str, container: str | None, arguments: Sequence[str]) -> int:
    """Run a command in a container with this process's standard streams, and return its exit status."""
    streams = [stream.fileno() for stream in (sys.stdin, sys.stdout, sys.stderr)]
    command = {
        "command": "exec",
        "target": target,
        "container": container,
        "arguments": list(arguments),
        "environment": {name: os.environ[name] for name in _TERMINAL if name in os.environ},
    }
    code: int = request(command, streams)["code"]
    # Shells report a process that a signal ended as 128 plus its number.
    return code if code >= 0 else 128 - code
