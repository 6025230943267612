"""A mesh that ``color-mesh up`` runs in a folder of its own, with real Envoys."""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

from color_mesh.cli.images import read_images
from color_mesh.envoy.document import COMPRESSED, compressed, read, shortest
from color_mesh.local.plan.assembly import read_plan
from color_mesh.local.run.requirements import missing
from tests.support.cloudformation import Template
from tests.support.skips import missing_programs, skip

COMMAND = shutil.which("color-mesh", path=sysconfig.get_path("scripts")) or "color-mesh"
DEADLINE_SECONDS = 30.0
REFRESH_SECONDS = 1
ROOT = Path(__file__).parent.parent.parent
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


class LocalMesh:
    """A running mesh.

    Attributes:
        folder: Folder of the run.
        url: URL of the gateway.
        process: Process of ``color-mesh up``, which is ended after the test.
        synthesize_with: Synthesizes the same mesh with other settings.
    """

    synthesize_with: Callable[..., Path]

    def __init__(self, folder: Path, port: int, process: "subprocess.Popen[bytes]") -> None:
        self.folder = folder
        self.url = f"http://localhost:{port}"
        self.process = process

    @property
    def assembly(self) -> Path:
        return self.folder / "cdk.out"

    def output(self) -> str:
        """Return what ``color-mesh up`` has printed."""
        return (self.folder / "output").read_text()

    def mounts_proc(self) -> bool:
        """Return whether containers have their own ``/proc``."""
        return "lets no run mount /proc" not in self.output()

    def command(self, *arguments: str, seconds: float = DEADLINE_SECONDS) -> "subprocess.CompletedProcess[str]":
        """Run a command of ``color-mesh``."""
        return subprocess.run(
            [COMMAND, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=seconds, check=False
        )

    def run(self, *arguments: str) -> str:
        """Run a command of ``color-mesh`` that must succeed, and return its output."""
        completed = self.command(*arguments)
        assert completed.returncode == 0, (arguments, completed.stdout, completed.stderr, self.output())
        return completed.stdout

    def execute(self, task: str, *command: str, container: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a command in a container."""
        more = () if container is None else ("--container", container)
        return self.command("exec", task, *more, "--", *command)

    def curl(self, task: str, url: str, seconds: int = 5) -> str:
        """Request a URL from the application of a task; return the body, or ``failed:`` and the error of curl."""
        completed = self.execute(task, "curl", "--silent", "--show-error", "--fail", "--max-time", str(seconds), url)
        return completed.stdout if completed.returncode == 0 else f"failed: {completed.stderr.strip()}"

    def histogram(self, task: str, url: str, count: int) -> dict[str, int]:
        """Request a URL many times from the application of a task, over one connection; return counts of bodies."""
        line = f"curl --silent --max-time 20 '{url}?[1-{count}]' --write-out '\\n'"
        answers = self.execute(task, "sh", "-c", line).stdout.split()
        return {answer: answers.count(answer) for answer in sorted(set(answers))}

    def get(self, path: str) -> str:
        """Request a path from the gateway; return the body, or ``failed:`` and the error of curl."""
        completed = subprocess.run(
            ["curl", "--silent", "--show-error", "--fail", "--max-time", "5", f"{self.url}{path}"],
            capture_output=True,
            text=True,
            check=False,
        )
        return completed.stdout if completed.returncode == 0 else f"failed: {completed.stderr.strip()}"

    def status(self) -> Any:
        """Return the status of the run."""
        return self.request({"command": "status"})

    def request(self, command: Any) -> Any:
        """Send a request to the control socket, and return the response."""
        with socket.socket(socket.AF_UNIX) as connection:
            # The path of a socket is limited to 107 characters.
            folder = os.open(self.folder / ".color-mesh", os.O_PATH)
            try:
                connection.connect(f"/proc/self/fd/{folder}/control.sock")
            finally:
                os.close(folder)
            connection.sendall(json.dumps(command).encode() + b"\n")
            return json.loads(b"".join(iter(lambda: connection.recv(65536), b"")))

    def tasks(self, service: str) -> list[Any]:
        """Return the status of the tasks of a service."""
        return [task for each in self.status()["services"] if each["name"] == service for task in each["tasks"]]

    def address(self, service: str) -> str:
        """Return the address of the first task of a service."""
        return str(self.tasks(service)[0]["address"])

    def pid(self, service: str, container: str, number: int = 0) -> int:
        """Return the process id of a container, in the namespace of the run."""
        pids = {each["name"]: each["pid"] for each in self.tasks(service)[number]["containers"]}
        return int(pids[container])

    def kill(self, pid: int) -> None:
        """Send SIGKILL to a process, by its id in the namespace of the run."""
        assert self.process.poll() is None
        os.kill(self.machine_pid(pid), signal.SIGKILL)

    def machine_pid(self, pid: int) -> int:
        """Return the id on the machine of a process, by its id in the namespace of the run."""
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                numbers = next(line for line in status.read_text().splitlines() if line.startswith("NSpid:")).split()
            except (OSError, StopIteration):
                continue
            if len(numbers) > 2 and int(numbers[2]) == pid and _descends(int(numbers[1]), self.process.pid):
                return int(numbers[1])
        raise AssertionError(f"no process {pid}")

    def change(self, stack: str, change: Callable[[Template], None]) -> None:
        """Change the template of a stack, as ``cdk synth`` would."""
        file = self.assembly / f"{stack}.template.json"
        template = json.loads(file.read_text())
        change(template)
        file.write_text(json.dumps(template))

    def synthesize(self, assembly: Path) -> None:
        """Replace the cloud assembly."""
        shutil.copytree(assembly, self.assembly, dirs_exist_ok=True)

    def wait_until(self, wanted: Callable[[], bool], what: str, seconds: float = DEADLINE_SECONDS) -> float:
        """Wait until a condition holds, or fail; return the seconds that it took."""
        began = asked = time.monotonic()
        while not wanted():
            now = time.monotonic()
            assert now < began + seconds, f"never happened: {what}\n{self.output()}"
            # A condition may run commands, and takes at most half of the time, since other tests run beside this one.
            time.sleep(max(0.05, now - asked))
            asked = time.monotonic()
        return time.monotonic() - began

    def wait_for_output(self, text: str, seconds: float = DEADLINE_SECONDS) -> float:
        """Wait until ``color-mesh up`` has printed a text."""
        return self.wait_until(lambda: text in self.output(), f"{text!r} is printed", seconds)

    def wait_until_steady(self, seconds: float = DEADLINE_SECONDS) -> float:
        """Wait until every service has the desired number of tasks, all healthy."""
        return self.wait_until(lambda: bool(self.status()["steady"]), "every service is steady", seconds)


def _descends(pid: int, ancestor: int) -> bool:
    while pid > 1:
        if pid == ancestor:
            return True
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return False


def free_port() -> int:
    """Return a free port of the machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def first_free_port(count: int) -> int:
    """Return the first of so many free ports in a row, outside of the range from which the kernel takes ports.

    A mesh listens seconds later: each pytest-xdist worker has ports of its own.
    """
    lowest = 20_000 + 2_000 * (_WORKER % 4)
    while True:
        first = random.randrange(lowest, lowest + 2_000, count)
        with ExitStack() as servers, suppress(OSError):
            for port in range(first, first + count):
                servers.enter_context(socket.create_server(("127.0.0.1", port)))
            return first


def template_of(stack: str, change: Callable[[Template], None]) -> Callable[[Path], None]:
    """Return a change of a cloud assembly: it changes the template of a stack."""

    def changed(assembly: Path) -> None:
        file = assembly / f"{stack}.template.json"
        template = json.loads(file.read_text())
        change(template)
        file.write_text(json.dumps(template))

    return changed


def copy_programs(folder: Path) -> None:
    """Copy the programs that run in place of the tutorial's images to a folder."""
    shutil.copy(ROOT / "color-mesh.json", folder)
    shutil.copytree(ROOT / "images", folder / "images", dirs_exist_ok=True)


def require(assembly: Path, *options: str) -> None:
    """Skip a test on a machine that cannot run the mesh of an assembly."""
    images = read_images([ROOT / "cdk.out"], [value for option, value in pairwise(options) if option == "--image"])
    skip([*missing_programs("nslookup"), *missing(read_plan([assembly], images))])


def ask_often(assembly: Path) -> None:
    """Change an assembly: Envoys ask Cloud Map every second, and not every 10 seconds, so that tests are short."""
    for path in assembly.glob("*.template.json"):
        text = path.read_text()
        # Long configurations are compressed.
        for configuration in re.findall(rf'"{COMPRESSED}",\s*"([^"]+)"', text):
            sooner = shortest(read([COMPRESSED, configuration])).replace(
                '"refresh_delay":"10s"', f'"refresh_delay":"{REFRESH_SECONDS}s"'
            )
            text = text.replace(configuration, compressed(json.loads(sooner))[1])
        path.write_text(text.replace(r"\"refresh_delay\": \"10s\"", rf"\"refresh_delay\": \"{REFRESH_SECONDS}s\""))


@contextmanager
def local_mesh(
    assembly: Path,
    folder: Path,
    *options: str,
    change: Callable[[Path], None] | None = None,
    healthy: bool = True,
    prefix: Sequence[str] = (),
) -> Iterator[LocalMesh]:
    """Run a changed cloud assembly, and wait until it is healthy if it is to become so."""
    require(assembly, *options)
    copy_programs(folder)
    shutil.copytree(assembly, folder / "cdk.out")
    if change is not None:
        change(folder / "cdk.out")
    ask_often(folder / "cdk.out")
    port = first_free_port(4)
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [*prefix, COMMAND, "up", "--port", str(port), *options], cwd=folder, stdout=output, stderr=subprocess.STDOUT
        )
    run = LocalMesh(folder, port, process)
    try:
        control = folder / ".color-mesh" / "control.sock"
        run.wait_until(lambda: control.exists() or process.poll() is not None, "the control socket exists")
        if healthy:
            run.wait_until(
                lambda: "the mesh is healthy" in run.output() or process.poll() is not None, "the mesh is healthy"
            )
            assert process.poll() is None, run.output()
        yield run
    finally:
        run.process.terminate()
        run.process.wait(DEADLINE_SECONDS)
