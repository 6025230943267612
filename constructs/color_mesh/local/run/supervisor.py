"""The first process of a run's namespaces, and the one that runs the mesh in them.

Started by `color_mesh.local.run.up`, which stays outside: it has the machine's network, in which the gateway's port is.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from color_mesh.local.plan.assembly import Plan, read_plan
from color_mesh.local.plan.bootstraps import outbound_addresses
from color_mesh.local.plan.programs import envoy_binary
from color_mesh.local.run.control import Control
from color_mesh.local.run.entries import Entry, Relay, entries
from color_mesh.local.run.fabric import resolver_address
from color_mesh.local.run.namespace import prepare
from color_mesh.local.run.runner import Runner
from color_mesh.local.run.work import begin
from color_mesh.model import MeshError

_WATCH_SECONDS = 0.2
# After so long people are told what is not well yet.
_DISCOVERY_SECONDS = 10.0
_PATIENCE_SECONDS = 10.0


class Supervisor:
    """Run a mesh until somebody ends it.

    Args:
        options: What `color_mesh.local.run.up` was told.
        outside: Where listening sockets of the machine come from; that it closes means the end.
    """

    def __init__(self, options: dict[str, Any], outside: socket.socket) -> None:
        self._paths = [Path(path) for path in options["paths"]]
        self._images = {name: tuple(command) for name, command in options["images"].items()}
        self._values: dict[str, str] = options["values"]
        self._folder = Path(options["folder"])
        self._port: int = options["port"]
        self._dns_delay_seconds: float = options["dns_delay_seconds"]
        self._outside = outside
        self._began = time.monotonic() - options["elapsed"]
        self._end = asyncio.Event()
        self._relays: dict[Entry, tuple[Relay, int]] = {}
        self._steady_before: set[str] = set()
        self.was_healthy = False

    async def run(self, plan: Plan) -> None:
        """Start the mesh, tell people about it, take on new templates, and end it."""
        self._runner = Runner(plan, self._folder / "logs", self._say, self._failed, self._dns_delay_seconds)
        control = Control(self._runner, self._url, self._end.set, self._failed)
        fingerprint = _fingerprint(self._paths)
        working = [
            begin(each, self._failed)
            for each in (
                control.serve(self._folder / "control.sock"),
                self._watch_outside(),
                self._report(),
                self._watch_templates(fingerprint),
            )
        ]
        try:
            await self._runner.start()
            self._open_entries()
            await self._end.wait()
        finally:
            for each in working:
                each.cancel()
            await self._runner.stop()
            with suppress(FileNotFoundError):
                (self._folder / "control.sock").unlink()

    def _failed(self, error: BaseException) -> None:
        """End, because something is wrong with this program."""
        traceback.print_exception(type(error), error, error.__traceback__)
        self._end.set()

    def _say(self, text: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f} s  {text}", flush=True)

    def _url(self) -> str | None:
        return next((f"http://localhost:{port}" for _, port in self._relays.values()), None)

    def _open_entries(self) -> None:
        """Open a port of the machine for each that the internet reaches."""
        wanted = entries(self._runner.plan)
        for entry in [entry for entry in self._relays if entry not in wanted]:
            relay, _ = self._relays.pop(entry)
            relay.close()
        for number, entry in enumerate(wanted):
            if entry in self._relays:
                continue
            port = self._port + number
            listening = self._listen(port)
            if listening is not None:
                self._relays[entry] = Relay(listening, lambda entry=entry: self._find(entry), self._failed), port  # type: ignore[misc]

    def _listen(self, port: int) -> socket.socket | None:
        self._outside.send(str(port).encode())
        said, files, _, _ = socket.recv_fds(self._outside, 1024, 1)
        if not files:
            self._say(f"port {port} of this machine is not to be had: {said.decode()}")
            return None
        return socket.socket(fileno=files[0])

    def _find(self, entry: Entry) -> Any:
        """Find where connections to an entry go."""
        balancer = self._runner.balancers.get(entry.owner)
        if balancer is not None:
            return balancer.address, entry.port
        controller = self._runner.controllers.get(entry.owner)
        running = [task for task in controller.tasks if task.status == "RUNNING"] if controller is not None else []
        found = next((task for task in running if task.is_well), next(iter(running), None))
        return (found.address, entry.port) if found is not None else None

    async def _watch_outside(self) -> None:
        """End when the process outside ends, however it does."""
        loop = asyncio.get_running_loop()
        closed = asyncio.Event()
        loop.add_reader(self._outside, closed.set)
        while True:
            await closed.wait()
            closed.clear()
            with suppress(BlockingIOError):
                if not self._outside.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                    loop.remove_reader(self._outside)
                    self._end.set()
                    return

    async def _report(self) -> None:
        """Tell people which services are well, and when all are; after a while, which are not."""
        patience = self._began + _PATIENCE_SECONDS
        while True:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._runner.changed.wait(), 1)
            self._runner.changed.clear()
            steady = {key for key, each in self._runner.controllers.items() if each.is_steady}
            for key in steady - self._steady_before:
                tasks = self._runner.controllers[key].tasks
                addresses = ", ".join(str(task.address) for task in tasks)
                self._say(f"{self._runner.controllers[key].service.name}: {len(tasks)} well  {addresses}")
            self._steady_before = steady
            if self._runner.is_steady and self._relays_are_open() and not self.was_healthy:
                self.was_healthy = True
                # Those that ask DNS for others did so before these were there, and soon ask again.
                await self._runner.discover(_DISCOVERY_SECONDS)
                self._say(self._welcome())
            if not self.was_healthy and time.monotonic() > patience:
                patience = float("inf")
                self._say(self._complaint())

    def _relays_are_open(self) -> bool:
        return len(self._relays) == len(entries(self._runner.plan))

    def _welcome(self) -> str:
        url = self._url()
        tries = [f"curl {url}"] if url else []
        tasks = self._runner.tasks
        caller = next((task for task in tasks if not task.runnable.application.program.envoy), None)
        names = [service.dns_name for service in self._runner.plan.discovery.values()]
        if caller is not None and names:
            addresses = {at for each in caller.runnable.containers for at in outbound_addresses(each.bootstrap)}
            backends = [each.name for each in self._runner.plan.zones.records if addresses & set(each.values)]
            backends += [
                backend.virtual_service
                for mesh in self._runner.meshes.values()
                for node in mesh.nodes
                for backend in node.backends
                if node.name in {sidecar.resource.name for sidecar in caller.sidecars.values()}
            ]
            name = next(iter(backends), names[0])
            tries.append(f"color-mesh exec {caller.runnable.application.name} -- curl -s {name}")
        tries += ["color-mesh status", "color-mesh watch"]
        lines = "\n".join(f"            {each}" for each in tries[:3])
        where = f"at {url}" if url else "without a way in from outside"
        return f"the mesh is healthy, {where}\n          Try:\n{lines}\n          Ctrl-C ends it."

    def _complaint(self) -> str:
        lines = []
        for controller in self._runner.controllers.values():
            if not controller.is_steady:
                reasons = [task.refused_by or task.reason for task in controller.tasks]
                reasons += [each.reason for task in controller.tasks for each in task.containers.values()]
                reason = next((each for each in (*reasons, controller.reason) if each), "its tasks are still starting")
                lines.append(f"\n            {controller.service.name}: {reason}")
        return (
            "not healthy yet:" + "".join(lines) + "\n          It goes on; see color-mesh status and color-mesh logs."
        )

    async def _watch_templates(self, known: object) -> None:
        """Take on new templates once they are written."""
        seen = known
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            found = _fingerprint(self._paths)
            if found != known and found == seen:
                known = found
                await self._take_on()
            seen = found

    async def _take_on(self) -> None:
        try:
            plan = read_plan(self._paths, self._images, self._values)
        except MeshError as error:
            self._say(f"the new templates cannot run, the mesh goes on as it was:\n{error}")
            return
        if plan == self._runner.plan:
            return
        self._say("taking on the new templates")
        await self._runner.apply(plan)
        self._open_entries()
        self._say("the new templates are in effect; tasks that changed are being replaced")


def _fingerprint(paths: Sequence[Path]) -> object:
    """Tell templates from others by the times and sizes of their files; nothing while the CDK writes them."""
    files = [file for path in paths for file in (sorted(path.rglob("*.json")) if path.is_dir() else [path])]
    if any(list(path.glob("synth.lock")) for path in paths if path.is_dir()):
        return None
    found = []
    for file in files:
        with suppress(OSError):
            status = file.stat()
            found.append((file, status.st_mtime_ns, status.st_size))
    return found


def _run(options: dict[str, Any], outside: socket.socket) -> NoReturn:
    plan = read_plan(
        [Path(path) for path in options["paths"]],
        {name: tuple(command) for name, command in options["images"].items()},
        options["values"],
    )
    envoy = envoy_binary()
    assert envoy is not None  # It was looked for before anything started.
    supervisor = Supervisor(options, outside)
    loop = asyncio.new_event_loop()
    try:
        prepare(resolver_address(plan.network.cidr), envoy)
        loop.run_until_complete(supervisor.run(plan))
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        # What the machine refused, such as a kernel without a module, in the words of the tool that asked for it.
        print(f"this machine cannot run the mesh: {error}", file=sys.stderr)
    sys.stdout.flush()
    # The rest ends with this process: nothing is to be waited for.
    os._exit(0 if supervisor.was_healthy else 1)


def main() -> int:
    """Run the mesh in a child: the first process of a namespace has to look after everybody's children."""
    options = json.loads(sys.argv[1])
    outside = socket.socket(fileno=options["outside"])
    child = os.fork()
    if child == 0:
        _run(options, outside)
    outside.close()
    while True:
        ended, status = os.wait()
        if ended == child:
            return os.waitstatus_to_exitcode(status) % 256


if __name__ == "__main__":
    sys.exit(main())
