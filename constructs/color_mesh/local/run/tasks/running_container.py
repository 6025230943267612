"""A running container: a process in the network namespace of its task."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from color_mesh.local.folder import LogFile
from color_mesh.local.plan.runnable import RunnableContainer
from color_mesh.local.run.isolation import BINARIES, SYSTEM_ENVIRONMENT
from color_mesh.local.run.tasks.container_process import contained, with_shared_memory
from color_mesh.local.run.tasks.health_check import watch_health

_PATH = f"{BINARIES}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class RunningContainer:
    """Running container.

    Args:
        runnable: The container with its program.
        network: Network namespace of its task.
        log: Log file. ``None``: the output is discarded.
        on_change: Called when its status or health changes.
        health_checks: Limits how many health checks run at the same time.

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
        network: str,
        log: LogFile | None,
        on_change: Callable[[], None],
        health_checks: asyncio.Semaphore,
    ) -> None:
        self.runnable = runnable
        self.definition = runnable.definition
        self.network = network
        self.log = log
        self.status = "PENDING"
        self.health = "UNKNOWN"
        self.reason = ""
        self.exit_code: int | None = None
        self._on_change = on_change
        self._health_checks = health_checks
        self._process: asyncio.subprocess.Process | None = None
        self._watching: list[asyncio.Task[None]] = []
        self._ended = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Process id, in the namespace of the run; ``None`` if it does not run."""
        return self._process.pid if self._process is not None and self.status == "RUNNING" else None

    def environment(self) -> Mapping[str, str]:
        """Return the environment of its processes."""
        return {"PATH": _PATH, "HOME": "/root", "HOSTNAME": self.network, **self.runnable.environment}

    async def start(self, command: Sequence[str], folder: Path = Path("/")) -> None:
        """Start the container with a command and a working directory."""
        output = asyncio.subprocess.DEVNULL if self.log is None else _open_log(self.log, self.runnable.user)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *with_shared_memory(contained(self.network, self.runnable.user, self.environment(), command)),
                env=SYSTEM_ENVIRONMENT,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=folder,
            )
        finally:
            if output != asyncio.subprocess.DEVNULL:
                os.close(output)
        self.status = "RUNNING"
        self._watching = [asyncio.ensure_future(self._wait())]
        if self.definition.health_check is not None:
            watching = watch_health(
                self.runnable, self.network, self.environment(), self._health_checks, self._set_health
            )
            self._watching.append(asyncio.ensure_future(watching))
        self._on_change()

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
        with suppress(ProcessLookupError):
            self._process.terminate()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._ended.wait(), self.definition.stop_seconds)
        self._kill()
        await self._ended.wait()

    def _kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _wait(self) -> None:
        """Wait until the process ends, and end its children."""
        assert self._process is not None
        self.exit_code = await self._process.wait()
        self._kill()
        self.status = "STOPPED"
        self.reason = self.reason or f"{self.definition.name} {_exit_reason(self.exit_code)}"
        for each in self._watching[1:]:
            each.cancel()
        self._ended.set()
        self._on_change()

    def _set_health(self, health: str, reason: str) -> None:
        if (self.health, self.reason) != (health, reason):
            self.health, self.reason = health, reason
            self._on_change()


def _open_log(log: LogFile, user: tuple[int, int]) -> int:
    opened = log.open()
    # Envoy opens /dev/stdout, which is this file, as the user it runs as.
    os.fchown(opened, *user)
    return opened


def _exit_reason(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
