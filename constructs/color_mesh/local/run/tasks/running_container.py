"""A running container: processes in the network namespace of its task, and in other namespaces of their own."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from color_mesh.local.folder import LogFile
from color_mesh.local.plan.runnable import RunnableContainer
from color_mesh.local.run.isolation import BINARIES
from color_mesh.local.run.tasks.container_process import (
    ContainerProgram,
    Sandbox,
    kill_group,
    start_container,
    start_in_container,
)
from color_mesh.local.run.tasks.health_check import watch_health

_PATH = f"{BINARIES}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class RunningContainer:
    """Running container.

    Args:
        runnable: The container with its program.
        sandbox: Properties that all containers of the run share.
        network: Network namespace of its task.
        log: Log file. ``None``: the output is discarded.
        on_change: Called when its status or health changes.
        health_checks: Limits how many health checks run at the same time.
        capabilities: Capabilities that its program has although its user is not root. Default: none.
        environment: Variables that ECS sets. Default: none.

    Attributes:
        runnable: The container with its program.
        definition: The container as the task definition declares it.
        network: Network namespace of its task.
        log: Log file. ``None``: the output is discarded.
        status: ``PENDING``, ``RUNNING`` or ``STOPPED``.
        health: ``UNKNOWN``, ``HEALTHY`` or ``UNHEALTHY``; always ``UNKNOWN`` without a health check.
        reason: Reason why it is unhealthy or stopped.
        exit_code: Exit code of the process; ``None`` while it runs.
    """

    def __init__(
        self,
        runnable: RunnableContainer,
        sandbox: Sandbox,
        network: str,
        log: LogFile | None,
        on_change: Callable[[], None],
        health_checks: asyncio.Semaphore,
        capabilities: tuple[int, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.runnable = runnable
        self.definition = runnable.definition
        self.network = network
        self.log = log
        self.status = "PENDING"
        self.health = "UNKNOWN"
        self.reason = ""
        self.exit_code: int | None = None
        self._sandbox = sandbox
        self._on_change = on_change
        self._health_checks = health_checks
        self._capabilities = capabilities
        self._environment = environment or {}
        # The process that ends when the container does, the id of the program in the run, and a descriptor of it.
        self._process: asyncio.subprocess.Process | None = None
        self._pid: int | None = None
        self._program: int | None = None
        self._watching: list[asyncio.Task[None]] = []
        self._ended = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Process id of its program, in the namespace of the run; ``None`` if it does not run."""
        return self._pid if self.status == "RUNNING" else None

    def _program_of(self, command: Sequence[str], environment: Mapping[str, str]) -> ContainerProgram:
        own = {"PATH": _PATH, "HOME": "/root", "HOSTNAME": self.network, **self._environment}
        own |= self.runnable.environment
        return ContainerProgram(
            command=command,
            environment={**own, **environment},
            user=self.runnable.user,
            capabilities=self._capabilities,
        )

    async def start(self, command: Sequence[str], folder: Path = Path("/")) -> None:
        """Start the container with a command and a working directory."""
        output = asyncio.subprocess.DEVNULL if self.log is None else self._open_log(self.log)
        program = self._program_of(command, {})
        try:
            self._process, self._pid = await start_container(self._sandbox, program, self.network, folder, output)
        finally:
            if output != asyncio.subprocess.DEVNULL:
                os.close(output)
        with suppress(ProcessLookupError):
            self._program = os.pidfd_open(self._pid)
        self.status = "RUNNING"
        self._watching = [asyncio.ensure_future(self._wait())]
        if self.definition.health_check is not None:
            watching = watch_health(self.runnable, self.execute, self._health_checks, self._set_health)
            self._watching.append(asyncio.ensure_future(watching))
        self._on_change()

    async def execute(
        self, command: Sequence[str], streams: tuple[int, int, int], environment: Mapping[str, str] | None = None
    ) -> asyncio.subprocess.Process:
        """Start another process in the container.

        Args:
            command: The command.
            streams: Standard streams.
            environment: Variables beside those of the container.

        Raises:
            RuntimeError: If the container does not run.
        """
        if self._program is None:
            raise RuntimeError("the container does not run")
        program = self._program_of(command, environment or {})
        return await start_in_container(self._sandbox, program, self._program, streams)

    async def stop(self, drain: Callable[[], Awaitable[None]] | None = None) -> None:
        """Stop the container: SIGTERM, and SIGKILL after its stop timeout.

        Args:
            drain: Waits for open requests before SIGTERM is sent. Default: no wait.
        """
        if self._process is None or self.status != "RUNNING":
            self.status = "STOPPED"
            return
        if drain is not None:
            await drain()
        if self._program is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._program, signal.SIGTERM)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._ended.wait(), self.definition.stop_seconds)
        self._kill()
        await self._ended.wait()

    def _kill(self) -> None:
        if self._process is not None:
            kill_group(self._process)

    async def _wait(self) -> None:
        """Wait until the container ends. The kernel ends all its processes with its first process."""
        assert self._process is not None
        self.exit_code = await self._process.wait()
        self.status = "STOPPED"
        if self._program is not None:
            os.close(self._program)
            self._program = None
        self.reason = self.reason or f"{self.definition.name} {_exit_reason(self.exit_code)}"
        for each in self._watching[1:]:
            each.cancel()
        self._ended.set()
        self._on_change()

    def _open_log(self, log: LogFile) -> int:
        opened = log.open()
        # Envoy opens /dev/stdout, which is this file, as the user it runs as.
        os.fchown(opened, *self._sandbox.users.outside(self.runnable.user))
        return opened

    def _set_health(self, health: str, reason: str) -> None:
        if (self.health, self.reason) != (health, reason):
            self.health, self.reason = health, reason
            self._on_change()


def _exit_reason(code: int) -> str:
    # A shell reports a program that a signal ended as 128 plus its number.
    number = code - 128 if code > 128 else -code
    return f"was ended by {signal.Signals(number).name}" if number in set(signal.Signals) else f"ended with {code}"
