"""Requests to a run that ends before it has answered."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from color_mesh.local.client.connection import request
from color_mesh.local.folder import take
from color_mesh.model import MeshError


@pytest.fixture(params=[b"", b'{"code"'], ids=["nothing", "half-a-line"])
def ending_run(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder of a run that ends while a client waits for a response, of which it has sent this."""
    monkeypatch.chdir(tmp_path)
    folder, lock = take()

    def end() -> None:
        client, _ = listening.accept()
        with client:
            # The client gets a reset, because its request has not been read.
            client.recv(1, socket.MSG_PEEK)
            client.sendall(request.param)

    with folder.listen() as listening:
        ending = Thread(target=end)
        ending.start()
        yield
        ending.join()
    os.close(lock)
    os.close(folder.descriptor)


@pytest.mark.usefixtures("ending_run")
def test_command_names_a_run_that_has_ended() -> None:
    with pytest.raises(MeshError, match="^color-mesh: the mesh ended before it answered, got '/"):
        request({"command": "status"})
