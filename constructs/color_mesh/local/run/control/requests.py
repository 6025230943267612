"""Requests of the commands, and their responses."""

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any

from color_mesh.local.plan.overrides import with_backends, with_weights
from color_mesh.local.plan.validity import MAX_DAYS
from color_mesh.local.run.aws.apis import APIS, OUTAGES
from color_mesh.local.run.aws.weights import live_routes
from color_mesh.local.run.control.status import container_named, status, task_named
from color_mesh.local.run.port_publisher import PortPublisher
from color_mesh.local.run.runner import Runner
from color_mesh.local.run.tasks.container_process import kill_group
from color_mesh.local.run.tasks.envoy_statistics import traffic
from color_mesh.local.terminal import terminal_variables
from color_mesh.model import Mesh, MeshError
from color_mesh.model.checks import check_known, check_range
from color_mesh.model.errors import problem, refuse


class RequestHandler:
    """Handler of the requests about a run.

    Args:
        runner: The run.
        ports: Publisher of its ports.
        end: Ends the run.
    """

    def __init__(self, runner: Runner, ports: PortPublisher, end: Callable[[], None]) -> None:
        self._runner = runner
        self._ports = ports
        self._end = end

    async def respond(self, request: Any, files: list[int], client: socket.socket) -> Any:
        """Return the response to a request.

        Args:
            request: The request.
            files: Standard streams of the client. Those that a process inherits are closed and removed.
            client: Socket of the client.

        Raises:
            MeshError: If the run cannot do what is requested.
            KeyError: If the request is malformed.
        """
        match request["command"]:
            case "status":
                return status(self._runner, self._ports.url)
            case "traffic":
                return {
                    "traffic": await traffic(self._runner.tasks),
                    "clusters": self._clusters(),
                    "rates": self._runner.aws.telemetry.rates(),
                }
            case "traces":
                return {"traces": self._runner.aws.telemetry.traces(int(request["count"]))}
            case "set":
                return await self._set(request)
            case "fail":
                refuse(check_known("fail", "API", request["api"], APIS))
                refuse(check_known(f"fail {request['api']}", "failure", request["kind"], OUTAGES))
                self._runner.aws.fail(request["api"], request["kind"])
                return {"effect": OUTAGES[request["kind"]]}
            case "heal":
                refuse(check_known("heal", "API", request["api"], APIS))
                self._runner.aws.heal(request["api"])
                return {}
            case "renew":
                refuse(check_range("renew", "days", request["days"], 0, MAX_DAYS))
                return {"renewed": self._runner.aws.renew(request["name"], request["days"])}
            case "exec":
                return await self._execute(request, files, client)
            case "down":
                self._end()
                return {}
        raise ValueError(request["command"])

    def _clusters(self) -> dict[str, str]:
        """Return the names of the clusters of all Envoys, and the virtual nodes that they lead to."""
        clusters: dict[str, str] = {}
        for task in self._runner.tasks:
            for sidecar in task.sidecars.values():
                clusters.update(sidecar.clusters)
            for container in task.runnable.containers:
                clusters.update(self._runner.plan.cluster_nodes(container.bootstrap))
        return clusters

    async def _set(self, request: Any) -> Any:
        part, name = request["part"], request["name"]
        if part == "route" and name in live_routes(self._runner.aws.cloud_map):
            await self._runner.aws.set_weights(name, request["weights"])
            return {}
        mesh = self._mesh_of(part, name)
        if part == "route":
            changed = with_weights(mesh, name, request["weights"])
        else:
            changed = with_backends(mesh, name, request["backends"])
        await self._runner.change_mesh(changed)
        return {}

    def _mesh_of(self, part: str, name: str) -> Mesh:
        """Return the mesh that has a route or virtual node, or the first mesh."""
        meshes = list(self._runner.configuration.meshes.values())
        if not meshes:
            if part == "route" and (known := live_routes(self._runner.aws.cloud_map)):
                refuse(check_known("set route", "route", name, known))
            fix = "change the settings and synthesize: the run takes over the new templates"
            raise MeshError([problem(f"set {part}", "the templates declare no mesh that can be changed", name, fix)])
        for mesh in meshes:
            routes = [route.name for router in mesh.routers for route in router.routes]
            if name in (routes if part == "route" else [node.name for node in mesh.nodes]):
                return mesh
        return meshes[0]

    async def _execute(self, request: Any, files: list[int], client: socket.socket) -> Any:
        """Run a command in a container, with the standard streams of the client, until either of them ends."""
        task = task_named(self._runner.tasks, request["target"])
        container = container_named(task, request["target"], request.get("container"))
        environment = terminal_variables(request.get("environment", {}))
        try:
            process = await container.execute(request["arguments"], (files[0], files[1], files[2]), environment)
        except RuntimeError as error:
            fix = "color-mesh status has the reason"
            raise MeshError([problem(f"task {task.name}", str(error), container.definition.name, fix)]) from None
        while files:
            os.close(files.pop())
        ended = asyncio.ensure_future(process.wait())
        disconnected = asyncio.ensure_future(asyncio.get_running_loop().sock_recv(client, 1))
        await asyncio.wait((ended, disconnected), return_when=asyncio.FIRST_COMPLETED)
        # A socket must not be closed while a coroutine waits for it.
        disconnected.cancel()
        await asyncio.gather(disconnected, return_exceptions=True)
        if not ended.done():
            kill_group(process)
        return {"code": await ended}
