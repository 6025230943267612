"""A stand-in for AWS: credentials of the task, and APIs over TLS."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from color_mesh.envoy.aws.signed_cluster import REGION, URL_SUFFIX
from tests.support.certificates import authority

Reply = tuple[int, bytes]
_REGION, _URL_SUFFIX = "eu-west-1", "amazonaws.com"


def error(status: int, type_name: str, message: str) -> Reply:
    """Return an error as AWS sends it."""
    return status, json.dumps({"__type": type_name, "message": message}).encode()


@contextmanager
def aws_standin(
    folder: Path, address: str, hosts: Mapping[str, str], handle: Callable[[dict[str, str], bytes], Reply]
) -> Iterator[tuple[Callable[[Any], Any], dict[str, str]]]:
    """Serve APIs.

    Args:
        folder: Folder for certificates.
        address: Address of the server.
        hosts: Hosts of the APIs by the name of their cluster.
        handle: Returns the reply to the headers and the body of a call.

    Yields:
        A change of a bootstrap that leads Envoy to the server, and the environment of Envoy.
    """
    authority(folder, "aws").issue("api", *map(_in_region, hosts.values()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "api.pem", folder / "api.key")

    def credentials(headers: dict[str, str], body: bytes) -> Reply:
        fields = {"AccessKeyId": "AKID", "SecretAccessKey": "secret", "Token": "token"}
        return 200, json.dumps({**fields, "Expiration": "2099-01-01T00:00:00Z"}).encode()

    with _served(address, handle, context) as port, _served(address, credentials, None) as credentials_port:

        def lead_here(value: Any) -> Any:
            text = _in_region(json.dumps(value)).replace("/etc/ssl/certs/ca-certificates.crt", str(folder / "aws.pem"))
            bootstrap = json.loads(text)
            for cluster in bootstrap["static_resources"]["clusters"]:
                if cluster["name"] in hosts:
                    first, *_ = cluster["load_assignment"]["endpoints"]
                    first["lb_endpoints"][0]["endpoint"]["address"]["socket_address"] = {
                        "address": address,
                        "port_value": port,
                    }
            return bootstrap

        environment = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{address}:{credentials_port}/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "token",
            "AWS_REGION": _REGION,
        }
        yield lead_here, environment


def _in_region(text: str) -> str:
    return text.replace(REGION, _REGION).replace(URL_SUFFIX, _URL_SUFFIX)


@contextmanager
def _served(
    address: str, handle: Callable[[dict[str, str], bytes], Reply], context: ssl.SSLContext | None
) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(b"".join(self._chunks()))

        def _chunks(self) -> Iterator[bytes]:
            if self.headers.get("transfer-encoding") != "chunked":
                yield self.rfile.read(int(self.headers["content-length"]))
                return
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()

        def _answer(self, body: bytes) -> None:
            status, reply = handle({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(status)
            self.send_header("content-length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Print nothing: Envoy closes connections."""

    server = Server((address, 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
