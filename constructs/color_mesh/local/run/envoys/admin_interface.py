"""Client of Envoy's administration interface, which only its own task reaches.

A program of the task may listen at its port in place of Envoy, and answer anything.
"""

import asyncio
import json
from contextlib import suppress
from typing import Any

import h11

from color_mesh.envoy.placement import ADMIN_PORT
from color_mesh.local.run.network.network_namespaces import tcp_socket

TIMEOUT_SECONDS = 5.0
# Statistics of Envoys with thousands of clusters have a few MiB.
_MAX_BODY_BYTES = 32 * 1024 * 1024
# How long App Mesh's agent lets the listeners of an Envoy drain before it stops the Envoy.
_DRAIN_SECONDS = 20.0
_OPEN_CONNECTIONS = r"^(http|tcp)\.ingress\..*downstream_cx_active$"


async def request(network: str, path: str, method: str = "GET") -> bytes:
    """Send a request to the Envoy in a network namespace, and return the body of the response.

    Raises:
        OSError: If no Envoy answers.
        asyncio.TimeoutError: If the response takes too long.
    """
    return await asyncio.wait_for(_request(network, path, method), TIMEOUT_SECONDS)


async def _request(network: str, path: str, method: str) -> bytes:
    client = tcp_socket(network)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", ADMIN_PORT))
    reader, writer = await asyncio.open_connection(sock=client)
    connection = h11.Connection(h11.CLIENT)
    headers = [("Host", "localhost"), ("Connection", "close")]
    writer.write(connection.send(h11.Request(method=method, target=path, headers=headers)) or b"")
    writer.write(connection.send(h11.EndOfMessage()) or b"")
    body = bytearray()
    try:
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Data) and len(body) + len(event.data) <= _MAX_BODY_BYTES:
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return bytes(body)
            elif isinstance(event, h11.Data | h11.ConnectionClosed):
                raise ConnectionResetError(path)
    except h11.RemoteProtocolError as error:
        raise ConnectionResetError(path) from error
    finally:
        writer.close()


async def stats(network: str, pattern: str) -> dict[str, int]:
    """Return the counters and gauges whose names match a regular expression.

    Raises:
        OSError: If no Envoy answers.
        asyncio.TimeoutError: If the response takes too long.
    """
    response = await request(network, f"/stats?format=json&filter={pattern}")
    try:
        counters: list[dict[str, Any]] = json.loads(response)["stats"]
        return {str(each["name"]): int(each["value"]) for each in counters if "value" in each}
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
        raise ConnectionResetError(pattern) from error


async def drain(network: str) -> None:
    """Let the listeners of an Envoy drain, and wait until its open connections have ended."""
    with suppress(OSError, asyncio.TimeoutError):
        await request(network, "/drain_listeners?graceful", "POST")
        for _ in range(int(_DRAIN_SECONDS / 0.1)):
            if not any((await stats(network, _OPEN_CONNECTIONS)).values()):
                return
            await asyncio.sleep(0.1)
