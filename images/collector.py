"""A collector in place of AWS Distro for OpenTelemetry: it passes the telemetry of its task on to AWS.

``color-mesh up`` runs it in place of the image, as color-mesh.json says. It reads from the configuration in
``AOT_CONFIG_CONTENT`` which signals to pass on. Segments for AWS X-Ray are spans here: the Envoys of a run send OTLP.
"""

import hashlib
import hmac
import json
import os
import ssl
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import URLError
from urllib.request import Request, urlopen

ADDRESS = ("127.0.0.1", 4318)
# Names of the services in signatures and host names.
SERVICES = {"traces": "xray", "metrics": "monitoring"}
_SIGNALS = tuple(json.loads(os.environ["AOT_CONFIG_CONTENT"])["service"]["pipelines"])
_REGION = os.environ.get("AWS_REGION", "us-east-1")
_CREDENTIALS = f"http://169.254.170.2{os.environ.get('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', '')}"
_TRUST = ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt")
_TIMEOUT_SECONDS = 5


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer an OTLP request when AWS has answered it. Signals without a pipeline are dropped."""
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        signal = self.path.removeprefix("/v1/")
        status = _forward(signal, body) if signal in _SIGNALS else 200
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing, as the collector does."""


def _forward(signal: str, body: bytes) -> int:
    host, path = f"{SERVICES[signal]}.{_REGION}.amazonaws.com", f"/v1/{signal}"
    try:
        with urlopen(_CREDENTIALS, timeout=_TIMEOUT_SECONDS) as response:
            headers = signed(host, path, SERVICES[signal], body, json.load(response))
        request = Request(f"https://{host}{path}", data=body, headers=headers)
        with urlopen(request, timeout=_TIMEOUT_SECONDS, context=_TRUST) as response:
            return int(response.status)
    except (URLError, OSError) as error:
        print(f"{signal}: {error}", flush=True)
        return 503


def signed(host: str, path: str, service: str, body: bytes, credentials: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a signed request (IAM User Guide, *AWS Signature Version 4 for API requests*)."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {"host": host, "x-amz-date": now, "x-amz-security-token": credentials["Token"]}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"POST\n{path}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{now[:8]}/{_REGION}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{credentials['SecretAccessKey']}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    scoped = f"{credentials['AccessKeyId']}/{scope}"
    authorization = f"AWS4-HMAC-SHA256 Credential={scoped}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": authorization, "content-type": "application/x-protobuf"}


if __name__ == "__main__":
    ThreadingHTTPServer(ADDRESS, _Handler).serve_forever()
