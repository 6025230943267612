"""Forwarding of connections from a port of this machine into the mesh."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address

from color_mesh.local.run.background import start_in_background
from color_mesh.local.run.network.iptables_rules import INTERNET_LINK
from color_mesh.local.run.network.network_namespaces import tcp_socket

_CHUNK = 65536
_CONNECT_SECONDS = 10.0


class PortForwarder:
    """Forwarder of connections from a port of this machine, as if they came from the internet.

    Args:
        listening: Listening socket. It belongs to the machine's network namespace.
        destination: Returns the address and port to connect to; ``None`` if there is none.
        on_error: Receives an unexpected exception.
    """

    def __init__(
        self,
        listening: socket.socket,
        destination: Callable[[], tuple[IPv4Address, int] | None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        listening.setblocking(False)
        self._listening = listening
        self._destination = destination
        self._on_error = on_error
        self._accepting = start_in_background(self._accept(), on_error)

    def close(self) -> None:
        """Close the listening socket; open connections remain."""
        self._accepting.cancel()
        self._listening.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self._listening)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            start_in_background(self._forward(client), self._on_error)

    async def _forward(self, client: socket.socket) -> None:
        destination = self._destination()
        if destination is None:
            client.close()
            return
        address, port = destination
        loop = asyncio.get_running_loop()
        server = tcp_socket(INTERNET_LINK)
        try:
            await asyncio.wait_for(loop.sock_connect(server, (str(address), port)), _CONNECT_SECONDS)
            await _copy_both_ways(client, server)
        except (OSError, asyncio.TimeoutError):
            # The mesh reset the connection: with this option, closing the socket resets that of the client.
            with suppress(OSError):
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        finally:
            client.close()
            server.close()


async def _copy_both_ways(client: socket.socket, server: socket.socket) -> None:
    """Copy until both directions have ended or one fails."""
    directions = [asyncio.ensure_future(_copy(client, server)), asyncio.ensure_future(_copy(server, client))]
    try:
        await asyncio.wait(directions, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for direction in directions:
            direction.cancel()
        # A socket must not be closed while a coroutine waits for it.
        results = await asyncio.gather(*directions, return_exceptions=True)
    for result in results:
        if isinstance(result, OSError):
            raise result


async def _copy(source: socket.socket, target: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(source, _CHUNK):
        await loop.sock_sendall(target, data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
