"""TLS of listeners and callers, written and read."""

from collections.abc import Callable
from typing import cast

from color_mesh.appmesh.fields import Fields
from color_mesh.appmesh.spec import Spec, given
from color_mesh.model import (
    AcmCertificate,
    AcmTrust,
    ClientTls,
    FileCertificate,
    FileTrust,
    ListenerTls,
    SdsCertificate,
    SdsTrust,
    TlsMode,
    TlsValidation,
)
from color_mesh.model.tls import Certificate, ClientCertificate, Trust

_NO_CERTIFICATE = FileCertificate(certificate_chain="", private_key="")


def listener_tls(tls: ListenerTls | None) -> Spec | None:
    """Write how a listener speaks TLS."""
    if tls is None:
        return None
    return given(mode=tls.mode, certificate=_certificate(tls.certificate), validation=_validation(tls.validation))


def read_listener_tls(at: Fields) -> ListenerTls:
    """Read how a listener speaks TLS."""
    return ListenerTls(
        mode=cast(TlsMode, at.text("mode")),
        certificate=at.required("certificate", _read_certificate),
        validation=at.optional("validation", _read_validation),
    )


def client_policy(tls: ClientTls | None) -> Spec | None:
    """Write how a caller speaks TLS to its backends."""
    if tls is None:
        return None
    spec = given(
        enforce=tls.enforce,
        ports=list(tls.ports),
        certificate=None if tls.certificate is None else _certificate(tls.certificate),
        validation=_validation(tls.validation),
    )
    return {"tls": spec}


def read_client_policy(at: Fields) -> ClientTls | None:
    """Read how a caller speaks TLS to its backends; a policy may be empty, and then says nothing."""
    return at.optional("tls", _read_client_tls)


def _read_client_tls(at: Fields) -> ClientTls:
    certificate = at.optional("certificate", _read_certificate)
    return ClientTls(
        enforce=at.flag("enforce", default=True),
        ports=at.integers("ports"),
        # The model says that a client's certificate cannot come from ACM.
        certificate=cast("ClientCertificate | None", certificate),
        validation=at.required("validation", _read_validation),
    )


def _certificate(certificate: Certificate) -> Spec:
    match certificate:
        case AcmCertificate(arn=arn):
            return {"acm": {"certificateArn": arn}}
        case FileCertificate(certificate_chain=chain, private_key=key):
            return {"file": {"certificateChain": chain, "privateKey": key}}
        case SdsCertificate(secret_name=name):
            return {"sds": {"secretName": name}}


def _read_certificate(at: Fields) -> Certificate:
    kinds: dict[str, Callable[[Fields], Certificate]] = {
        "acm": lambda acm: AcmCertificate(arn=acm.text("certificateArn")),
        "file": lambda file: FileCertificate(
            certificate_chain=file.text("certificateChain"), private_key=file.text("privateKey")
        ),
        "sds": lambda sds: SdsCertificate(secret_name=sds.text("secretName")),
    }
    found = at.one_of(kinds)
    if found is None:
        at.report("file", "is missing", "a certificate of a file, ACM or SDS")
    return found or _NO_CERTIFICATE


def _validation(validation: TlsValidation | None) -> Spec | None:
    if validation is None:
        return None
    names = list(validation.subject_alternative_names)
    return given(trust=_trust(validation.trust), subjectAlternativeNames={"match": {"exact": names}} if names else None)


def _read_validation(at: Fields) -> TlsValidation:
    return TlsValidation(
        trust=at.required("trust", _read_trust),
        subject_alternative_names=at.optional("subjectAlternativeNames", _read_names) or (),
    )


def _read_names(at: Fields) -> tuple[str, ...]:
    return at.required("match", lambda match: match.texts("exact"))


def _trust(trust: Trust) -> Spec:
    match trust:
        case AcmTrust(certificate_authority_arns=arns):
            return {"acm": {"certificateAuthorityArns": list(arns)}}
        case FileTrust(certificate_chain=chain):
            return {"file": {"certificateChain": chain}}
        case SdsTrust(secret_name=name):
            return {"sds": {"secretName": name}}


def _read_trust(at: Fields) -> Trust:
    kinds: dict[str, Callable[[Fields], Trust]] = {
        "acm": lambda acm: AcmTrust(certificate_authority_arns=acm.texts("certificateAuthorityArns")),
        "file": lambda file: FileTrust(certificate_chain=file.text("certificateChain")),
        "sds": lambda sds: SdsTrust(secret_name=sds.text("secretName")),
    }
    found = at.one_of(kinds)
    if found is None:
        at.report("file", "is missing", "what is trusted: a file, ACM or SDS")
    return found or FileTrust(certificate_chain="")
