"""Digests of images, looked up in a registry that runs on this machine."""

import ast
import json
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar
from urllib.error import HTTPError

import pytest

from images import digests

MANIFEST = b'{"schemaVersion": 2}'
DIGEST = f"sha256:{sha256(MANIFEST).hexdigest()}"


class Registry(BaseHTTPRequestHandler):
    """A registry with one tag, ``example/envoy:v1``, which demands a token as Docker Hub does."""

    published: ClassVar[str] = DIGEST

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/token":
            assert query == "service=registry&scope=repository%3Aexample%2Fenvoy%3Apull"
            self.answer(200, json.dumps({"token": "secret"}).encode())
        elif self.headers["Authorization"] != "Bearer secret":
            scope = 'service="registry",scope="repository:example/envoy:pull"'
            self.answer(401, challenge=f'Bearer realm="http://{self.headers["Host"]}/token",{scope}')
        elif path == "/v2/example/envoy/manifests/v1":
            assert "application/vnd.oci.image.index.v1+json" in self.headers["Accept"]
            self.answer(200, MANIFEST, published=self.published)
        else:
            self.answer(404)

    def answer(self, status: int, body: bytes = b"", *, challenge: str = "", published: str = "") -> None:
        self.send_response(status)
        for name, value in (("WWW-Authenticate", challenge), ("Docker-Content-Digest", published)):
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def host() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_digest_is_that_of_the_manifest_of_the_tag(host: str) -> None:
    assert digests.digest(f"{host}/example/envoy", "v1", "http") == DIGEST


def test_tag_that_the_registry_does_not_have_is_an_error(host: str) -> None:
    with pytest.raises(HTTPError, match="404"):
        digests.digest(f"{host}/example/envoy", "v2", "http")


def test_digest_that_is_not_that_of_the_manifest_is_refused(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Registry, "published", "sha256:" + 64 * "0")
    with pytest.raises(ValueError, match="although its manifest has"):
        digests.digest(f"{host}/example/envoy", "v1", "http")


def test_token_is_requested_over_https_only() -> None:
    with pytest.raises(ValueError, match="an unknown challenge"):
        digests._token('Bearer realm="http://example.com/token"', "https")


def test_images_with_a_tag_get_a_digest_and_keep_their_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "digest", lambda name, tag, scheme: DIGEST)
    old = "sha256:" + 64 * "0"
    text = (
        f'A = {{"a": "envoyproxy/envoy:v1"}}\nB = (\n    "public.ecr.aws/a/b:v2"\n    "@{old}"\n)\nC = "example/app"\n'
        f'D = "envoyproxy/envoy:v2@{old}"\n'
    )
    changed = digests.with_digests(text)
    values = [ast.literal_eval(each.value) for each in ast.parse(changed).body if isinstance(each, ast.Assign)]
    assert values == [
        {"a": f"envoyproxy/envoy:v1@{DIGEST}"},
        f"public.ecr.aws/a/b:v2@{DIGEST}",
        "example/app",
        f"envoyproxy/envoy:v2@{DIGEST}",
    ]
    assert digests.with_digests(changed) == changed


def test_files_stay_as_they_are_without_a_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*arguments: object) -> str:
        raise OSError("no route to host")

    before = [(digests.ROOT / name).read_text() for name in digests.FILES]
    monkeypatch.setattr(digests, "digest", unreachable)
    with pytest.raises(SystemExit, match="digests: not changed, got no route to host"):
        digests.main()
    assert [(digests.ROOT / name).read_text() for name in digests.FILES] == before
