"""Coroutines that run in the background."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

# The event loop keeps only weak references to tasks.
_running: set["asyncio.Task[Any]"] = set()


def start_in_background(
    work: Coroutine[Any, Any, None], on_error: Callable[[BaseException], None]
) -> "asyncio.Task[None]":
    """Start a coroutine without waiting for it; ``on_error`` receives an exception that it raises."""
    started = asyncio.ensure_future(work)
    _running.add(started)

    def ended(task: "asyncio.Task[None]") -> None:
        _running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            on_error(error)

    started.add_done_callback(ended)
    return started
