"""The AWS emulator as a process, and clients of its APIs."""

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
MAX_ERROR_LENGTH = 5000


@dataclass(frozen=True, kw_only=True)
class EmulatedAws:
    """Emulated AWS account.

    Attributes:
        environment: Environment variables that direct the AWS SDKs to the emulator.
        log: Log file of the emulator.
    """

    environment: Mapping[str, str]
    log: Path
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Return the client of a service."""
        if service not in self._clients:
            endpoint = self.environment["AWS_ENDPOINT_URL"]
            self._clients[service] = boto3.Session("test", "test", region_name=REGION).client(
                service, endpoint_url=endpoint
            )
        return self._clients[service]

    def listed(self, service: str, operation: str, key: str, **parameters: Any) -> list[Any]:
        """Return the items of all pages of a list operation."""
        pages = self.client(service).get_paginator(operation).paginate(**parameters)
        return [item for page in pages for item in page[key]]


@contextmanager
def emulated_aws(folder: Path) -> Iterator[EmulatedAws]:
    """Run an emulator on a free port."""
    # moto recognizes addresses of S3 by the host name localhost.
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


def last_error(log: Path) -> str:
    """Return the last traceback in an emulator's log; empty if there is none."""
    _, traceback, after = log.read_text().rpartition("Traceback (most recent call last):")
    return f"\nin the emulator:\n{traceback}{after[:MAX_ERROR_LENGTH]}" if traceback else ""


def _wait(process: subprocess.Popen[bytes], endpoint: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", int(endpoint.rpartition(":")[2]))) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the emulator does not respond:\n{log.read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
