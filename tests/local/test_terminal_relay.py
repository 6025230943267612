"""The pseudo terminal of commands in containers."""

import fcntl
import os
import pty
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from select import select
from threading import Thread

import pytest

_DEADLINE_SECONDS = 30.0
_PROGRAM = """
import subprocess, sys
from color_mesh.local.client.terminal_relay import relayed_streams
try:
    with relayed_streams() as (stdin, stdout, stderr):
        streams = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
        code = subprocess.run(sys.argv[1:], **streams, start_new_session=True).returncode
except KeyboardInterrupt:
    code = "interrupted"
print("ended with", code)
print("then", input())
"""


class Terminal:
    """A program in a terminal. Its commands end when their terminal does: they are in sessions of their own."""

    def __init__(self, *command: str) -> None:
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.execv(sys.executable, [sys.executable, "-c", _PROGRAM, *command])
        self.output = ""

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._master)[3] & termios.ECHO)

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while text not in self.output:
            assert select([self._master], [], [], max(0, deadline - time.monotonic()))[0], self.output
            try:
                self.output += os.read(self._master, 1000).decode()
            except OSError:
                assert text in self.output, self.output

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._master)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    started: list[Terminal] = []
    yield started
    for each in started:
        each.end()


def wait_until(wanted: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not wanted():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def start(terminals: list[Terminal], *command: str) -> Terminal:
    terminals.append(Terminal(*command))
    return terminals[-1]


def test_process_in_the_background_does_not_keep_the_terminal(terminals: list[Terminal]) -> None:
    script = "(while echo late; do sleep 0.1; done; read line <&3; echo stolen $line) 3<&0 & echo started"
    terminal = start(terminals, "sh", "-c", script)
    terminal.wait_for("ended with 0")
    terminal.output = terminal.output.partition("ended with 0")[2]
    terminal.type("secret\n")
    terminal.wait_for("then secret")
    assert "late" not in terminal.output
    assert "stolen" not in terminal.output


def test_background_output_without_end_does_not_keep_the_command_alive(terminals: list[Terminal]) -> None:
    start(terminals, "sh", "-c", "yes & sleep 0.2").wait_for("ended with 0")


def test_command_reads_and_writes_lines(terminals: list[Terminal]) -> None:
    terminal = start(terminals, "sh", "-c", "test -t 0 && test -t 1 && echo ready && read line && echo got $line")
    terminal.wait_for("ready")
    terminal.type("words\n")
    terminal.wait_for("got words")
    assert terminal.output.count("words") == 2  # One is the echo.


def test_command_sees_the_size_of_the_terminal(terminals: list[Terminal]) -> None:
    terminal = start(terminals, "sh", "-c", "echo ready; while stty size; do sleep 0.1; done")
    terminal.wait_for("ready")
    terminal.resize(33, 77)
    terminal.wait_for("33 77")


def test_all_output_of_the_command_is_copied(terminals: list[Terminal]) -> None:
    terminal = start(terminals, "seq", "20000")
    terminal.wait_for("ended with 0")
    assert terminal.output.startswith("".join(f"{number}\r\n" for number in range(1, 20001)))


def test_program_gets_the_keys_that_were_typed(terminals: list[Terminal]) -> None:
    terminal = start(terminals, "sh", "-c", "stty raw -echo; echo ready; head -c 1 | od -c")
    terminal.wait_for("ready")
    terminal.type("\r")
    terminal.wait_for("0000000  \\r")


@pytest.mark.usefixtures("interruptible")
def test_interrupt_ends_the_command(terminals: list[Terminal]) -> None:
    terminal = start(terminals, "sh", "-c", "echo ready; read line")
    terminal.wait_for("ready")
    terminal.type("\x03")
    terminal.wait_for("ended with interrupted")


def test_terminal_has_its_attributes_again_after_a_signal(terminals: list[Terminal]) -> None:
    terminal = start(terminals, "sh", "-c", "echo ready; read line")
    terminal.wait_for("ready")
    assert not terminal.echoes()
    os.kill(terminal.pid, signal.SIGTERM)
    wait_until(terminal.echoes)


def test_command_that_reads_nothing_does_not_keep_the_terminal(terminals: list[Terminal], tmp_path: Path) -> None:
    typed = tmp_path / "typed"
    terminal = start(terminals, "sh", "-c", f"stty -echo; echo ready; until test -e {typed}; do sleep 0.1; done")
    terminal.wait_for("ready")
    # More than the kernel keeps.
    typing = Thread(target=terminal.type, args=("line\n" * 50_000,), daemon=True)
    typing.start()
    typing.join(_DEADLINE_SECONDS)
    typed.touch()
    terminal.wait_for("ended with 0")
