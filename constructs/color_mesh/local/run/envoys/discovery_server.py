"""Discovery server: serves the configuration of one Envoy by REST on a Unix socket.

Envoy requests a document with the version that it has, and the server responds when there is another version (Envoy's
*xDS REST and gRPC protocol*).
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import h11

from color_mesh.envoy.discovery import CLUSTERS_FILE, LISTENERS_FILE, endpoints_file, routes_file
from color_mesh.envoy.typed import Json
from color_mesh.local.run.http_connection import HttpResponse, serve_requests

# Pause before a document that Envoy requests again is sent again, and the number of requests after which Envoy is said
# to reject it.
RETRY_SECONDS = 0.1
REJECTED_AFTER = 3
# A request names its document, and describes Envoy with all its extensions.
_MAX_BODY_BYTES = 4 * 1024 * 1024


class DiscoveryDocuments:
    """Documents of one Envoy by name, and the versions that Envoy has accepted.

    Args:
        on_rejected: Called with the name of a document that Envoy rejects.
    """

    def __init__(self, on_rejected: Callable[[str], None]) -> None:
        self._documents: dict[str, tuple[str, Json]] = {}
        self._last_version = 0
        self._accepted: dict[str, str] = {}
        self._sent: dict[str, str] = {}
        self._repetitions: dict[str, int] = {}
        self._changed = asyncio.Condition()
        self._on_rejected = on_rejected

    async def put(self, documents: Mapping[str, Json]) -> None:
        """Replace documents. Unchanged documents keep their version."""
        async with self._changed:
            for name, document in documents.items():
                if name not in self._documents or self._documents[name][1] != document:
                    self._last_version += 1
                    self._documents[name] = (str(self._last_version), document)
            self._changed.notify_all()

    async def wait_until_accepted(self, name: str, seconds: float) -> bool:
        """Wait until Envoy has accepted the current version of a document; return whether it has."""

        def accepted() -> bool:
            return name in self._documents and self._accepted.get(name) == self._documents[name][0]

        async with self._changed:
            with suppress(TimeoutError, asyncio.TimeoutError):
                await asyncio.wait_for(self._changed.wait_for(accepted), seconds)
            return accepted()

    async def respond(self, name: str, version: str) -> Json:
        """Wait for another version of a document than the one that Envoy has, and return it."""
        sent = self._sent.get(name)
        async with self._changed:
            self._accepted[name] = version
            self._changed.notify_all()
        # Envoy requests with another version than the one it received if it rejected that, or has restarted.
        self._repetitions[name] = self._repetitions.get(name, 0) + 1 if sent not in (None, version) else 0
        if self._repetitions[name] == REJECTED_AFTER:
            self._on_rejected(name)
        await asyncio.sleep(RETRY_SECONDS * min(self._repetitions[name], 10))
        async with self._changed:
            await self._changed.wait_for(lambda: name in self._documents and self._documents[name][0] != version)
            self._sent[name], document = self._documents[name]
        return {"version_info": self._sent[name], **document}


def document_name(path: str, request: Json) -> str | None:
    """Return the name of the document that a discovery request is for; ``None`` for an unknown path."""
    names = request.get("resource_names") or [""]
    return {
        "/v3/discovery:listeners": LISTENERS_FILE,
        "/v3/discovery:clusters": CLUSTERS_FILE,
        "/v3/discovery:routes": routes_file(names[0]),
        "/v3/discovery:endpoints": endpoints_file(names[0]),
    }.get(path)


@asynccontextmanager
async def serve_documents(documents: DiscoveryDocuments, socket: Path, owner: tuple[int, int]) -> AsyncIterator[None]:
    """Serve documents on a Unix socket owned by the user and group of Envoy, while the block runs."""
    connections: set[asyncio.Task[None]] = set()

    async def serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, h11.ProtocolError, asyncio.CancelledError):
            await serve_requests(reader, writer, partial(_respond, documents), max_body_bytes=_MAX_BODY_BYTES)
        writer.close()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.ensure_future(serve_connection(reader, writer))
        connections.add(connection)
        connection.add_done_callback(connections.discard)

    server = await asyncio.start_unix_server(connected, path=socket)
    os.chown(socket, *owner)
    try:
        yield
    finally:
        server.close()
        for connection in connections:
            connection.cancel()


async def _respond(documents: DiscoveryDocuments, http_request: h11.Request, body: bytes) -> HttpResponse:
    try:
        request = json.loads(body)
    except ValueError:
        return HttpResponse(status=400)
    name = document_name(http_request.target.decode(), request) if isinstance(request, dict) else None
    if name is None:
        return HttpResponse(status=404)
    response = await documents.respond(name, request.get("version_info", ""))
    return HttpResponse(status=200, body=json.dumps(response).encode(), headers={"content-type": "application/json"})
