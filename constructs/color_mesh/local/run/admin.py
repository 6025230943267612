"""Asking an Envoy's administration interface, from inside its task's network."""

import asyncio
import json
from typing import Any

import h11

from color_mesh.envoy.placement import ADMIN_PORT
from color_mesh.local.run.namespace import socket_in

TIMEOUT_SECONDS = 5.0


async def ask(network: str, path: str, method: str = "GET") -> bytes:
    """Send a request to the administration interface in a network namespace.

    Raises:
        OSError: When nobody answers.
    """
    return await asyncio.wait_for(_ask(network, path, method), TIMEOUT_SECONDS)


async def _ask(network: str, path: str, method: str) -> bytes:
    made = socket_in(network)
    await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", ADMIN_PORT))
    reader, writer = await asyncio.open_connection(sock=made)
    connection = h11.Connection(h11.CLIENT)
    headers = [("Host", "localhost"), ("Connection", "close")]
    writer.write(connection.send(h11.Request(method=method, target=path, headers=headers)) or b"")
    writer.write(connection.send(h11.EndOfMessage()) or b"")
    body = b""
    try:
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return body
            elif isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError(path)
    finally:
        writer.close()


async def stats(network: str, pattern: str) -> dict[str, int]:
    """Find the counters and gauges whose names match."""
    answer = json.loads(await ask(network, f"/stats?format=json&filter={pattern}"))
    found: list[dict[str, Any]] = answer["stats"]
    return {each["name"]: int(each["value"]) for each in found if "value" in each}
