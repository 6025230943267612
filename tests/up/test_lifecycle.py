"""Start and end of a run: requirements, several runs at once, and that nothing is left behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from color_mesh.local.run.isolation import creates_namespaces, first_free_id
from tests.support.cloudformation import Template, task_definition
from tests.support.local_mesh import COMMAND, LocalMesh, copy_programs, free_port, local_mesh, require, template_of


def machine_state() -> dict[str, object]:
    """Return what a run could leave behind on the machine."""
    namespaces = Path("/run/netns")
    rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=False).stdout
    return {
        "links": sorted(os.listdir("/sys/class/net")),
        "namespaces": sorted(os.listdir(namespaces)) if namespaces.exists() else [],
        "rules": rules.splitlines(),
        "mounts": Path("/proc/self/mounts").read_text().splitlines(),
        "sockets": sorted(os.listdir("/run")),
    }


@pytest.fixture
def nothing_else(tmp_path: Path, cloud_assembly: Callable[..., Path]) -> Callable[[LocalMesh], bool]:
    """Return a function that returns whether only the folder of a run is left."""
    require(cloud_assembly())

    def nothing(run: LocalMesh) -> bool:
        inode = (run.folder / ".color-mesh" / "lock").stat().st_ino
        held = subprocess.run(["cat", "/proc/locks"], capture_output=True, text=True, check=True).stdout
        return f":{inode} " not in held and not (run.folder / ".color-mesh" / "control.sock").exists()

    return nothing


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_stopped_run_leaves_nothing_behind(
    cloud_assembly: Callable[..., Path], tmp_path: Path, number: signal.Signals
) -> None:
    require(cloud_assembly())
    before = machine_state()
    with local_mesh(cloud_assembly(), tmp_path) as run:
        children = _children(run)
        run.process.send_signal(number)
        assert run.process.wait(60) == 0
        assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    assert machine_state() == before
    assert sorted(path.name for path in (tmp_path / ".color-mesh").iterdir()) == ["lock", "logs"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".color-mesh",
        "cdk.out",
        "color-mesh.json",
        "images",
        "output",
    ]


def _children(run: LocalMesh) -> list[int]:
    """Return the ids of all processes of a run."""
    process_ids = [run.process.pid]
    for pid in process_ids:
        with suppress(OSError):
            process_ids += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return process_ids


def test_down_stops_the_run_and_waits_for_its_end(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    with local_mesh(cloud_assembly(), tmp_path) as run:
        children = _children(run)[1:]
        assert run.run("down") == "The mesh has stopped.\n"
        assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
        assert run.process.wait(60) == 0
        assert run.run("down") == "No mesh runs from here.\n"


def test_killed_run_leaves_nothing_behind_and_another_starts(
    cloud_assembly: Callable[..., Path], tmp_path: Path, nothing_else: Callable[[LocalMesh], bool]
) -> None:
    with local_mesh(cloud_assembly(), tmp_path) as run:
        for generation, name in enumerate(("outside", "unshare", "first process", "supervisor")):
            children = _children(run)
            os.kill(children[generation], signal.SIGKILL)
            run.process.wait(60)
            run.wait_until(
                lambda children=children: not [pid for pid in children if Path(f"/proc/{pid}").exists()],  # type: ignore[misc]
                f"all have ended after the end of the {name}",
                10,
            )
            assert not (tmp_path / ".color-mesh" / "ca.pem").exists()
            run.run("down")
            assert nothing_else(run)
            with (tmp_path / "output").open("wb") as output:
                run.process = subprocess.Popen(
                    [COMMAND, "up", "--port", str(free_port())], cwd=tmp_path, stdout=output, stderr=output
                )
            run.wait_for_output("the mesh is healthy")


def refused(folder: Path, *options: str, prefix: Sequence[str] = ()) -> str:
    """Return the errors of a ``color-mesh up`` that cannot run, and check that it has started nothing."""
    copy_programs(folder)
    command = [*prefix, COMMAND, "up", *options]
    completed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=20, check=False)
    assert (completed.returncode, completed.stdout) == (1, "")
    assert not (folder / ".color-mesh" / "control.sock").exists()
    return completed.stderr


def test_port_in_use_is_refused(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    require(cloud_assembly())
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        output = refused(tmp_path, str(cloud_assembly()), "--port", str(port))
    fix = port + 1000 if port < 60000 else 8080
    assert output == f"--port: cannot be listened on, Address already in use, got {port} (another one: --port {fix})\n"


def use_another_image(template: Template) -> None:
    task_definition(template)["ContainerDefinitions"][0]["Image"] = "registry.example/shop/stock:2"


def test_service_of_an_image_without_a_program_is_left_out(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    with local_mesh(cloud_assembly(), tmp_path, change=template_of("EcsStack", use_another_image)) as run:
        assert (
            "Left out:\n"
            "  EcsStack.template.json: RedTaskDefinition4CCB06C0 container 'red-app': no program runs in place of the "
            "image, got 'registry.example/shop/stock:2' (--image 'registry.example/shop/stock:2=COMMAND', or an entry "
            "'registry.example/shop/stock:2' in color-mesh.json)\n"
        ) in run.output()
        assert "(red-svc): depends on EcsStack.template.json: RedTaskDefinition4CCB06C0, which is" in run.output()
        assert "red-svc" not in [service["name"] for service in run.status()["services"]]
        assert run.get("/") == "blue"


def test_image_option_names_the_program_of_an_image(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    program = tmp_path / "stock.py"
    program.write_text(
        "import os, http.server as s\n"
        "class H(s.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200)\n"
        "        self.end_headers()\n"
        "        self.wfile.write(b'mapped ' + os.environ['COLOR'].encode())\n"
        "s.HTTPServer(('', 80), H).serve_forever()\n"
    )
    change = template_of("EcsStack", use_another_image)
    with local_mesh(
        cloud_assembly(), tmp_path, "--image", f"stock=/usr/bin/env python3 {program}", change=change
    ) as run:
        assert run.curl("blue", "http://red.colors.local") == "mapped red"


DOCKERS = (
    "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod,audit_write,"
    "setfcap"
)


def with_capabilities(*names: str) -> list[str]:
    """Return a prefix of a command that limits its capabilities to these."""
    return ["setpriv", "--bounding-set=" + ",".join(("-all", *(f"+{name}" for name in names))), "--"]


def can_create_user_namespaces(prefix: list[str]) -> bool:
    return subprocess.run([*prefix, "unshare", "--user", "--net", "true"], check=False).returncode == 0


def test_default_capabilities_of_docker_and_net_admin_suffice(
    cloud_assembly: Callable[..., Path], tmp_path: Path
) -> None:
    require(cloud_assembly())
    prefix = with_capabilities(*DOCKERS.split(","), "net_admin")
    if can_create_user_namespaces(prefix):
        with local_mesh(cloud_assembly(), tmp_path, prefix=prefix) as run:
            assert run.curl("blue", "http://red.colors.local") == "red"
            assert run.execute("red", "id", "--user", container="envoy-sidecar").stdout == "1337\n"
    else:
        assert "machine: user namespaces are refused" in refused(tmp_path, str(cloud_assembly()), prefix=prefix)


def test_missing_privileges_are_named(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    require(cloud_assembly())
    output = refused(tmp_path, str(cloud_assembly()), prefix=with_capabilities("net_admin"))
    assert output.startswith("machine: ")
    assert "such as root with CAP_SYS_ADMIN" in output
    assert not (tmp_path / ".color-mesh").exists()


def test_machine_without_user_namespaces_is_named(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    require(cloud_assembly())
    forbidding = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    prefix = ["unshare", "--user", "--map-root-user", "sh", "-c", forbidding, "sh"]
    fix = "sudo sysctl -w user.max_user_namespaces=65535"
    output = refused(tmp_path, str(cloud_assembly()), prefix=prefix)
    assert f"machine: user namespaces are switched off, got '0' ({fix})\n" in output


# Becomes root of a user namespace, with this root's id and 65535 others.
FEW_IDS = """
import ctypes, os, sys
own, (child, parent) = os.getpid(), os.pipe()
mapping, mapped = os.pipe()
if os.fork() == 0:
    os.read(child, 1)
    for file in ("uid_map", "gid_map"):
        open(f"/proc/{own}/{file}", "w").write(f"0 0 1\\n1 {sys.argv[1]} 65535\\n")
    os.write(mapped, b"x")
    os._exit(0)
assert ctypes.CDLL(None).unshare(1 << 28) == 0
os.write(parent, b"x")
os.read(mapping, 1)
os.wait()
os.execvp(sys.argv[2], sys.argv[2:])
"""


def test_root_with_few_ids_who_cannot_mount_proc_is_warned(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    first = first_free_id() if creates_namespaces() else None
    if first is None:
        pytest.skip("needs root with more than 65536 ids")
    # Docker hides parts of /proc as well, and the kernel lets no user namespace mount one in which nothing is hidden.
    hiding = 'mount -t tmpfs none /proc/fs; exec "$@"'
    prefix = ["unshare", "--mount", "sh", "-c", hiding, "sh", sys.executable, "-c", FEW_IDS, str(first)]
    with local_mesh(cloud_assembly(chapter="2"), tmp_path, prefix=prefix) as run:
        assert "warning: users of containers are users of this machine" in run.output()
        assert "warning: this machine lets no run mount /proc: " in run.output()
        assert run.curl("blue", "http://red.colors.local") == "red"
        assert run.execute("red", "id", "--user", container="envoy-sidecar").stdout == "1337\n"
        assert run.execute("red", "sh", "-c", "echo again > /dev/stdout").stdout == "again\n"


def test_packages_of_missing_tools_are_named(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    require(cloud_assembly())
    hiding = 'mount -t tmpfs none /usr/sbin; mount -t tmpfs none /sbin; exec "$@"'
    output = refused(tmp_path, str(cloud_assembly()), prefix=["unshare", "--mount", "sh", "-c", hiding, "sh"])
    assert "machine: iptables-restore is not installed, got None (sudo apt-get install iptables)\n" in output


# Tests of one mesh. They are the last, so that it does not run beside the others.


@pytest.fixture(scope="module")
def mesh(cloud_assembly: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMesh]:
    with local_mesh(cloud_assembly(), tmp_path_factory.mktemp("mesh")) as run:
        yield run


def test_output_has_the_plan_the_logs_and_commands_to_try(mesh: LocalMesh) -> None:
    output = mesh.output()
    assert "cdk.out: mesh color-mesh, 5 services, 6 tasks\n" in output
    assert "  red-svc: 1 x red_node (red-app, envoy-sidecar)\n" in output
    assert output.count("Not emulated: ") == 1
    assert "Logs: .color-mesh/logs, or color-mesh logs NAME -f\n" in output
    for service in ("red-svc", "blue-svc", "green-svc", "yellow-svc", "gateway-svc-load-balanced"):
        assert f"{service}: {2 if 'gateway' in service else 1} healthy  10.0." in output
    assert f"the mesh is healthy, at {mesh.url}\n            gateway-lb: TCP 80 at {mesh.url}\n" in output
    assert f"          Try:\n            curl {mesh.url}\n" in output
    assert "color-mesh exec red-app -- curl -s router.colors.local\n" in output


def test_second_run_in_the_same_folder_is_refused(mesh: LocalMesh) -> None:
    completed = mesh.command("up", "--port", str(free_port()))
    assert (completed.returncode, completed.stdout) == (1, "")
    assert completed.stderr == (
        f"color-mesh up: a mesh already runs from here, got '{mesh.folder}/.color-mesh' "
        "(end it with color-mesh down, or run this one in another folder)\n"
    )
    assert mesh.get("/") == "blue"


def test_runs_in_different_folders_are_independent(
    mesh: LocalMesh, cloud_assembly: Callable[..., Path], tmp_path: Path
) -> None:
    with local_mesh(cloud_assembly(), tmp_path) as other:
        assert mesh.address("red-svc") == other.address("red-svc")
        other.run("set", "node", "red", "--backends", "blue")
        assert other.curl("red", "http://blue.colors.local") == "blue"
        assert mesh.curl("red", "http://blue.colors.local").startswith("failed")
