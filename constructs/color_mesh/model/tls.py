"""TLS of listeners and of their callers: certificates and certificate validation."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from color_mesh.model.certificates import Certificate, Trust, check_certificate, check_trust
from color_mesh.model.checks import check_choice, check_flag, check_range, check_text, check_unique
from color_mesh.model.values import normalize

TlsMode = Literal["STRICT", "PERMISSIVE", "DISABLED"]
TLS_MODES: tuple[TlsMode, ...] = get_args(TlsMode)


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
        validation: Validation of client certificates. In mode ``STRICT`` it requires a certificate of every client.
            Default: client certificates are not requested.
    """

    certificate: Certificate
    mode: TlsMode = "STRICT"
    validation: TlsValidation | None = None

    @property
    def accepts_any_name(self) -> bool:
        """Client certificates are validated, and any name in them is accepted."""
        validation = self.validation if self.mode != "DISABLED" else None
        return validation is not None and not validation.subject_alternative_names


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
    certificate: Certificate | None = None

    def __post_init__(self) -> None:
        normalize(self)


def sources(settings: Iterable[ListenerTls | ClientTls | None]) -> Iterator[Certificate | Trust]:
    """Yield the certificates and the trusted authorities of listeners and client policies."""
    for tls in settings:
        if tls is not None:
            if tls.certificate is not None:
                yield tls.certificate
            if tls.validation is not None:
                yield tls.validation.trust


def check_listener_tls(subject: str, tls: ListenerTls | None) -> Iterator[str]:
    """Validate the TLS of a listener (AWS App Mesh API Reference, *ListenerTls*)."""
    if tls is None:
        return
    yield from check_choice(subject, "TLS mode", tls.mode, TLS_MODES)
    yield from check_certificate(subject, tls.certificate)
    if tls.validation is not None:
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
    if tls.certificate is not None:
        yield from check_certificate(subject, tls.certificate)


def _check_validation(subject: str, validation: TlsValidation) -> Iterator[str]:
    yield from check_trust(subject, validation.trust)
    yield from _check_names(subject, validation.subject_alternative_names)


def _check_names(subject: str, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        yield from check_text(subject, "subject alternative name", name, 254, "such as 'red.colors.local'")
    yield from check_unique(subject, "subject alternative name", names)
