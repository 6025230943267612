"""The app's process: what its caller waits for, and what it is told."""

import subprocess
import sys
import time
from pathlib import Path
from threading import Event

import pytest

from stacks.process import meanwhile

PROGRAM = """
import sys, time
from stacks.process import finish_early

def work():
    {work}

status = finish_early(work)
{after}
sys.exit(status)
"""


def run(root: Path, work: str, after: str = "") -> "subprocess.CompletedProcess[str]":
    program = PROGRAM.format(work=work, after=after)
    return subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("status", [0, 1, 3])
def test_status_of_the_work_is_the_status_of_the_process(status: int, root: Path) -> None:
    assert run(root, f"return {status}").returncode == status


def test_error_in_the_work_is_printed_and_fails(root: Path) -> None:
    done = run(root, "raise KeyError('lost')")
    assert (done.returncode, "KeyError: 'lost'" in done.stderr) == (1, True)


def test_caller_does_not_wait_for_the_end_of_what_has_succeeded(root: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    ends = f"__import__('atexit').register(lambda: (time.sleep(2), open({str(gone)!r}, 'w').close())); return 0"
    begin = time.monotonic()
    subprocess.run(
        [sys.executable, "-c", PROGRAM.format(work=ends, after="")], cwd=root, stdout=subprocess.DEVNULL, check=True
    )
    assert not gone.exists()
    assert time.monotonic() - begin < 2


def test_terminating_the_process_terminates_its_work(root: Path) -> None:
    program = PROGRAM.format(work="print('begun', flush=True); time.sleep(60); return 0", after="")
    process = subprocess.Popen([sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.terminate()
    assert process.stdout.read() == ""  # Nobody has it open any more: the child has ended too.
    assert process.wait(10) != 0


def test_work_is_done_when_the_block_ends() -> None:
    done = Event()
    with meanwhile(done.set):
        pass
    assert done.is_set()
