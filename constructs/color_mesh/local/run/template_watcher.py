"""Detection of new templates."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path

_PAUSE_SECONDS = 0.2


def fingerprint(paths: Sequence[Path]) -> object:
    """Return the times and sizes of the files of templates; ``None`` while the CDK writes them."""
    files = [file for path in paths for file in (sorted(path.rglob("*.json")) if path.is_dir() else [path])]
    if any(list(path.glob("synth.lock")) for path in paths if path.is_dir()):
        return None
    statuses = []
    for file in files:
        with suppress(OSError):
            status = file.stat()
            statuses.append((file, status.st_mtime_ns, status.st_size))
    return statuses


async def changes(paths: Sequence[Path], known: object) -> AsyncIterator[None]:
    """Yield whenever templates have changed, and no file of them is being written any more.

    Args:
        paths: Cloud assemblies or templates.
        known: Fingerprint of the templates that run.
    """
    previous = known
    while True:
        await asyncio.sleep(_PAUSE_SECONDS)
        current = fingerprint(paths)
        if current != known and current == previous:
            known = current
            yield
        previous = current
