"""Health checks of containers."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from color_mesh.local.plan.runnable import RunnableContainer
from color_mesh.local.run.isolation import SYSTEM_ENVIRONMENT
from color_mesh.local.run.tasks.container_process import contained

# Until a container first passes its health check, it is checked more often than on AWS, where the first check comes
# after the interval: a local mesh is to be healthy within seconds.
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_OUTPUT = 300


async def watch_health(
    container: RunnableContainer,
    network: str,
    environment: Mapping[str, str],
    limit: asyncio.Semaphore,
    report: Callable[[str, str], None],
) -> None:
    """Run the health check of a container again and again (ECS API Reference, *HealthCheck*).

    Args:
        container: The container, which has a health check.
        network: Network namespace of its task.
        environment: Environment of the container.
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
            failure = await _run_check(container, network, environment)
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


async def _run_check(container: RunnableContainer, network: str, environment: Mapping[str, str]) -> str | None:
    """Run the health check once, and return why it failed; ``None`` if it passed."""
    check = container.definition.health_check
    assert check is not None
    command = check.command
    arguments = ("/bin/sh", "-c", *command[1:]) if command[0] == "CMD-SHELL" else command[1:]
    process = await asyncio.create_subprocess_exec(
        *contained(network, container.user, environment, arguments),
        env=SYSTEM_ENVIRONMENT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        cwd="/",
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), check.timeout_seconds)
    except (asyncio.TimeoutError, asyncio.CancelledError) as error:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if isinstance(error, asyncio.CancelledError):
            raise
        return f"`{' '.join(command[1:])}` took more than {check.timeout_seconds} s"
    if process.returncode == 0:
        return None
    end = " ".join(output.decode(errors="replace").split())[-_LONGEST_OUTPUT:]
    return f"`{' '.join(command[1:])}` ended with {process.returncode}: {end}"
