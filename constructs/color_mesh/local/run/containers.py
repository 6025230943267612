"""A running container: a process in its task's network, and how it is."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from color_mesh.local.plan.runnable import RunnableContainer
from color_mesh.local.run.namespace import BINARIES, contained, with_own_memory

# Until a container first passes its health check it is asked more often than on AWS, which only asks after the first
# interval: a mesh on one machine starts in seconds.
_FIRST_PAUSE_SECONDS = 0.1
_PATH = f"{BINARIES}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LAST_WORDS = 300


class RunningContainer:
    """Run a container.

    Attributes:
        runnable: The container with its program.
        definition: The container of the task definition.
        status: ``PENDING``, ``RUNNING`` or ``STOPPED``.
        health: ``UNKNOWN``, ``HEALTHY`` or ``UNHEALTHY``; without a health check it stays ``UNKNOWN``.
        reason: Why it is unhealthy or stopped.
        exit_code: How it ended.
        log: Where it writes to.
    """

    def __init__(
        self,
        runnable: RunnableContainer,
        network: str,
        log: Path | None,
        changed: Callable[[], None],
        probes: asyncio.Semaphore,
    ) -> None:
        self.runnable = runnable
        self.definition = runnable.definition
        self.network = network
        self.log = log
        self.status = "PENDING"
        self.health = "UNKNOWN"
        self.reason = ""
        self.exit_code: int | None = None
        self._changed = changed
        self._probes = probes
        self._process: asyncio.subprocess.Process | None = None
        self._watching: list[asyncio.Task[None]] = []
        self._ended = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The number of its process, among those of the run."""
        return self._process.pid if self._process is not None and self.status == "RUNNING" else None

    def environment(self) -> Mapping[str, str]:
        """What its processes find in their environment."""
        return {"PATH": _PATH, "HOME": "/root", "HOSTNAME": self.network, **self.runnable.environment}

    async def start(self, command: Sequence[str], folder: Path = Path("/")) -> None:
        """Start it, in a working directory."""
        output = asyncio.subprocess.DEVNULL if self.log is None else self._open_log(self.log)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *with_own_memory(contained(self.network, self.runnable.user, command)),
                env=self.environment(),
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
            self._watching.append(asyncio.ensure_future(self._watch_health()))
        self._changed()

    async def stop(self, drain: Callable[[], Awaitable[None]] | None = None) -> None:
        """Tell it to end, and end it when it does not in time."""
        if self._process is None or self.status != "RUNNING":
            self.status = "STOPPED"
            return
        with suppress(OSError, asyncio.TimeoutError):
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

    def _open_log(self, file: Path) -> int:
        file.parent.mkdir(parents=True, exist_ok=True)
        opened = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        # Envoy opens /dev/stdout, which is this file, as the user that it is.
        os.fchown(opened, *self.runnable.user)
        return opened

    async def _wait(self) -> None:
        assert self._process is not None
        self.exit_code = await self._process.wait()
        # What it started ends with it.
        self._kill()
        self.status = "STOPPED"
        self.reason = self.reason or f"{self.definition.name} {_ending(self.exit_code)}"
        for each in self._watching[1:]:
            each.cancel()
        self._ended.set()
        self._changed()

    async def _watch_health(self) -> None:
        check = self.definition.health_check
        assert check is not None
        started = counted = time.monotonic()
        failures, pause, passed_once = 0, _FIRST_PAUSE_SECONDS, False
        grace = check.start_period_seconds or 0
        while True:
            passed, said = await self._probe(check.command, check.timeout_seconds)
            now = time.monotonic()
            if passed:
                failures, passed_once, pause = 0, True, float(check.interval_seconds)
                self._become("HEALTHY", "")
            elif passed_once or (now - started >= grace and now - counted >= check.interval_seconds):
                failures, counted = failures + 1, now
                if failures >= check.retries:
                    self._become("UNHEALTHY", f"{self.definition.name} is unhealthy: {said}")
            await asyncio.sleep(pause)
            pause = pause if passed_once else min(pause * 2, float(check.interval_seconds))

    def _become(self, health: str, reason: str) -> None:
        if (self.health, self.reason) != (health, reason):
            self.health, self.reason = health, reason
            self._changed()

    async def _probe(self, command: Sequence[str], seconds: int) -> tuple[bool, str]:
        words = ("/bin/sh", "-c", *command[1:]) if command[0] == "CMD-SHELL" else command[1:]
        # Many at once would only make each of them late.
        async with self._probes:
            process = await asyncio.create_subprocess_exec(
                *contained(self.network, self.runnable.user, words),
                env=self.environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                cwd="/",
            )
            try:
                said, _ = await asyncio.wait_for(process.communicate(), seconds)
            except (asyncio.TimeoutError, asyncio.CancelledError) as error:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                if isinstance(error, asyncio.CancelledError):
                    raise
                return False, f"`{' '.join(command[1:])}` took more than {seconds} s"
        last = " ".join(said.decode(errors="replace").split())[-_LAST_WORDS:]
        return process.returncode == 0, f"`{' '.join(command[1:])}` ended with {process.returncode}: {last}"


def _ending(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
