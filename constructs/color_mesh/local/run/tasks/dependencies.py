"""Dependencies between the containers of a task (ECS API Reference, *ContainerDependency*)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from color_mesh.local.run.tasks.running_container import RunningContainer


async def wait_until(container: RunningContainer, condition: str, changed: asyncio.Event) -> None:
    """Wait until a container meets the condition of a dependency on it.

    Args:
        container: The container.
        condition: ``START``, ``COMPLETE``, ``SUCCESS`` or ``HEALTHY``.
        changed: Set whenever the status or health of a container changes.

    Raises:
        TimeoutError: After the start timeout of the container.
    """

    async def wait() -> None:
        while not _meets(container, condition):
            changed.clear()
            await changed.wait()

    seconds = container.definition.start_seconds
    try:
        await asyncio.wait_for(wait(), seconds)
    except asyncio.TimeoutError:
        reason = f": {container.reason}" if container.reason else ""
        message = f"{container.definition.name} did not become {condition} in {seconds} s{reason}"
        raise TimeoutError(message) from None


async def stop_in_order(
    containers: Mapping[str, RunningContainer], stop: Callable[[RunningContainer], Awaitable[None]]
) -> None:
    """Stop containers, each before those that it depends on."""
    dependencies = {name: {other for other, _ in each.definition.depends_on} for name, each in containers.items()}
    left = dict(containers)
    while left:
        needed = {other for name in left for other in dependencies[name]}
        # Containers that depend on each other stop together.
        ready = [name for name in left if name not in needed] or list(left)
        await asyncio.gather(*(stop(left.pop(name)) for name in ready))


def _meets(container: RunningContainer, condition: str) -> bool:
    match condition:
        case "START":
            return container.status != "PENDING"
        case "COMPLETE":
            return container.status == "STOPPED"
        case "SUCCESS":
            return container.status == "STOPPED" and container.exit_code == 0
    return container.health == "HEALTHY"
