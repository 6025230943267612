"""Statistics of the Envoys of tasks."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from color_mesh.local.run.envoys import admin_interface
from color_mesh.local.run.tasks.running_task import RunningTask

_ENDPOINTS = "membership_healthy"
# Clusters that resolve a hostname do not have this statistic of a subscription.
_SUBSCRIPTION = "init_fetch_timeout"
_DISCOVERY = rf"^cluster\.cds_egress_.*\.({_ENDPOINTS}|{_SUBSCRIPTION})$"
_TRAFFIC = r"^(cluster\.cds_egress_.*\.upstream_(rq|cx)_|http\.[^.]*\.downstream_rq_)"
_PAUSE_SECONDS = 0.25


async def traffic(tasks: Sequence[RunningTask]) -> list[dict[str, Any]]:
    """Return the counters of requests and connections of every Envoy that answers."""
    with_envoy = [task for task in tasks if any(each.runnable.program.envoy for each in task.containers.values())]
    counters = (admin_interface.stats(task.network, _TRAFFIC) for task in with_envoy)
    results = await asyncio.gather(*counters, return_exceptions=True)
    return [
        {"service": task.service.name, "stats": stats, "gateway": task.runnable.application.program.envoy}
        for task, stats in zip(with_envoy, results, strict=True)
        if not isinstance(stats, BaseException)
    ]


async def wait_for_endpoints(tasks: Sequence[RunningTask], seconds: float) -> None:
    """Wait until all Envoys that ask Cloud Map have endpoints for each cluster of it, for ``seconds`` at most."""
    waiting = [task for task in tasks if any(each.bootstrap for each in task.runnable.containers)]
    deadline = time.monotonic() + seconds
    while waiting and time.monotonic() < deadline:
        counts = (admin_interface.stats(task.network, _DISCOVERY) for task in waiting)
        results = zip(waiting, await asyncio.gather(*counts, return_exceptions=True), strict=True)
        waiting = [task for task, stats in results if isinstance(stats, BaseException) or _lacks_endpoints(stats)]
        await asyncio.sleep(_PAUSE_SECONDS)


def _lacks_endpoints(stats: Mapping[str, int]) -> bool:
    subscribed = (name.removesuffix(_SUBSCRIPTION) for name in stats if name.endswith(f".{_SUBSCRIPTION}"))
    return any(not stats.get(f"{cluster}{_ENDPOINTS}") for cluster in subscribed)
