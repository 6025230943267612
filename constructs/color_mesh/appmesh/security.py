"""TLS of listeners and client policies of callers: rendered and read."""

from collections.abc import Callable
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
    TlsMode,
    TlsValidation,
)
from color_mesh.model.tls import Certificate, ClientCertificate, Trust

_NO_CERTIFICATE = FileCertificate(certificate_chain="", private_key="")


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
    certificate = fields.optional("certificate", _read_certificate)
    return ClientTls(
        enforce=fields.flag("enforce", default=True),
        ports=fields.integers("ports"),
        # The model rejects a client certificate from ACM.
        certificate=cast("ClientCertificate | None", certificate),
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
