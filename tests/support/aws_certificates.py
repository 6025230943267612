"""A stand-in for the APIs of AWS that have certificates: ACM, AWS Private CA and AWS Secrets Manager."""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from color_mesh.envoy.aws.certificates import CERTIFICATE_APIS
from tests.support.aws_standin import Reply, aws_standin, error

_TARGETS = {
    "CertificateManager.ExportCertificate": "CertificateArn",
    "ACMPrivateCA.GetCertificateAuthorityCertificate": "CertificateAuthorityArn",
    "secretsmanager.GetSecretValue": "SecretId",
}


class Certificates:
    """Certificates, authorities and secrets, and the calls for them.

    Attributes:
        folder: Folder of the certificates: ``name.pem`` and ``name.key``.
        files: Names of the files by ARN. Others do not exist. A secret has the names of a certificate and an authority.
        denied: ARNs for which permissions are missing.
        change: Change of a reply to a request. Default: none.
        calls: Number of calls by ARN.
        passphrases: Passphrases of ExportCertificate.
        requests: Headers of the calls.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, tuple[str, ...]] = {}
        self.denied: set[str] = set()
        self.change: Callable[[str, Reply], Reply] = lambda _, reply: reply
        self.calls: Counter[str] = Counter()
        self.passphrases: list[bytes] = []
        self.requests: list[dict[str, str]] = []

    def answer(self, headers: dict[str, str], body: bytes) -> Reply:
        """Return the reply to a call."""
        asked = json.loads(body)
        arn = asked[_TARGETS[headers["x-amz-target"]]]
        reply = self._reply(arn, asked)
        self.requests.append(headers)
        self.calls[arn] += 1
        return self.change(arn, reply)

    def _reply(self, arn: str, asked: Mapping[str, Any]) -> Reply:
        if arn in self.denied:
            return error(400, "AccessDeniedException", "the role may not do this")
        if arn not in self.files:
            return error(400, "com.amazonaws#ResourceNotFoundException", "no such resource")
        return 200, json.dumps(self._value(self.files[arn], asked)).encode()

    def _value(self, names: tuple[str, ...], asked: Mapping[str, Any]) -> Mapping[str, Any]:
        certificate = self._text(f"{names[0]}.pem")
        if "CertificateAuthorityArn" in asked:
            return {"Certificate": certificate}
        key = self._text(f"{names[0]}.key")
        if "SecretId" in asked:
            value = {"tls.crt": certificate, "tls.key": key, "ca.crt": self._text(f"{names[1]}.pem")}
            return {"SecretString": json.dumps(value), "VersionId": certificate[-60:-40]}
        passphrase = base64.b64decode(asked["Passphrase"])
        self.passphrases.append(passphrase)
        encrypted = load_pem_private_key(key.encode(), None).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(passphrase),
        )
        chain = {"CertificateChain": self._text(f"{names[1]}.pem")} if len(names) > 1 else {}
        return {"Certificate": certificate, "PrivateKey": encrypted.decode(), **chain}

    def _text(self, name: str) -> str:
        return (self.folder / name).read_text()


@contextmanager
def certificates_of_aws(
    folder: Path, address: str
) -> Iterator[tuple[Certificates, Callable[[Any], Any], dict[str, str]]]:
    """Serve the stand-in.

    Yields:
        The stand-in, a change of a bootstrap that leads Envoy to it, and the environment of Envoy.
    """
    standin = Certificates(folder)
    hosts = {api.cluster: api.host for api in CERTIFICATE_APIS}
    with aws_standin(folder, address, hosts, standin.answer) as (lead_here, environment):
        yield standin, lead_here, environment
