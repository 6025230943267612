"""TLS of listeners and of their callers: certificates and certificate validation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, get_args

from color_mesh.model.checks import check_arn, check_choice, check_flag, check_range, check_text, check_unique
from color_mesh.model.errors import problem, refuse
from color_mesh.model.values import normalize

TlsMode = Literal["STRICT", "PERMISSIVE", "DISABLED"]
TLS_MODES: tuple[TlsMode, ...] = get_args(TlsMode)


@dataclass(frozen=True, kw_only=True, slots=True)
class AcmCertificate:
    """A certificate in AWS Certificate Manager.

    Attributes:
        arn: ARN of the certificate.
    """

    arn: str


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


def _check_no_text(subject: str, values: Sequence[object], fix: str) -> Iterator[str]:
    """Validate that objects of the CDK are not their ARNs."""
    for value in values:
        if isinstance(value, str):
            yield problem(subject, "is text, and no object of the CDK", value, fix)


class TlsCertificate:
    """Certificates of listeners and of clients, by where they come from."""

    @staticmethod
    def acm(certificate: _ArnOfCertificate) -> AcmCertificate:
        """Return a certificate of AWS Certificate Manager, imported with its ARN as a literal."""
        fix = "acm.Certificate.from_certificate_arn, or AcmCertificate(arn=...)"
        refuse(_check_no_text("certificate of ACM", [certificate], fix))
        return AcmCertificate(arn=certificate.certificate_arn)

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
        """Return certificate authorities of AWS Private CA, imported with their ARNs as literals."""
        fix = "a list with acmpca.CertificateAuthority.from_certificate_authority_arn, or AcmTrust(...)"
        text = [certificate_authorities] if isinstance(certificate_authorities, str) else certificate_authorities
        refuse(_check_no_text("trust in ACM", text, fix))
        return AcmTrust(
            certificate_authority_arns=tuple(each.certificate_authority_arn for each in certificate_authorities)
        )

    @staticmethod
    def file(certificate_chain: str) -> FileTrust:
        """Return the certificate authorities in a file; see `FileTrust`."""
        return FileTrust(certificate_chain=certificate_chain)

    @staticmethod
    def sds(secret_name: str) -> SdsTrust:
        """Return the certificate authorities of a Secret Discovery Service in the task."""
        return SdsTrust(secret_name=secret_name)


Certificate: TypeAlias = AcmCertificate | FileCertificate | SdsCertificate
ClientCertificate: TypeAlias = FileCertificate | SdsCertificate
Trust: TypeAlias = AcmTrust | FileTrust | SdsTrust


@dataclass(frozen=True, kw_only=True, slots=True)
class TlsValidation:
    """The validation of the peer's certificate.

    Attributes:
        trust: Trusted certificate authorities.
        subject_alternative_names: Accepted subject alternative names (SANs). Default: callers accept the DNS name of
            the node's service discovery, listeners accept any name.
    """

    trust: Trust
    subject_alternative_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        normalize(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListenerTls:
    """The TLS of a listener (AWS App Mesh User Guide, *Transport Layer Security*).

    Attributes:
        certificate: Server certificate.
        mode: TLS mode. ``STRICT``: TLS only. ``PERMISSIVE``: TLS and plaintext. ``DISABLED``: plaintext only.
        validation: Validation of client certificates, with trust in a file or an SDS secret. In mode ``STRICT`` it
            requires a certificate of every client. Default: client certificates are not requested.
    """

    certificate: Certificate
    mode: TlsMode = "STRICT"
    validation: TlsValidation | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientTls:
    """A client policy: the TLS of a caller's connections to its backends.

    Attributes:
        validation: Validation of the backend's certificate.
        enforce: ``True``: connections without TLS fail. ``False``: TLS only to the listeners that have it.
        ports: Ports of the backends' listeners to which the policy applies. Default: all ports.
        certificate: Client certificate, for listeners that request one. Default: no client certificate.
    """

    validation: TlsValidation
    enforce: bool = True
    ports: tuple[int, ...] = ()
    certificate: ClientCertificate | None = None

    def __post_init__(self) -> None:
        normalize(self)


def check_listener_tls(subject: str, tls: ListenerTls | None) -> Iterator[str]:
    """Validate the TLS of a listener (AWS App Mesh API Reference, *ListenerTls*)."""
    if tls is None:
        return
    yield from check_choice(subject, "TLS mode", tls.mode, TLS_MODES)
    yield from _check_certificate(subject, tls.certificate)
    if tls.validation is not None:
        if isinstance(tls.validation.trust, AcmTrust):
            got = tls.validation.trust.certificate_authority_arns
            yield problem(subject, "a listener does not support trust in ACM", got, "trust a file or an SDS secret")
        yield from _check_validation(subject, tls.validation)


def check_client_tls(subject: str, tls: ClientTls | None) -> Iterator[str]:
    """Validate a client policy (AWS App Mesh API Reference, *ClientPolicyTls*)."""
    if tls is None:
        return
    yield from check_flag(subject, "enforce", tls.enforce)
    yield from _check_validation(subject, tls.validation)
    for port in tls.ports:
        yield from check_range(subject, "client policy port", port, 1, 65535)
    yield from check_unique(subject, "client policy port", map(str, tls.ports))
    if isinstance(tls.certificate, AcmCertificate):
        yield problem(subject, "a client certificate cannot come from ACM", tls.certificate.arn, "a file or SDS")
    elif tls.certificate is not None:
        yield from _check_certificate(subject, tls.certificate)


def _check_certificate(subject: str, certificate: Certificate) -> Iterator[str]:
    match certificate:
        case AcmCertificate():
            yield from check_arn(subject, "certificate", certificate.arn)
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
                "a FileCertificate, an SdsCertificate or an AcmCertificate",
            )


def _check_validation(subject: str, validation: TlsValidation) -> Iterator[str]:
    match validation.trust:
        case AcmTrust(certificate_authority_arns=arns):
            if not 1 <= len(arns) <= 3:
                yield problem(subject, "wrong number of certificate authorities", len(arns), "1 to 3")
            for arn in arns:
                yield from check_arn(subject, "certificate authority", arn)
        case FileTrust(certificate_chain=path):
            yield from check_text(subject, "trusted certificate chain", path, 255, "a path")
        case SdsTrust(secret_name=name):
            yield from check_text(subject, "trusted secret name", name, 255, "such as 'spiffe://colors'")
        case _:
            yield problem(
                subject, "unsupported trust type", validation.trust, "a FileTrust, an SdsTrust or an AcmTrust"
            )
    yield from _check_names(subject, validation.subject_alternative_names)


def _check_names(subject: str, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        yield from check_text(subject, "subject alternative name", name, 254, "such as 'red.colors.local'")
    yield from check_unique(subject, "subject alternative name", names)
