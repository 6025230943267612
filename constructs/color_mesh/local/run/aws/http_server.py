"""A small HTTP server for requests of tasks, whose programs are not trusted."""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TypeAlias

import h11

from color_mesh.local.run.background import start_in_background
from color_mesh.local.run.http_connection import HttpResponse, serve_requests

MAX_BODY_BYTES = 64 * 1024
_MAX_CONNECTIONS_OF_A_TASK = 100
# Envoy opens another connection when it finds one closed.
_IDLE_SECONDS = 60.0
_HANDSHAKE_SECONDS = 10.0
_RETRY_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpRequest:
    """HTTP request.

    Attributes:
        client: IPv4 address of the client.
        method: Method.
        target: Path and query.
        headers: Names of headers in lower case, each with its values.
        body: Body.
    """

    client: IPv4Address
    method: str
    target: str
    headers: Mapping[str, tuple[str, ...]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first value of a header."""
        return next(iter(self.headers.get(name, ())), None)


Responder: TypeAlias = Callable[[HttpRequest], Awaitable[HttpResponse]]


class HttpServer:
    """HTTP/1.1 server on one address.

    Args:
        address: Address and port.
        respond: Returns the response to a request.
        on_error: Receives an unexpected exception.
        tls: Returns the TLS configuration. Default: no TLS.
        max_body_bytes: Limit of the body of a request. Default: 64 KiB.
    """

    def __init__(
        self,
        address: tuple[IPv4Address, int],
        respond: Responder,
        on_error: Callable[[BaseException], None],
        tls: Callable[[], ssl.SSLContext] | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._address = address
        self._respond = respond
        self._on_error = on_error
        self._tls = tls
        self._max_body_bytes = max_body_bytes
        self._listening: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._transports: set[asyncio.Transport] = set()
        self._connections_of_clients: Counter[str] = Counter()

    def start(self) -> None:
        """Listen, unless it listens already."""
        if self._accepting is None:
            host, port = self._address
            self._listening = socket.create_server((str(host), port), backlog=1024)
            self._listening.setblocking(False)
            self._accepting = start_in_background(self._accept(self._listening), self._on_error)

    def stop(self) -> None:
        """Stop listening, and close all connections."""
        if self._accepting is not None and self._listening is not None:
            self._accepting.cancel()
            # The cancelled task ends later, but the server may be started again at once.
            self._listening.close()
            self._accepting = self._listening = None
        for connection in self._connections:
            connection.cancel()
        # Before Python 3.12, `wait_for` swallows a cancellation if its result is there at the same time.
        for transport in self._transports:
            transport.abort()

    async def _accept(self, listening: socket.socket) -> None:
        tls = self._tls() if self._tls is not None else None
        while True:
            try:
                client, (host, _) = await asyncio.get_running_loop().sock_accept(listening)
            except OSError:
                await asyncio.sleep(_RETRY_SECONDS)  # Such as: too many open files.
                continue
            # Before TLS, so that a client cannot have more connections without completing handshakes.
            if self._connections_of_clients[host] >= _MAX_CONNECTIONS_OF_A_TASK:
                client.close()
                continue
            self._connections_of_clients[host] += 1
            connection = start_in_background(self._serve(client, host, tls), self._on_error)
            self._connections.add(connection)
            connection.add_done_callback(self._connections.discard)

    async def _serve(self, client: socket.socket, host: str, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        timeout = _HANDSHAKE_SECONDS if tls is not None else None

        async def respond(request: h11.Request, body: bytes) -> HttpResponse:
            return await self._respond(_read(IPv4Address(host), request, body))

        try:
            with suppress(OSError, asyncio.TimeoutError, h11.ProtocolError):
                transport, _ = await loop.connect_accepted_socket(
                    lambda: protocol, client, ssl=tls, ssl_handshake_timeout=timeout
                )
                self._transports.add(transport)
                try:
                    writer = asyncio.StreamWriter(transport, protocol, reader, loop)
                    await serve_requests(
                        reader, writer, respond, max_body_bytes=self._max_body_bytes, idle_seconds=_IDLE_SECONDS
                    )
                finally:
                    self._transports.discard(transport)
                    transport.close()
        finally:
            self._connections_of_clients[host] -= 1


def _read(client: IPv4Address, request: h11.Request, body: bytes) -> HttpRequest:
    headers: dict[str, tuple[str, ...]] = {}
    for name, value in request.headers:
        headers[name.decode("latin-1")] = (*headers.get(name.decode("latin-1"), ()), value.decode("latin-1"))
    return HttpRequest(
        client=client,
        method=request.method.decode("latin-1"),
        target=request.target.decode("latin-1"),
        headers=headers,
        body=body,
    )
