"""The process of the resolver."""

import asyncio
import json
import os
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address
from typing import Any

from color_mesh.local.folder import FOLDER, LogFile
from color_mesh.local.run.interpreter import module_command


class ResolverProcess:
    """Process of the resolver, which is started again whenever it ends.

    Args:
        address: IPv4 address of the resolver.
        log: Log file of the process.
        print_message: Prints a message to the terminal.
        on_start: Called whenever the process has started, and needs its records.
    """

    def __init__(
        self, address: IPv4Address, log: LogFile, print_message: Callable[[str], None], on_start: Callable[[], None]
    ) -> None:
        self._address = address
        self._log = log
        self._print_message = print_message
        self._on_start = on_start
        self._process: asyncio.subprocess.Process | None = None
        self._started = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Process id, in the namespace of the run."""
        return self._process.pid if self._process is not None else None

    async def wait_until_started(self) -> None:
        """Wait until the process has started for the first time."""
        await self._started.wait()

    def send(self, records: dict[str, Any]) -> None:
        """Send the records to serve from now on."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError, RuntimeError):
                self._process.stdin.write(json.dumps(records).encode() + b"\n")

    async def run(self) -> None:
        """Start the process, and start it again whenever it ends."""
        command = module_command("color_mesh.local.run.dns.resolver", str(self._address))
        with os.fdopen(self._log.open(), "ab") as log:
            while True:
                self._process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,
                )
                self._on_start()
                assert self._process.stdout is not None
                await self._process.stdout.readline()
                self._started.set()
                code = await self._process.wait()
                log_path = FOLDER / self._log.path
                self._print_message(f"the resolver ended with {code}, restarting it; its log is {log_path}")
