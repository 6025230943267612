"""Templates that try to reach the machine: their names, their environment, and requests of their containers."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cloudformation import Template, container, editable, task_definition
from tests.support.local_mesh import LocalMesh, local_mesh, template_of

_HELPERS = ("unshare", "sh", "mount", "nsenter", "setpriv", "env", "true")
# Docker documentation, Runtime privilege and Linux capabilities: the default set.
DOCKERS = 0xA80425FB
_REQUEST = """
import contextlib, os, socket, sys
os.chdir(sys.argv[1])
connection = socket.socket(socket.AF_UNIX)
connection.connect(".color-mesh/control.sock")
with contextlib.suppress(BrokenPipeError):
    connection.sendall(b'{"command": "down"}\\n')
print(connection.recv(65536).decode(), end="")
"""


@pytest.fixture(scope="module")
def outside() -> Iterator[Path]:
    """A folder into which every user can write, and which no run uses."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def mesh(
    cloud_assembly: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory, outside: Path
) -> Iterator[LocalMesh]:
    folder = tmp_path_factory.mktemp("mesh")

    def name_paths(template: Template) -> None:
        """Name a log group, log streams, an application, an Envoy and a load balancer like paths."""
        editable(template, "AWS::Logs::LogGroup")["LogGroupName"] = "../../group"
        blue = task_definition(template, "blue_node")
        renamed = json.loads(json.dumps(blue).replace('"envoy-sidecar"', json.dumps(f"{outside}/sidecar")))
        blue |= json.loads(json.dumps(renamed).replace('"blue-app"', '"../../../../application"'))
        options = container(blue, f"{outside}/sidecar")["LogConfiguration"]["Options"]
        options["awslogs-stream-prefix"] = str(outside / "prefix")
        editable(template, "AWS::ElasticLoadBalancingV2::LoadBalancer")["Name"] = "../../balancer"

    def set_variables(template: Template) -> None:
        """Give containers variables that change what programs do."""
        programs = folder / "images" / "programs"
        programs.mkdir()
        for name in _HELPERS:
            program = programs / name
            program.write_text(f'#!/bin/sh\n: >/tmp/ran-{outside.name}-{name}\nexec {shutil.which(name)} "$@"\n')
            program.chmod(0o755)
        yellow = task_definition(template, "yellow_node")
        # Linux: ld.so(8). Each program that is linked dynamically writes a file.
        container(yellow, "envoy-sidecar")["Environment"] += [
            {"Name": "LD_DEBUG", "Value": "files"},
            {"Name": "LD_DEBUG_OUTPUT", "Value": f"/tmp/loaded-{outside.name}"},
        ]
        path = f"{programs}:/run/color-mesh/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        container(yellow, "yellow-app")["Environment"].append({"Name": "PATH", "Value": path})

    def change(assembly: Path) -> None:
        template_of("EcsStack", name_paths)(assembly)
        template_of("EcsStack", set_variables)(assembly)

    with local_mesh(cloud_assembly(), folder, change=change) as run:
        yield run


def test_names_of_templates_are_no_paths(mesh: LocalMesh, outside: Path) -> None:
    assert sorted(path.name for path in mesh.folder.iterdir()) == [
        ".color-mesh",
        "cdk.out",
        "color-mesh.json",
        "images",
        "output",
    ]
    assert sorted(path.name for path in (mesh.folder / ".color-mesh").iterdir()) == [
        "ca.pem",
        "control.sock",
        "lock",
        "logs",
    ]
    assert sorted(path.name for path in (mesh.folder / ".color-mesh" / "logs").iterdir()) == [
        "cloudwatch",
        "load-balancers",
        "resolver",
    ]
    assert not [path for path in outside.iterdir() if path.name in ("sidecar", "prefix")]


def test_logs_of_names_that_look_like_paths_are_found(mesh: LocalMesh, outside: Path) -> None:
    assert mesh.get("/?logged=1") == "blue"
    mesh.wait_until(lambda: "/?logged=1" in mesh.run("logs", "blue"), "the request is in a log")
    assert f"{outside}/prefix/{outside}/sidecar/" in mesh.run("logs", "blue")


def test_loader_variables_apply_to_the_program_of_the_container_only(mesh: LocalMesh, outside: Path) -> None:
    listed = mesh.execute(
        "yellow", "sh", "-c", f"stat --format=%u /tmp/loaded-{outside.name}*", container="envoy-sidecar"
    )
    assert set(listed.stdout.split()) == {"1337"}
    assert not list(Path("/tmp").glob(f"loaded-{outside.name}*"))


def test_path_applies_to_the_program_of_the_container_only(mesh: LocalMesh, outside: Path) -> None:
    assert mesh.execute("yellow", "true").returncode == 0
    listed = mesh.execute("yellow", "/bin/ls", "/tmp").stdout.split()
    assert [name for name in listed if name.startswith("ran-")] == [f"ran-{outside.name}-true"]
    assert not list(Path("/tmp").glob(f"ran-{outside.name}*"))


def test_containers_do_not_see_the_folder_of_the_run(mesh: LocalMesh) -> None:
    folder = str(mesh.folder / ".color-mesh")
    assert mesh.execute("red", "id", "--user").stdout == "0\n"
    assert mesh.execute("red", "ls", "--almost-all", folder).stdout == ""
    processes = [f"/proc/{pid}/fd" for pid in (1, 2)]
    listed = mesh.execute("red", "sh", "-c", f"ls --dereference {' '.join(f'{each}/*' for each in processes)}")
    assert (listed.returncode != 0, "control.sock" in listed.stdout) == (True, False)


def test_process_of_a_run_that_reaches_the_control_socket_is_refused(mesh: LocalMesh) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    # It is in the process namespace of the run, but sees the files of the machine.
    pid = mesh.machine_pid(mesh.pid("red-svc", "red-app"))
    command = ["nsenter", f"--target={pid}", "--pid", "--net", sys.executable, "-c", _REQUEST, str(mesh.folder)]
    completed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "control socket: the client is a process of the run, got " in completed.stdout
    assert mesh.status()["services"]


def test_processes_of_containers_gain_no_privileges(mesh: LocalMesh) -> None:
    # The second process is the program of the container.
    processes = ("self", "2") if mesh.mounts_proc() else ("self",)
    for name in ("red-app", "envoy-sidecar"):
        for process in processes:
            status = mesh.execute("red", "cat", f"/proc/{process}/status", container=name).stdout
            fields = dict(line.split(":\t", 1) for line in status.splitlines())
            assert (fields["NoNewPrivs"], int(fields["CapInh"], 16), int(fields["CapAmb"], 16)) == ("1", 0, 0)
            assert int(fields["CapBnd"], 16) & ~DOCKERS == 0
            assert (int(fields["CapEff"], 16) == 0) == (name == "envoy-sidecar")
