"""Requests that are sent while a mesh changes."""

import http.client
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.loopback_mesh import LoopbackMesh, wait_until


class SequentialRequests:
    """Requests that are sent one after another, each over a new connection, with counts of their results."""

    def __init__(self, mesh: LoopbackMesh, caller: str, service: str, port: int) -> None:
        self.responses: Counter[str] = Counter()
        self.failures: list[object] = []
        self._mesh, self._caller, self._service, self._port = mesh, caller, service, port
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._send)

    @contextmanager
    def sending(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._end.set()
            self._thread.join()

    def wait_for_responses(self, requests: int = 20) -> None:
        """Wait until this many more requests have succeeded."""
        before = self.responses.total()
        wait_until(lambda: self.responses.total() >= before + requests, f"{requests} more requests are answered")

    def _send(self) -> None:
        while not self._end.is_set():
            try:
                response = self._mesh.call(self._caller, self._service, self._port)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(error)
                continue
            if response.status == 200:
                self.responses[response.request["node"]] += 1
            else:
                self.failures.append(response)
