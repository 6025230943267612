"""A small HTTP server for requests of tasks, whose programs are not trusted."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import TypeAlias

import h11

_MAX_BODY_BYTES = 64 * 1024
_MAX_CONNECTIONS_OF_A_TASK = 100
# Envoy opens another connection when it finds one closed.
_IDLE_SECONDS = 60.0
_HANDSHAKE_SECONDS = 10.0


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


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpResponse:
    """HTTP response.

    Attributes:
        status: Status code.
        body: Body.
        headers: Headers beside ``content-length``.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Responder: TypeAlias = Callable[[HttpRequest], Awaitable[HttpResponse]]


class HttpServer:
    """HTTP/1.1 server on one address.

    Args:
        address: Address and port.
        respond: Returns the response to a request.
        tls: TLS configuration. Default: no TLS.
    """

    def __init__(
        self, address: tuple[IPv4Address, int], respond: Responder, tls: Callable[[], ssl.SSLContext] | None = None
    ) -> None:
        self._address = address
        self._respond = respond
        self._tls = tls
        self._server: asyncio.AbstractServer | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._connections_of_clients: Counter[str] = Counter()

    async def start(self) -> None:
        """Listen, unless it listens already."""
        if self._server is None:
            host, port = self._address
            tls = self._tls() if self._tls is not None else None
            timeout = _HANDSHAKE_SECONDS if tls is not None else None
            self._server = await asyncio.start_server(
                self._connected, str(host), port, backlog=1024, ssl=tls, ssl_handshake_timeout=timeout
            )

    def stop(self) -> None:
        """Stop listening, and close all connections."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection, writer in list(self._connections.items()):
            writer.transport.abort()
            connection.cancel()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.ensure_future(self._serve(reader, writer))
        self._connections[connection] = writer
        connection.add_done_callback(lambda ended: self._connections.pop(ended, None))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = str(writer.get_extra_info("peername")[0])
        self._connections_of_clients[client] += 1
        try:
            if self._connections_of_clients[client] <= _MAX_CONNECTIONS_OF_A_TASK:
                with suppress(OSError, asyncio.TimeoutError, h11.ProtocolError, asyncio.CancelledError):
                    await self._serve_requests(IPv4Address(client), reader, writer)
        finally:
            self._connections_of_clients[client] -= 1
            writer.close()

    async def _serve_requests(
        self, client: IPv4Address, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        connection = h11.Connection(h11.SERVER)
        while True:
            request = await asyncio.wait_for(_receive(client, connection, reader), _IDLE_SECONDS)
            if request is None:
                return
            response = await self._respond(request)
            headers = {**response.headers, "content-length": str(len(response.body))}
            for event in (
                h11.Response(status_code=response.status, headers=list(headers.items())),
                h11.Data(data=response.body),
                h11.EndOfMessage(),
            ):
                writer.write(connection.send(event) or b"")
            await asyncio.wait_for(writer.drain(), _IDLE_SECONDS)
            if h11.MUST_CLOSE in connection.states.values():
                return
            connection.start_next_cycle()


async def _receive(client: IPv4Address, connection: h11.Connection, reader: asyncio.StreamReader) -> HttpRequest | None:
    """Receive a request; ``None`` if the client has closed the connection, or the request is too large."""
    request, body = None, b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > _MAX_BODY_BYTES:
                return None
        elif isinstance(event, h11.EndOfMessage) and request is not None:
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
        else:
            return None
