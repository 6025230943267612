"""A running task: its network, its containers in their order, and where it is registered."""

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Protocol

from color_mesh.ecs.services import Service
from color_mesh.local.plan.compiled_envoys import DISCOVERY_SOCKET
from color_mesh.local.plan.runnable import RunnableContainer, RunnableTask
from color_mesh.local.run import admin
from color_mesh.local.run.config_server import serving
from color_mesh.local.run.containers import RunningContainer
from color_mesh.local.run.fabric import Fabric
from color_mesh.local.run.namespace import RUN
from color_mesh.local.run.sidecars import Sidecar
from color_mesh.local.run.work import begin

# As App Mesh's agent ends Envoy: listeners drain, for at most so long.
_DRAIN_SECONDS = 20.0
# So that the log shows a request when it has been answered.
_FLUSHING = ("--file-flush-interval-msec", "100")
_DOWNSTREAM = r"^(http|tcp)\.ingress\..*downstream_cx_active$"


class Configurer(Protocol):
    """Gives an Envoy of App Mesh what it starts with, or nothing when it may not have it."""

    async def __call__(self, task: "Task", container: RunnableContainer, sidecar: Sidecar) -> Any:
        """Configure a sidecar."""


class Task:
    """Run a task of a service.

    Attributes:
        id: What tells it from others.
        service: The service that it belongs to.
        runnable: Its task definition, with the programs of the containers.
        status: ``PROVISIONING``, ``PENDING``, ``RUNNING``, ``STOPPING`` or ``STOPPED``, as ECS calls it.
        reason: Why it stopped, or is not well.
        address: Its address.
        containers: Its containers.
        sidecars: Its Envoys that get their configuration from App Mesh.
        failed: Whether it stopped for a fault of its own.
        refused_by: What the load balancer's check says of it; ``None`` while it passes, or is not asked.
        awaited: Whether the load balancer has not asked it yet.
        running_since: When it began to run, in seconds of the monotonic clock.
    """

    def __init__(
        self,
        service: Service,
        runnable: RunnableTask,
        fabric: Fabric,
        logs: Callable[["Task", RunnableContainer], Path | None],
        configurer: Configurer,
        changed: Callable[["Task"], None],
        crashed: Callable[[BaseException], None],
        probes: asyncio.Semaphore,
    ) -> None:
        self.id = secrets.token_hex(16)
        self.service = service
        self.runnable = runnable
        self.status = "PROVISIONING"
        self.reason = ""
        self.address: IPv4Address | None = None
        self.sidecars: dict[str, Sidecar] = {}
        self.failed = False
        self.refused_by: str | None = None
        self.awaited = bool(service.targets)
        self.running_since = 0.0
        self._fabric = fabric
        self._configurer = configurer
        self._changed = changed
        self._crashed = crashed
        self._news = asyncio.Event()
        self._opened = AsyncExitStack()
        self._launches: list[asyncio.Task[None]] = []
        self._stopping: asyncio.Task[None] | None = None
        self.containers = {
            each.name: RunningContainer(each, self.network, logs(self, each), self._noticed, probes)
            for each in runnable.containers
        }

    @property
    def network(self) -> str:
        """The name of its network namespace."""
        return self.id[:12]

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{self.service.name}/{self.id[:8]}"

    @property
    def health(self) -> str:
        """How it is, of its essential containers with a health check (ECS Developer Guide, *Task health*)."""
        found = {container.health for container in self._asked}
        return next((each for each in ("UNHEALTHY", "UNKNOWN") if each in found), "HEALTHY" if found else "UNKNOWN")

    @property
    def _asked(self) -> list[RunningContainer]:
        """The containers that its health is that of."""
        essential = [each for each in self.containers.values() if each.definition.essential]
        return [each for each in essential if each.definition.health_check is not None]

    @property
    def is_well(self) -> bool:
        """Whether it runs, and nothing that asks it says that it is not well."""
        healthy = self.health == ("HEALTHY" if self._asked else "UNKNOWN")
        return self.status == "RUNNING" and healthy and self.refused_by is None and not self.awaited

    @property
    def is_unwell(self) -> bool:
        """Whether it is to be replaced: unhealthy, or refused by its load balancer when its grace is over."""
        grace = self.running_since + self.service.grace_seconds
        return self.health == "UNHEALTHY" or (self.refused_by is not None and time.monotonic() > grace)

    async def start(self, obstacles: Sequence[str]) -> None:
        """Start it; what keeps it from starting stops it."""
        if obstacles:
            await self.stop("; ".join(obstacles), failed=True)
            return
        try:
            self._launches = [asyncio.ensure_future(self._provision())]
            await self._launches[0]
            self.status = "PENDING"
            self._launches = [asyncio.ensure_future(self._launch(each)) for each in self.containers.values()]
            await asyncio.gather(*self._launches)
        except (OSError, TimeoutError, RuntimeError) as error:
            await self.stop(str(error), failed=True)
        except asyncio.CancelledError:
            return
        else:
            if self.status == "PENDING":
                self.status, self.running_since = "RUNNING", time.monotonic()
                self._changed(self)

    async def stop(self, reason: str, failed: bool = False) -> None:
        """Stop it; whoever asks for it again waits for the same."""
        if self._stopping is None:
            self.failed = failed
            self.reason = self.reason or reason
            self.status = "STOPPING"
            self._changed(self)
            self._stopping = asyncio.ensure_future(self._stop())
        await asyncio.shield(self._stopping)

    async def _provision(self) -> None:
        service = self.service
        self.address = await self._fabric.attach(self.network, service.subnets, service.groups, service.public)
        proxy = self.runnable.definition.proxy_configuration
        if proxy is not None:
            await self._fabric.redirect(self.network, proxy)
        for container in self.runnable.containers:
            for name, value in container.system_controls:
                await self._fabric.control(self.network, name, value)

    async def _stop(self) -> None:
        for launch in self._launches:
            launch.cancel()
        await asyncio.gather(*self._launches, return_exceptions=True)
        # Those that wait for others end before these.
        waited_for = {
            name: {other for other, _ in each.definition.depends_on} for name, each in self.containers.items()
        }
        left = dict(self.containers)
        while left:
            needed = {other for name in left for other in waited_for[name]}
            ready = [name for name in left if name not in needed] or list(left)
            await asyncio.gather(*(left.pop(name).stop(self._draining(name)) for name in ready))
        await self._opened.aclose()
        await self._fabric.detach(self.network)
        self.status = "STOPPED"
        self._changed(self)

    def _draining(self, container: str) -> Callable[[], Awaitable[None]] | None:
        return self._drain if container in self.sidecars else None

    async def _drain(self) -> None:
        """Let Envoy take no more connections, and wait for the requests of those that it has."""
        with suppress(OSError, asyncio.TimeoutError):
            await admin.ask(self.network, "/drain_listeners?graceful", "POST")
            for _ in range(int(_DRAIN_SECONDS / 0.1)):
                found = await admin.stats(self.network, _DOWNSTREAM)
                if not any(found.values()):
                    return
                await asyncio.sleep(0.1)

    async def _launch(self, container: RunningContainer) -> None:
        definition = container.definition
        for other, condition in definition.depends_on:
            awaited = self.containers[other]
            try:
                await asyncio.wait_for(self._until(awaited, condition), awaited.definition.start_seconds)
            except asyncio.TimeoutError:
                said = f": {awaited.reason}" if awaited.reason else ""
                message = f"{other} did not become {condition} in {awaited.definition.start_seconds} s{said}"
                raise TimeoutError(message) from None
        folder = RUN / self.network / definition.name if container.runnable.mesh_resource is not None else Path("/")
        await container.start(await self._command(container.runnable), folder)

    async def _until(self, container: RunningContainer, condition: str) -> None:
        while not _fulfils(container, condition):
            self._news.clear()
            await self._news.wait()

    async def _command(self, runnable: RunnableContainer) -> Sequence[str]:
        definition = runnable.definition
        command = (*runnable.program.command, *definition.command)
        if not runnable.program.envoy:
            return command
        if runnable.mesh_resource is None:
            # As the entry point of Envoy's image has it: options are for Envoy, anything else is a command.
            words = definition.command
            is_command = runnable.program.command == ("envoy",) and words and not words[0].startswith("-")
            return words if is_command else command
        folder = RUN / self.network / definition.name
        folder.mkdir(parents=True)
        sidecar = Sidecar(runnable.mesh_resource, self.network, self._refused, self._crashed)
        bootstrap = await self._configurer(self, runnable, sidecar)
        self.sidecars[definition.name] = sidecar
        await self._opened.enter_async_context(serving(sidecar.feed, folder / DISCOVERY_SOCKET, runnable.user))
        file = folder / "bootstrap.json"
        file.write_text(json.dumps(bootstrap))
        level = runnable.environment.get("ENVOY_LOG_LEVEL", "info")
        options = (
            "--log-level",
            level,
            "--drain-time-s",
            "20",
            "--disable-hot-restart",
            "--concurrency",
            "1",
            *_FLUSHING,
        )
        return ("envoy", "--config-path", str(file), *options)

    def _refused(self, document: str) -> None:
        self.reason = f"Envoy does not take {document}; its log says why"
        self._changed(self)

    def _noticed(self) -> None:
        self._news.set()
        for container in self.containers.values():
            if container.definition.essential and container.status == "STOPPED" and self.status != "STOPPING":
                begin(self.stop(f"essential container {container.reason}", failed=True), self._crashed)
                return
        self._changed(self)


def _fulfils(container: RunningContainer, condition: str) -> bool:
    match condition:
        case "START":
            return container.status != "PENDING"
        case "COMPLETE":
            return container.status == "STOPPED"
        case "SUCCESS":
            return container.status == "STOPPED" and container.exit_code == 0
    return container.health == "HEALTHY"
