"""Messages about the progress of a run: which services are healthy, and what to try next."""

import asyncio
import shlex
import time
from collections.abc import Callable
from contextlib import suppress

from color_mesh.local.folder import CERTIFICATE, FOLDER
from color_mesh.local.plan.bootstraps import outbound_addresses
from color_mesh.local.run.port_publisher import PortPublisher
from color_mesh.local.run.runner import Runner
from color_mesh.local.run.tasks.envoy_statistics import wait_for_endpoints
from color_mesh.model.errors import printable

# Envoys ask Cloud Map at intervals of up to 20 seconds.
_ENDPOINTS_SECONDS = 25.0
# After this time the first message about unhealthy services is printed.
_PATIENCE_SECONDS = 10.0
_INDENT = " " * 10


class Progress:
    """Messages about the services that have become healthy, and about the whole mesh.

    Args:
        runner: The run.
        ports: Publisher of its ports.
        print_message: Prints a message to the terminal.
        began: Time at which the run began, in seconds of the monotonic clock.

    Attributes:
        was_healthy: True if the whole mesh has been healthy.
    """

    def __init__(
        self,
        runner: Runner,
        ports: PortPublisher,
        print_message: Callable[[str], None],
        began: float,
    ) -> None:
        self.was_healthy = False
        self._runner = runner
        self._ports = ports
        self._print_message = print_message
        self._complaint_time = began + _PATIENCE_SECONDS
        self._steady: set[str] = set()

    async def run(self) -> None:
        """Print messages until cancelled."""
        while True:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._runner.changed.wait(), 1)
            self._runner.changed.clear()
            self._print_steady_services()
            if self._runner.is_steady and self._ports.is_complete and not self.was_healthy:
                self.was_healthy = True
                # Envoys that asked Cloud Map before the tasks were registered ask again soon.
                await wait_for_endpoints(self._runner.tasks, _ENDPOINTS_SECONDS)
                self._print_message(self._welcome())
            if not self.was_healthy and time.monotonic() > self._complaint_time:
                self._complaint_time = float("inf")
                self._print_message(self._complaint())

    def _print_steady_services(self) -> None:
        schedulers = self._runner.schedulers
        steady = {key for key, scheduler in schedulers.items() if scheduler.is_steady}
        for key in steady - self._steady:
            tasks = schedulers[key].tasks
            addresses = ", ".join(str(task.address) for task in tasks)
            self._print_message(printable(f"{schedulers[key].service.name}: {len(tasks)} healthy  {addresses}"))
        self._steady = steady

    def _welcome(self) -> str:
        url = self._ports.url
        trust = f"--cacert {FOLDER / CERTIFICATE} " if url and url.startswith("https") else ""
        commands = [f"curl {trust}{url}"] if url else []
        commands += [*self._example_request(), "color-mesh status", "color-mesh watch"]
        lines = "\n".join(f"{_INDENT}  {each}" for each in commands[:3])
        place = f"at {url}" if url else "without a public port"
        listeners = "".join(f"\n{_INDENT}  {printable(each)}" for each in self._ports.listeners)
        return f"the mesh is healthy, {place}{listeners}\n{_INDENT}Try:\n{lines}\n{_INDENT}Ctrl-C ends it."

    def _example_request(self) -> list[str]:
        """Return a command with which a task calls one of its backends, or another name of Cloud Map."""
        plan = self._runner.plan
        caller = next((task for task in self._runner.tasks if not task.runnable.application.program.envoy), None)
        names = [service.dns_name for service in plan.discovery.values() if service.records]
        if caller is None or not names:
            return []
        addresses = {at for each in caller.runnable.containers for at in outbound_addresses(each.bootstrap)}
        backends = [record.name for record in plan.zones.records if addresses & set(record.values)]
        nodes = {sidecar.resource.name for sidecar in caller.sidecars.values()}
        backends += [
            backend.virtual_service
            for mesh in self._runner.configuration.meshes.values()
            for node in mesh.nodes
            for backend in node.backends
            if node.name in nodes
        ]
        name = next(iter(backends), names[0])
        return [
            printable(shlex.join(["color-mesh", "exec", caller.runnable.application.name, "--", "curl", "-s", name]))
        ]

    def _complaint(self) -> str:
        lines = []
        for scheduler in self._runner.schedulers.values():
            if not scheduler.is_steady:
                reasons = [task.target_failure or task.reason for task in scheduler.tasks]
                reasons += [each.reason for task in scheduler.tasks for each in task.containers.values()]
                reason = next((each for each in (*reasons, scheduler.reason) if each), "its tasks are still starting")
                lines.append(f"\n{_INDENT}  {printable(f'{scheduler.service.name}: {reason}')}")
        return (
            f"not healthy yet:{''.join(lines)}\n{_INDENT}The run continues; see color-mesh status and color-mesh logs."
        )
