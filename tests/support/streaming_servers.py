"""Applications with long-lived connections: gRPC streams, and connections that are upgraded to another protocol."""

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc

from tests.support.servers import App

SERVING = b"\x08\x01"
NOT_SERVING = b"\x08\x02"


class _Conversation(grpc.GenericRpcHandler):
    """Methods of each kind of stream.

    ``Tell`` is unary, and responds after ``x-delay`` seconds. ``Count`` streams responses, ``Add`` requests, and
    ``Chat`` both. ``x-code`` is the status of the call. The response to health checks is ``SERVING`` unless the name of
    the application is ``ill``.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    def service(self, call: Any) -> Any:
        return {
            "Check": grpc.unary_unary_rpc_method_handler(self._check),
            "Tell": grpc.unary_unary_rpc_method_handler(self._tell),
            "Count": grpc.unary_stream_rpc_method_handler(self._count),
            "Add": grpc.stream_unary_rpc_method_handler(self._add),
            "Chat": grpc.stream_stream_rpc_method_handler(self._chat),
        }.get(call.method.rpartition("/")[2])

    def _check(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        return NOT_SERVING if self._app.name == "ill" else SERVING

    def _tell(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        metadata = {str(key): value for key, value in context.invocation_metadata()}
        self._app.count(str(metadata.get("x-key", "")))
        time.sleep(float(metadata.get("x-delay", "0")))
        context.send_initial_metadata((("x-before", "said first"),))
        context.set_trailing_metadata((("x-after", "said last"), ("x-after-bin", b"\x00\xff")))
        if "x-code" in metadata:
            context.abort(grpc.StatusCode[str(metadata["x-code"])], f"as {self._app.name} was asked to")
        texts = {key: value for key, value in metadata.items() if isinstance(value, str)}
        return json.dumps({"node": self._app.name, "metadata": texts}).encode()

    def _count(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        for number in range(int(request)):
            yield str(number).encode()

    def _add(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        return str(sum(int(request) for request in requests)).encode()

    def _chat(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        for request in requests:
            yield request[::-1]


@contextmanager
def streaming_grpc_server(app: App, address: str, port: int) -> Iterator[None]:
    """Serve gRPC with unary and streaming methods."""
    server = grpc.server(ThreadPoolExecutor(8), handlers=[_Conversation(app)])
    server.add_insecure_port(f"{address}:{port}")
    server.start()
    try:
        yield
    finally:
        server.stop(None).wait()


class _Upgrade(socketserver.StreamRequestHandler):
    """Handler that accepts any upgrade, then echoes every line."""

    def handle(self) -> None:
        while (line := self.rfile.readline()).strip():
            if line.lower().startswith(b"upgrade:"):
                self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n" + line + b"\r\n")
        for line in self.rfile:
            self.wfile.write(line)


class _UpgradeServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def upgrade_server(app: App, address: str, port: int) -> Iterator[None]:
    """Serve connections that can be upgraded."""
    server = _UpgradeServer((address, port), _Upgrade)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
