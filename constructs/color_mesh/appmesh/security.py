"""TLS of listeners and client policies of callers: rendered and read."""

from collections.abc import Callable, Iterator
from typing import cast

from color_mesh.appmesh.fields import Fields
from color_mesh.appmesh.spec import Spec, compact
from color_mesh.model import (
    AcmCertificate,
    AcmTrust,
    ClientTls,
    FileCertificate,
    FileTrust,
    ListenerTls,
    SdsCertificate,
    SdsTrust,
    SecretsManagerCertificate,
    SecretsManagerTrust,
    TlsMode,
    TlsValidation,
    VirtualGateway,
    VirtualNode,
)
from color_mesh.model.certificates import Certificate, Trust
from color_mesh.model.errors import problem

_ENVOY = "a file or an SDS secret, or use data_plane='envoy'"
_NO_CERTIFICATE = FileCertificate(certificate_chain="", private_key="")


def unsupported_tls(part: VirtualNode | VirtualGateway) -> Iterator[str]:
    """Validate that App Mesh supports the TLS of a node or gateway.

    AWS App Mesh API Reference, *ListenerTlsValidationContextTrust* and *ClientTlsCertificate*: only callers trust
    authorities of AWS Private CA, and only listeners have certificates of ACM.
    """
    subject = f"virtual {'node' if isinstance(part, VirtualNode) else 'gateway'} {part.name!r}"
    for listener in part.listeners:
        if listener.tls is not None:
            yield from _unsupported_listener_tls(f"{subject} listener {listener.port}", listener.tls)
    yield from _unsupported_client_tls(subject, part.client_tls)
    for backend in part.backends if isinstance(part, VirtualNode) else ():
        yield from _unsupported_client_tls(f"{subject} backend {backend.virtual_service!r}", backend.client_tls)


def _unsupported_client_tls(subject: str, tls: ClientTls | None) -> Iterator[str]:
    if tls is None:
        return
    if isinstance(tls.certificate, AcmCertificate):
        yield problem(subject, "App Mesh does not support client certificates in ACM", tls.certificate.arn, _ENVOY)
    yield from _unsupported_secrets(subject, tls.certificate, tls.validation)


def _unsupported_listener_tls(subject: str, tls: ListenerTls) -> Iterator[str]:
    if tls.validation is not None and isinstance(tls.validation.trust, AcmTrust):
        got = tls.validation.trust.certificate_authority_arns
        yield problem(subject, "App Mesh does not support trust in ACM at listeners", got, _ENVOY)
    yield from _unsupported_secrets(subject, tls.certificate, tls.validation)


def _unsupported_secrets(
    subject: str, certificate: Certificate | None, validation: TlsValidation | None
) -> Iterator[str]:
    if isinstance(certificate, SecretsManagerCertificate):
        wrong = "App Mesh does not support certificates in Secrets Manager"
        yield problem(subject, wrong, certificate.secret_arn, _ENVOY)
    if validation is not None and isinstance(validation.trust, SecretsManagerTrust):
        wrong = "App Mesh does not support trust in Secrets Manager"
        yield problem(subject, wrong, validation.trust.secret_arn, _ENVOY)


def listener_tls(tls: ListenerTls | None) -> Spec | None:
    """Render the TLS of a listener."""
    if tls is None:
        return None
    return compact(mode=tls.mode, certificate=_certificate(tls.certificate), validation=_validation(tls.validation))


def read_listener_tls(fields: Fields) -> ListenerTls:
    """Read the TLS of a listener."""
    return ListenerTls(
        mode=cast(TlsMode, fields.text("mode")),
        certificate=fields.required("certificate", _read_certificate),
        validation=fields.optional("validation", _read_validation),
    )


def client_policy(tls: ClientTls | None) -> Spec | None:
    """Render a client policy."""
    if tls is None:
        return None
    spec = compact(
        enforce=tls.enforce,
        ports=list(tls.ports),
        certificate=None if tls.certificate is None else _certificate(tls.certificate),
        validation=_validation(tls.validation),
    )
    return {"tls": spec}


def read_client_policy(fields: Fields) -> ClientTls | None:
    """Read a client policy; ``None`` for an empty policy."""
    return fields.optional("tls", _read_client_tls)


def _read_client_tls(fields: Fields) -> ClientTls:
    return ClientTls(
        enforce=fields.flag("enforce", default=True),
        ports=fields.integers("ports"),
        certificate=fields.optional("certificate", _read_certificate),
        validation=fields.required("validation", _read_validation),
    )


def _certificate(certificate: Certificate) -> Spec:
    match certificate:
        case AcmCertificate(arn=arn):
            return {"acm": {"certificateArn": arn}}
        case FileCertificate(certificate_chain=chain, private_key=key):
            return {"file": {"certificateChain": chain, "privateKey": key}}
        case SdsCertificate(secret_name=name):
            return {"sds": {"secretName": name}}
    raise AssertionError(certificate)  # See `unsupported_tls`.


def _read_certificate(fields: Fields) -> Certificate:
    kinds: dict[str, Callable[[Fields], Certificate]] = {
        "acm": lambda acm: AcmCertificate(arn=acm.text("certificateArn")),
        "file": lambda file: FileCertificate(
            certificate_chain=file.text("certificateChain"), private_key=file.text("privateKey")
        ),
        "sds": lambda sds: SdsCertificate(secret_name=sds.text("secretName")),
    }
    certificate = fields.one_of(kinds)
    if certificate is None:
        fields.report("file", "is missing", "a certificate in a file, ACM or SDS")
    return certificate or _NO_CERTIFICATE


def _validation(validation: TlsValidation | None) -> Spec | None:
    if validation is None:
        return None
    names = list(validation.subject_alternative_names)
    return compact(
        trust=_trust(validation.trust), subjectAlternativeNames={"match": {"exact": names}} if names else None
    )


def _read_validation(fields: Fields) -> TlsValidation:
    return TlsValidation(
        trust=fields.required("trust", _read_trust),
        subject_alternative_names=fields.optional("subjectAlternativeNames", _read_names) or (),
    )


def _read_names(fields: Fields) -> tuple[str, ...]:
    return fields.required("match", lambda match: match.texts("exact"))


def _trust(trust: Trust) -> Spec:
    match trust:
        case AcmTrust(certificate_authority_arns=arns):
            return {"acm": {"certificateAuthorityArns": list(arns)}}
        case FileTrust(certificate_chain=chain):
            return {"file": {"certificateChain": chain}}
        case SdsTrust(secret_name=name):
            return {"sds": {"secretName": name}}
    raise AssertionError(trust)  # See `unsupported_tls`.


def _read_trust(fields: Fields) -> Trust:
    kinds: dict[str, Callable[[Fields], Trust]] = {
        "acm": lambda acm: AcmTrust(certificate_authority_arns=acm.texts("certificateAuthorityArns")),
        "file": lambda file: FileTrust(certificate_chain=file.text("certificateChain")),
        "sds": lambda sds: SdsTrust(secret_name=sds.text("secretName")),
    }
    trust = fields.one_of(kinds)
    if trust is None:
        fields.report("file", "is missing", "trust in a file, ACM or SDS")
    return trust or FileTrust(certificate_chain="")
