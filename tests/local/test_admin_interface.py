"""The client of Envoy's administration interface, at whose port a program of the task may listen."""

import asyncio
import socket

import pytest

from color_mesh.local.run.envoys import admin_interface


async def stats(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Return the statistics that a server answers, and let it drain."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    monkeypatch.setattr(admin_interface, "ADMIN_PORT", server.sockets[0].getsockname()[1])
    monkeypatch.setattr(admin_interface, "tcp_socket", lambda _: non_blocking())
    async with server:
        await admin_interface.drain("network")
        return await admin_interface.stats("network", "a")


def non_blocking() -> socket.socket:
    client = socket.socket()
    client.setblocking(False)
    return client


def response(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def test_counters_are_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = response(b'{"stats": [{"name": "a", "value": 0}, {"histograms": {}}]}')
    assert asyncio.run(stats(answer, monkeypatch)) == {"a": 0}


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no HTTP\r\n\r\n",
        response(b"no JSON"),
        response(b"[]"),
        response(b'{"stats": [1]}'),
        response(b'{"stats": [{"name": "a", "value": 1e999}]}'),
        response(b"[" * 100_000),
        response(b" " * 2000),
    ],
    ids=["nothing", "other-protocol", "no-json", "list", "number", "infinity", "nested", "large"],
)
def test_other_answers_are_those_of_no_envoy(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_interface, "_MAX_BODY_BYTES", 200_000 if b"[[" in answer else 1000)
    with pytest.raises(ConnectionResetError):
        asyncio.run(stats(answer, monkeypatch))
