"""What a running mesh can be asked: a Unix socket, one JSON line a request, and lines in answer."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from color_mesh.local.plan.overrides import with_backends, with_weights
from color_mesh.local.run.containers import RunningContainer
from color_mesh.local.run.namespace import contained
from color_mesh.local.run.runner import Runner
from color_mesh.local.run.task import Task
from color_mesh.local.run.work import begin
from color_mesh.model import Mesh, MeshError
from color_mesh.model.errors import problem

_LARGEST_REQUEST = 1 << 20
_STANDARD_STREAMS = 3


class Control:
    """Answer requests about a run.

    Args:
        runner: The run.
        url: The URL of the gateway.
        end: Ends the run.
        failed: Told of an error that nobody expected.
    """

    def __init__(
        self,
        runner: Runner,
        url: Callable[[], str | None],
        end: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._runner = runner
        self._url = url
        self._end = end
        self._failed = failed

    async def serve(self, path: Path) -> None:
        """Answer at a socket, for the user whose run it is."""
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # A path of a socket has 107 characters at most; from here it is short.
        listening.bind(os.path.relpath(path))
        os.chmod(path, 0o600)
        listening.listen()
        listening.setblocking(False)
        while True:
            client, _ = await asyncio.get_running_loop().sock_accept(listening)
            begin(self._converse(client), self._failed)

    async def _converse(self, client: socket.socket) -> None:
        client.setblocking(False)
        files: list[int] = []
        loop = asyncio.get_running_loop()
        try:
            line, files = await _receive(client)
            async for answer in self._answer(json.loads(line), files, client):
                await loop.sock_sendall(client, json.dumps(answer).encode() + b"\n")
        except MeshError as error:
            await loop.sock_sendall(client, json.dumps({"error": str(error)}).encode() + b"\n")
        except (KeyError, IndexError, TypeError, ValueError) as error:
            answer = {"error": f"color-mesh: asked for what it does not know, got {error!r} (use the command)"}
            await loop.sock_sendall(client, json.dumps(answer).encode() + b"\n")
        except OSError:
            pass  # Whoever asked is gone.
        finally:
            for file in files:
                with suppress(OSError):
                    os.close(file)
            client.close()

    async def _answer(self, request: Any, files: list[int], client: socket.socket) -> AsyncIterator[Any]:
        match request["command"]:
            case "status":
                yield self._status()
            case "traffic":
                yield {"traffic": await self._runner.traffic(), "clusters": self._clusters()}
            case "set":
                yield await self._set(request)
            case "exec":
                yield await self._exec(request, files, client)
            case "down":
                self._end()
                yield {}

    def _status(self) -> Any:
        return {
            "url": self._url(),
            "steady": self._runner.is_steady,
            "resolver": self._runner.resolver_pid,
            "services": [
                {
                    "name": controller.service.name,
                    "desired": controller.service.desired_count,
                    "steady": controller.is_steady,
                    "replaced": controller.replaced,
                    "reason": controller.reason,
                    "tasks": [_task_status(task) for task in controller.tasks],
                }
                for controller in self._runner.controllers.values()
            ],
            "balancers": [
                {"name": each.definition.name, "address": str(each.address), "pid": each.pid}
                for each in self._runner.balancers.values()
            ],
        }

    def _clusters(self) -> dict[str, str]:
        """Find which node each of Envoy's clusters leads to."""
        found = {}
        for task in self._runner.tasks:
            for sidecar in task.sidecars.values():
                found.update(sidecar.clusters)
            for container in task.runnable.containers:
                found.update(self._runner.plan.cluster_nodes(container.bootstrap))
        return found

    async def _set(self, request: Any) -> Any:
        what, name = request["what"], request["name"]
        mesh = self._mesh_of(what, name)
        if what == "route":
            changed = with_weights(mesh, name, request["weights"])
        else:
            changed = with_backends(mesh, name, request["backends"])
        await self._runner.change_meshes({**self._runner.meshes, mesh.name: changed})
        return {}

    def _mesh_of(self, what: str, name: str) -> Mesh:
        meshes = list(self._runner.meshes.values())
        if not meshes:
            fix = "change the settings and synthesize: the run takes it on"
            raise MeshError([problem(f"set {what}", "the templates declare no mesh that could change", name, fix)])
        for mesh in meshes:
            named = [route.name for router in mesh.routers for route in router.routes]
            if name in (named if what == "route" else [node.name for node in mesh.nodes]):
                return mesh
        return meshes[0]

    async def _exec(self, request: Any, files: list[int], client: socket.socket) -> Any:
        task = find_task(self._runner.tasks, request["target"])
        container = find_container(task, request["target"], request.get("container"))
        process = await asyncio.create_subprocess_exec(
            *contained(task.network, container.runnable.user, request["arguments"]),
            env={**container.environment(), **request.get("environment", {})},
            stdin=files[0],
            stdout=files[1],
            stderr=files[2],
            start_new_session=True,
            cwd="/",
        )
        while files:
            os.close(files.pop())
        ended = asyncio.ensure_future(process.wait())
        left = asyncio.ensure_future(asyncio.get_running_loop().sock_recv(client, 1))
        await asyncio.wait((ended, left), return_when=asyncio.FIRST_COMPLETED)
        # Nothing may wait for the socket any more when it is closed.
        left.cancel()
        await asyncio.gather(left, return_exceptions=True)
        if not ended.done():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return {"code": await ended}


def find_task(tasks: list[Task], target: str) -> Task:
    """Find the task that people mean: by its id, or by a service, family, node or container."""
    running = [task for task in tasks if task.status == "RUNNING"] or tasks
    for task in running:
        if target in names_of(task) or (len(target) >= 4 and task.id.startswith(target)):
            return task
    known = sorted({name for task in tasks for name in names_of(task)})
    raise MeshError([problem("task", "no task is called so", target, f"known: {', '.join(known) or 'none'}")])


def find_container(task: Task, target: str, name: str | None) -> RunningContainer:
    """Find the container that people mean: the one that they name, else the application."""
    if name is None:
        name = target if target in task.containers else task.runnable.application.name
    if name not in task.containers:
        fix = f"known: {', '.join(task.containers)}"
        raise MeshError([problem(f"task {task.name}", "has no container called so", name, fix)])
    return task.containers[name]


def names_of(task: Task) -> set[str]:
    """List what people may call a task, beside its id."""
    nodes = {resource.name for resource in task.runnable.mesh_resources.values()}
    applications = {each.name for each in task.runnable.applications}
    return {task.service.name, task.runnable.definition.family, *nodes, *applications}


def _task_status(task: Task) -> Any:
    return {
        "id": task.id,
        "names": sorted(names_of(task)),
        "status": task.status,
        "health": task.health,
        "well": task.is_well,
        "reason": task.refused_by or task.reason,
        "address": str(task.address) if task.address is not None else None,
        "public": task.service.public,
        "containers": [
            {
                "name": each.definition.name,
                "status": each.status,
                "health": each.health,
                "reason": each.reason,
                "pid": each.pid,
                "log": str(each.log) if each.log is not None else None,
            }
            for each in task.containers.values()
        ],
    }


async def _receive(client: socket.socket) -> tuple[bytes, list[int]]:
    """Receive a request, and the standard streams that may come with it."""
    loop = asyncio.get_running_loop()
    line, files = b"", []
    while not line.endswith(b"\n"):
        readable = asyncio.Event()
        loop.add_reader(client, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(client)
        part, found, _, _ = socket.recv_fds(client, 65536, _STANDARD_STREAMS)
        files += found
        line += part
        if not part or len(line) > _LARGEST_REQUEST:
            raise ConnectionResetError("no request")
    return line, files
