"""Certificates and trusted certificate authorities, by where they come from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from color_mesh.model.arns import check_arn
from color_mesh.model.checks import check_text
from color_mesh.model.errors import problem
from color_mesh.model.values import normalize


@dataclass(frozen=True, kw_only=True, slots=True)
class AcmCertificate:
    """A certificate in AWS Certificate Manager.

    Attributes:
        arn: ARN of the certificate.
    """

    arn: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretsManagerCertificate:
    """A certificate in AWS Secrets Manager.

    The secret is JSON with the certificate chain in ``tls.crt`` and the private key in ``tls.key``, both PEM.

    Attributes:
        secret_arn: ARN of the secret. The random characters at its end may be missing.
        encryption_key_arn: ARN of the KMS key of the secret, and not of an alias. Default: the key of AWS,
            ``aws/secretsmanager``.
    """

    secret_arn: str
    encryption_key_arn: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FileCertificate:
    """A certificate in files, which Envoy reads once, when it starts.

    Attributes:
        certificate_chain: Path of the PEM file with the certificate chain.
        private_key: Path of the PEM file with the private key.
    """

    certificate_chain: str
    private_key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SdsCertificate:
    """A certificate from a Secret Discovery Service in the task.

    Attributes:
        secret_name: Name of the secret.
    """

    secret_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AcmTrust:
    """Trusted certificate authorities in AWS Private CA.

    Attributes:
        certificate_authority_arns: ARNs of the certificate authorities, 1 to 3.
    """

    certificate_authority_arns: tuple[str, ...]

    def __post_init__(self) -> None:
        normalize(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretsManagerTrust:
    """Trusted certificate authorities in AWS Secrets Manager.

    The secret is JSON with the certificates of the authorities in ``ca.crt``, in PEM.

    Attributes:
        secret_arn: ARN of the secret. The random characters at its end may be missing.
        encryption_key_arn: ARN of the KMS key of the secret, and not of an alias. Default: the key of AWS,
            ``aws/secretsmanager``.
    """

    secret_arn: str
    encryption_key_arn: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FileTrust:
    """Trusted certificate authorities in a file.

    Attributes:
        certificate_chain: Path of the PEM file with the certificates of the authorities.
    """

    certificate_chain: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SdsTrust:
    """Trusted certificate authorities from a Secret Discovery Service in the task.

    Attributes:
        secret_name: Name of the secret.
    """

    secret_name: str


Certificate: TypeAlias = AcmCertificate | SecretsManagerCertificate | FileCertificate | SdsCertificate
Trust: TypeAlias = AcmTrust | SecretsManagerTrust | FileTrust | SdsTrust


def check_certificate(subject: str, certificate: Certificate) -> Iterator[str]:
    """Validate a certificate."""
    match certificate:
        case AcmCertificate():
            yield from check_arn(subject, "certificate", certificate.arn, service="acm")
        case SecretsManagerCertificate():
            yield from _check_secret(subject, certificate)
        case FileCertificate():
            yield from check_text(subject, "certificate chain", certificate.certificate_chain, 255, "a path")
            yield from check_text(subject, "private key", certificate.private_key, 255, "a path")
        case SdsCertificate():
            yield from check_text(subject, "secret name", certificate.secret_name, 255, "such as 'spiffe://red'")
        case _:
            yield problem(
                subject,
                "unsupported certificate type",
                certificate,
                "an AcmCertificate, a SecretsManagerCertificate, a FileCertificate or an SdsCertificate",
            )


def check_trust(subject: str, trust: Trust) -> Iterator[str]:
    """Validate trusted certificate authorities."""
    match trust:
        case AcmTrust(certificate_authority_arns=arns):
            if not 1 <= len(arns) <= 3:
                yield problem(subject, "wrong number of certificate authorities", len(arns), "1 to 3")
            for arn in arns:
                yield from check_arn(subject, "certificate authority", arn, service="acm-pca")
        case SecretsManagerTrust():
            yield from _check_secret(subject, trust)
        case FileTrust(certificate_chain=path):
            yield from check_text(subject, "trusted certificate chain", path, 255, "a path")
        case SdsTrust(secret_name=name):
            yield from check_text(subject, "trusted secret name", name, 255, "such as 'spiffe://colors'")
        case _:
            fix = "an AcmTrust, a SecretsManagerTrust, a FileTrust or an SdsTrust"
            yield problem(subject, "unsupported trust type", trust, fix)


def _check_secret(subject: str, secret: SecretsManagerCertificate | SecretsManagerTrust) -> Iterator[str]:
    yield from check_arn(subject, "secret", secret.secret_arn, service="secretsmanager")
    if secret.encryption_key_arn is not None:
        yield from check_arn(subject, "encryption key of the secret", secret.encryption_key_arn, service="kms")
