"""A client for HTTP/2 without TLS."""

import json
from typing import Any

import h2.connection
import h2.events

from tests.support.loopback_mesh import connect


def ask_http2(address: str, port: int, authority: str, method: str = "GET", path: str = "/") -> tuple[int, Any]:
    """Send one request over HTTP/2 with prior knowledge."""
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    headers = [(":method", method), (":path", path), (":scheme", "http"), (":authority", authority)]
    connection.send_headers(1, headers, end_stream=True)
    status, body = 0, b""
    with connect(address, port) as client:
        while True:
            client.sendall(connection.data_to_send())
            for event in connection.receive_data(client.recv(65536)):
                if isinstance(event, h2.events.ResponseReceived):
                    status = int(dict(event.headers or ())[b":status"])
                if isinstance(event, h2.events.DataReceived):
                    body += event.data or b""
                if isinstance(event, h2.events.StreamEnded):
                    return status, json.loads(body) if body else None
