"""A stand-in for AWS: credentials of the task, and Cloud Map's DiscoverInstances over TLS, with faults."""

import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from color_mesh.envoy.aws.cloud_map import CLUSTER, HOST
from color_mesh.envoy.aws.signed_cluster import REGION, URL_SUFFIX
from tests.support.certificates import authority

Reply = tuple[int, bytes]
Fault = Callable[[Mapping[str, Any], Reply], Reply]
_REGION, _URL_SUFFIX = "eu-west-1", "amazonaws.com"
_HOST = HOST.replace(REGION, _REGION).replace(URL_SUFFIX, _URL_SUFFIX)


class CloudMap:
    """Instances of Cloud Map, and the calls of DiscoverInstances.

    Attributes:
        instances: Instances by namespace and service. Others do not exist.
        calls: Number of calls by namespace and service.
        requests: Headers and bodies of the calls.
        fault: Change of a reply to a request. Default: none.
        slow_seconds: Time until a reply.
    """

    def __init__(self) -> None:
        self.instances: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.calls: Counter[tuple[str, str]] = Counter()
        self.requests: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.fault: Fault | None = None
        self.slow_seconds = 0.0

    def discover(self, headers: dict[str, str], body: bytes) -> Reply:
        asked = json.loads(body)
        key = (asked["NamespaceName"], asked["ServiceName"])
        self.calls[key] += 1
        self.requests.append((headers, asked))
        time.sleep(self.slow_seconds)
        reply = self._reply(key, asked)
        return reply if self.fault is None else self.fault(asked, reply)

    def _reply(self, key: tuple[str, str], asked: Mapping[str, Any]) -> Reply:
        if key not in self.instances:
            return error(400, "com.amazonaws.servicediscovery#ServiceNotFound", f"no service {key[1]}")
        wanted = asked.get("QueryParameters", {}).items()
        found = [each for each in self.instances[key] if wanted <= each["Attributes"].items()]
        return 200, json.dumps({"Instances": found[: asked["MaxResults"]]}).encode()


def error(status: int, type_name: str, message: str) -> Reply:
    """Return an error as AWS sends it."""
    return status, json.dumps({"__type": type_name, "message": message}).encode()


def task_instance(address: str, health: str = "HEALTHY", **attributes: str) -> dict[str, Any]:
    """Return the instance of a task."""
    version = "AWS_INSTANCE_IPV6" if ":" in address else "AWS_INSTANCE_IPV4"
    return {"InstanceId": address, "HealthStatus": health, "Attributes": {version: address, **attributes}}


def weights(route: str, **by_node: str) -> dict[str, Any]:
    """Return the instance that has the weights of a route."""
    return {"InstanceId": route, "HealthStatus": "UNKNOWN", "Attributes": by_node}


@contextmanager
def cloud_map(folder: Path, address: str) -> Iterator[tuple[CloudMap, Callable[[Any], Any], dict[str, str]]]:
    """Serve the stand-in.

    Yields:
        The stand-in, a change of a bootstrap that leads Envoy to it, and the environment of Envoy.
    """
    ca = authority(folder, "aws")
    ca.issue("cloud-map", _HOST)
    standin = CloudMap()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cloud-map.pem", folder / "cloud-map.key")

    def discover(headers: dict[str, str], body: bytes) -> Reply:
        return standin.discover(headers, body)

    def credentials(headers: dict[str, str], body: bytes) -> Reply:
        fields = {"AccessKeyId": "AKID", "SecretAccessKey": "secret", "Token": "token"}
        return 200, json.dumps({**fields, "Expiration": "2099-01-01T00:00:00Z"}).encode()

    with _served(address, discover, context) as port, _served(address, credentials, None) as credentials_port:

        def lead_here(value: Any) -> Any:
            text = json.dumps(value).replace(REGION, _REGION).replace(URL_SUFFIX, _URL_SUFFIX)
            bootstrap = json.loads(text.replace("/etc/ssl/certs/ca-certificates.crt", str(folder / "aws.pem")))
            for cluster in bootstrap["static_resources"]["clusters"]:
                if cluster["name"] == CLUSTER:
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
        yield standin, lead_here, environment


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


def tasks_of(addresses: Sequence[str]) -> list[dict[str, Any]]:
    """Return the instances of tasks."""
    return [task_instance(address) for address in addresses]
