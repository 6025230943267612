"""Certificates, authorities and secrets of a run, whose private keys are in memory only."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from color_mesh.authority import Authority, IssuedCertificate, create_authority
from color_mesh.local.plan.certificates import RunCertificate, RunCertificates
from color_mesh.local.plan.validity import VALID_DAYS
from color_mesh.local.run.aws.api_error import ApiError
from color_mesh.model.checks import check_known
from color_mesh.model.errors import refuse

_AUTHORITY_VALID = timedelta(days=3650)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Version:
    certificate: RunCertificate
    issued: IssuedCertificate
    id: str
    created: int


class CertificateStore:
    """Certificates, authorities and secrets of a run. Each is made when it is first needed.

    Args:
        root: Authority of the run.
        planned: Returns the certificates of the plan.

    Attributes:
        planned: See the argument.
    """

    def __init__(self, root: Authority, planned: Callable[[], RunCertificates]) -> None:
        self._root = root
        self.planned = planned
        self._authorities: dict[str, Authority] = {}
        self._versions: dict[str, _Version] = {}
        self._created = int(time.time())

    def export(self, arn: str, passphrase: bytes) -> dict[str, str]:
        """Return a certificate, its chain, and its private key, encrypted with a passphrase.

        Raises:
            ApiError: With the error that AWS answers.
        """
        certificate = self.planned().certificates.get(arn)
        if certificate is None:
            raise _not_found(arn)
        if not certificate.exportable:
            raise ApiError(400, "ValidationException", f"{arn} is a public certificate without CertificateExport")
        issued = self._version(certificate).issued
        return {
            "Certificate": issued.certificate,
            "CertificateChain": self._issuer(certificate).certificate,
            "PrivateKey": issued.encrypted_key(passphrase),
        }

    def authority_certificate(self, arn: str) -> str:
        """Return the certificate of an authority, in PEM.

        Raises:
            ApiError: With the error that AWS answers.
        """
        planned = self.planned()
        if arn not in planned.authorities:
            raise _not_found(arn)
        if not planned.authorities[arn]:
            raise ApiError(400, "InvalidStateException", f"{arn} has no certificate (activate it)")
        return self._authority(arn).certificate

    def secret(self, identifier: str) -> dict[str, Any]:
        """Return the current version of a secret.

        Raises:
            ApiError: With the error that AWS answers.
        """
        certificate = self.planned().secret(identifier)
        if certificate is None:
            raise ApiError(400, "ResourceNotFoundException", "no Envoy of the templates uses this secret for TLS")
        value = {"ca.crt": self._issuer(certificate).certificate}
        version_id, created = _id_of(certificate.arn), self._created
        if certificate.names:
            version = self._version(certificate)
            value |= {"tls.crt": version.issued.certificate, "tls.key": version.issued.private_key}
            version_id, created = version.id, version.created
        return {
            "ARN": certificate.arn,
            "Name": certificate.name,
            "VersionId": version_id,
            "VersionStages": ["AWSCURRENT"],
            "SecretString": json.dumps(value),
            "CreatedDate": created,
        }

    def renew(self, name: str | None, days: int) -> list[dict[str, str]]:
        """Replace certificates.

        Args:
            name: ARN, name of a secret, or DNS name. ``None``: all certificates.
            days: Days until they expire; 0 for expired ones.

        Returns:
            ARN of each, its names, and the time at which it expires.

        Raises:
            MeshError: If there is no such certificate.
        """
        planned = self.planned()
        certificates = planned.every if name is None else planned.named(name)
        if name is not None and not certificates:
            known = dict.fromkeys(known for each in planned.every for known in (each.name or each.arn, *each.names))
            refuse(check_known("renew", "certificate", name, known))
        return [
            {
                "arn": each.arn,
                "names": ", ".join(each.names),
                "expires": f"{self._issue(each, days).issued.expires:%Y-%m-%dT%H:%M:%SZ}",
            }
            for each in certificates
        ]

    def _version(self, certificate: RunCertificate) -> _Version:
        version = self._versions.get(certificate.arn)
        # New templates may give a certificate other names.
        return version if version and version.certificate == certificate else self._issue(certificate, VALID_DAYS)

    def _issue(self, certificate: RunCertificate, days: int) -> _Version:
        if not certificate.names:
            raise ApiError(400, "RequestInProgressException", f"{certificate.arn} has no name that is a DNS name")
        issued = self._issuer(certificate).issue(*certificate.names, valid=timedelta(days=days))
        version = _Version(certificate=certificate, issued=issued, id=str(uuid.uuid4()), created=int(time.time()))
        self._versions[certificate.arn] = version
        return version

    def _issuer(self, certificate: RunCertificate) -> Authority:
        if certificate.authority is None:
            return self._root
        if not self.planned().authorities.get(certificate.authority, True):
            text = f"authority {certificate.authority} has no certificate, and so issues none (activate it)"
            raise ApiError(400, "RequestInProgressException", text)
        return self._authority(certificate.authority)

    def _authority(self, arn: str) -> Authority:
        if arn not in self.planned().declared_authorities:
            return self._root
        if arn not in self._authorities:
            self._authorities[arn] = create_authority(arn.rpartition("/")[2], _AUTHORITY_VALID)
        return self._authorities[arn]


def _id_of(arn: str) -> str:
    """Return the id of the only version of a secret."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, arn))


def _not_found(arn: str) -> ApiError:
    """Return the error about an ARN that neither a template declares nor an Envoy uses."""
    return ApiError(400, "ResourceNotFoundException", f"no template declares {arn}, and no Envoy uses it")
