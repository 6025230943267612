"""A ``color-mesh`` command in a process of its own, with limits for CPU time and memory."""

import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MAX_CPU_SECONDS = 5
MAX_MEMORY_BYTES = 500_000_000


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A command that ended, was stopped by a limit, or failed.

    Attributes:
        status: Exit status; negative for a signal.
        output: End of standard output and standard error.
        output_bytes: Size of standard output and standard error.
        cpu_seconds: CPU time.
        memory_bytes: Largest resident memory.
    """

    status: int
    output: str
    output_bytes: int
    cpu_seconds: float
    memory_bytes: int


def run_limited(
    arguments: Sequence[str],
    folder: Path,
    cpu_seconds: int = MAX_CPU_SECONDS,
    memory_bytes: int = MAX_MEMORY_BYTES,
) -> Ended:
    """Run a command in a folder."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))

    output = folder / "output.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "color_mesh", *arguments],
            cwd=folder,
            stdout=file,
            stderr=subprocess.STDOUT,
            preexec_fn=limit,  # noqa: PLW1509 -- no threads run here
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Ended(
        status=process.returncode,
        output=output.read_bytes()[-20_000:].decode(errors="replace"),
        output_bytes=output.stat().st_size,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        memory_bytes=usage.ru_maxrss * 1024,
    )
