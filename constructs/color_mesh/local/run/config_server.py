"""Giving Envoys their configuration: a discovery server for each, by REST on a Unix socket.

Envoy asks for a document with the version that it has, and is answered once there is another one (Envoy's *xDS REST and
gRPC protocol*). So that no request is lost while it changes, clusters come before the routes to them, and go after.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import h11

from color_mesh.envoy.discovery import CLUSTERS_FILE, LISTENERS_FILE, endpoints_file, routes_file
from color_mesh.envoy.typed import Json

# How long to wait before a document is sent once more, and after how many times Envoy is said not to take it.
RETRY_SECONDS = 0.1
REFUSED_AFTER = 3


class Feed:
    """Hold the documents of one Envoy, by name, and what it has of them.

    Args:
        refused: Called with the name of a document that Envoy does not take.
    """

    def __init__(self, refused: Callable[[str], None]) -> None:
        self._documents: dict[str, tuple[str, Json]] = {}
        self._versions = 0
        self._taken: dict[str, str] = {}
        self._sent: dict[str, str] = {}
        self._repeated: dict[str, int] = {}
        self._changed = asyncio.Condition()
        self._refused = refused

    async def put(self, documents: Mapping[str, Json]) -> None:
        """Replace documents; those that stay the same keep their version."""
        async with self._changed:
            for name, document in documents.items():
                if name not in self._documents or self._documents[name][1] != document:
                    self._versions += 1
                    self._documents[name] = (str(self._versions), document)
            self._changed.notify_all()

    async def taken(self, name: str, seconds: float) -> bool:
        """Wait until Envoy has the newest version of a document."""

        def has() -> bool:
            return name in self._documents and self._taken.get(name) == self._documents[name][0]

        async with self._changed:
            with suppress(TimeoutError, asyncio.TimeoutError):
                await asyncio.wait_for(self._changed.wait_for(has), seconds)
            return has()

    async def answer(self, name: str, version: str) -> Json:
        """Wait for another version of a document than the one that Envoy has."""
        sent = self._sent.get(name)
        async with self._changed:
            self._taken[name] = version
            self._changed.notify_all()
        # Envoy asks with another version than it was sent when it did not take that, or has forgotten all of it.
        self._repeated[name] = self._repeated.get(name, 0) + 1 if sent not in (None, version) else 0
        if self._repeated[name] == REFUSED_AFTER:
            self._refused(name)
        await asyncio.sleep(RETRY_SECONDS * min(self._repeated[name], 10))
        async with self._changed:
            await self._changed.wait_for(lambda: name in self._documents and self._documents[name][0] != version)
            self._sent[name], document = self._documents[name]
        return {"version_info": self._sent[name], **document}


def document_of(path: str, request: Json) -> str | None:
    """Name the document that Envoy asks for."""
    names = request.get("resource_names") or [""]
    return {
        "/v3/discovery:listeners": LISTENERS_FILE,
        "/v3/discovery:clusters": CLUSTERS_FILE,
        "/v3/discovery:routes": routes_file(names[0]),
        "/v3/discovery:endpoints": endpoints_file(names[0]),
    }.get(path)


@asynccontextmanager
async def serving(feed: Feed, socket: Path, owner: tuple[int, int]) -> AsyncIterator[None]:
    """Serve a feed at a Unix socket that belongs to the user that Envoy runs as."""
    conversations: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, h11.RemoteProtocolError, asyncio.CancelledError):
            await _converse(reader, writer, feed.answer)
        writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = asyncio.ensure_future(connected(reader, writer))
        conversations.add(conversation)
        conversation.add_done_callback(conversations.discard)

    server = await asyncio.start_unix_server(begin, path=socket)
    os.chown(socket, *owner)
    try:
        yield
    finally:
        server.close()
        for conversation in conversations:
            conversation.cancel()


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Callable[[str, str], Awaitable[Json]]
) -> None:
    connection = h11.Connection(h11.SERVER)
    path, body = "", b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request):
            path, body = event.target.decode(), b""
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            await _reply(connection, reader, writer, path, body, answer)
            connection.start_next_cycle()
        else:
            return


async def _reply(
    connection: h11.Connection,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    path: str,
    body: bytes,
    answer: Callable[[str, str], Awaitable[Json]],
) -> None:
    request = json.loads(body)
    name = document_of(path, request)
    if name is None:
        status, content = 404, b""
    else:
        found = await answer(name, request.get("version_info", ""))
        status, content = 200, json.dumps(found).encode()
    headers = [("content-type", "application/json"), ("content-length", str(len(content)))]
    for event in (h11.Response(status_code=status, headers=headers), h11.Data(data=content), h11.EndOfMessage()):
        writer.write(connection.send(event) or b"")
    await writer.drain()
