"""The control socket: a Unix socket. A request is one line of JSON, and so is each line of the response."""

import asyncio
import json
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

from color_mesh.local.folder import RunFolder
from color_mesh.local.run.background import start_in_background
from color_mesh.local.run.control.requests import RequestHandler
from color_mesh.model import MeshError
from color_mesh.model.errors import problem

_LARGEST_REQUEST = 1 << 20
_STANDARD_STREAMS = 3
# unix(7), SO_PEERCRED: process id, user id and group id.
_CREDENTIALS = struct.Struct("iII")


class ControlSocket:
    """Server of the control socket.

    Args:
        handler: Handler of the requests.
        on_error: Receives an unexpected exception.
    """

    def __init__(self, handler: RequestHandler, on_error: Callable[[BaseException], None]) -> None:
        self._handler = handler
        self._on_error = on_error

    async def serve(self, folder: RunFolder) -> None:
        """Serve requests of the user who started the run, on the control socket of its folder."""
        listening = folder.listen()
        listening.setblocking(False)
        while True:
            client, _ = await asyncio.get_running_loop().sock_accept(listening)
            start_in_background(self._serve_client(client), self._on_error)

    async def _serve_client(self, client: socket.socket) -> None:
        client.setblocking(False)
        files: list[int] = []
        loop = asyncio.get_running_loop()
        try:
            _check_credentials(client)
            line, files = await _receive(client)
            response = await self._handler.respond(json.loads(line), files, client)
        except MeshError as error:
            response = {"error": str(error)}
        except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
            response = {"error": f"color-mesh: unknown request, got {error!r} (use the color-mesh command)"}
        except OSError:
            response = None  # The client has gone.
        finally:
            for file in files:
                with suppress(OSError):
                    os.close(file)
        with suppress(OSError):
            if response is not None:
                await loop.sock_sendall(client, json.dumps(response).encode() + b"\n")
        client.close()


def _check_credentials(client: socket.socket) -> None:
    """Raise a `MeshError` unless the client is a process of the user who started the run, and not one of the run."""
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(credentials)
    # In a user namespace, this is the id to which the user is mapped; other users have the overflow id.
    if uid != os.geteuid():
        raise MeshError([problem("control socket", "the client is another user", uid, "the user who started the run")])
    # Processes outside the process namespace of the run have no id in it. A container's root is the same user.
    if pid != 0:
        fix = "use color-mesh outside the containers"
        raise MeshError([problem("control socket", "the client is a process of the run", pid, fix)])


async def _receive(client: socket.socket) -> tuple[bytes, list[int]]:
    """Receive a request, and the standard streams that may come with it."""
    loop = asyncio.get_running_loop()
    line, files = b"", []
    while not line.endswith(b"\n"):
        readable = asyncio.Event()
        loop.add_reader(client, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(client)
        part, received, _, _ = socket.recv_fds(client, 65536, _STANDARD_STREAMS)
        files += received
        line += part
        if not part or len(line) > _LARGEST_REQUEST:
            raise ConnectionResetError("no request")
    return line, files
