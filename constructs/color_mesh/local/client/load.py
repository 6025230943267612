"""Load on a server: many GET requests at a time."""

import http.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import SplitResult

FAILED = "failed: "
_CONCURRENCY = 16
_TIMEOUT_SECONDS = 20.0
_MAX_BODY_LENGTH = 60


def send_requests(url: SplitResult, count: int) -> Iterator[str]:
    """Send GET requests, each over its own connection as curl does.

    Returns:
        Each response as text: its status and the first line of its body, or `FAILED` and the reason.
    """
    executor = ThreadPoolExecutor(max_workers=_CONCURRENCY)
    try:
        yield from executor.map(_get, (url for _ in range(count)))
    finally:
        # After Ctrl-C only the requests in progress are waited for.
        executor.shutdown(cancel_futures=True)


def _get(url: SplitResult) -> str:
    connection = http.client.HTTPConnection(str(url.hostname), url.port or 80, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", f"{url.path or '/'}{'?' + url.query if url.query else ''}")
        response = connection.getresponse()
        body = response.read(1000).decode(errors="replace").strip().splitlines()
        return f"{response.status} {body[0][:_MAX_BODY_LENGTH] if body else ''}".rstrip()
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        return f"{FAILED}{error or type(error).__name__}"
    finally:
        connection.close()
