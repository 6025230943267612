"""A real Envoy with the configuration of a deployed task definition, whose AWS is the emulator."""

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

from color_mesh.envoy.aws.cloud_map import CLUSTER
from color_mesh.envoy.document import read
from rehearsal.command_line import RehearsalError
from rehearsal.deployed import Deployed
from rehearsal.emulated_aws import REGION

SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Envoy:
    """A running Envoy of the node that calls a router.

    Attributes:
        admin: URL of its administration interface.
        log: Its log.
    """

    admin: str
    log: Path

    def check(self, wanted: Callable[["Envoy"], bool], what: str) -> None:
        """Wait for something that Envoy knows."""
        for _ in range(SECONDS * 10):
            if wanted(self):
                return
            time.sleep(0.1)
        raise RehearsalError(f"Envoy does not have {what}:\n{self.log.read_text()[-3000:]}")

    def addresses(self) -> set[str]:
        """Return the addresses of all endpoints that come from Cloud Map."""
        clusters = json.loads(self._get("/clusters?format=json"))["cluster_statuses"]
        return {
            host["address"]["socket_address"]["address"]
            for cluster in clusters
            if cluster["name"].startswith("cds_egress_")
            for host in cluster.get("host_statuses", [])
        }

    def weights(self) -> list[int]:
        """Return the weights of the route in the runtime, in order."""
        entries = json.loads(self._get("/runtime"))["entries"]
        weights = (entry["final_value"] for key, entry in entries.items() if key.startswith("weights."))
        return sorted(map(int, weights))

    def _get(self, path: str) -> bytes:
        with urlopen(f"{self.admin}{path}", timeout=5) as response:
            body: bytes = response.read()
        return body


@contextmanager
def running_envoy(
    deployed: Deployed, application: str, folder: Path, credentials: Mapping[str, str]
) -> Iterator[Envoy]:
    """Run the Envoy of a task without its listeners.

    Args:
        deployed: The deployed stacks.
        application: Name of the application's container in the task definition.
        folder: Folder for the log.
        credentials: Credentials of the task, as the agent of ECS returns them.
    """
    endpoint = deployed.aws.environment["AWS_ENDPOINT_URL"]
    bootstrap, admin_file, log = _bootstrap(deployed, application, endpoint), folder / "admin", folder / "envoy.log"
    file = folder / "envoy.json"
    file.write_text(json.dumps(bootstrap))
    admin_file.unlink(missing_ok=True)
    command = [shutil.which("envoy") or "envoy", "--config-path", str(file), "--admin-address-path", str(admin_file)]
    command += ["--disable-hot-restart", "--concurrency", "1", "--component-log-level", "config:error"]
    with (
        _credentials(credentials) as credentials_url,
        log.open("w") as output,
    ):
        environment = {**deployed.aws.environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI": credentials_url}
        environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "token"
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            for _ in range(SECONDS * 10):
                if (admin_file.exists() and admin_file.read_text()) or process.poll() is not None:
                    break
                time.sleep(0.1)
            if not admin_file.exists():
                raise RehearsalError(f"Envoy does not start:\n{log.read_text()[-3000:]}")
            yield Envoy(admin=f"http://{admin_file.read_text()}", log=log)
        finally:
            process.kill()
            process.wait()


def _bootstrap(deployed: Deployed, application: str, endpoint: str) -> Any:
    """Return the configuration in a task definition, with the emulator as AWS."""
    (container,) = (
        each
        for stack, template in deployed.templates.items()
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::ECS::TaskDefinition"
        for each in _containers(deployed, stack, name, application)
        if each["Name"] == "envoy-sidecar"
    )
    text = json.dumps(read(container["Command"])).replace('"refresh_delay": "10s"', '"refresh_delay": "1s"')
    bootstrap = json.loads(text.replace("@AWS_REGION@", REGION).replace("@AWS_URL_SUFFIX@", "amazonaws.com"))
    bootstrap["admin"]["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": 0}
    bootstrap["static_resources"]["listeners"] = []
    (cluster,) = (each for each in bootstrap["static_resources"]["clusters"] if each["name"] == CLUSTER)
    del cluster["transport_socket"]
    (locality,) = cluster["load_assignment"]["endpoints"]
    address = {"address": "127.0.0.1", "port_value": urlsplit(endpoint).port}
    locality["lb_endpoints"][0]["endpoint"]["address"]["socket_address"] = address
    return bootstrap


def _containers(deployed: Deployed, stack: str, name: str, application: str) -> list[Any]:
    """Return the containers of a task definition, if one of them is the application."""
    containers: list[Any] = deployed.properties(stack, name)["ContainerDefinitions"]
    return containers if any(each["Name"] == application for each in containers) else []


@contextmanager
def _credentials(values: Mapping[str, str]) -> Iterator[str]:
    """Serve credentials, as the agent of ECS does, and yield their URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(values).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/credentials"
    finally:
        server.shutdown()
        server.server_close()
