"""A mesh on loopback addresses: each task has a real Envoy with its compiled configuration."""

import http.client
import json
import os
import socket
import subprocess
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from color_mesh.envoy import CloudMapEndpoints, Configuration, FileEndpoints, Instance, Loopback, configure, endpoints
from color_mesh.envoy.aws import cloud_map
from color_mesh.envoy.edge import READY_KEY
from color_mesh.envoy.names import egress_cluster
from color_mesh.envoy.placement import INBOUND_PORT
from color_mesh.model import Listener, Mesh, VirtualGateway, VirtualNode
from tests.support.envoy import ENVOY, parts
from tests.support.servers import SERVERS, App

DEADLINE_SECONDS = 15
# Second bytes of the /16 networks of tasks. Each pytest-xdist worker has its own; a mesh returns those it used.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_MACHINES = deque(range(10 + 60 * (_WORKER % 4), 70 + 60 * (_WORKER % 4)))


@dataclass(frozen=True, kw_only=True)
class Response:
    """HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def request(self) -> Any:
        """Request as the application received it, from the JSON of its response."""
        return json.loads(self.body)


@dataclass(kw_only=True)
class Task:
    """A task of a node or gateway, with its own addresses."""

    part: VirtualNode | VirtualGateway
    machine: int
    folder: Path
    app: App
    configuration: Configuration = field(init=False)
    process: "subprocess.Popen[bytes]" = field(init=False)

    @property
    def calls(self) -> bool:
        return isinstance(self.part, VirtualGateway) or bool(self.part.backends)

    def address(self, number: int) -> str:
        return f"127.{self.machine}.0.{number}"

    def backend_address(self, service: str) -> str:
        """Return the address at which this task reaches a backend; each backend has another one."""
        assert isinstance(self.part, VirtualNode)
        names = [backend.virtual_service for backend in self.part.backends]
        return f"127.{self.machine}.1.{names.index(service) + 1}"

    def instance(self, listener: Listener) -> Instance:
        return Instance(ipv4=self.address(1), port=INBOUND_PORT + self.part.listeners.index(listener))

    def admin(self, path: str, method: str = "GET") -> bytes:
        """Request a path of Envoy's administration interface."""
        url = f"http://{self.address(3)}:9901{path}"
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=2) as answer:
            return bytes(answer.read())

    def stat(self, name: str) -> int:
        """Return a counter or gauge of Envoy; 0 until it exists."""
        lines = self.admin(f"/stats?filter=^{name.replace('.', '[.]')}$").decode().splitlines()
        return int(lines[0].split(": ")[1]) if lines else 0

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Replace a watched file atomically, by a rename, as Envoy requires."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".new").write_text(json.dumps(content))
        path.with_suffix(".new").rename(path)

    def log(self) -> str:
        return (self.folder / "envoy.log").read_text()


class LoopbackMesh:
    """A running mesh."""

    def __init__(self, mesh: Mesh, tasks: list[Task]) -> None:
        self.mesh = mesh
        self.tasks = tasks

    def task(self, name: str, number: int = 0) -> Task:
        return [task for task in self.tasks if task.part.name == name][number]

    def app(self, name: str) -> App:
        return self.task(name).app

    def call(self, caller: str, service: str, port: int, path: str = "/", **request: Any) -> Response:
        """Send a request from the application of a node to its backend."""
        headers = {"Host": service, **request.pop("headers", {})}
        return send_request(self.task(caller).backend_address(service), port, path, headers=headers, **request)

    def enter(self, gateway: str, port: int, path: str = "/", **request: Any) -> Response:
        """Send a request from a client to a gateway."""
        return send_request(self.task(gateway).address(1), port, path, **request)

    def instances(self, node: str, listener: Listener) -> list[Instance]:
        return [task.instance(listener) for task in self.tasks if task.part.name == node]

    def answer(self, cluster: dict[str, Any]) -> None:
        """Replace the source of a cluster's endpoints, Cloud Map or DNS, by the addresses of the tasks of its node."""
        targets = {
            egress_cluster(self.mesh, node, listener): (node.name, INBOUND_PORT + number)
            for node in self.mesh.nodes
            for number, listener in enumerate(node.listeners)
        }
        # The cluster of a backend with its own client policy has a longer name.
        name, port = targets[max((name for name in targets if cluster["name"].startswith(name)), key=len)]
        places = [
            {"endpoint": {"address": {"socket_address": {"address": task.address(1), "port_value": port}}}}
            for task in self.tasks
            if task.part.name == name
        ]
        cluster["load_assignment"] = {"cluster_name": cluster["name"], "endpoints": [{"lb_endpoints": places}]}
        if cluster.pop("eds_cluster_config", None) is not None:
            cluster["type"] = "STATIC"

    def find_endpoints(self, task: Task) -> None:
        """Write the endpoints that a task reads from files."""
        for name, target in task.configuration.targets.items():
            task.write(name, endpoints(self.mesh, target, self.instances(target.node.name, target.listener)))


def send_request(
    address: str, port: int, path: str = "/", *, method: str = "GET", headers: Mapping[str, str] | None = None
) -> Response:
    """Send one request over a new connection."""
    connection = http.client.HTTPConnection(address, port, timeout=DEADLINE_SECONDS)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return Response(status=answer.status, headers=dict(answer.getheaders()), body=answer.read())
    finally:
        connection.close()


def wait_until(wanted: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds, or fail."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not wanted():
        assert time.monotonic() < deadline, f"not within {DEADLINE_SECONDS} s: {what}"
        time.sleep(0.02)


@contextmanager
def loopback_mesh(
    mesh: Mesh,
    folder: Path,
    *,
    tasks: Mapping[str, int] | None = None,
    watched: bool = False,
    adjust: Callable[[Any], Any] = lambda content: content,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[LoopbackMesh]:
    """Run the tasks of every node and gateway of a mesh, each with its application and its Envoy.

    Args:
        mesh: Mesh to run.
        folder: Folder for configurations and logs, one subfolder for each task.
        tasks: Number of tasks by the name of the node or gateway. Default: one.
        watched: Read endpoints and routes from watched files. Each costs an inotify instance, of which a user has 128.
            Default: the addresses of the tasks are written to the clusters.
        adjust: Change of each file for Envoy, such as other paths of certificates. Default: no change.
        settings: Further arguments of `configure`. Default: none.
    """
    counts = tasks or {}
    all_tasks = [
        Task(part=part, machine=_MACHINES.popleft(), folder=folder / f"{part.name}-{number}", app=App(part.name))
        for part in parts(mesh)
        for number in range(counts.get(part.name, 1))
    ]
    running_mesh = LoopbackMesh(mesh, all_tasks)
    with ExitStack() as stack:
        for task in all_tasks:
            _configure(running_mesh, task, watched, settings or {})
            _write(running_mesh, task, adjust)
            for listener in task.part.listeners if isinstance(task.part, VirtualNode) else ():
                stack.enter_context(SERVERS[listener.protocol](task.app, task.address(2), listener.port))
        # Callers start last: Envoy repeats the health check of an endpoint that was absent only after a minute.
        for wave in (
            [task for task in all_tasks if not task.calls],
            [task for task in all_tasks if task.calls],
        ):
            for task in wave:
                stack.enter_context(_envoy(task))
            for task in wave:
                _wait_until_live(task)
        yield running_mesh
    _MACHINES.extend(task.machine for task in all_tasks)


def _configure(running_mesh: LoopbackMesh, task: Task, watched: bool, settings: Mapping[str, Any]) -> None:
    backends = task.part.backends if isinstance(task.part, VirtualNode) else ()
    interception = Loopback(
        task_address=task.address(1),
        app_address=task.address(2),
        envoy_address=task.address(3),
        backend_addresses={each.virtual_service: task.backend_address(each.virtual_service) for each in backends},
    )
    task.folder.mkdir(parents=True)
    part = task.part
    if part.access_log is not None:
        part = replace(part, access_log=replace(part.access_log, path=str(task.folder / part.access_log.path)))
    endpoints = FileEndpoints(directory=str(task.folder)) if watched else CloudMapEndpoints()
    arguments = {"interception": interception, "endpoints": endpoints, **settings}
    task.configuration = configure(running_mesh.mesh, part, **arguments)


def _write(running_mesh: LoopbackMesh, task: Task, adjust: Callable[[Any], Any]) -> None:
    for name, content in task.configuration.files.items():
        task.write(name, adjust(content))
    running_mesh.find_endpoints(task)
    bootstrap = task.configuration.bootstrap
    static = bootstrap["static_resources"]
    clusters = [cluster for cluster in static.get("clusters", []) if cluster["name"] != cloud_map.CLUSTER]
    for cluster in clusters:
        if "eds_cluster_config" in cluster or (
            "cluster_type" in cluster and not cluster["name"].startswith(("telemetry", "aws_"))
        ):
            running_mesh.answer(cluster)
    bootstrap = {**bootstrap, "static_resources": {**static, "clusters": clusters} if clusters else static}
    task.write("bootstrap.json", adjust(bootstrap))


@contextmanager
def _envoy(task: Task) -> Iterator[None]:
    options = [
        "--concurrency",
        "1",
        "--disable-hot-restart",
        "--log-level",
        "warning",
        "--file-flush-interval-msec",
        "50",
    ]
    with (task.folder / "envoy.log").open("wb") as log:
        command = [ENVOY, "--config-path", str(task.folder / "bootstrap.json"), *options]
        task.process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield
        finally:
            task.process.kill()
            task.process.wait()


def _wait_until_live(task: Task) -> None:
    def live() -> bool:
        assert task.process.poll() is None, task.log()
        try:
            return task.admin("/ready") == b"LIVE\n"
        except OSError:
            return False

    wait_until(live, f"the Envoy of {task.part.name} is live; its log:\n{task.log()}")
    if isinstance(task.part, VirtualGateway) and not task.configuration.files:
        # As the run script of the container does when Envoy has the answers of Cloud Map, which it does not ask here.
        task.admin(f"/runtime_modify?{READY_KEY}=100", "POST")


def connect(address: str, port: int) -> socket.socket:
    """Open a TCP connection."""
    return socket.create_connection((address, port), timeout=DEADLINE_SECONDS)
