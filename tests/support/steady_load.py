"""Requests at a steady rate, each over a connection of its own, as many clients of a gateway send them."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from tests.support.local_mesh import LocalMesh

# Several requests meet each fault, and most of the machine is left to the tests that run beside.
PER_SECOND = 40


@dataclass
class LoadReport:
    """Numbers of requests and their results.

    Attributes:
        sent: Number of requests that were sent.
        results: Number of requests by result; see `get_url`.
        slowest_seconds: Duration of the slowest request.
    """

    sent: int = 0
    results: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0

    @property
    def answered(self) -> int:
        return self.results.total() - self.failed

    @property
    def failures(self) -> Counter[str]:
        return Counter({result: count for result, count in self.results.items() if not result.startswith("200 ")})

    @property
    def failed(self) -> int:
        return self.failures.total()

    def summary(self, title: str) -> str:
        """Render the counts as one line."""
        counts = f"{self.sent:6} sent  {self.answered:6} answered  {self.failed:4} failed"
        return f"{title:22}{counts}  slowest {self.slowest_seconds:.2f} s  {dict(self.failures) or ''}"


def get_url(url: str) -> str:
    """Send one GET request; return the status and the first bytes of the body, or the error."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=20)
    try:
        connection.request("GET", parts.path)
        response = connection.getresponse()
        return f"{response.status} {response.read(200).decode(errors='replace')}"
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()


@contextmanager
def steady_load(*urls: str) -> Iterator[LoadReport]:
    """Request the URLs in turn while the block runs; after it, every request has a result."""
    report = LoadReport()
    lock, stop = threading.Lock(), threading.Event()

    def request(url: str) -> None:
        start = time.monotonic()
        result = get_url(url)
        with lock:
            report.results[result] += 1
            report.slowest_seconds = max(report.slowest_seconds, time.monotonic() - start)

    def send() -> None:
        start = time.monotonic()
        while not stop.is_set():
            pool.submit(request, urls[report.sent % len(urls)])
            report.sent += 1
            # Each request has its own point in time, so slow responses do not lower the rate.
            time.sleep(max(0.0, start + report.sent / PER_SECOND - time.monotonic()))

    with ThreadPoolExecutor(32) as pool:
        sender = threading.Thread(target=send)
        sender.start()
        try:
            yield report
        finally:
            stop.set()
            sender.join()


@contextmanager
def under_load(
    mesh: LocalMesh, title: str, capsys: pytest.CaptureFixture[str], paths: tuple[str, ...] = ("/", "/router")
) -> Iterator[LoadReport]:
    """Request paths of the gateway before, during and after what the block does; print the counts of requests."""
    with steady_load(*(f"{mesh.url}{path}" for path in paths)) as load:
        _wait_for_answers(mesh, load)
        yield load
        _wait_for_answers(mesh, load)
    with capsys.disabled():
        print(f"\n{load.summary(title)}")


def _wait_for_answers(mesh: LocalMesh, load: LoadReport) -> None:
    before = load.answered
    mesh.wait_until(lambda: load.answered > before + PER_SECOND // 2, "requests are answered")
