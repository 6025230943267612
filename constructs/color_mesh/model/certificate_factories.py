"""Certificates and trusted certificate authorities from constructs of the CDK, and from files and SDS."""

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from color_mesh.model.certificates import (
    AcmCertificate,
    AcmTrust,
    FileCertificate,
    FileTrust,
    SdsCertificate,
    SdsTrust,
    SecretsManagerCertificate,
    SecretsManagerTrust,
)
from color_mesh.model.errors import problem, refuse

_RANDOM_CHARACTERS = re.compile(r".*-[A-Za-z0-9]{6}")


class _ArnOfCertificate(Protocol):
    """A certificate of the CDK: ``acm.ICertificate``."""

    @property
    def certificate_arn(self) -> str:
        """ARN of the certificate."""


class _ArnOfAuthority(Protocol):
    """A certificate authority of the CDK: ``acmpca.ICertificateAuthority``."""

    @property
    def certificate_authority_arn(self) -> str:
        """ARN of the certificate authority."""


class _ArnOfKey(Protocol):
    """A KMS key of the CDK: ``kms.IKey``."""

    @property
    def key_arn(self) -> str:
        """ARN of the key."""


class _ArnOfSecret(Protocol):
    """A secret of the CDK: ``secretsmanager.ISecret``."""

    @property
    def secret_arn(self) -> str:
        """ARN of the secret."""

    @property
    def secret_full_arn(self) -> str | None:
        """ARN of the secret with the random characters at its end. ``None``: they are unknown."""

    @property
    def encryption_key(self) -> _ArnOfKey | None:
        """KMS key of the secret. ``None``: the key of AWS, or an unknown key."""


def _check_no_text(subject: str, values: Sequence[object], fix: str) -> Iterator[str]:
    """Validate that objects of the CDK are not their ARNs."""
    for value in values:
        if isinstance(value, str):
            yield problem(subject, "is text, and no object of the CDK", value, fix)


def _check_secret(subject: str, secret: _ArnOfSecret, kind: str) -> Iterator[str]:
    """Validate a secret of the CDK."""
    fix = f"secretsmanager.Secret.from_secret_name_v2, or {kind}(secret_arn=...)"
    yield from _check_no_text(subject, [secret], fix)
    if isinstance(secret, str) or secret.secret_full_arn is not None:
        return
    # AWS Secrets Manager User Guide, *What's in a Secrets Manager secret?*: such a name looks like a complete ARN.
    if _RANDOM_CHARACTERS.fullmatch(secret.secret_arn):
        fix = "secretsmanager.Secret.from_secret_complete_arn, or another name"
        yield problem(subject, "name of the secret ends with a hyphen and six characters", secret.secret_arn, fix)


def _key_arn(secret: _ArnOfSecret) -> str | None:
    return None if secret.encryption_key is None else secret.encryption_key.key_arn


class TlsCertificate:
    """Certificates of listeners and of clients, by where they come from."""

    @staticmethod
    def acm(certificate: _ArnOfCertificate) -> AcmCertificate:
        """Return a certificate of AWS Certificate Manager: of AWS Private CA, or an exportable public one."""
        fix = "acm.Certificate.from_certificate_arn, or AcmCertificate(arn=...)"
        refuse(_check_no_text("certificate of ACM", [certificate], fix))
        return AcmCertificate(arn=certificate.certificate_arn)

    @staticmethod
    def secrets_manager(secret: _ArnOfSecret) -> SecretsManagerCertificate:
        """Return a certificate in AWS Secrets Manager; see `SecretsManagerCertificate`."""
        refuse(_check_secret("certificate in Secrets Manager", secret, "SecretsManagerCertificate"))
        return SecretsManagerCertificate(secret_arn=secret.secret_arn, encryption_key_arn=_key_arn(secret))

    @staticmethod
    def file(certificate_chain: str, private_key: str) -> FileCertificate:
        """Return a certificate in files; see `FileCertificate`."""
        return FileCertificate(certificate_chain=certificate_chain, private_key=private_key)

    @staticmethod
    def sds(secret_name: str) -> SdsCertificate:
        """Return a certificate from a Secret Discovery Service in the task."""
        return SdsCertificate(secret_name=secret_name)


class TlsTrust:
    """Trusted certificate authorities, by where their certificates come from."""

    @staticmethod
    def acm(certificate_authorities: Sequence[_ArnOfAuthority]) -> AcmTrust:
        """Return certificate authorities of AWS Private CA."""
        fix = "a list with acmpca.CertificateAuthority.from_certificate_authority_arn, or AcmTrust(...)"
        text = [certificate_authorities] if isinstance(certificate_authorities, str) else certificate_authorities
        refuse(_check_no_text("trust in ACM", text, fix))
        return AcmTrust(
            certificate_authority_arns=tuple(each.certificate_authority_arn for each in certificate_authorities)
        )

    @staticmethod
    def secrets_manager(secret: _ArnOfSecret) -> SecretsManagerTrust:
        """Return the certificate authorities in a secret of AWS Secrets Manager; see `SecretsManagerTrust`."""
        refuse(_check_secret("trust in Secrets Manager", secret, "SecretsManagerTrust"))
        return SecretsManagerTrust(secret_arn=secret.secret_arn, encryption_key_arn=_key_arn(secret))

    @staticmethod
    def file(certificate_chain: str) -> FileTrust:
        """Return the certificate authorities in a file; see `FileTrust`."""
        return FileTrust(certificate_chain=certificate_chain)

    @staticmethod
    def sds(secret_name: str) -> SdsTrust:
        """Return the certificate authorities of a Secret Discovery Service in the task."""
        return SdsTrust(secret_name=secret_name)
