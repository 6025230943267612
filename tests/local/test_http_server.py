"""The HTTP server for requests of tasks."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address

import pytest

from color_mesh.local.run.aws import http_server
from color_mesh.local.run.aws.http_server import HttpRequest, HttpServer
from color_mesh.local.run.http_connection import HttpResponse

LOOPBACK = IPv4Address("127.0.0.1")
POST = b"POST /path HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"


async def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=200, body=f"{request.method} {request.target} {request.body.decode()}".encode())


def exchange(work: Callable[[HttpServer, int], Awaitable[bytes]]) -> bytes:
    """Run a server while a coroutine talks to it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    errors: list[BaseException] = []
    server = HttpServer((LOOPBACK, port), echo, errors.append)

    async def run() -> bytes:
        server.start()
        try:
            return await work(server, port)
        finally:
            server.stop()

    answer = asyncio.run(run())
    assert errors == []
    return answer


async def send(port: int, *parts: bytes) -> bytes:
    """Send bytes over a new connection, and return all that the server answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


def test_requests_over_one_connection_are_answered_in_turn() -> None:
    answer = exchange(lambda _, port: send(port, POST, POST))
    assert answer.count(b"HTTP/1.1 200") == answer.count(b"POST /path hi") == 2


def test_chunked_request_is_answered() -> None:
    chunked = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    assert exchange(lambda _, port: send(port, chunked)).endswith(b"POST / hi")


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01 no HTTP\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70000,
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 70000,
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n",
    ],
    ids=["other-protocol", "large-body", "large-header", "cut-off"],
)
def test_invalid_request_closes_the_connection(request_: bytes) -> None:
    async def work(_: HttpServer, port: int) -> bytes:
        try:
            first = await send(port, request_)
        except ConnectionError:
            first = b""
        assert b"200" not in first
        return await send(port, POST)

    assert b"HTTP/1.1 200" in exchange(work)


def test_number_of_connections_of_a_client_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "_MAX_CONNECTIONS_OF_A_TASK", 1)

    async def work(_: HttpServer, port: int) -> bytes:
        idle = (await asyncio.open_connection("127.0.0.1", port))[1]
        await asyncio.sleep(0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        refused = await asyncio.wait_for(reader.read(), 5)
        idle.close()
        writer.close()
        return refused

    assert exchange(work) == b""


def test_stopped_server_refuses_connections_and_closes_open_ones() -> None:
    async def work(server: HttpServer, port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(POST)
        await reader.readuntil(b"hi")
        server.stop()
        assert await reader.read() == b""
        writer.close()
        with pytest.raises(ConnectionError):
            await send(port, POST)
        server.start()
        return await send(port, POST)

    assert b"HTTP/1.1 200" in exchange(work)


def test_server_is_started_again_at_once() -> None:
    async def work(server: HttpServer, port: int) -> bytes:
        await send(port, POST)
        server.stop()
        server.start()
        return await send(port, POST)

    assert b"HTTP/1.1 200" in exchange(work)
