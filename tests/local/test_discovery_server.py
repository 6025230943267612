"""Documents that a discovery server serves to Envoy."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from color_mesh.local.run.envoys.discovery_server import (
    REJECTED_AFTER,
    DiscoveryDocuments,
    document_name,
    serve_documents,
)


async def let_coroutines_run() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_request_is_answered_when_the_version_changes() -> None:
    async def run() -> list[Any]:
        documents = DiscoveryDocuments(lambda _: None)
        await documents.put({"cds.json": {"resources": [1]}})
        first = await documents.respond("cds.json", "")
        waiting = asyncio.ensure_future(documents.respond("cds.json", first["version_info"]))
        await let_coroutines_run()
        assert not waiting.done()
        assert await documents.wait_until_accepted("cds.json", 0)
        await documents.put({"cds.json": {"resources": [1]}})
        await let_coroutines_run()
        assert not waiting.done()
        await documents.put({"cds.json": {"resources": [2]}})
        return [first, await waiting]

    assert asyncio.run(run()) == [
        {"version_info": "1", "resources": [1]},
        {"version_info": "2", "resources": [2]},
    ]


def test_rejected_document_is_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("color_mesh.local.run.envoys.discovery_server.RETRY_SECONDS", 0)
    rejected: list[str] = []

    async def run() -> None:
        documents = DiscoveryDocuments(rejected.append)
        await documents.put({"lds.json": {"resources": []}})
        for _ in range(REJECTED_AFTER + 5):
            await documents.respond("lds.json", "")
        assert not await documents.wait_until_accepted("lds.json", 0)

    asyncio.run(run())
    assert rejected == ["lds.json"]


@pytest.mark.parametrize(
    ("path", "names", "document"),
    [
        ("/v3/discovery:listeners", [], "lds.json"),
        ("/v3/discovery:clusters", None, "cds.json"),
        ("/v3/discovery:routes", ["r"], "rds/r.json"),
        ("/v3/discovery:endpoints", ["c"], "eds/c.json"),
        ("/v3/discovery:secrets", ["s"], None),
    ],
)
def test_each_discovery_path_has_its_document(path: str, names: Any, document: str | None) -> None:
    assert document_name(path, {"resource_names": names}) == document


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[]"])
def test_request_that_is_no_discovery_request_is_refused_and_the_next_one_answered(body: bytes, tmp_path: Path) -> None:
    def post(content: bytes) -> bytes:
        return b"POST /v3/discovery:clusters HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (
            len(content),
            content,
        )

    async def run() -> bytes:
        documents = DiscoveryDocuments(lambda _: None)
        await documents.put({"cds.json": {"resources": []}})
        socket = tmp_path / "socket"
        async with serve_documents(documents, socket, (os.getuid(), os.getgid())):
            reader, writer = await asyncio.open_unix_connection(socket)
            writer.write(post(body) + post(b"{}"))
            writer.write_eof()
            answers = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            return answers

    answers = asyncio.run(run())
    assert answers.startswith((b"HTTP/1.1 400", b"HTTP/1.1 404"))
    assert answers.endswith(b'{"version_info": "1", "resources": []}')
