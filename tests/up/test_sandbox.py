"""Reach of commands, entry points and health checks of a template: the mesh, and nothing of the machine."""

import ctypes
import os
import platform
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from color_mesh.local.run.isolation import shares_ids
from tests.support.cloudformation import Template, container, task_definition
from tests.support.local_mesh import COMMAND, LocalMesh, local_mesh, template_of

# What a container must not be able to do, each as a command of a shell that succeeds if it can.
FORBIDDEN = {
    "write-root-file-system": ": > /{marker}",
    "write-home-of-root": ": > /root/{marker}",
    "write-homes": ": > /home/{marker}",
    "write-etc": ": > /etc/{marker}",
    "write-usr": ": > /usr/local/bin/{marker}",
    "write-run": ": > /run/{marker}",
    "write-var": ": > /var/{marker}",
    "write-programs": ": > {folder}/images/{marker}",
    "write-devices": ": > /dev/{marker}",
    "write-sys": "echo 1 > /sys/kernel/mm/ksm/run || echo 1 > /sys/kernel/profiling",
    "write-kernel-parameter": "echo 1 > /proc/sys/net/ipv4/ip_forward",
    "write-kernel-parameter-of-users": "echo 9 > /proc/sys/user/max_user_namespaces",
    "read-keys-of-ssh": "test -e /root/.ssh || test -e {home}/.ssh",
    "read-secrets-of-the-project": "cat {folder}/secret",
    "read-shadow": "cat /etc/shadow",
    "read-temporary-file-of-the-machine": "test -e {temporary}",
    "see-control-socket": "test -e {folder}/.color-mesh/control.sock",
    "see-logs": "test -e {folder}/.color-mesh/logs",
    "see-configuration-of-other-tasks": "test $(ls /run/color-mesh | grep -vc bin) -gt 0",
    "see-network-namespaces": 'test -n "$(ls /run/netns)"',
    "see-process-of-the-machine": "grep -qzx {pattern} /proc/[0-9]*/cmdline",
    "see-processes-of-other-containers": "grep -qzx -e --[c]onfig-path /proc/[0-9]*/cmdline",
    "see-block-devices": "find /dev -type b | grep -q .",
    "see-keys-of-the-user": "grep -q color-mesh-test /proc/keys",
    "signal-the-first-process": "kill -9 1 && kill -0 1",
    "read-environment-of-the-first-process": "cat /proc/1/environ",
    "read-root-of-the-first-process": "ls /proc/1/root/",
    "trace-the-first-process": "python3 -c 'import ctypes; exit(ctypes.CDLL(None).ptrace(16, 1, 0, 0) != 0)'",
    "mount": "mount -t tmpfs tmpfs /mnt",
    "mount-writable": "mount -o remount,rw /",
    "create-user-namespace": "unshare --user --map-root-user true",
    "create-mount-namespace": "unshare --mount true",
    "create-block-device": "mknod /tmp/device b 8 0",
    "create-character-device": "mknod /tmp/memory c 1 1",
    "change-the-network": "ip link set lo down",
    "change-the-firewall": "iptables-restore < /dev/null && iptables -F",
    "reach-loopback-of-the-machine": "bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}; read -t 2 -u 3'",
    "reach-address-of-the-machine": "timeout 2 bash -c 'exec 3<>/dev/tcp/{address}/{port}; read -t 2 -u 3'",
    "reach-abstract-socket-of-the-machine": (
        "python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect(chr(0) + \"{marker}\")'"
    ),
    "change-the-clock": "date --set=@0",
    "change-the-host-name": "hostname color-mesh-test",
}
# What it can do where the kernel lets no run mount /proc, which a warning says.
WITHOUT_OWN_PROC = {"see-process-of-the-machine", "see-processes-of-other-containers", "create-user-namespace"}
# What it must be able to do.
ALLOWED = {
    "write-temporary-files": "echo 'exit 0' > /tmp/program && chmod +x /tmp/program && sh -c /tmp/program",
    "write-more-temporary-files": ": > /var/tmp/{marker}",
    "write-shared-memory": "python3 -c 'import multiprocessing as m; m.Semaphore()'",
    "use-devices": "cat /dev/null && head -c 1 /dev/urandom > /dev/null && head -c 1 /dev/zero > /dev/null",
    "use-terminals": "python3 -c 'import os; os.openpty()'",
    "see-itself": "test -r /proc/self/status && ls /proc/self/fd",
    "listen-on-low-ports": "python3 -c 'import socket; socket.create_server((\"\", 81))'",
    "open-raw-sockets": "python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)'",
    "change-owners": ": > /tmp/owned && chown 7:7 /tmp/owned",
    "become-another-user": "setpriv --reuid=7 --clear-groups id",
    "read-its-program": "cat {folder}/images/colorapp.py",
    "look-up-users": "getent passwd daemon",
}
WHERE = ("entry-point", "health-check", "exec")


def script(where: str, probes: dict[str, str], values: dict[str, object]) -> str:
    """Return a script that tries each probe, and writes those that succeed to a file."""
    lines = [f"true > /tmp/{where}.part"]
    for name, command in probes.items():
        for key, value in values.items():
            command = command.replace(f"{{{key}}}", str(value))
        lines.append(f"if ( {command} ) > /dev/null 2>&1; then echo {name} >> /tmp/{where}.part; fi")
    return "\n".join((*lines, f"mv /tmp/{where}.part /tmp/{where}"))


def add_key() -> None:
    """Add a key to the session keyring of this process, which processes that it starts inherit."""
    if platform.machine() == "x86_64":
        session_keyring = -3
        ctypes.CDLL(None).syscall(248, b"user", b"color-mesh-test", b"secret", 6, session_keyring)


def _greet(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            server.accept()[0].sendall(b"hello\n")


@pytest.fixture(scope="module")
def machine() -> Iterator[Any]:
    """A server that greets its clients, an abstract socket, a process and a file of the machine."""
    marker = f"color-mesh-test-{os.getpid()}"
    with (
        socket.create_server(("0.0.0.0", 0)) as server,
        socket.socket(socket.AF_UNIX) as abstract,
        tempfile.NamedTemporaryFile() as temporary,
    ):
        abstract.bind(f"\0{marker}")
        abstract.listen()
        threading.Thread(target=_greet, args=(server,), daemon=True).start()
        process = subprocess.Popen(["sh", "-c", "sleep 1000; exit", marker])
        addresses = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False).stdout.split()
        yield SimpleNamespace(
            marker=marker,
            # It does not match the command line of the program that searches for it.
            pattern=f"[{marker[0]}]{marker[1:]}",
            port=server.getsockname()[1],
            address=next(iter(addresses), "127.0.0.2"),
            temporary=temporary.name,
            home=Path.home(),
        )
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def mesh(
    cloud_assembly: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory, machine: Any
) -> Iterator[LocalMesh]:
    folder = tmp_path_factory.mktemp("mesh")
    values = {**vars(machine), "folder": folder}
    probes = {**FORBIDDEN, **ALLOWED}

    def probe(template: Template) -> None:
        """Let the entry point and the health check of a container try everything."""
        red = task_definition(template, "red_node")
        red["ContainerDefinitions"].append(
            {
                **container(red, "red-app"),
                "Name": "probe",
                "Essential": False,
                "PortMappings": [],
                "EntryPoint": ["sh", "-c", f"{script('entry-point', probes, values)}\nexec sleep 1000"],
                "HealthCheck": {
                    "Command": [
                        "CMD-SHELL",
                        f"test -e /tmp/health-check || {{ {script('health-check', probes, values)}\n}}",
                    ],
                    "Timeout": 60,
                },
            }
        )

    (folder / "secret").write_text("secret")
    (folder / "secret").chmod(0o644)
    add_key()
    with local_mesh(cloud_assembly(chapter="2"), folder, change=template_of("EcsStack", probe)) as run:
        run.execute("red", "sh", "-c", script("exec", probes, values), container="probe")
        yield run


@pytest.fixture(scope="module")
def possible(mesh: LocalMesh) -> Callable[[str], set[str]]:
    """Return a function that returns what a command of a template was able to do."""

    def read(where: str) -> set[str]:
        command = ("cat", f"/tmp/{where}")
        mesh.wait_until(lambda: mesh.execute("red", *command, container="probe").returncode == 0, where)
        return set(mesh.execute("red", *command, container="probe").stdout.split())

    return read


@pytest.mark.parametrize("where", WHERE)
def test_container_cannot_leave_its_sandbox(possible: Callable[[str], set[str]], mesh: LocalMesh, where: str) -> None:
    expected = set() if mesh.mounts_proc() else WITHOUT_OWN_PROC
    assert possible(where) & FORBIDDEN.keys() - expected == set()


@pytest.mark.parametrize("where", WHERE)
def test_container_can_do_what_containers_of_ecs_can(possible: Callable[[str], set[str]], where: str) -> None:
    assert ALLOWED.keys() - possible(where) == set()


def test_nothing_of_the_machine_has_changed(possible: Callable[[str], set[str]], mesh: LocalMesh, machine: Any) -> None:
    for where in WHERE:
        possible(where)
    for folder in ("/", "/root", "/home", "/etc", "/usr/local/bin", "/run", "/var", "/dev", "/tmp", "/var/tmp"):
        assert not Path(folder, machine.marker).exists()
    assert not (mesh.folder / "images" / machine.marker).exists()


def test_program_opens_its_standard_output_again(mesh: LocalMesh) -> None:
    for name in ("red-app", "envoy-sidecar"):
        assert mesh.execute("red", "sh", "-c", "echo again > /dev/stdout", container=name).stdout == "again\n"


def test_named_pipe_of_the_user_keeps_its_owner(mesh: LocalMesh, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    opened = os.open(pipe, os.O_RDWR)
    try:
        subprocess.run([COMMAND, "exec", "red", "--", "true"], cwd=mesh.folder, stdin=opened, check=True)
    finally:
        os.close(opened)
    assert pipe.stat().st_uid == os.getuid()


def machine_ids(pid: int) -> set[str]:
    """Return the user and group ids of a process of the machine."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {word for line in lines if line.startswith(("Uid:", "Gid:")) for word in line.split()[1:]}


def containers(mesh: LocalMesh) -> list[int]:
    """Return the ids on the machine of the programs of all containers and load balancers."""
    status = mesh.status()
    tasks = [task for service in status["services"] for task in service["tasks"]]
    pids = [each["pid"] for task in tasks for each in task["containers"]]
    return [mesh.machine_pid(pid) for pid in (*pids, *(each["pid"] for each in status["balancers"])) if pid]


def test_users_of_containers_are_no_users_of_the_machine(mesh: LocalMesh) -> None:
    if shares_ids():
        pytest.skip("needs root with more than 65536 ids, or another user")
    ids = {int(each) for pid in containers(mesh) for each in machine_ids(pid)}
    assert not ids & {0, os.geteuid(), 1337, *(user.pw_uid for user in pwd.getpwall())}


def test_process_of_the_machine_with_the_number_of_a_container_user_cannot_signal_it(mesh: LocalMesh) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    pids = " ".join(map(str, containers(mesh)))
    prefix = ["setpriv", "--reuid=1337", "--clear-groups"]
    script = f"for pid in {pids}; do kill -0 $pid && echo signalled; cat /proc/$pid/environ && echo read; done"
    completed = subprocess.run([*prefix, "sh", "-c", script], capture_output=True, text=True, check=False)
    assert completed.stdout == ""
    assert "Operation not permitted" in completed.stderr


def test_containers_of_a_task_share_its_network_only(mesh: LocalMesh) -> None:
    pids = [mesh.machine_pid(mesh.pid("red-svc", name)) for name in ("red-app", "envoy-sidecar")]
    shared = [
        name
        for name in ("net", "pid", "mnt", "ipc", "user")
        if len({os.readlink(f"/proc/{pid}/ns/{name}") for pid in pids}) == 1
    ]
    assert shared == ["net", "user"]
    for pid in pids:
        for name in ("net", "pid", "mnt", "ipc", "user"):
            assert os.readlink(f"/proc/{pid}/ns/{name}") != os.readlink(f"/proc/self/ns/{name}")


def test_load_balancer_is_not_root(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    with local_mesh(cloud_assembly(), tmp_path) as run:
        (balancer,) = run.status()["balancers"]
        pid = run.machine_pid(balancer["pid"])
        # The last word is the id in the user namespace of the process.
        status = subprocess.run(
            ["nsenter", f"--target={pid}", "--user", "--preserve-credentials", "cat", f"/proc/{pid}/status"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        fields = dict(line.split(":\t", 1) for line in status.splitlines())
        assert set(fields["Uid"].split()) == {"101"}
        assert int(fields["CapEff"], 16) == 1 << 10
        assert run.get("/") == "blue"


def test_project_in_a_home_directory_that_only_its_owner_may_enter(cloud_assembly: Callable[..., Path]) -> None:
    home = Path(tempfile.mkdtemp(dir=Path.home()))
    home.chmod(0o700)
    project = home / "project"
    project.mkdir(mode=0o755)
    try:
        with local_mesh(cloud_assembly(chapter="2"), project) as run:
            assert run.curl("blue", "http://red.colors.local") == "red"
            assert run.execute("red", "ls", str(home)).stdout == "project\n"
            assert run.execute("red", "ls", str(project)).stdout == "images\n"
    finally:
        shutil.rmtree(home)


def add_secret(template: Template) -> None:
    """Give a container the value of a parameter with ``NoEcho`` in a variable and in its health check."""
    template.setdefault("Parameters", {})["Secret"] = {"Type": "String", "NoEcho": True}
    red = container(task_definition(template, "red_node"), "red-app")
    red["Environment"].append({"Name": "SECRET", "Value": {"Ref": "Secret"}})
    red["HealthCheck"] = {
        "Command": ["CMD-SHELL", {"Fn::Sub": "test ${Secret} = no-secret"}],
        "Interval": 5,
        "Retries": 1,
    }


def test_values_of_noecho_parameters_are_in_the_environment_of_the_container_only(
    cloud_assembly: Callable[..., Path], tmp_path: Path
) -> None:
    value = "hunter-2-secret"
    with local_mesh(
        cloud_assembly(chapter="2"),
        tmp_path,
        "--set",
        f"Secret={value}",
        change=template_of("EcsStack", add_secret),
        healthy=False,
    ) as run:
        run.wait_for_output("red-app is unhealthy: `test **** = no-secret` ended with 1")
        assert run.execute("red", "sh", "-c", "echo $SECRET").stdout == f"{value}\n"
        arguments = [_arguments(run.process.pid), *(_arguments(pid) for pid in _children(run.process.pid))]
        # The health check has it as an argument, because the template gives it one.
        assert not [each for each in arguments if value in each and "no-secret" not in each]
        assert f"--set\0Secret={'*' * len(value)}\0" in arguments[0]
        assert value not in run.run("status")
        assert "****" in run.run("status")
    assert value not in run.output()
    for file in run.folder.rglob("*"):
        if file.is_file():
            assert value.encode() not in file.read_bytes()


def _arguments(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _children(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        for file in Path(f"/proc/{each}/task").glob("*/children"):
            try:
                found += map(int, file.read_text().split())
            except OSError:
                continue
    return found[1:]
