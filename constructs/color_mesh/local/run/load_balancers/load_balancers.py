"""The load balancers of a run."""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address

from color_mesh.local.folder import RunFolder
from color_mesh.local.plan.assembly import Plan
from color_mesh.local.plan.published_ports import machine_ports
from color_mesh.local.run.load_balancers.running_load_balancer import RunningLoadBalancer, RunParts
from color_mesh.local.run.load_balancers.surroundings import Surroundings
from color_mesh.local.run.tasks.task_registry import RegisteredTask

_DRAIN_PAUSE_SECONDS = 0.1


class LoadBalancers:
    """Running load balancers of a plan.

    Args:
        run: Parts of the run.
        folder: Folder of the run, for their log files.
        first_port: Port of the machine for the first published port.
    """

    def __init__(
        self,
        run: RunParts,
        folder: RunFolder,
        first_port: int,
    ) -> None:
        self._run = run
        self._folder = folder
        self._first_port = first_port
        self._running: dict[str, RunningLoadBalancer] = {}

    def __iter__(self) -> Iterator[RunningLoadBalancer]:
        return iter(list(self._running.values()))

    @property
    def addresses(self) -> dict[str, IPv4Address]:
        """Their addresses, by the names that stand for their DNS names."""
        return {each.definition.dns_name: each.address for each in self if each.address is not None}

    def get(self, key: str) -> RunningLoadBalancer | None:
        """Return a load balancer by its key; ``None`` if it does not run."""
        return self._running.get(key)

    async def apply(self, plan: Plan) -> None:
        """Start the load balancers of a plan that do not run, change others, and stop those that it does not have."""
        for key, running in list(self._running.items()):
            definition = plan.load_balancers.get(key)
            if definition is None or not running.can_become(definition):
                del self._running[key]
                await running.stop()
            else:
                await running.change(definition, plan.target_groups, self._surroundings(plan, key))
        for number, (key, definition) in enumerate(plan.load_balancers.items()):
            if key not in self._running:
                log = self._folder.log_file("load-balancers", definition.name)
                network = f"lb{number}-{secrets.token_hex(3)}"
                self._running[key] = RunningLoadBalancer(
                    network,
                    definition,
                    plan.target_groups,
                    self._surroundings(plan, key),
                    log,
                    self._run,
                )
                try:
                    await self._running[key].start()
                except BaseException:
                    await self._running.pop(key).stop()
                    raise

    def _surroundings(self, plan: Plan, key: str) -> Surroundings:
        ports = machine_ports(plan, self._first_port)
        return Surroundings(
            domain_names=plan.domain_names,
            machine_ports={port.port: number for port, number in ports.items() if port.owner == key},
        )

    async def update_targets(self, tasks_of: Callable[[str], Iterable[RegisteredTask]]) -> None:
        """Send every load balancer its targets: the tasks that are registered in each target group."""
        await asyncio.gather(*(each.update_targets(tasks_of) for each in self))

    async def drain(self, address: str, seconds: float, tasks_of: Callable[[str], Iterable[RegisteredTask]]) -> None:
        """Wait until no load balancer has a request of a target that is being deregistered.

        Args:
            address: Address of the target.
            seconds: Limit for the wait.
            tasks_of: Returns the tasks that are registered in a target group.
        """
        end = time.monotonic() + seconds
        await self.update_targets(tasks_of)
        await asyncio.gather(*(each.wait_for_targets() for each in self))
        while time.monotonic() < end and any([await each.has_requests(address) for each in self]):
            await asyncio.sleep(_DRAIN_PAUSE_SECONDS)

    def groups(self, network: str, plan: Plan) -> tuple[str, ...] | None:
        """Return the security groups that a plan has for a load balancer; ``None`` for any other network namespace."""
        for key, running in self._running.items():
            if running.network == network and key in plan.load_balancers:
                return plan.load_balancers[key].groups
        return None
