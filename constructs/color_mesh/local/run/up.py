"""The start of a run, and the process of it that stays on the machine's network."""

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
from color_mesh.local.plan.published_ports import published_ports
from color_mesh.local.run.container_users import USERS
from color_mesh.local.run.interpreter import module_command
from color_mesh.local.run.isolation import first_container_id, shares_ids, start_isolated
from color_mesh.local.run.requirements import envoy_binary, missing
from color_mesh.local.run.tasks.visible_files import unreadable_programs
from color_mesh.model import MeshError
from color_mesh.model.checks import check_range
from color_mesh.model.errors import printable, problem, refuse

_STOP_SECONDS = 10.0


def up(
    paths: Sequence[Path],
    images: Mapping[str, tuple[str, ...]],
    values: Mapping[str, str],
    port: int,
    dns_delay_seconds: int,
    cloud_map_delay_seconds: int,
) -> int:
    """Run a cloud assembly until the run is ended.

    Args:
        paths: Cloud assemblies or templates.
        images: Programs that stand in for images, by image name.
        values: Values of parameters, pseudo parameters and attributes.
        port: Port of the machine for the first published port; others follow it.
        dns_delay_seconds: Delay until DNS has a change of registered tasks.
        cloud_map_delay_seconds: Delay until the API of Cloud Map has a change of registered tasks.

    Returns:
        Exit status: 0 if the mesh was healthy, 1 if it never was.

    Raises:
        MeshError: With everything that prevents the run. Nothing has started then.
    """
    began = time.monotonic()
    plan = read_plan(paths, images, values)
    problems = [
        *check_range("--port", "port", port, 1, 65535 - len(published_ports(plan))),
        *check_range("--dns-delay", "delay", dns_delay_seconds, 0, 120),
        *check_range("--cloud-map-delay", "delay", cloud_map_delay_seconds, 0, 120),
    ]
    refuse((*problems, *missing(plan), *unreadable_programs([*images.values(), (envoy_binary() or "",)])))
    folder, lock = take()
    try:
        listening = _open_ports(plan, port)
        _print_plan(plan, paths)
        if shares_ids():
            print(f"warning: users of containers are users of this machine, whose root has no ids above {USERS}")
        inside, outside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        options = {
            "paths": [str(path.absolute()) for path in paths],
            "images": images,
            "values": dict(values),
            "folder": folder.descriptor,
            "port": port,
            "first_id": first_container_id(),
            "dns_delay_seconds": dns_delay_seconds,
            "cloud_map_delay_seconds": cloud_map_delay_seconds,
            "outside": inside.fileno(),
            "elapsed": time.monotonic() - began,
        }
        # Values of the user may be secret, and everyone on the machine reads the arguments of a process.
        with os.fdopen(os.memfd_create("options"), "w+b") as passed:
            passed.write(json.dumps(options).encode())
            passed.flush()
            passed.seek(0)
            command = module_command("color_mesh.local.run.first_process", str(passed.fileno()))
            try:
                process = start_isolated(command, (inside.fileno(), lock, folder.descriptor, passed.fileno()))
            except OSError as error:
                fix = "run it where no_new_privs is not set, or as root"
                raise MeshError([problem("machine", "user namespaces are refused", str(error), fix)]) from None
        inside.close()
        return _serve_ports(process, outside, listening)
    finally:
        # A supervisor that was killed has not removed them.
        folder.remove_files()
        os.close(lock)
        os.close(folder.descriptor)


def _open_ports(plan: Plan, first: int) -> dict[int, socket.socket]:
    listening = {}
    problems = []
    for number, _ in enumerate(published_ports(plan)):
        try:
            listening[first + number] = _listen(first + number)
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            fix = f"another one: --port {first + 1000 if first < 60000 else 8080}"
            problems.append(problem("--port", f"cannot be listened on, {reason}", first + number, fix))
    refuse(problems)
    return listening


def _listen(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port), backlog=1024)


def _print_plan(plan: Plan, paths: Sequence[Path]) -> None:
    tasks = sum(service.desired_count for service in plan.services.values())
    resources = [each for task in plan.tasks.values() for each in task.mesh_resources.values()]
    names = dict.fromkeys((*(mesh.name for mesh in plan.meshes), *(resource.mesh for resource in resources)))
    meshes = ", ".join(names) or "none"
    lines = [f"{', '.join(map(str, paths))}: mesh {meshes}, {len(plan.services)} services, {tasks} tasks"]
    for service in plan.services.values():
        containers = ", ".join(each.name for each in plan.task(service).containers)
        family = plan.task(service).definition.family
        lines.append(f"  {service.name}: {service.desired_count} x {family} ({containers})")
    lines += [f"Note: {each}" for each in plan.notes]
    lines += ["Left out:", *(f"  {each}" for each in plan.reasons)] if plan.left_out else []
    lines.append(f"Not emulated: {'; '.join(plan.not_emulated)}.")
    for line in lines:
        print(printable(plan.without_secrets(line)))
    print(f"Logs: {FOLDER}/logs, or color-mesh logs NAME -f", flush=True)


def _serve_ports(
    process: "subprocess.Popen[bytes]", outside: socket.socket, listening: dict[int, socket.socket]
) -> int:
    """Send listening sockets of the machine to the supervisor when it requests them, until the run ends.

    The supervisor ends the run when this process closes its end of the socket, however this process ends.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with suppress(KeyboardInterrupt, SystemExit), selectors.DefaultSelector() as selector:
        selector.register(outside, selectors.EVENT_READ)
        selector.register(os.pidfd_open(process.pid), selectors.EVENT_READ)
        while process.poll() is None:
            for key, _ in selector.select():
                if key.fileobj is outside:
                    request = outside.recv(1024)
                    if not request:
                        selector.unregister(outside)
                        continue
                    _send_port(outside, int(request), listening)
    outside.close()
    try:
        return process.wait(_STOP_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        return process.wait()


def _send_port(outside: socket.socket, port: int, listening: dict[int, socket.socket]) -> None:
    """Send the listening socket of a port, or why there is none."""
    try:
        if port not in listening:
            listening[port] = _listen(port)
        socket.send_fds(outside, [b"ok"], [listening[port].fileno()])
    except OSError as error:
        outside.send(str(error).encode())
