"""Envoy processes for the benchmarks."""

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DEADLINE_SECONDS = 10


@contextmanager
def running_envoy(
    bootstrap: Mapping[str, Any],
    admin: str,
    folder: Path,
    files: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Run an Envoy with one worker thread until the block ends, and yield its process id when it is live."""
    for name, content in (files or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    config = folder / f"{admin}.json"
    config.write_text(json.dumps(bootstrap))
    command = ["envoy", "--config-path", str(config), "--concurrency", "1", "--disable-hot-restart", "-l", "error"]
    process = subprocess.Popen(command, env={**os.environ, **(environment or {})})
    try:
        _wait_until_live(process, admin)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _wait_until_live(process: subprocess.Popen[bytes], admin: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://{admin}:9901/ready", timeout=1) as response:
                if response.status == 200:
                    return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"Envoy at {admin} did not start") from None
        time.sleep(0.02)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of the threads of a process, from nanoseconds (Linux, *Scheduler Statistics*)."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def resident_mebibytes(pid: int) -> float:
    """Return the resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS:"))) / 1024
