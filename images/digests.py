"""Name the default images by digest: look up the digests of their tags and write them into the code.

Run by ``make digests``. A name with a tag and a digest, ``name:tag@sha256:…``, is pulled by the digest.
"""

import json
import re
import sys
from collections.abc import Mapping
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[1]
# Files with names of default images, as literals of their own.
FILES = ("constructs/color_mesh/model/deployment.py", "constructs/color_mesh/cdk/color.py")
# App Mesh's image is named as in the tutorial. AWS publishes no new ones.
_KEPT = "public.ecr.aws/appmesh/"
# A name that fits its line has the digest in the same literal: the formatter joins them.
_IMAGE = re.compile(r'"((?:[a-z0-9.-]+/)+[a-z0-9.-]+):([\w.-]+)((?:"\s*")?@sha256:[0-9a-f]{64})?"')
_DOCKER_HUB = "registry-1.docker.io"
# An index has the images of all CPU architectures.
_MANIFESTS = ", ".join(
    f"application/vnd.{each}+json"
    for each in (
        "oci.image.index.v1",
        "docker.distribution.manifest.list.v2",
        "oci.image.manifest.v1",
        "docker.distribution.manifest.v2",
    )
)
_MAX_BYTES = 4_000_000  # OCI Distribution Specification, Pushing Manifests: the limit that registries should have.
_TIMEOUT_SECONDS = 30


def main() -> None:
    """Rewrite the files, all or none of them."""
    texts = {path: path.read_text() for path in (ROOT / name for name in FILES)}
    try:
        changed = {path: with_digests(text) for path, text in texts.items()}
    except (OSError, HTTPException, ValueError) as error:
        sys.exit(f"digests: not changed, got {error} (is the registry reachable?)")
    for path, text in changed.items():
        path.write_text(text)


def with_digests(text: str, scheme: str = "https") -> str:
    """Return Python code in which every image with a tag has the digest that its registry has for the tag.

    The digest is a literal of its own, on the line after the name.

    Raises:
        OSError: If a registry cannot be reached or does not have an image.
        ValueError: If the response of a registry is not valid.
    """

    def named(match: re.Match[str]) -> str:
        name, tag, old = match.groups()
        if name.startswith(_KEPT):
            return match[0]
        lines = f'"{name}:{tag}"\n    "@{digest(name, tag, scheme)}"'
        # Literals of their own stand in parentheses already.
        return lines if old and old.startswith('"') else f"({lines})"

    return _IMAGE.sub(named, text)


def digest(name: str, tag: str, scheme: str = "https") -> str:
    """Look up the digest of a tag in the registry of its image (OCI Distribution Specification, *Pulling manifests*).

    Args:
        name: Name of the image, with the host of its registry unless that is Docker Hub.
        tag: Tag of the image.
        scheme: Scheme of the registry's URL.
    """
    host, _, repository = name.partition("/")
    if "." not in host:
        host, repository = _DOCKER_HUB, name
    url = f"{scheme}://{host}/v2/{repository}/manifests/{tag}"
    try:
        manifest, published = _get(url, {"Accept": _MANIFESTS})
    except HTTPError as error:
        if error.code != 401:
            raise
        token = _token(error.headers.get("WWW-Authenticate", ""), scheme)
        manifest, published = _get(url, {"Accept": _MANIFESTS, "Authorization": f"Bearer {token}"})
    computed = f"sha256:{sha256(manifest).hexdigest()}"
    if published not in (None, computed):
        raise ValueError(f"{name}:{tag} with digest {published}, although its manifest has {computed}")
    return computed


def _token(challenge: str, scheme: str) -> str:
    """Request a token for anonymous pulls, as the registry's challenge says."""
    parameters = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    realm = parameters.pop("realm", "")
    if not challenge.startswith("Bearer ") or not realm.startswith(f"{scheme}://"):
        raise ValueError(f"an unknown challenge {challenge!r}")
    response, _ = _get(f"{realm}?{urlencode(parameters)}", {})
    return str(json.loads(response)["token"])


def _get(url: str, headers: Mapping[str, str]) -> tuple[bytes, str | None]:
    with urlopen(Request(url, headers=dict(headers)), timeout=_TIMEOUT_SECONDS) as response:
        body: bytes = response.read(_MAX_BYTES)
        return body, response.headers.get("Docker-Content-Digest")


if __name__ == "__main__":
    main()
