"""Beginning and ending: what is left of a run, two of them, and what keeps one from starting."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.cloudformation import Template, task_definition
from tests.support.local_mesh import COMMAND, LocalMesh, copy_programs, free_port, local_mesh, require, template_of


def left() -> dict[str, list[str]]:
    """What a run could leave on the machine."""
    commands = {
        "links": ["ip", "-brief", "link"],
        "namespaces": ["ip", "netns", "list"],
        "rules": ["iptables-save"],
        "mounts": ["cat", "/proc/self/mounts"],
        "sockets": ["ls", "/run"],
    }
    found = {
        name: subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
        for name, command in commands.items()
    }
    # Other tests may run Envoys of their own: those of a run have their configuration in its namespaces.
    return {**found, "processes": sorted(_processes())}


def _processes() -> Iterator[str]:
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            line = file.read_text().replace("\0", " ")
            if "color_mesh.local" in line or "/run/color-mesh" in line or "colorapp.py" in line:
                yield line


@pytest.fixture
def nothing_else(tmp_path: Path, cloud_assembly: Callable[..., Path]) -> Callable[[LocalMesh], bool]:
    """Tell whether nothing is left of a run but its folder."""
    require(cloud_assembly())

    def nothing(run: LocalMesh) -> bool:
        inode = (run.folder / ".color-mesh" / "lock").stat().st_ino
        held = subprocess.run(["cat", "/proc/locks"], capture_output=True, text=True, check=True).stdout
        return f":{inode} " not in held and not (run.folder / ".color-mesh" / "control.sock").exists()

    return nothing


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_the_end_leaves_nothing_behind(
    cloud_assembly: Callable[..., Path], tmp_path: Path, number: signal.Signals
) -> None:
    require(cloud_assembly())
    before = {name: each for name, each in left().items() if name != "processes"}
    with local_mesh(cloud_assembly(), tmp_path) as run:
        children = _children(run)
        run.process.send_signal(number)
        assert run.process.wait(60) == 0
        assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    assert {name: each for name, each in left().items() if name != "processes"} == before
    assert sorted(path.name for path in (tmp_path / ".color-mesh").iterdir()) == ["lock", "logs"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".color-mesh",
        "cdk.out",
        "color-mesh.json",
        "images",
        "said",
    ]


def _children(run: LocalMesh) -> list[int]:
    """Every process of a run."""
    found = [run.process.pid]
    for pid in found:
        with suppress(OSError):
            found += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return found


def test_down_ends_it_and_waits_until_it_has_ended(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    with local_mesh(cloud_assembly(), tmp_path) as run:
        children = _children(run)[1:]
        assert run.run("down") == "The mesh has stopped.\n"
        assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
        assert run.process.wait(60) == 0
        assert run.run("down") == "No mesh runs from here.\n"


@pytest.mark.parametrize("generation", [0, 1, 2, 3], ids=["outside", "unshare", "first-process", "supervisor"])
def test_a_killed_run_leaves_nothing_and_the_next_one_starts(
    cloud_assembly: Callable[..., Path],
    tmp_path: Path,
    generation: int,
    nothing_else: Callable[[LocalMesh], bool],
) -> None:
    with local_mesh(cloud_assembly(), tmp_path) as run:
        children = _children(run)
        os.kill(children[generation], signal.SIGKILL)
        run.process.wait(60)
        run.wait_until(lambda: not [pid for pid in children if Path(f"/proc/{pid}").exists()], "all have ended", 10)
        run.run("down")
        port = free_port()
        again = subprocess.Popen(
            [COMMAND, "up", "--port", str(port)], cwd=tmp_path, stdout=(tmp_path / "said").open("wb"), stderr=-1
        )
        try:
            run.wait_for_output("the mesh is healthy")
        finally:
            again.terminate()
            again.wait(60)
        assert nothing_else(run)


def test_a_second_run_says_that_there_is_one(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    with local_mesh(cloud_assembly(), tmp_path) as run:
        done = run.command("up", "--port", str(free_port()))
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            f"color-mesh up: a mesh already runs from here, got '{tmp_path}/.color-mesh' "
            "(end it with color-mesh down, or run this one in another folder)\n"
        )
        assert run.get("/") == "blue"


def test_two_runs_in_two_folders_do_not_meet(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    with (
        local_mesh(cloud_assembly(), tmp_path / "one") as one,
        local_mesh(cloud_assembly(), tmp_path / "other") as other,
    ):
        assert one.address("red-svc") == other.address("red-svc")
        one.run("set", "node", "red", "--backends", "blue")
        assert one.curl("red", "http://blue.colors.local") == "blue"
        assert other.curl("red", "http://blue.colors.local").startswith("failed")


def refused(folder: Path, *options: str, prefix: Sequence[str] = ()) -> str:
    """What ``color-mesh up`` says that cannot run; it has started nothing."""
    copy_programs(folder)
    command = [*prefix, COMMAND, "up", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert not (folder / ".color-mesh" / "control.sock").exists()
    return done.stderr


def test_a_port_that_is_taken_is_refused(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    require(cloud_assembly())
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        said = refused(tmp_path, str(cloud_assembly()), "--port", str(port))
    fix = port + 1000 if port < 60000 else 8080
    assert said == f"--port: cannot be listened on, Address already in use, got {port} (another one: --port {fix})\n"


def other_image(template: Template) -> None:
    task_definition(template)["ContainerDefinitions"][0]["Image"] = "registry.example/shop/stock:2"


def test_an_image_without_a_program_is_refused(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    with_other_image(cloud_assembly(), tmp_path)
    assert refused(tmp_path) == (
        "EcsStack.template.json: RedTaskDefinition4CCB06C0: red-app: no program runs in place of the image, got "
        "'registry.example/shop/stock:2' (--image 'registry.example/shop/stock:2=COMMAND', or an entry "
        "'registry.example/shop/stock:2' in color-mesh.json)\n"
    )


def with_other_image(assembly: Path, folder: Path) -> None:
    from shutil import copytree

    copytree(assembly, folder / "cdk.out")
    template_of("EcsStack", other_image)(folder / "cdk.out")


@pytest.mark.parametrize("name", ["registry.example/shop/stock:2", "registry.example/shop/stock", "stock"])
def test_an_image_is_mapped_to_a_program(cloud_assembly: Callable[..., Path], tmp_path: Path, name: str) -> None:
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
    change = template_of("EcsStack", other_image)
    with local_mesh(
        cloud_assembly(), tmp_path, "--image", f"{name}=/usr/bin/env python3 {program}", change=change
    ) as run:
        assert run.curl("blue", "http://red.colors.local") == "mapped red"


def test_it_says_what_starts_where_its_logs_are_and_what_to_try(
    cloud_assembly: Callable[..., Path], tmp_path: Path
) -> None:
    with local_mesh(cloud_assembly(), tmp_path) as run:
        said = run.output()
    assert "cdk.out: mesh color-mesh, 5 services, 6 tasks\n" in said
    assert "  red-svc: 1 x red_node (red-app, envoy-sidecar)\n" in said
    assert said.count("Not emulated: ") == 1
    assert "Logs: .color-mesh/logs, or color-mesh logs NAME -f\n" in said
    for service in ("red-svc", "blue-svc", "green-svc", "yellow-svc", "gateway-svc-load-balanced"):
        assert f"{service}: {2 if 'gateway' in service else 1} healthy  10.0." in said
    assert f"the mesh is healthy, at {run.url}\n          Try:\n            curl {run.url}\n" in said
    assert "color-mesh exec red-app -- curl -s router.colors.local\n" in said


DOCKERS = (
    "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod,audit_write,"
    "setfcap"
)


def with_capabilities(*names: str) -> list[str]:
    """The beginning of a command that has no other capabilities than these."""
    return ["setpriv", "--bounding-set=" + ",".join(("-all", *(f"+{name}" for name in names))), "--"]


def may_make_user_namespaces(prefix: list[str]) -> bool:
    return subprocess.run([*prefix, "unshare", "--user", "--net", "true"], check=False).returncode == 0


def test_dockers_capabilities_and_net_admin_are_enough(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    require(cloud_assembly())
    prefix = with_capabilities(*DOCKERS.split(","), "net_admin")
    if may_make_user_namespaces(prefix):
        with local_mesh(cloud_assembly(), tmp_path, prefix=prefix) as run:
            assert run.curl("blue", "http://red.colors.local") == "red"
            assert run.execute("red", "id", "--user", container="envoy-sidecar").stdout == "1337\n"
    else:
        assert "machine: user namespaces are refused" in refused(tmp_path, str(cloud_assembly()), prefix=prefix)


def test_without_privileges_it_says_what_is_missing(cloud_assembly: Callable[..., Path], tmp_path: Path) -> None:
    require(cloud_assembly())
    said = refused(tmp_path, str(cloud_assembly()), prefix=with_capabilities("net_admin"))
    assert said.startswith("machine: ")
    assert "or " in said
    assert not (tmp_path / ".color-mesh").exists()


def test_without_its_tools_it_says_which_packages_have_them(
    cloud_assembly: Callable[..., Path], tmp_path: Path
) -> None:
    require(cloud_assembly())
    hiding = 'mount -t tmpfs none /usr/sbin; mount -t tmpfs none /sbin; exec "$@"'
    said = refused(tmp_path, str(cloud_assembly()), prefix=["unshare", "--mount", "sh", "-c", hiding, "sh"])
    assert "machine: iptables-restore is not installed, got None (sudo apt-get install iptables)\n" in said
