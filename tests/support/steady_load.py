"""A steady load on a gateway, as many clients make it: each request over a connection of its own."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Load:
    """What became of the requests."""

    sent: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0

    @property
    def answered(self) -> int:
        return sum(count for answer, count in self.answers.items() if answer.startswith("200 "))

    @property
    def failures(self) -> Counter[str]:
        return Counter({answer: count for answer, count in self.answers.items() if not answer.startswith("200 ")})

    @property
    def failed(self) -> int:
        return sum(self.failures.values())


def ask(url: str) -> str:
    """Send one GET; tell the status and the answer, or what went wrong."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=20)
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        return f"{answer.status} {answer.read(200).decode(errors='replace')}"
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()


@contextmanager
def steady_load(urls: tuple[str, ...], per_second: int) -> Iterator[Load]:
    """Ask URLs by turns while the block runs; when it ends, every request has been answered or has failed."""
    load = Load()
    lock, done = threading.Lock(), threading.Event()

    def one(url: str) -> None:
        began = time.monotonic()
        answer = ask(url)
        with lock:
            load.answers[answer] += 1
            load.slowest_seconds = max(load.slowest_seconds, time.monotonic() - began)

    def send() -> None:
        began = time.monotonic()
        while not done.is_set():
            pool.submit(one, urls[load.sent % len(urls)])
            load.sent += 1
            # By the clock, so that slow answers do not lessen the load.
            time.sleep(max(0.0, began + load.sent / per_second - time.monotonic()))

    with ThreadPoolExecutor(32) as pool:
        sender = threading.Thread(target=send)
        sender.start()
        try:
            yield load
        finally:
            done.set()
            sender.join()
