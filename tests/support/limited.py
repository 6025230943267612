"""``color-mesh`` commands in processes of their own, with limits for CPU time, time and memory.

They are forked from one that has imported the commands, which takes longer than most commands do.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from color_mesh.cli.main import main

MAX_CPU_SECONDS = 5
MAX_SECONDS = 120  # A command that waits, such as for a pipe, uses no CPU time.
MAX_MEMORY_BYTES = 500_000_000
ROOT = Path(__file__).parents[2]


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


def run_limited(commands: Sequence[Sequence[str]], folder: Path) -> list[Ended]:
    """Run commands in a folder, one after the other."""
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps([str(folder), commands]) + "\n")
    server.stdin.flush()
    return [Ended(**each) for each in json.loads(server.stdout.readline())]


@cache
def _server() -> "subprocess.Popen[str]":
    """Start the process from which the others are forked. It ends with this one, when its input does."""
    command = [sys.executable, "-m", "tests.support.limited"]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _run(arguments: Sequence[str], folder: Path) -> Ended:
    output = folder / "output.txt"
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        _become(arguments, output)
    _, status, usage = os.wait4(pid, 0)
    return Ended(
        status=os.waitstatus_to_exitcode(status),
        output=output.read_bytes()[-20_000:].decode(errors="replace"),
        output_bytes=output.stat().st_size,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        memory_bytes=usage.ru_maxrss * 1024,
    )


def _become(arguments: Sequence[str], output: Path) -> None:
    """Run a command in this process, which ends with it."""
    status = 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
        signal.setitimer(signal.ITIMER_REAL, MAX_SECONDS)
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        status = main(arguments)
    except BaseException:  # noqa: BLE001 -- as Python itself would
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    for name in ("show", "parity", "compile", "up", "migrate"):
        import_module(f"color_mesh.cli.commands.{name}")
    for line in sys.stdin:
        place, requested = json.loads(line)
        print(json.dumps([asdict(_run(command, Path(place))) for command in requested]), flush=True)
