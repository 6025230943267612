"""Starting a run: what must be so before, and the part of it that stays outside its namespaces."""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from color_mesh.local.folder import FOLDER, take
from color_mesh.local.plan.assembly import Plan, read_plan
from color_mesh.local.run.entries import entries
from color_mesh.local.run.machine import missing, start
from color_mesh.model.checks import check_range
from color_mesh.model.errors import problem, refuse

_ENDING_SECONDS = 10.0


def up(
    paths: Sequence[Path],
    images: Mapping[str, tuple[str, ...]],
    values: Mapping[str, str],
    port: int,
    dns_delay_seconds: int,
) -> int:
    """Run what a cloud assembly holds, until it is ended.

    Returns:
        The exit status: 0 when the mesh was healthy, 1 when it never was.

    Raises:
        MeshError: With everything that keeps it from running; nothing has been started then.
    """
    began = time.monotonic()
    plan = read_plan(paths, images, values)
    wrong = [
        *check_range("--port", "port", port, 1, 65535 - len(entries(plan))),
        *check_range("--dns-delay", "delay", dns_delay_seconds, 0, 120),
    ]
    refuse((*wrong, *missing(plan)))
    folder = FOLDER.absolute()
    lock = take(folder)
    try:
        listening = _open_ports(plan, port)
        _announce(plan, paths, folder)
        inside, outside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        options = {
            "paths": [str(path.absolute()) for path in paths],
            "images": images,
            "values": dict(values),
            "folder": str(folder),
            "port": port,
            "dns_delay_seconds": dns_delay_seconds,
            "outside": inside.fileno(),
            "elapsed": time.monotonic() - began,
        }
        command = [sys.executable, "-m", "color_mesh.local.run.supervisor", json.dumps(options)]
        process = start(command, keep=(inside.fileno(), lock))
        inside.close()
        return _stay(process, outside, listening)
    finally:
        os.close(lock)


def _open_ports(plan: Plan, first: int) -> dict[int, socket.socket]:
    found = {}
    problems = []
    for number, _ in enumerate(entries(plan)):
        try:
            found[first + number] = _listen(first + number)
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            fix = f"another one: --port {first + 1000 if first < 60000 else 8080}"
            problems.append(problem("--port", f"cannot be listened on, {reason}", first + number, fix))
    refuse(problems)
    return found


def _listen(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port), backlog=1024)


def _announce(plan: Plan, paths: Sequence[Path], folder: Path) -> None:
    tasks = sum(service.desired_count for service in plan.services.values())
    resources = [each for task in plan.tasks.values() for each in task.mesh_resources.values()]
    names = dict.fromkeys((*(mesh.name for mesh in plan.meshes), *(resource.mesh for resource in resources)))
    meshes = ", ".join(names) or "none"
    print(f"{', '.join(map(str, paths))}: mesh {meshes}, {len(plan.services)} services, {tasks} tasks")
    for service in plan.services.values():
        containers = ", ".join(each.name for each in plan.task(service).containers)
        print(f"  {service.name}: {service.desired_count} x {plan.task(service).definition.family} ({containers})")
    print(f"Not emulated: {'; '.join(plan.not_emulated)}.")
    print(f"Logs: {os.path.relpath(folder)}/logs, or color-mesh logs NAME -f", flush=True)


def _stay(process: "subprocess.Popen[bytes]", outside: socket.socket, listening: dict[int, socket.socket]) -> int:
    """Open ports of the machine for the run, until it ends or is to end."""
    # Whoever ends this process ends the run: it sees that this end of the socket is closed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with suppress(KeyboardInterrupt, SystemExit), selectors.DefaultSelector() as selector:
        selector.register(outside, selectors.EVENT_READ)
        ended = os.pidfd_open(process.pid)
        selector.register(ended, selectors.EVENT_READ)
        while process.poll() is None:
            for key, _ in selector.select():
                if key.fileobj is outside:
                    request = outside.recv(1024)
                    if not request:
                        selector.unregister(outside)
                        continue
                    _answer(outside, int(request), listening)
    outside.close()
    try:
        return process.wait(_ENDING_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        return process.wait()


def _answer(outside: socket.socket, port: int, listening: dict[int, socket.socket]) -> None:
    try:
        if port not in listening:
            listening[port] = _listen(port)
        socket.send_fds(outside, [b"ok"], [listening[port].fileno()])
    except OSError as error:
        outside.send(str(error).encode())
