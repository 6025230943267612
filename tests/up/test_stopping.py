"""Open requests of a task of the Envoy plane that is stopping."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cloudformation import Template, task_definition
from tests.support.local_mesh import LocalMesh, local_mesh
from tests.support.rolling_deployment import SHORT_DELAYS, shorten_draining
from tests.support.steady_load import get_url

# An application that answers /slow after SIGUSR1, and finishes its open requests before it ends.
PROGRAM = """
import http.server, signal, threading
released = threading.Event()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/slow":
            print("the application has the request", flush=True)
            released.wait()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"answered")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 80), Handler)
server.daemon_threads = False
def stop(number, frame):
    print("the application is stopping", flush=True)
    threading.Thread(target=server.shutdown).start()
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGUSR1, lambda number, frame: released.set())
server.serve_forever()
"""


@pytest.fixture
def mesh(cloud_assembly: Callable[..., Path], tmp_path: Path) -> Iterator[LocalMesh]:
    program = tmp_path / "slow.py"
    program.write_text(PROGRAM)
    image = f"nginx=/usr/bin/env python3 {program}"
    assembly = cloud_assembly(dataPlane="envoy", gatewayCount="1")
    with local_mesh(assembly, tmp_path, *SHORT_DELAYS, "--image", image, change=shorten_draining) as run:
        yield run


def wait_for_log(mesh: LocalMesh, line: str) -> None:
    """Wait until an application has logged a line."""
    logs = mesh.folder / ".color-mesh" / "logs" / "cloudwatch"
    mesh.wait_until(lambda: any(line in file.read_text() for file in logs.rglob("*") if file.is_file()), line)


class SlowRequest:
    """A request that the application of blue has received and not answered."""

    def __init__(self, mesh: LocalMesh) -> None:
        self.answer = ""
        self._mesh = mesh
        self._application = mesh.machine_pid(mesh.pid("blue-svc", "blue-app"))
        self._thread = threading.Thread(target=self._request)
        self._thread.start()
        wait_for_log(mesh, "the application has the request")

    def _request(self) -> None:
        self.answer = get_url(f"{self._mesh.url}/slow")

    def release(self) -> str:
        os.kill(self._application, signal.SIGUSR1)
        self._thread.join()
        return self.answer


def change_blue(template: Template) -> None:
    task_definition(template, "blue_node")["ContainerDefinitions"][0]["Environment"].append({"Name": "X", "Value": "2"})


def test_stopping_task_answers_its_open_request(mesh: LocalMesh) -> None:
    request = SlowRequest(mesh)
    mesh.change("EcsStack", change_blue)
    wait_for_log(mesh, "the application is stopping")
    assert request.release() == "200 answered"


def test_stopping_gateway_answers_its_open_request(mesh: LocalMesh) -> None:
    request = SlowRequest(mesh)
    gateway = mesh.tasks("gateway-svc-load-balanced")[0]["id"]
    os.kill(mesh.machine_pid(mesh.pid("gateway-svc-load-balanced", "envoy-proxy")), signal.SIGTERM)
    connecting = ("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/80")

    def refused() -> bool:
        completed: subprocess.CompletedProcess[str] = mesh.execute(gateway, *connecting)
        return "Connection refused" in completed.stderr

    mesh.wait_until(refused, "the gateway refuses connections")
    assert request.release() == "200 answered"
