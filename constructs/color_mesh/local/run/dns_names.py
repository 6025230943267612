"""What DNS answers, and the process that does."""

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from color_mesh.local.plan.assembly import Plan
from color_mesh.local.run.propagation import Propagation


def answers(plan: Plan, registered: Propagation) -> dict[str, Any]:
    """Write what the resolver is to answer: tasks as DNS has them, and what private zones say."""
    names: dict[str, dict[str, Any]] = {}
    for key, service in plan.discovery.items():
        found = registered.of(key)
        name = service.dns_name.lower()
        for kind, ttl in service.records if found else ():
            hosts = [f"{each.task}.{name}" for each in found]
            values = [str(each.address) for each in found]
            if kind == "SRV":
                for host, each in zip(hosts, found, strict=True):
                    names[host] = {"A": _answer(ttl, [str(each.address)])}
                values = [f"1 1 {each.port or 0} {host}." for host, each in zip(hosts, found, strict=True)]
            if kind in ("A", "SRV"):
                names.setdefault(name, {})[kind] = _answer(ttl, values, service.weighted)
    for record in plan.zones.records:
        names.setdefault(record.name, {})[record.type] = _answer(record.ttl_seconds, list(record.values))
    namespaces = {service.dns_name.lower().partition(".")[2] for service in plan.discovery.values()}
    # The longest name that fits is the zone that answers.
    return {"zones": sorted({*namespaces, *plan.zones.names}, key=len, reverse=True), "names": names}


def _answer(ttl: int, values: list[str], weighted: bool = False) -> dict[str, Any]:
    return {"ttl": ttl, "values": values, "weighted": weighted}


class RunningResolver:
    """Keep a resolver running.

    Args:
        address: Where it answers.
        log: Where it writes what goes wrong.
        say: Tells people what happens.
        ready: Called when it wants to be told what to answer.
    """

    def __init__(self, address: IPv4Address, log: Path, say: Callable[[str], None], ready: Callable[[], None]) -> None:
        self._address = address
        self._log = log
        self._say = say
        self._ready = ready
        self._process: asyncio.subprocess.Process | None = None
        self._answers = asyncio.Event()

    async def answering(self) -> None:
        """Wait until it answers for the first time, as a VPC's resolver has long done when a task starts."""
        await self._answers.wait()

    @property
    def pid(self) -> int | None:
        """The number of its process, among those of the run."""
        return self._process.pid if self._process is not None else None

    def tell(self, found: dict[str, Any]) -> None:
        """Tell it what to answer from now on."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError, RuntimeError):
                self._process.stdin.write(json.dumps(found).encode() + b"\n")

    async def run(self) -> None:
        """Start it, and start it again whenever it ends."""
        command = (sys.executable, "-m", "color_mesh.local.run.resolver", str(self._address))
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            while True:
                self._process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,
                )
                assert self._process.stdout is not None
                await self._process.stdout.readline()
                self._ready()
                self._answers.set()
                code = await self._process.wait()
                self._say(f"the resolver ended with {code}, and is started again; its log is {self._log}")
