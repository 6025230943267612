"""The app's process: what its caller waits for, and what it is told."""

import os
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from stacks.process import meanwhile

PROGRAM = """
import signal, sys
from stacks.process import finish_early

def work():
    {work}

sys.exit(finish_early(work))
"""


def run(root: Path, work: str) -> "subprocess.CompletedProcess[str]":
    program = PROGRAM.format(work=work)
    return subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("status", [0, 1, 3])
def test_status_of_the_work_is_the_status_of_the_process(status: int, root: Path) -> None:
    assert run(root, f"return {status}").returncode == status


def test_error_in_the_work_is_printed_and_fails(root: Path) -> None:
    done = run(root, "raise KeyError('lost')")
    assert (done.returncode, "KeyError: 'lost'" in done.stderr) == (1, True)


def test_caller_does_not_wait_for_the_end_of_what_has_succeeded(root: Path, tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    os.mkfifo(hold)
    ends = f"__import__('atexit').register(lambda: open({str(hold)!r}).read()); return 0"
    program = PROGRAM.format(work=ends)
    # The child ends when somebody writes; a caller that waited for it would wait for ever.
    subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, check=True, timeout=60)
    hold.write_text("end")


def test_terminating_the_process_terminates_its_work(root: Path) -> None:
    program = PROGRAM.format(work="print('begun', flush=True); signal.pause(); return 0")
    process = subprocess.Popen([sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.terminate()
    # Nobody has its output open any more: the child has ended too.
    assert process.communicate(timeout=60)[0] == ""
    assert process.returncode != 0


def test_work_is_done_when_the_block_ends() -> None:
    done = Event()
    with meanwhile(done.set):
        pass
    assert done.is_set()
