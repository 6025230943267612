"""TLS contexts of listeners and clusters."""

from color_mesh.envoy.aws.certificates import aws_secret
from color_mesh.envoy.placement import Placement
from color_mesh.envoy.typed import DOWNSTREAM_TLS, UPSTREAM_TLS, Json, extension, http_options, present
from color_mesh.model import (
    ClientTls,
    FileCertificate,
    FileTrust,
    Listener,
    ListenerTls,
    SdsCertificate,
    SdsTrust,
    TlsValidation,
    VirtualNode,
)
from color_mesh.model.certificates import Certificate

SDS_CLUSTER = "static_cluster_sds_unix_socket"


def speaks_tls(listener: Listener) -> bool:
    """Return whether a listener accepts TLS."""
    return listener.tls is not None and listener.tls.mode != "DISABLED"


def downstream(listener: Listener, tls: ListenerTls, placement: Placement) -> Json:
    """Render the TLS context of a listener.

    A client certificate is required in mode ``STRICT`` only, since clients of a ``PERMISSIVE`` listener may connect
    without TLS. If subject alternative names are given, a TLS client needs a certificate in mode ``PERMISSIVE`` too.
    """
    context = {
        **_certificate(tls.certificate, placement),
        **(_validation(tls.validation, tls.validation.subject_alternative_names, placement) if tls.validation else {}),
        **_alpn(listener),
    }
    require_certificate = tls.mode == "STRICT" if tls.validation else None
    return extension(
        "envoy.transport_sockets.tls",
        DOWNSTREAM_TLS,
        common_tls_context=context,
        require_client_certificate=require_certificate,
    )


def policy_for(listener: Listener, policy: ClientTls | None) -> ClientTls | None:
    """Return a client policy if it applies to a listener: to its port, and enforced or to a listener with TLS."""
    if policy is None or (policy.ports and listener.port not in policy.ports):
        return None
    return policy if policy.enforce or speaks_tls(listener) else None


def upstream(client_tls: ClientTls | None, node: VirtualNode, listener: Listener, placement: Placement) -> Json | None:
    """Render the TLS context for a listener of another node; ``None`` for plaintext.

    Without a client policy for the listener, callers use TLS if the listener has it, and do not validate certificates
    (AWS App Mesh User Guide, *Transport Layer Security*). App Mesh's Envoys validated those of ACM, with authorities
    that are not in the mesh.
    """
    policy = policy_for(listener, client_tls)
    if policy is None:
        return _upstream(listener, {}) if speaks_tls(listener) else None
    names = policy.validation.subject_alternative_names
    if not names and node.discovery is not None:
        names = (node.discovery.dns_name,)
    certificate = _certificate(policy.certificate, placement) if policy.certificate else {}
    return _upstream(listener, {**certificate, **_validation(policy.validation, names, placement)})


def san_matcher(name: str) -> Json:
    """Render the match of a subject alternative name."""
    return {"san_type": "URI" if "://" in name else "DNS", "matcher": {"exact": name}}


def uses_sds(tls: ListenerTls | ClientTls) -> bool:
    """Return whether the certificate or the trusted authorities come from a Secret Discovery Service."""
    trust = tls.validation.trust if tls.validation is not None else None
    return isinstance(tls.certificate, SdsCertificate) or isinstance(trust, SdsTrust)


def sds_cluster(socket: str) -> Json:
    """Render the cluster of the Secret Discovery Service on a Unix socket."""
    endpoint = {"endpoint": {"address": {"pipe": {"path": socket}}}}
    return {
        "name": SDS_CLUSTER,
        "type": "STATIC",
        "connect_timeout": "1s",
        **http_options(http2=True),
        "load_assignment": {"cluster_name": SDS_CLUSTER, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _upstream(listener: Listener, context: Json) -> Json:
    return extension("envoy.transport_sockets.tls", UPSTREAM_TLS, common_tls_context={**context, **_alpn(listener)})


def _alpn(listener: Listener) -> Json:
    return {"alpn_protocols": ["h2"]} if listener.protocol in ("http2", "grpc") else {}


def _certificate(certificate: Certificate, placement: Placement) -> Json:
    secret = aws_secret(certificate, placement.retry_seconds)
    if secret is not None:
        return {"tls_certificate_sds_secret_configs": [secret]}
    match certificate:
        case FileCertificate(certificate_chain=chain, private_key=key):
            files = {"certificate_chain": {"filename": chain}, "private_key": {"filename": key}}
            return {"tls_certificates": [files]}
        case SdsCertificate(secret_name=name):
            return {"tls_certificate_sds_secret_configs": [_secret(name)]}
    raise AssertionError(certificate)


def _validation(validation: TlsValidation, names: tuple[str, ...], placement: Placement) -> Json:
    matchers = [san_matcher(name) for name in names]
    secret = aws_secret(validation.trust, placement.retry_seconds)
    match validation.trust:
        case FileTrust(certificate_chain=path):
            context = present(trusted_ca={"filename": path}, match_typed_subject_alt_names=matchers or None)
            return {"validation_context": context}
        case SdsTrust(secret_name=name):
            secret = _secret(name)
    assert secret is not None, validation
    context = present(match_typed_subject_alt_names=matchers or None)
    combined = {"default_validation_context": context, "validation_context_sds_secret_config": secret}
    return {"combined_validation_context": combined}


def _secret(name: str) -> Json:
    service = {"envoy_grpc": {"cluster_name": SDS_CLUSTER}}
    source = {"api_type": "GRPC", "transport_api_version": "V3", "grpc_services": [service]}
    return {"name": name, "sds_config": {"resource_api_version": "V3", "api_config_source": source}}
