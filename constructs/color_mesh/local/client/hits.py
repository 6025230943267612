"""Sending requests, and counting the answers."""

import http.client
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from color_mesh.model import MeshError
from color_mesh.model.errors import problem

_WORKERS = 16
_TIMEOUT_SECONDS = 20.0
_LONGEST_ANSWER = 60
_BAR = 40


def parse_url(url: str) -> SplitResult:
    """Read the URL of a plain HTTP server.

    Raises:
        MeshError: When it is none.
    """
    found = urlsplit(url)
    try:
        fine = found.scheme == "http" and found.hostname and found.port != 0
    except ValueError:
        fine = False
    if not fine:
        raise MeshError([problem("hits", "is no URL that can be asked", url, "such as http://localhost:8080/router")])
    return found


def hits(url: SplitResult, count: int) -> tuple[Counter[str], float]:
    """Send GET requests, each over a connection of its own as curl does; count the answers, and the seconds it took."""
    answers: Counter[str] = Counter()
    left = iter(range(count))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if next(left, None) is None:
                    return
            answer = _ask(url)
            with lock:
                answers[answer] += 1

    began = time.monotonic()
    workers = [threading.Thread(target=work, daemon=True) for _ in range(min(_WORKERS, count))]
    for worker in workers:
        worker.start()
    for worker in workers:
        while worker.is_alive():
            worker.join(1)
            if sys.stderr.isatty():
                print(f"\r{sum(answers.values())} of {count}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    return answers, time.monotonic() - began


def _ask(url: SplitResult) -> str:
    connection = http.client.HTTPConnection(str(url.hostname), url.port or 80, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", f"{url.path or '/'}{'?' + url.query if url.query else ''}")
        answer = connection.getresponse()
        body = answer.read(1000).decode(errors="replace").strip().splitlines()
        return f"{answer.status} {body[0][:_LONGEST_ANSWER] if body else ''}".rstrip()
    except (OSError, http.client.HTTPException) as error:
        return f"failed: {error or type(error).__name__}"
    finally:
        connection.close()


def histogram(answers: Counter[str], seconds: float) -> Iterator[str]:
    """Write how often each answer came."""
    total = sum(answers.values())
    yield f"{total} requests in {seconds:.1f} s, {total / seconds:.0f} a second"
    width = max(map(len, answers), default=0)
    for answer, count in answers.most_common():
        bar = "#" * max(1, round(_BAR * count / total))
        yield f"{count:8}  {100 * count / total:5.1f} %  {answer.ljust(width)}  {bar}"
