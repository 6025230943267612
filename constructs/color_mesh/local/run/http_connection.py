"""Requests over one HTTP/1.1 connection, whose client is not trusted."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import h11


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


Respond: TypeAlias = Callable[[h11.Request, bytes], Awaitable[HttpResponse]]
"""Function that returns the response to a request and its body."""


async def serve_requests(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    respond: Respond,
    *,
    max_body_bytes: int,
    idle_seconds: float | None = None,
) -> None:
    """Answer requests in turn, until the client closes the connection or sends a body that is too large.

    Args:
        reader: Stream from the client.
        writer: Stream to the client.
        respond: Returns the response to a request.
        max_body_bytes: Limit of the body of a request.
        idle_seconds: Time for the client to send a request, and to receive a response. ``None``: unlimited.

    Raises:
        asyncio.TimeoutError: If the client takes longer.
        h11.ProtocolError: If what it sends is not HTTP/1.1.
    """
    connection = h11.Connection(h11.SERVER)
    while True:
        request = await asyncio.wait_for(_receive(connection, reader, max_body_bytes), idle_seconds)
        if request is None:
            return
        response = await respond(*request)
        headers = {**response.headers, "content-length": str(len(response.body))}
        for event in (
            h11.Response(status_code=response.status, headers=list(headers.items())),
            h11.Data(data=response.body),
            h11.EndOfMessage(),
        ):
            writer.write(connection.send(event) or b"")
        await asyncio.wait_for(writer.drain(), idle_seconds)
        if h11.MUST_CLOSE in connection.states.values():
            return
        connection.start_next_cycle()


async def _receive(
    connection: h11.Connection, reader: asyncio.StreamReader, max_body_bytes: int
) -> tuple[h11.Request, bytes] | None:
    """Receive a request; ``None`` if the client has closed the connection, or the request is too large."""
    request: h11.Request | None = None
    # Not bytes, of which each chunk would be a copy: chunks may have one byte.
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > max_body_bytes:
                return None
        elif isinstance(event, h11.EndOfMessage) and request is not None:
            return request, bytes(body)
        else:
            return None
