"""Who proves what to whom on a connection: certificates, and what they are checked against."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from color_mesh.model.checks import check_choice, check_flag, check_range, check_text, check_unique
from color_mesh.model.errors import problem

TlsMode = Literal["STRICT", "PERMISSIVE", "DISABLED"]
TLS_MODES: tuple[TlsMode, ...] = get_args(TlsMode)


@dataclass(frozen=True, kw_only=True, slots=True)
class AcmCertificate:
    """Define a certificate that AWS Certificate Manager keeps, by its ARN."""

    arn: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FileCertificate:
    """Define a certificate in files that Envoy reads once, when it starts.

    Attributes:
        certificate_chain: The path of the PEM file with the certificate and those that signed it.
        private_key: The path of the PEM file with its key.
    """

    certificate_chain: str
    private_key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SdsCertificate:
    """Define a certificate that a Secret Discovery Service beside Envoy hands out, by its secret's name."""

    secret_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AcmTrust:
    """Define what is trusted: 1 to 3 certificate authorities of AWS Private CA, by their ARNs."""

    certificate_authority_arns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FileTrust:
    """Define what is trusted: the certificate authorities in a PEM file, by its path."""

    certificate_chain: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SdsTrust:
    """Define what is trusted: what a Secret Discovery Service beside Envoy hands out, by its secret's name."""

    secret_name: str


Certificate: TypeAlias = AcmCertificate | FileCertificate | SdsCertificate
ClientCertificate: TypeAlias = FileCertificate | SdsCertificate
Trust: TypeAlias = AcmTrust | FileTrust | SdsTrust


@dataclass(frozen=True, kw_only=True, slots=True)
class TlsValidation:
    """Define how the other side's certificate is checked.

    Attributes:
        trust: Who must have signed it.
        subject_alternative_names: Names of which it must have one. Without any, a client expects the DNS name by which
            the node is found, and a listener takes any name.
    """

    trust: Trust
    subject_alternative_names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ListenerTls:
    """Define how a listener speaks TLS (AWS App Mesh User Guide, *Transport Layer Security*).

    Attributes:
        certificate: What it shows to clients.
        mode: ``STRICT`` (the default): TLS only. ``PERMISSIVE``: TLS and plaintext. ``DISABLED``: plaintext only.
        validation: How client certificates are checked; with ``STRICT`` every client must have one. Without it
            clients are asked for none. Its trust is a file or an SDS secret.
    """

    certificate: Certificate
    mode: TlsMode = "STRICT"
    validation: TlsValidation | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientTls:
    """Define how a caller speaks TLS to its backends. Without one, a caller speaks TLS to nodes that do.

    Attributes:
        validation: How the node's certificate is checked.
        enforce: ``True`` (the default): speak TLS, or fail. ``False``: speak TLS to nodes that do.
        ports: The nodes' ports that this is for; without any, all.
        certificate: What it shows to nodes that ask for a certificate.
    """

    validation: TlsValidation
    enforce: bool = True
    ports: tuple[int, ...] = ()
    certificate: ClientCertificate | None = None


def check_listener_tls(subject: str, tls: ListenerTls | None) -> Iterator[str]:
    """Find what App Mesh refuses of a listener's TLS (AWS App Mesh API Reference, *ListenerTls*)."""
    if tls is None:
        return
    yield from check_choice(subject, "TLS mode", tls.mode, TLS_MODES)
    yield from _check_certificate(subject, tls.certificate)
    if tls.validation is not None:
        if isinstance(tls.validation.trust, AcmTrust):
            got = tls.validation.trust.certificate_authority_arns
            yield problem(subject, "a listener cannot trust ACM", got, "trust a file or an SDS secret")
        yield from _check_validation(subject, tls.validation)


def check_client_tls(subject: str, tls: ClientTls | None) -> Iterator[str]:
    """Find what App Mesh refuses of a client policy (AWS App Mesh API Reference, *ClientPolicyTls*)."""
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
            yield from _check_arn(subject, "certificate", certificate.arn)
        case FileCertificate():
            yield from check_text(subject, "certificate chain", certificate.certificate_chain, 255, "a path")
            yield from check_text(subject, "private key", certificate.private_key, 255, "a path")
        case SdsCertificate():
            yield from check_text(subject, "secret name", certificate.secret_name, 255, "such as 'spiffe://red'")
        case _:
            yield problem(subject, "certificate is of no kind", certificate, "a FileCertificate or another kind")


def _check_validation(subject: str, validation: TlsValidation) -> Iterator[str]:
    match validation.trust:
        case AcmTrust(certificate_authority_arns=arns):
            if not 1 <= len(arns) <= 3:
                yield problem(subject, "wrong number of certificate authorities", len(arns), "1 to 3")
            for arn in arns:
                yield from _check_arn(subject, "certificate authority", arn)
        case FileTrust(certificate_chain=path):
            yield from check_text(subject, "trusted certificate chain", path, 255, "a path")
        case SdsTrust(secret_name=name):
            yield from check_text(subject, "trusted secret name", name, 255, "such as 'spiffe://colors'")
        case _:
            yield problem(subject, "trust is of no kind", validation.trust, "a FileTrust or another kind")
    yield from _check_names(subject, validation.subject_alternative_names)


def _check_names(subject: str, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        yield from check_text(subject, "subject alternative name", name, 254, "such as 'red.colors.local'")
    yield from check_unique(subject, "subject alternative name", names)


def _check_arn(subject: str, what: str, arn: object) -> Iterator[str]:
    if not (isinstance(arn, str) and arn.startswith("arn:")):
        yield problem(subject, f"{what} is no ARN", arn, "such as 'arn:aws:acm:…'")
