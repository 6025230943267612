"""A pseudo terminal for commands in containers, in place of the terminal of the user."""

import fcntl
import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

_CHUNK_BYTES = 4096
# More than the kernel keeps of the output of a pseudo terminal.
_LAST_CHUNKS = 32


@contextmanager
def relayed_streams() -> Iterator[list[int]]:
    """Return the standard streams of this process for a command, with a pseudo terminal in place of a terminal.

    A process that the command leaves in the background, or another one of the container that opens the file
    descriptors of the command, could otherwise read what is typed after the command has ended, and write to the
    terminal.
    """
    streams = [stream.fileno() for stream in (sys.stdin, sys.stdout, sys.stderr)]
    terminals = [each for each in streams if os.isatty(each)]
    if not terminals:
        yield streams
        return
    ours, theirs = os.openpty()
    # A terminal drops what is typed when too much has not been read.
    os.set_blocking(ours, False)
    stop_reader, stop_writer = os.pipe()
    attributes = termios.tcgetattr(terminals[0])
    _copy_size(terminals[0], ours)
    source = streams[0] if streams[0] in terminals and _is_in_foreground(streams[0]) else None
    output = next((each for each in streams[1:] if each in terminals), None)
    own = list(attributes)
    if source is None:
        # The terminal converts the ends of lines itself, also for other processes.
        own[tty.OFLAG] &= ~termios.OPOST
    termios.tcsetattr(theirs, termios.TCSANOW, own)
    relay = Thread(target=_relay, args=(ours, source, output, stop_reader))
    if source is not None:
        # SIGTERM must not end this process before the terminal has its attributes again.
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
        _set_raw(source)
    relay.start()
    try:
        yield [theirs if each in terminals else each for each in streams]
    finally:
        os.close(stop_writer)
        relay.join()
        for each in (ours, theirs, stop_reader):
            os.close(each)
        if source is not None:
            termios.tcsetattr(source, termios.TCSADRAIN, attributes)


def _set_raw(terminal: int) -> None:
    """Let the pseudo terminal alone edit, echo and convert what is typed and written.

    Ctrl-C still interrupts this process, which ends the command.
    """
    tty.setraw(terminal)
    attributes = termios.tcgetattr(terminal)
    attributes[tty.LFLAG] |= termios.ISIG
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)


def _is_in_foreground(terminal: int) -> bool:
    """Return whether this process may read from a terminal: the kernel stops one in the background that does."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return True


def _relay(ours: int, source: int | None, output: int | None, stop: int) -> None:
    """Copy what is typed to the pseudo terminal, and its output to the terminal, until ``stop`` ends."""
    inputs = [ours, stop] if source is None else [ours, stop, source]
    while stop not in (ready := _readable(inputs)):
        if ours in ready:
            _copy_output(ours, output)
        if source is not None:
            _copy_size(source, ours)
        if source in ready:
            content = _read(source)
            if content:
                with suppress(BlockingIOError):
                    os.write(ours, content)
            else:
                inputs.remove(source)
    # What the command has written before it ended. A process in the background may write for ever.
    for _ in range(_LAST_CHUNKS):
        if _readable([ours], 0):
            _copy_output(ours, output)


def _copy_size(terminal: int, ours: int) -> None:
    """Give the pseudo terminal the size of the terminal, whose window may have changed."""
    with suppress(OSError):
        fcntl.ioctl(ours, termios.TIOCSWINSZ, fcntl.ioctl(terminal, termios.TIOCGWINSZ, bytes(8)))


def _readable(inputs: list[int], timeout_seconds: float | None = None) -> list[int]:
    return select.select(inputs, [], [], timeout_seconds)[0]


def _copy_output(ours: int, output: int | None) -> None:
    content = _read(ours)
    if output is not None:
        # The terminal may be gone.
        with suppress(OSError):
            os.write(output, content)


def _read(file_descriptor: int) -> bytes:
    """Read what there is; nothing at the end of a terminal that is gone."""
    with suppress(OSError):
        return os.read(file_descriptor, _CHUNK_BYTES)
    return b""
