"""The control socket: whose requests it takes."""

import asyncio
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from color_mesh.local.folder import RunFolder
from color_mesh.local.run.control.control_socket import ControlSocket


class Handler:
    """Handler that counts requests."""

    def __init__(self) -> None:
        self.requests = 0

    async def respond(self, _request: Any, _files: list[int], _client: socket.socket) -> Any:
        self.requests += 1
        return {}


def response_and_requests(path: Path) -> tuple[Any, int]:
    """Send a request of this process; return the response, and the number of requests that were handled."""
    handler = Handler()

    async def exchange() -> bytes:
        folder = RunFolder(os.open(path, os.O_PATH))
        control = ControlSocket(handler, lambda _: None)  # type: ignore[arg-type]
        serving = asyncio.ensure_future(control.serve(folder))
        await asyncio.sleep(0)
        with socket.socket(socket.AF_UNIX) as client:
            folder.connect(client)
            client.sendall(b'{"command": "status"}\n')
            client.setblocking(False)
            line = await asyncio.get_running_loop().sock_recv(client, 65536)
        serving.cancel()
        os.close(folder.descriptor)
        return line

    return json.loads(asyncio.run(exchange())), handler.requests


def test_request_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    error = f"control socket: the client is another user, got {os.getuid()} (the user who started the run)"
    assert response_and_requests(tmp_path) == ({"error": error}, 0)


def test_request_of_a_process_of_the_run_is_refused(tmp_path: Path) -> None:
    # This process is in the process namespace of the socket, as those of a run are.
    error = (
        f"control socket: the client is a process of the run, got {os.getpid()} (use color-mesh outside the containers)"
    )
    assert response_and_requests(tmp_path) == ({"error": error}, 0)
