"""Applications for the traffic tests: real servers. Headers of a request choose the response."""

import json
import socket
import socketserver
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import h2.config
import h2.connection
import h2.events

SERVICE = "colors.Teller"


class App:
    """Application with counts of its requests, by the header ``x-key``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.request_counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, key: str) -> int:
        """Count a request, and return the number of requests before it."""
        with self._lock:
            self.request_counts[key] += 1
            return self.request_counts[key] - 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    app: App

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: the tests have clients that close their connections."""


class _Handler(BaseHTTPRequestHandler):
    """Handler that responds with the request as JSON.

    ``x-statuses`` lists the statuses of the responses to the first, second, … request with the same ``x-key``; the last
    one repeats. Status 0 resets the connection. ``x-delay`` is a delay in seconds before the response, ``x-pause`` one
    within its body.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        app = self.server.app
        statuses = [int(status) for status in self.headers.get("x-statuses", "200").split(",")]
        status = statuses[min(app.count(self.headers.get("x-key", "")), len(statuses) - 1)]
        self.rfile.read(int(self.headers.get("content-length", "0")))
        time.sleep(float(self.headers.get("x-delay", "0")))
        if status == 0:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        # The original path: http.server replaces several slashes at its start by one.
        path = self.requestline.split()[1]
        asked = {"node": app.name, "method": self.command, "path": path, "headers": dict(self.headers.items())}
        body = json.dumps(asked).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:1])
            if "x-pause" in self.headers:
                self.wfile.flush()
                time.sleep(float(self.headers["x-pause"]))
            self.wfile.write(body[1:])

    do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


@contextmanager
def http_server(app: App, address: str, port: int) -> Iterator[None]:
    """Serve HTTP/1.1."""
    server = _Server((address, port), _Handler)
    server.app = app
    with _serving(server):
        yield


class _Echo(socketserver.BaseRequestHandler):
    """Handler that sends a line first, as databases do, then echoes."""

    server: Any

    def handle(self) -> None:
        self.request.sendall(f"{self.server.app.name}\n".encode())
        while data := self.request.recv(4096):
            self.request.sendall(data)


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    app: App


@contextmanager
def tcp_server(app: App, address: str, port: int) -> Iterator[None]:
    """Serve a line with the name of the application, then an echo."""
    server = _TcpServer((address, port), _Echo)
    server.app = app
    with _serving(server):
        yield


class _Http2(socketserver.BaseRequestHandler):
    """Handler that responds to every HTTP/2 request with the request as JSON."""

    server: Any

    def handle(self) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        self.request.sendall(connection.data_to_send())
        while data := self.request.recv(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    self._answer(connection, event)
            self.request.sendall(connection.data_to_send())

    def _answer(self, connection: h2.connection.H2Connection, event: h2.events.RequestReceived) -> None:
        headers = {name.decode(): value.decode() for name, value in event.headers or ()}
        request = {
            "node": self.server.app.name,
            "method": headers[":method"],
            "path": headers[":path"],
            "headers": headers,
        }
        assert event.stream_id is not None
        connection.send_headers(event.stream_id, [(":status", "200")])
        connection.send_data(event.stream_id, json.dumps(request).encode(), end_stream=True)


@contextmanager
def http2_server(app: App, address: str, port: int) -> Iterator[None]:
    """Serve HTTP/2 without TLS, with prior knowledge."""
    server = _TcpServer((address, port), _Http2)
    server.app = app
    with _serving(server):
        yield


class _Teller(grpc.GenericRpcHandler):
    """Handler that responds to every unary method with the names of the application and the method."""

    def __init__(self, app: App) -> None:
        self._app = app

    def service(self, call: Any) -> Any:
        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            metadata = dict(call.invocation_metadata)
            codes = metadata.get("x-codes", "OK").split(",")
            code = codes[min(self._app.count(str(metadata.get("x-key", ""))), len(codes) - 1)]
            if code != "OK":
                context.abort(grpc.StatusCode[code], "asked for")
            return json.dumps({"node": self._app.name, "method": call.method, "sent": request.decode()}).encode()

        return grpc.unary_unary_rpc_method_handler(answer)


@contextmanager
def grpc_server(app: App, address: str, port: int) -> Iterator[None]:
    """Serve gRPC."""
    server = grpc.server(ThreadPoolExecutor(4), handlers=[_Teller(app)])
    server.add_insecure_port(f"{address}:{port}")
    server.start()
    try:
        yield
    finally:
        server.stop(None).wait()


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


SERVERS = {"http": http_server, "http2": http2_server, "grpc": grpc_server, "tcp": tcp_server}
