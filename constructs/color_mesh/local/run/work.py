"""Work that goes on beside other work."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

# The event loop alone would forget work that nobody waits for.
_going_on: set["asyncio.Task[Any]"] = set()


def begin(work: Coroutine[Any, Any, None], failed: Callable[[BaseException], None]) -> "asyncio.Task[None]":
    """Begin work that nobody waits for; an error in it is told to ``failed``."""
    begun = asyncio.ensure_future(work)
    _going_on.add(begun)

    def ended(task: "asyncio.Task[None]") -> None:
        _going_on.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            failed(error)

    begun.add_done_callback(ended)
    return begun
