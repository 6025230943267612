"""A server that answers like the image forsakenidol/colorapp: ``/`` with the color, ``/healthcheck`` with ``hi``.

Given a command with a configuration of nginx that does the same, it listens where that says.
"""

import os
import re
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import FrameType

LISTEN = re.compile(r"listen ([0-9.]+):([0-9]+);")
PORT = 80
ANSWERS = {"/": os.environ.get("COLOR", ""), "/healthcheck": "hi"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer a request for one of the two paths; there are no others."""
        answer = ANSWERS.get(self.path.split("?")[0])
        body = b"404 page not found\n" if answer is None else answer.encode()
        self.send_response(404 if answer is None else 200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET


class _Server(ThreadingHTTPServer):
    # Requests that have begun are answered before the process ends.
    daemon_threads = False
    block_on_close = True
    request_queue_size = 1024

    def server_bind(self) -> None:
        """Bind without asking DNS for the machine's name, as ``http.server`` would."""
        TCPServer.server_bind(self)


def main() -> None:
    """Serve until SIGTERM."""
    configured = LISTEN.search(" ".join(sys.argv[1:]))
    address, port = (configured[1], int(configured[2])) if configured else ("", PORT)
    server = _Server((address, port), _Handler)

    def stop(_number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown).start()
        # Connections that are kept alive would hold the process; Envoy opens others elsewhere.
        threading.Timer(1, os._exit, (0,)).start()

    signal.signal(signal.SIGTERM, stop)
    print(f"listening on port {port}, color {ANSWERS['/']!r}", flush=True)
    server.serve_forever(poll_interval=0.05)
    sys.exit(0)


if __name__ == "__main__":
    main()
