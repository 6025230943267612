"""The process in the namespaces of a run, which runs the mesh.

It is a child of `color_mesh.local.run.first_process`. The process of `color_mesh.local.run.up` stays on the machine's
network, where the published ports are.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from color_mesh.local.folder import RunFolder
from color_mesh.local.plan.assembly import Plan, read_plan
from color_mesh.local.plan.programs import Commands
from color_mesh.local.run.background import start_in_background
from color_mesh.local.run.certificate_authority import CertificateAuthority
from color_mesh.local.run.container_users import ContainerUsers
from color_mesh.local.run.control.control_socket import ControlSocket
from color_mesh.local.run.control.requests import RequestHandler
from color_mesh.local.run.isolation import prepare_mounts
from color_mesh.local.run.network.vpc import resolver_address
from color_mesh.local.run.port_publisher import PortPublisher
from color_mesh.local.run.progress import Progress
from color_mesh.local.run.requirements import envoy_binary
from color_mesh.local.run.runner import Runner
from color_mesh.local.run.tasks.container_process import Sandbox
from color_mesh.local.run.tasks.visible_files import visible_files
from color_mesh.local.run.template_watcher import changes, fingerprint
from color_mesh.model import MeshError
from color_mesh.model.errors import printable


class Supervisor:
    """Supervisor of a run, from its start to its end.

    Args:
        plan: The plan.
        options: Options that `color_mesh.local.run.up` passes.
        outside: Socket from which listening sockets of the machine are received. The run ends when it is closed.
        sandbox: Properties that all containers share.
        authority: Certificate authority of the run.
    """

    def __init__(
        self,
        plan: Plan,
        options: dict[str, Any],
        outside: socket.socket,
        sandbox: Sandbox,
        authority: CertificateAuthority,
    ) -> None:
        self._paths = [Path(path) for path in options["paths"]]
        self._options = options
        self._outside = outside
        self._began = time.monotonic() - options["elapsed"]
        self._end = asyncio.Event()
        # The descriptor is inherited from the process that took the folder, and by no other process.
        os.set_inheritable(options["folder"], False)
        self._folder = RunFolder(options["folder"])
        self._folder.write_certificate(authority.certificate)
        self._runner = Runner(
            plan,
            self._folder,
            sandbox,
            authority,
            self._print,
            self._fail,
            options["dns_delay_seconds"],
            options["cloud_map_delay_seconds"],
            options["port"],
        )
        if not sandbox.mounts_proc:
            self._print("warning: this machine lets no run mount /proc: containers see the processes of the machine")
        self._ports = PortPublisher(self._runner, options["port"], outside, self._print, self._fail)
        self._progress = Progress(self._runner, self._ports, self._print, self._began)

    @property
    def was_healthy(self) -> bool:
        """True if the whole mesh has been healthy."""
        return self._progress.was_healthy

    async def run(self) -> None:
        """Start the mesh, answer the commands, take over new templates, and end the mesh."""
        handler = RequestHandler(self._runner, self._ports, self._end.set)
        control = ControlSocket(handler, self._fail)
        known = fingerprint(self._paths)
        working = [
            start_in_background(each, self._fail)
            for each in (
                control.serve(self._folder),
                self._watch_outside(),
                self._progress.run(),
                self._apply_new_templates(known),
            )
        ]
        try:
            await self._runner.start()
            self._ports.publish()
            await self._end.wait()
        finally:
            for each in working:
                each.cancel()
            await self._runner.stop()
            self._folder.remove_files()

    def _fail(self, error: BaseException) -> None:
        """End the run because of an unexpected exception, which is an error of this program."""
        traceback.print_exception(type(error), error, error.__traceback__)
        self._end.set()

    def _print(self, text: str) -> None:
        lines = "\n".join(map(printable, self._runner.plan.without_secrets(text).split("\n")))
        print(f"{time.monotonic() - self._began:6.1f} s  {lines}", flush=True)

    async def _watch_outside(self) -> None:
        """End the run when the process on the machine's network has ended."""
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(self._outside, readable.set)
        while True:
            await readable.wait()
            readable.clear()
            with suppress(BlockingIOError):
                if not self._outside.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                    loop.remove_reader(self._outside)
                    self._end.set()
                    return

    async def _apply_new_templates(self, known: object) -> None:
        async for _ in changes(self._paths, known):
            try:
                plan = _read_plan(self._options)
            except MeshError as error:
                self._print(f"the new templates cannot run, the mesh goes on as it was:\n{error}")
                continue
            if plan != self._runner.plan:
                left_out = [each for each in plan.left_out if each not in self._runner.plan.left_out]
                reasons = "".join(f"\n  {each.text}" for each in left_out)
                running = self._runner.schedulers.keys() & {each.place for each in left_out} - plan.services.keys()
                if running or any(each.of_mesh for each in left_out):
                    self._print(f"the new templates cannot run, the mesh goes on as it was:{reasons}")
                    continue
                self._print(f"taking over the new templates{', without what is left out:' if reasons else ''}{reasons}")
                before = self._runner.plan
                try:
                    await self._runner.apply(plan)
                except (OSError, RuntimeError) as error:
                    self._print(f"the new templates cannot run, the mesh goes on as it was:\n{error}")
                    await self._runner.apply(before)
                    continue
                self._ports.publish()
                self._print("the new templates are in effect; tasks that changed are being replaced")


def _read_plan(options: dict[str, Any]) -> Plan:
    return read_plan([Path(path) for path in options["paths"]], _images(options), options["values"])


def _images(options: dict[str, Any]) -> Commands:
    return {name: tuple(command) for name, command in options["images"].items()}


def run_supervisor(options: dict[str, Any], outside: socket.socket) -> NoReturn:
    """Run the supervisor, and end this process with the exit status of the run."""
    plan = _read_plan(options)
    envoy = envoy_binary()
    assert envoy is not None  # Checked before the run started.
    authority = CertificateAuthority()
    was_healthy = False

    async def run() -> None:
        nonlocal was_healthy
        supervisor = Supervisor(plan, options, outside, sandbox, authority)
        try:
            await supervisor.run()
        finally:
            was_healthy = supervisor.was_healthy

    try:
        # Users of containers enter folders and read files of the run.
        os.umask(0o022)
        files = visible_files(_images(options).values())
        mounts_proc = prepare_mounts(resolver_address(plan.network.cidr), envoy, authority.certificate)
        sandbox = Sandbox(users=ContainerUsers(options["first_id"]), files=files, mounts_proc=mounts_proc)
        asyncio.new_event_loop().run_until_complete(run())
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        # The machine refused something, such as a kernel without a module.
        print(f"this machine cannot run the mesh: {error}", file=sys.stderr)
    sys.stdout.flush()
    # All other processes of the run end with this one; nothing has to be awaited.
    os._exit(0 if was_healthy else 1)
