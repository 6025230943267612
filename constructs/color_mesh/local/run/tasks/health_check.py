"""Health checks of containers."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from color_mesh.local.plan.runnable import RunnableContainer
from color_mesh.local.run.tasks.container_process import kill_group

# Until a container first passes its health check, it is checked more often than on AWS, where the first check comes
# after the interval: a local mesh is to be healthy within seconds.
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_OUTPUT = 300

# Starts a command in a container with three standard streams.
Execute: TypeAlias = Callable[[Sequence[str], tuple[int, int, int]], Awaitable[asyncio.subprocess.Process]]


async def watch_health(
    container: RunnableContainer,
    execute: Execute,
    limit: asyncio.Semaphore,
    report: Callable[[str, str], None],
) -> None:
    """Run the health check of a container again and again (ECS API Reference, *HealthCheck*).

    Args:
        container: The container, which has a health check.
        execute: Starts a command in the container.
        limit: Limits how many health checks run at the same time; too many at once would exceed their timeouts.
        report: Called with ``HEALTHY`` or ``UNHEALTHY``, and why it is unhealthy.
    """
    check = container.definition.health_check
    assert check is not None
    started = last_failure = time.monotonic()
    failures, pause, was_healthy = 0, _FIRST_PAUSE_SECONDS, False
    start_period = check.start_period_seconds or 0
    while True:
        async with limit:
            failure = await _run_check(container, execute)
        now = time.monotonic()
        if failure is None:
            failures, was_healthy, pause = 0, True, float(check.interval_seconds)
            report("HEALTHY", "")
        elif was_healthy or (now - started >= start_period and now - last_failure >= check.interval_seconds):
            failures, last_failure = failures + 1, now
            if failures >= check.retries:
                report("UNHEALTHY", f"{container.name} is unhealthy: {failure}")
        await asyncio.sleep(pause)
        pause = pause if was_healthy else min(pause * 2, float(check.interval_seconds))


async def _run_check(container: RunnableContainer, execute: Execute) -> str | None:
    """Run the health check once, and return why it failed; ``None`` if it passed."""
    check = container.definition.health_check
    assert check is not None
    command = check.command
    arguments = ("/bin/sh", "-c", *command[1:]) if command[0] == "CMD-SHELL" else command[1:]
    text = " ".join(command[1:])
    try:
        return await asyncio.wait_for(_failure(arguments, text, execute), check.timeout_seconds)
    except asyncio.TimeoutError:
        return f"`{text}` took more than {check.timeout_seconds} s"


async def _failure(arguments: Sequence[str], text: str, execute: Execute) -> str | None:
    """Run a command until it ends, and return why it failed; ``None`` if it succeeded."""
    pipe = asyncio.subprocess.PIPE
    try:
        process = await execute(arguments, (asyncio.subprocess.DEVNULL, pipe, asyncio.subprocess.STDOUT))
    except RuntimeError as error:
        return f"`{text}` cannot run: {error}"
    try:
        output, _ = await process.communicate()
    finally:
        kill_group(process)
    if process.returncode == 0:
        return None
    end = " ".join(output.decode(errors="replace").split())[-_LONGEST_OUTPUT:]
    return f"`{text}` ended with {process.returncode}: {end}"
