"""Stands in for the images of the examples when `color-mesh up` runs them, as their color-mesh.json says.

It answers ``/health`` with ``ok``, and any other path with its name and the answers of the services that it calls. The
arguments are its name, and the address and port to listen on. The variables ``…_URL`` have the addresses of services.
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import urlopen

NAME, (ADDRESS, PORT) = sys.argv[1], sys.argv[2].split(":")
BACKENDS = [value for name, value in sorted(os.environ.items()) if name.endswith("_URL")]


class Handler(BaseHTTPRequestHandler):
    """Handler of requests."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with the name of the service, and what the services that it calls answer."""
        answer = "ok" if self.path == "/health" else self._answer()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer.encode())))
        self.end_headers()
        self.wfile.write(answer.encode())

    def _answer(self) -> str:
        answers = []
        for url in BACKENDS:
            with urlopen(url, timeout=5) as response:
                answers.append(response.read().decode())
        return f"{NAME}({', '.join(answers)})" if answers else NAME


if __name__ == "__main__":
    ThreadingHTTPServer((ADDRESS, int(PORT)), Handler).serve_forever()
