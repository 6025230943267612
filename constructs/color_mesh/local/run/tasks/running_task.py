"""A running task: its network interface, its containers in the order of their dependencies, and its health."""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address
from typing import Protocol

from color_mesh.ecs.services import Service
from color_mesh.local.folder import LogFile, file_name
from color_mesh.local.plan.runnable import RunnableContainer, RunnableTask
from color_mesh.local.run.background import start_in_background
from color_mesh.local.run.envoys import admin_interface
from color_mesh.local.run.envoys.sidecar import Sidecar
from color_mesh.local.run.isolation import RUN_FOLDER
from color_mesh.local.run.network.network_namespaces import set_kernel_parameter
from color_mesh.local.run.network.vpc import Vpc
from color_mesh.local.run.tasks.container_process import Sandbox
from color_mesh.local.run.tasks.dependencies import stop_in_order, wait_until
from color_mesh.local.run.tasks.running_container import RunningContainer


class TaskHost(Protocol):
    """The run that a task is part of.

    Attributes:
        vpc: The VPC.
        sandbox: Properties that all containers share.
        health_checks: Limits how many health checks of containers run at the same time.
        on_error: Receives an unexpected exception.
    """

    vpc: Vpc
    sandbox: Sandbox
    health_checks: asyncio.Semaphore
    on_error: Callable[[BaseException], None]

    def log_file(self, task: "RunningTask", container: RunnableContainer) -> LogFile | None:
        """Return the log file of a container; ``None`` if it has no log configuration."""

    async def configure(self, task: "RunningTask", container: RunnableContainer, sidecar: Sidecar) -> None:
        """Send an Envoy its configuration, unless App Mesh would not give it one."""

    def environment(self, task: "RunningTask") -> Mapping[str, str]:
        """Return the variables that ECS sets in the containers of a new task."""

    def task_changed(self, task: "RunningTask") -> None:
        """React to a change of the status or health of a task."""

    async def drain_targets(self, task: "RunningTask") -> None:
        """Wait until load balancers have no requests of a task that stops."""


class RunningTask:
    """Running task of a service.

    Args:
        service: Service of the task.
        runnable: Task definition, with the programs of its containers.
        host: The run that the task is part of.

    Attributes:
        id: Task id.
        service: Service of the task.
        runnable: Task definition, with the programs of its containers.
        status: ``PROVISIONING``, ``PENDING``, ``RUNNING``, ``STOPPING`` or ``STOPPED``, as in ECS.
        reason: Reason why it stopped, or why an Envoy rejects its configuration.
        address: Private IPv4 address; ``None`` before it has one.
        containers: Containers by name.
        sidecars: Envoys that receive their configuration from App Mesh, by container name.
        failed: True if it stopped because of a failure.
        target_failure: Reason why it fails the health check of its load balancer; ``None`` while it passes, and before
            the first check.
        awaits_target_health: True if its load balancer has not checked it yet.
        running_since: Time at which it became ``RUNNING``, in seconds of the monotonic clock.
    """

    def __init__(self, service: Service, runnable: RunnableTask, host: TaskHost) -> None:
        self.id = secrets.token_hex(16)
        self.service = service
        self.runnable = runnable
        self.status = "PROVISIONING"
        self.reason = ""
        self.address: IPv4Address | None = None
        self.sidecars: dict[str, Sidecar] = {}
        self.failed = False
        self.target_failure: str | None = None
        self.awaits_target_health = bool(service.targets)
        self.running_since = 0.0
        self._host = host
        self._container_changed = asyncio.Event()
        self._starting: list[asyncio.Task[None]] = []
        self._stopping: asyncio.Task[None] | None = None
        environment = host.environment(self)
        self._region = environment.get("AWS_REGION", "")
        self.containers = {
            each.name: RunningContainer(
                each,
                host.sandbox,
                self.network,
                host.log_file(self, each),
                self._react_to_container,
                host.health_checks,
                environment=environment,
            )
            for each in runnable.containers
        }

    @property
    def network(self) -> str:
        """Name of its network namespace."""
        return self.id[:12]

    @property
    def name(self) -> str:
        """Name in messages."""
        return f"{self.service.name}/{self.id[:8]}"

    @property
    def health(self) -> str:
        """Health of its essential containers that have a health check (ECS Developer Guide, *Task health*)."""
        healths = {container.health for container in self._checked_containers}
        default = "HEALTHY" if healths else "UNKNOWN"
        return next((each for each in ("UNHEALTHY", "UNKNOWN") if each in healths), default)

    @property
    def has_health_check(self) -> bool:
        """True if an essential container has a health check."""
        return bool(self._checked_containers)

    @property
    def is_healthy(self) -> bool:
        """True if it runs and passes all its health checks, those of its load balancer included."""
        healthy = self.health == ("HEALTHY" if self._checked_containers else "UNKNOWN")
        passes_target_check = self.target_failure is None and not self.awaits_target_health
        return self.status == "RUNNING" and healthy and passes_target_check

    @property
    def is_unhealthy(self) -> bool:
        """True if its service replaces it: it fails a health check, its load balancer's after the grace period."""
        grace_end = self.running_since + self.service.grace_seconds
        return self.health == "UNHEALTHY" or (self.target_failure is not None and time.monotonic() > grace_end)

    async def start(self, obstacles: Sequence[str]) -> None:
        """Start the task.

        Args:
            obstacles: Reasons for which ECS could not start it; it stops at once if there are any.
        """
        if obstacles:
            await self.stop("; ".join(obstacles), failed=True)
            return
        try:
            self._starting = [asyncio.ensure_future(self._provision())]
            await self._starting[0]
            self.status = "PENDING"
            self._starting = [asyncio.ensure_future(self._start_container(each)) for each in self.containers.values()]
            await asyncio.gather(*self._starting)
        except (OSError, TimeoutError, RuntimeError) as error:
            await self.stop(str(error), failed=True)
        except asyncio.CancelledError:
            return
        else:
            if self.status == "PENDING":
                self.status, self.running_since = "RUNNING", time.monotonic()
                self._host.task_changed(self)

    async def stop(self, reason: str, failed: bool = False) -> None:
        """Stop the task; a second call waits for the first."""
        if self._stopping is None:
            self.failed = failed
            self.reason = self.reason or reason
            self.status = "STOPPING"
            self._host.task_changed(self)
            self._stopping = asyncio.ensure_future(self._stop())
        await asyncio.shield(self._stopping)

    @property
    def _checked_containers(self) -> list[RunningContainer]:
        """Its essential containers that have a health check."""
        essential = [each for each in self.containers.values() if each.definition.essential]
        return [each for each in essential if each.definition.health_check is not None]

    async def _provision(self) -> None:
        """Create its network interface."""
        service, vpc = self.service, self._host.vpc
        self.address = await vpc.attach(self.network, service.subnets, service.groups, service.public)
        proxy_configuration = self.runnable.definition.proxy_configuration
        if proxy_configuration is not None:
            await vpc.redirect(self.network, proxy_configuration)
        for container in self.runnable.containers:
            for name, value in container.system_controls:
                set_kernel_parameter(self.network, name, value)

    async def _stop(self) -> None:
        for each in self._starting:
            each.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        await self._host.drain_targets(self)
        await stop_in_order(self.containers, self._stop_container)
        for sidecar in self.sidecars.values():
            await sidecar.stop()
        await self._host.vpc.detach(self.network)
        self.status = "STOPPED"
        self._host.task_changed(self)

    async def _stop_container(self, container: RunningContainer) -> None:
        is_sidecar = container.definition.name in self.sidecars
        await container.stop((lambda: admin_interface.drain(self.network)) if is_sidecar else None)

    async def _start_container(self, container: RunningContainer) -> None:
        for other, condition in container.definition.depends_on:
            await wait_until(self.containers[other], condition, self._container_changed)
        if container.runnable.mesh_resource is None:
            await container.start(container_command(container.runnable))
        else:
            await self._start_sidecar(container)

    async def _start_sidecar(self, container: RunningContainer) -> None:
        runnable = container.runnable
        assert runnable.mesh_resource is not None
        # The path of the socket in it has at most 107 characters.
        folder = RUN_FOLDER / self.network / file_name(runnable.name, longest=60)
        sidecar = Sidecar(runnable.mesh_resource, self.network, folder, self._envoy_rejected, self._host.on_error)
        await self._host.configure(self, runnable, sidecar)
        self.sidecars[runnable.name] = sidecar
        log_level = runnable.environment.get("ENVOY_LOG_LEVEL", "info")
        user = self._host.sandbox.users.outside(runnable.user)
        await container.start(await sidecar.start(user, log_level, self._region), folder)

    def _envoy_rejected(self, document: str) -> None:
        self.reason = f"Envoy rejects {document}; its log has the reason"
        self._host.task_changed(self)

    def _react_to_container(self) -> None:
        """Stop the task if an essential container has stopped."""
        self._container_changed.set()
        for container in self.containers.values():
            if container.definition.essential and container.status == "STOPPED" and self.status != "STOPPING":
                reason = f"essential container {container.reason}"
                start_in_background(self.stop(reason, failed=True), self._host.on_error)
                return
        self._host.task_changed(self)


def container_command(runnable: RunnableContainer) -> Sequence[str]:
    """Return the command line of a container."""
    program, command = runnable.program, runnable.definition.command
    # The entry point of Envoy's image passes options to Envoy, and runs any other command as it is.
    if program.envoy and program.command == ("envoy",) and command and not command[0].startswith("-"):
        return command
    return (*program.command, *command)
