"""Logs of the running mesh, which its containers write to files."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from color_mesh.local.client.connection import request
from color_mesh.local.folder import opened_folder
from color_mesh.model import MeshError
from color_mesh.model.errors import problem

_FOLLOW_SECONDS = 0.2


def read_logs(target: str, follow: bool) -> Iterator[tuple[str, str]]:
    """Yield the log lines of the tasks that ``target`` names, each with its stream. ``follow`` waits for new lines.

    Raises:
        MeshError: When no task has this name.
    """
    # The stream of each file, and the number of bytes read.
    positions: dict[Path, tuple[str, int]] = {}
    while True:
        for stream, file in _streams(target):
            positions.setdefault(file, (stream, 0))
        if not positions:
            known = sorted({name for task in _tasks() for name in task["names"]})
            raise MeshError([problem("logs", "unknown task", target, f"known: {', '.join(known)}")])
        for file, (stream, position) in positions.items():
            content = _read(file, position)
            # An incomplete line is left for the next reading.
            lines = content[: content.rfind(b"\n") + 1] if follow else content
            positions[file] = (stream, position + len(lines))
            yield from ((stream, line) for line in lines.decode(errors="replace").splitlines())
        if not follow:
            return
        time.sleep(_FOLLOW_SECONDS)


def _tasks() -> list[Any]:
    return [task for service in request({"command": "status"})["services"] for task in service["tasks"]]


def _read(file: Path, position: int) -> bytes:
    """Return the content of a log file from a position on; nothing of one that does not exist."""
    with suppress(FileNotFoundError), opened_folder() as folder:
        if folder is not None:
            with os.fdopen(folder.open_file(file, os.O_RDONLY), "rb") as opened:
                opened.seek(position)
                return opened.read()
    return b""


def _streams(target: str) -> Iterator[tuple[str, Path]]:
    """Yield the log streams of the tasks that ``target`` names, with their files in the folder of the run."""
    for task in _tasks():
        if target in task["names"] or (len(target) >= 4 and task["id"].startswith(target)):
            for container in task["containers"]:
                if container["log"] is not None:
                    yield container["stream"], Path(container["log"])
