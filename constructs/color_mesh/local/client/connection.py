"""Asking a running mesh, from another terminal."""

import json
import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from color_mesh.local.folder import FOLDER, released
from color_mesh.model import MeshError
from color_mesh.model.errors import problem
from color_mesh.report import columns

_FOLLOW_SECONDS = 0.2
# What a terminal's programs need to know of it.
_TERMINAL = ("TERM", "COLUMNS", "LINES", "LANG")


def request(asked: Any, files: Sequence[int] = ()) -> Any:
    """Ask the run of this folder.

    Raises:
        MeshError: When there is none, or it refuses.
    """
    path = FOLDER / "control.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(os.path.relpath(path.absolute()))
        except OSError:
            fix = "start one with color-mesh up, or go to the folder where it was started"
            raise MeshError([problem("color-mesh", "no mesh runs from here", str(Path.cwd()), fix)]) from None
        socket.send_fds(connection, [json.dumps(asked).encode() + b"\n"], list(files))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    found = json.loads(answer) if answer else {}
    if "error" in found:
        raise MeshError(found["error"].splitlines())
    return found


def down() -> bool:
    """End the run of this folder, and wait until nothing of it is left; tell whether there was one."""
    with suppress(MeshError):
        request({"command": "down"})
    return (FOLDER / "lock").exists() and released(FOLDER)


def execute(target: str, container: str | None, arguments: Sequence[str]) -> int:
    """Run a command in a container; answer with its exit status."""
    streams = [stream.fileno() for stream in (sys.stdin, sys.stdout, sys.stderr)]
    environment = {name: os.environ[name] for name in _TERMINAL if name in os.environ}
    asked = {"command": "exec", "target": target, "container": container, "arguments": list(arguments)}
    code: int = request({**asked, "environment": environment}, streams)["code"]
    return code if code >= 0 else 128 - code


def status_text(status: Any) -> str:
    """Write a table of services, tasks and containers."""
    rows = [("SERVICE", "TASK", "STATUS", "HEALTH", "ADDRESS", "RESTARTS", "REASON")]
    for service in status["services"]:
        for task in service["tasks"] or [None]:
            if task is None:
                rows.append((service["name"], "-", "-", "-", "-", str(service["replaced"]), service["reason"]))
                continue
            replaced = str(service["replaced"])
            cells = (task["id"][:8], task["status"], task["health"], task["address"] or "-", replaced, task["reason"])
            rows.append((service["name"], *cells))
            for container in task["containers"]:
                cells = ("", container["status"], container["health"], "", "", container["reason"])
                rows.append((f"  {container['name']}", *cells))
    rows += [(each["name"], "-", "RUNNING", "-", each["address"], "", "") for each in status["balancers"]]
    table = columns(rows)
    return f"{table}\n\n{status['url']}" if status["url"] else table


def logs(target: str, follow: bool) -> Iterator[str]:
    """Read the logs of the tasks that people mean, each line after the name of its stream."""
    places: dict[Path, tuple[str, int]] = {}
    while True:
        for stream, file in _streams(target):
            places.setdefault(file, (stream, 0))
        if not places:
            known = sorted({name for task in _tasks() for name in task["names"]})
            raise MeshError([problem("logs", "no task is called so", target, f"known: {', '.join(known)}")])
        for file, (stream, read) in places.items():
            with suppress(FileNotFoundError), file.open("rb") as opened:
                opened.seek(read)
                found = opened.read()
                # A line that is being written is read when it is whole.
                whole = found[: found.rfind(b"\n") + 1] if follow else found
                places[file] = (stream, read + len(whole))
                yield from (f"{stream}  {line}" for line in whole.decode(errors="replace").splitlines())
        if not follow:
            return
        time.sleep(_FOLLOW_SECONDS)


def _tasks() -> list[Any]:
    return [task for service in request({"command": "status"})["services"] for task in service["tasks"]]


def _streams(target: str) -> Iterator[tuple[str, Path]]:
    root = (FOLDER / "logs").absolute()
    for task in _tasks():
        if target in task["names"] or (len(target) >= 4 and task["id"].startswith(target)):
            for container in task["containers"]:
                if container["log"] is not None:
                    file = Path(container["log"])
                    # CloudWatch's name of the stream: its prefix, the container and the task.
                    yield "/".join(file.relative_to(root).parts[-3:]), file
