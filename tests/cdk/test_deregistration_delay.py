"""Duration of the deregistration delay, and the conditions that end it early."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from color_mesh.cdk.deregistration import DELAY_ENTRY_POINT
from tests.support.envoy import WORKER_ADDRESS
from tests.support.loopback_mesh import wait_until
from tests.support.skips import missing_programs, skip


@contextmanager
def delay(seconds: int, admin: socket.socket, *apps: socket.socket) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the container's entry point and send SIGTERM to it. Sockets stand in for Envoy and the applications."""
    skip(missing_programs("ps"))
    words = [word.replace("9901", port_of(admin)) for word in DELAY_ENTRY_POINT]
    process = subprocess.Popen([*words, str(seconds), *map(port_of, apps)], start_new_session=True)
    try:
        wait_until(lambda: sleeps(process.pid), "it waits for SIGTERM")
        process.terminate()
        yield process
    finally:
        # The first process of a container takes the others with it.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def sleeps(pid: int) -> bool:
    """Return whether bash has reached the last line of the script, where it starts ``sleep``."""
    done = subprocess.run(["ps", "-o", "comm=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout == "sleep\n"


def port_of(listening: socket.socket) -> str:
    return str(listening.getsockname()[1])


@pytest.fixture
def admin() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def app(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    with socket.create_server((getattr(request, "param", "127.0.0.1"), 0)) as listening:
        yield listening


def test_delay_ends_after_the_configured_seconds(admin: socket.socket, app: socket.socket) -> None:
    with delay(1, admin, app) as process:
        assert process.wait(10) == 0


@pytest.mark.parametrize("app", ["127.0.0.1", "0.0.0.0"], indirect=True)
def test_delay_ends_when_the_application_has_ended(admin: socket.socket, app: socket.socket) -> None:
    with delay(60, admin, app) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        app.close()
        assert process.wait(10) == 0


def test_delay_ends_when_envoy_has_ended(admin: socket.socket, app: socket.socket) -> None:
    with delay(60, admin, app) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        admin.close()
        assert process.wait(10) == 0


def test_delay_lasts_while_the_application_listens_on_one_of_its_ports(
    admin: socket.socket, app: socket.socket
) -> None:
    closed = socket.create_server(("127.0.0.1", 0))
    with closing(closed), delay(60, admin, closed, app) as process:
        closed.shutdown(socket.SHUT_RDWR)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)


def test_listener_on_a_backend_address_does_not_extend_the_delay(admin: socket.socket) -> None:
    with socket.create_server((WORKER_ADDRESS, 0)) as backend, delay(60, admin, backend) as process:
        assert process.wait(10) == 0
