"""What the app's process does so that nobody waits without need."""

import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread


def finish_early(work: Callable[[], int]) -> int:
    """Run ``work`` in a child process and return its exit status as soon as it has succeeded.

    After a synthesis Node needs another 0.4 s to end: V8 waits for code that it is still compiling. The child sees to
    that, and removes Node's files, while the caller goes on. After a failure the caller waits, so that nothing that is
    still to be printed comes late. ``work`` loads the CDK itself, or there is no child.
    """
    # A Node that runs already, and the thread that reads from it, would not come along into the child.
    if not hasattr(os, "fork") or "jsii" in sys.modules:
        return work()
    told, tell = os.pipe()
    # Held back until the parent knows what to do with them: a child whose parent is gone would run on unseen.
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        os.close(told)
        status = work()
        if status == 0:
            _let_go_of_pipes()
            os.write(tell, b"done")
        os.close(tell)
        return status
    os.close(tell)
    # Ctrl-C reaches the child too, and it is the child that has something to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(child, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
    if os.read(told, 4) == b"done":
        return 0
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _let_go_of_pipes() -> None:
    """Close the pipes that somebody reads to their end, who would otherwise wait for this process's."""
    pipes = [stream for stream in (1, 2) if stat.S_ISFIFO(os.fstat(stream).st_mode)]
    if pipes:
        # What Node has printed comes through a thread of jsii's, which needs a moment for the last of it.
        time.sleep(0.02)
        sys.stdout.flush()
        sys.stderr.flush()
    for stream in pipes:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Do ``work`` in another thread while the block runs.

    For a slow call to Node beside imports. The block must not call Node itself: calls take turns, and nobody enforces
    the turns.
    """
    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()
