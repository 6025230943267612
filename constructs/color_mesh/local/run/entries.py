"""The ways into the mesh from outside: a port of this machine for each port that the internet reaches."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address

from color_mesh.local.plan.assembly import Plan
from color_mesh.local.run.firewall import INTERNET_LINK
from color_mesh.local.run.namespace import socket_in
from color_mesh.local.run.work import begin

_CHUNK = 65536
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Define a port that the internet reaches.

    Attributes:
        owner: The load balancer or service behind it.
        name: What that is called.
        port: The port.
    """

    owner: str
    name: str
    port: int


def entries(plan: Plan) -> tuple[Entry, ...]:
    """Find what the internet reaches: public load balancers first, then services with public addresses."""
    balancers = (
        Entry(owner=key, name=balancer.name, port=listener.port)
        for key, balancer in plan.load_balancers.items()
        for listener in balancer.listeners
        if balancer.public
    )
    services = (
        Entry(owner=key, name=service.name, port=port)
        for key, service in plan.services.items()
        for container in plan.task(service).definition.containers
        for port in container.ports
        if service.public
    )
    return (*balancers, *services)


class Relay:
    """Pass connections on from a port of this machine to where the internet reaches the mesh.

    Args:
        listening: The port of this machine; it belongs to the machine's network, not to that of the mesh.
        find: Finds the address and port to go to; nothing while there is none.
        failed: Told of an error that nobody expected.
    """

    def __init__(
        self,
        listening: socket.socket,
        find: Callable[[], tuple[IPv4Address, int] | None],
        failed: Callable[[BaseException], None],
    ) -> None:
        listening.setblocking(False)
        self._listening = listening
        self._find = find
        self._failed = failed
        self._accepting = begin(self._accept(), failed)

    def close(self) -> None:
        """Take no more connections; those that are open stay."""
        self._accepting.cancel()
        self._listening.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self._listening)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            begin(self._pass_on(client), self._failed)

    async def _pass_on(self, client: socket.socket) -> None:
        found = self._find()
        if found is None:
            client.close()
            return
        address, port = found
        loop = asyncio.get_running_loop()
        server = socket_in(INTERNET_LINK)
        try:
            await asyncio.wait_for(loop.sock_connect(server, (str(address), port)), _CONNECT_SECONDS)
            await _copy_both_ways(client, server)
        except (OSError, asyncio.TimeoutError):
            # As the mesh broke the connection, so does this.
            with suppress(OSError):
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        finally:
            client.close()
            server.close()


async def _copy_both_ways(client: socket.socket, server: socket.socket) -> None:
    """Copy until both have ended, or one breaks; nothing may wait for a socket any more when it is closed."""
    copying = [asyncio.ensure_future(_copy(client, server)), asyncio.ensure_future(_copy(server, client))]
    try:
        await asyncio.wait(copying, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for each in copying:
            each.cancel()
        found = await asyncio.gather(*copying, return_exceptions=True)
    for error in found:
        if isinstance(error, OSError):
            raise error


async def _copy(source: socket.socket, target: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(source, _CHUNK):
        await loop.sock_sendall(target, data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
