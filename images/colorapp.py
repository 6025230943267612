"""A server that answers as the image forsakenidol/colorapp does: ``/`` with the color, ``/healthcheck`` with ``hi``.

``color-mesh up`` runs it in place of the tutorial's images, as color-mesh.json says. The first argument is the address
to listen on, such as ``127.0.0.1:80``. The command of the container follows it and is ignored.
"""

import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import FrameType

ANSWERS = {"/": os.environ.get("COLOR", ""), "/healthcheck": "hi"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer a request for one of the two paths, and any other with 404."""
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
    # The process answers requests in progress before it exits.
    daemon_threads = False
    block_on_close = True
    request_queue_size = 1024

    def server_bind(self) -> None:
        """Bind without the reverse DNS lookup of ``http.server``."""
        TCPServer.server_bind(self)


def main() -> None:
    """Serve until SIGTERM."""
    address, _, port = sys.argv[1].rpartition(":")
    server = _Server((address, int(port)), _Handler)

    def stop(_number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown).start()
        # Idle keep-alive connections would keep the process running. Envoy opens new ones to other tasks.
        threading.Timer(1, os._exit, (0,)).start()

    signal.signal(signal.SIGTERM, stop)
    print(f"listening on port {port} of {address}, color {ANSWERS['/']!r}", flush=True)
    server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()
