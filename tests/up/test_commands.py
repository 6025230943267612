"""Commands for a running mesh."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from color_mesh.local.client.connection import request
from color_mesh.model import MeshError
from tests.support.local_mesh import COMMAND, LocalMesh, local_mesh


@pytest.fixture(scope="module")
def mesh(cloud_assembly: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMesh]:
    with local_mesh(cloud_assembly(), tmp_path_factory.mktemp("mesh")) as run:
        yield run


@pytest.mark.parametrize("name", ["red", "red-svc", "red_node", "red-app"])
def test_exec_accepts_any_name_of_a_task(mesh: LocalMesh, name: str) -> None:
    assert mesh.execute(name, "printenv", "COLOR").stdout == "red\n"


def test_exec_accepts_the_beginning_of_a_task_id(mesh: LocalMesh) -> None:
    assert mesh.execute(mesh.tasks("blue-svc")[0]["id"][:8], "printenv", "COLOR").stdout == "blue\n"


def test_exec_passes_on_standard_streams_and_exit_status(mesh: LocalMesh) -> None:
    completed = subprocess.run(
        [COMMAND, "exec", "red", "--", "sh", "-c", "cat; echo problem >&2; exit 7"],
        cwd=mesh.folder,
        input="words",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (completed.returncode, completed.stdout, completed.stderr) == (7, "words", "problem\n")


def test_exec_ends_the_command_when_the_client_is_killed(mesh: LocalMesh) -> None:
    process = subprocess.Popen([COMMAND, "exec", "red", "--", "sleep", "4321"], cwd=mesh.folder)
    mesh.wait_until(lambda: "sleep 4321" in mesh.execute("red", "ps", "ax").stdout, "it runs")
    process.kill()
    process.wait()
    mesh.wait_until(lambda: "sleep 4321" not in mesh.execute("red", "ps", "ax").stdout, "it has ended")


def test_exec_passes_variables_of_the_terminal_and_nothing_else(mesh: LocalMesh) -> None:
    caller = {"TERM": "vt100", "LC_ALL": "C.UTF-8", "COLOR": "black", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "x"}
    completed = subprocess.run(
        [COMMAND, "exec", "red", "--", "env"],
        cwd=mesh.folder,
        env={**os.environ, **caller},
        capture_output=True,
        text=True,
        check=True,
    )
    variables = completed.stdout.splitlines()
    assert {"TERM=vt100", "LC_ALL=C.UTF-8", "COLOR=red"} <= set(variables)
    # ECS sets these in each container.
    of_aws = {each for each in variables if each.startswith("AWS_")}
    assert of_aws == {each for each in container_variables(mesh, "red-svc", "red-app") if each.startswith("AWS_")}
    assert {each.partition("=")[0] for each in of_aws} == {
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
    }


def container_variables(mesh: LocalMesh, service: str, container: str) -> list[str]:
    """Return the environment of a container's process."""
    environment = Path(f"/proc/{mesh.machine_pid(mesh.pid(service, container))}/environ").read_text()
    return environment.rstrip("\0").split("\0")


def test_path_of_credentials_is_known_to_the_containers_of_its_task_only(mesh: LocalMesh) -> None:
    path = mesh.execute("red", "printenv", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").stdout.strip()
    assert path.startswith("/v2/credentials/")
    assert "SecretAccessKey" in mesh.execute("red", "curl", "-s", f"http://169.254.170.2{path}").stdout
    containers = [
        (service["name"], container["name"], number)
        for service in mesh.status()["services"]
        for number, task in enumerate(service["tasks"])
        for container in task["containers"]
    ]
    knowing = {
        (service, container)
        for service, container, number in containers
        if path.encode() in Path(f"/proc/{mesh.machine_pid(mesh.pid(service, container, number))}/environ").read_bytes()
    }
    assert knowing == {("red-svc", "red-app"), ("red-svc", "envoy-sidecar")}
    logs = [file.read_text() for file in (mesh.folder / ".color-mesh" / "logs").rglob("*") if file.is_file()]
    assert logs
    commands = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert path not in commands
    assert not [text for text in (mesh.output(), mesh.run("status"), *logs) if path in text]


def test_exec_request_sets_variables_of_the_terminal_only(
    mesh: LocalMesh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(mesh.folder)
    environment = {"TERM": "vt100", "COLOR": "black", "LD_PRELOAD": "/evil.so"}
    command = {"command": "exec", "target": "red", "arguments": ["env"], "environment": environment}
    with (tmp_path / "output").open("w+") as output:
        assert request(command, [output.fileno()] * 3) == {"code": 0}
        output.seek(0)
        variables = output.read().splitlines()
    assert {"TERM=vt100", "COLOR=red"} <= set(variables)
    assert not [each for each in variables if each.startswith("LD_PRELOAD=")]


@pytest.mark.parametrize("command", [[], "status", {"command": "exec", "target": "red", "environment": ["TERM"]}])
def test_malformed_request_is_refused_and_the_run_goes_on(
    mesh: LocalMesh, monkeypatch: pytest.MonkeyPatch, command: object
) -> None:
    monkeypatch.chdir(mesh.folder)
    with pytest.raises(MeshError, match="unknown request"):
        request(command)
    assert mesh.status()["services"]


def test_exec_of_an_unknown_command_exits_with_127(mesh: LocalMesh) -> None:
    assert mesh.execute("red", "no-such-command").returncode == 127


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        pytest.param(("exec", "red"), "exec: no command, got None (such as: color-mesh exec red -- curl localhost)"),
        pytest.param(
            ("exec", "rad", "--", "true"),
            "task: unknown task, got 'rad' (known: blue, blue-app, blue-svc, blue_node, color-gateway, "
            "gateway, gateway-svc-load-balanced, green, green-app, green-svc, green_node, red, red-app, red-svc, "
            "red_node, yellow, yellow-app, yellow-svc, yellow_node)\n",
        ),
        pytest.param(("exec", "red", "--container", "envoy", "--", "true"), "unknown container, got 'envoy'"),
        pytest.param(("logs", "rad"), "logs: unknown task, got 'rad'"),
        pytest.param(
            ("set", "route", "colour-route", "green=1"),
            "set route: unknown route, got 'colour-route' (known: color-route)",
        ),
        pytest.param(("set", "route", "color-route", "green"), "set route color-route: not NODE=WEIGHT, got 'green'"),
        pytest.param(
            ("set", "route", "color-route", "green=-1"), "set route color-route: not NODE=WEIGHT, got 'green=-1'"
        ),
        pytest.param(
            ("set", "route", "color-route", "green=101"), "weight of 'green' out of range, got 101 (0 to 100)"
        ),
        pytest.param(
            ("set", "route", "color-route", "grun=1"), "unknown target, got 'grun' (known: blue, green, red, yel"
        ),
        pytest.param(("set", "node", "rad", "--backends", "blue"), "unknown virtual node, got 'rad'"),
        pytest.param(("set", "node", "red", "--backends", "bleu"), "unknown virtual service, got 'bleu'"),
        pytest.param(("hits", "ftp://localhost"), "hits: not an http URL, got 'ftp://localhost'"),
        pytest.param(("hits", "http://localhost", "--count", "0"), "--count: out of range, got 0 (1 or more)"),
    ],
)
def test_invalid_command_is_refused_and_changes_nothing(
    mesh: LocalMesh, arguments: tuple[str, ...], output: str
) -> None:
    completed = mesh.command(*arguments)
    assert (completed.returncode, completed.stdout) == (1, "")
    assert output in completed.stderr
    assert "Traceback" not in completed.stderr
    assert set(mesh.histogram("red", "http://router.colors.local", 50)) == {"green", "yellow"}


def test_status_shows_tasks_health_addresses_and_restarts(mesh: LocalMesh) -> None:
    output = mesh.run("status")
    task = mesh.tasks("red-svc")[0]
    assert re.search(rf"^red-svc +{task['id'][:8]}  RUNNING  HEALTHY  {task['address']} +0$", output, re.MULTILINE)
    assert re.search(r"^  envoy-sidecar +RUNNING  HEALTHY$", output, re.MULTILINE)
    assert output.startswith("SERVICE ")
    assert "RESTARTS" in output
    assert output.endswith(f"{mesh.url}\n")


def test_logs_with_follow_prints_new_lines(mesh: LocalMesh) -> None:
    process = subprocess.Popen(
        [COMMAND, "logs", "green", "--follow"], cwd=mesh.folder, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        mesh.curl("green", "http://localhost/?followed=1")
        while "followed=1" not in process.stdout.readline():
            pass
    finally:
        process.terminate()
        process.communicate()


def test_access_log_is_in_the_stream_of_envoy(mesh: LocalMesh) -> None:
    mesh.curl("blue", "http://red.colors.local/?logged=1")
    mesh.wait_until(lambda: "/?logged=1" in mesh.run("logs", "red"), "the request is in a log")
    lines = [line for line in mesh.run("logs", "red").splitlines() if "logged=1" in line]
    assert any(line.startswith("red-envoy-sidecar/envoy-sidecar/") for line in lines)
    assert any(line.startswith("red-app-container/red-app/") for line in lines)


def test_watch_shows_callers_targets_and_shares(mesh: LocalMesh) -> None:
    process = subprocess.Popen([COMMAND, "watch"], cwd=mesh.folder, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    cells: dict[str, list[str]] = {}
    try:
        while "green" not in cells or cells["green"][0] == "0.0":
            mesh.run("hits", f"{mesh.url}/router", "--count", "100")
            for _ in range(5):
                words = process.stdout.readline().split()
                if words[:1] == ["gateway-svc-load-balanced"]:
                    cells[words[1]] = words[2:]
    finally:
        process.terminate()
        process.communicate()
    per_second, share, percent, failed, retried, total = cells["green"]
    assert float(per_second) > 10
    assert 60 < int(share) < 95
    assert (percent, failed, retried) == ("%", "0", "0")
    assert int(total) > 50


def test_hits_counts_failures_and_exits_with_1(mesh: LocalMesh) -> None:
    completed = mesh.command("hits", "http://localhost:1", "--count", "3")
    assert completed.returncode == 1
    assert "3  100.0 %  failed: [Errno 111] Connection refused  ####" in completed.stdout
