"""The emulator as a process of its own, and clients of its APIs."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).parent.parent
ACCOUNT, REGION = "123456789012", "us-east-1"
START_SECONDS = 120
TROUBLE = 5000


@dataclass(frozen=True, kw_only=True)
class EmulatedAws:
    """An AWS account on this machine, empty at first.

    Attributes:
        environment: What the AWS SDKs need to talk to it, and to nothing else.
        log: What it was asked, and what went wrong in it.
    """

    environment: Mapping[str, str]
    log: Path
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Make a client, once."""
        if service not in self._clients:
            endpoint = self.environment["AWS_ENDPOINT_URL"]
            self._clients[service] = boto3.Session("test", "test", region_name=REGION).client(
                service, endpoint_url=endpoint
            )
        return self._clients[service]

    def listed(self, service: str, operation: str, key: str, **parameters: Any) -> list[Any]:
        """List something, all pages of it."""
        pages = self.client(service).get_paginator(operation).paginate(**parameters)
        return [item for page in pages for item in page[key]]


@contextmanager
def emulated_aws(folder: Path) -> Iterator[EmulatedAws]:
    """Start an emulator on a free port, and end it."""
    # moto tells S3's addresses apart by the word localhost.
    endpoint = f"http://localhost:{_free_port()}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    environment |= {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "NO_COLOR": "1",
    }
    aws = EmulatedAws(environment=environment, log=folder / "emulator.log")
    with aws.log.open("w") as log:
        command = [sys.executable, "-m", "rehearsal.emulator"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _wait(process, endpoint, aws.log)
        yield aws
    finally:
        process.terminate()
        process.wait()


def trouble(log: Path) -> str:
    """Tell the last thing that went wrong in an emulator itself."""
    _, traceback, after = log.read_text().rpartition("Traceback (most recent call last):")
    return f"\nin the emulator:\n{traceback}{after[:TROUBLE]}" if traceback else ""


def _wait(process: subprocess.Popen[bytes], endpoint: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", int(endpoint.rpartition(":")[2]))) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the emulator does not answer:\n{log.read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
