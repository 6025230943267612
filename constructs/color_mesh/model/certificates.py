"""Certificates and trusted certificate authorities, by where they come from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from color_mesh.model.checks import check_arn, check_text
from color_mesh.model.errors import problem, refuse
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
        encryption_key_arn: ARN of the KMS key of the secret. Default: the key of AWS, ``aws/secretsmanager``.
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
        encryption_key_arn: ARN of the KMS key of the secret. Default: the key of AWS, ``aws/secretsmanager``.
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
    def encryption_key(self) -> _ArnOfKey | None:
        """KMS key of the secret. ``None``: the key of AWS, or an unknown key."""


def _check_no_text(subject: str, values: Sequence[object], fix: str) -> Iterator[str]:
    """Validate that objects of the CDK are not their ARNs."""
    for value in values:
        if isinstance(value, str):
            yield problem(subject, "is text, and no object of the CDK", value, fix)


_SECRET = "secretsmanager.Secret.from_secret_name_v2, or {}(secret_arn=...)"


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
        refuse(_check_no_text("certificate in Secrets Manager", [secret], _SECRET.format("SecretsManagerCertificate")))
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
        refuse(_check_no_text("trust in Secrets Manager", [secret], _SECRET.format("SecretsManagerTrust")))
        return SecretsManagerTrust(secret_arn=secret.secret_arn, encryption_key_arn=_key_arn(secret))

    @staticmethod
    def file(certificate_chain: str) -> FileTrust:
        """Return the certificate authorities in a file; see `FileTrust`."""
        return FileTrust(certificate_chain=certificate_chain)

    @staticmethod
    def sds(secret_name: str) -> SdsTrust:
        """Return the certificate authorities of a Secret Discovery Service in the task."""
        return SdsTrust(secret_name=secret_name)


Certificate: TypeAlias = AcmCertificate | SecretsManagerCertificate | FileCertificate | SdsCertificate
Trust: TypeAlias = AcmTrust | SecretsManagerTrust | FileTrust | SdsTrust


def check_certificate(subject: str, certificate: Certificate) -> Iterator[str]:
    """Validate a certificate."""
    match certificate:
        case AcmCertificate():
            yield from check_arn(subject, "certificate", certificate.arn)
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
                yield from check_arn(subject, "certificate authority", arn)
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
