"""TLS contexts: what an Envoy shows, and what it checks."""

from color_mesh.envoy.typed import DOWNSTREAM_TLS, UPSTREAM_TLS, Json, extension, http2_options, present
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
from color_mesh.model.tls import Certificate

SDS_CLUSTER = "static_cluster_sds_unix_socket"


def speaks_tls(listener: Listener) -> bool:
    """Tell whether a listener takes TLS at all."""
    return listener.tls is not None and listener.tls.mode != "DISABLED"


def downstream(listener: Listener, tls: ListenerTls) -> Json:
    """Write how a listener speaks TLS.

    Only with ``STRICT`` can every client be held to have a certificate: with ``PERMISSIVE`` it may come without TLS.
    A client that does speak TLS needs one there too, if the certificate must have one of some names.
    """
    common = {
        **_certificate(tls.certificate),
        **(_validation(tls.validation, tls.validation.subject_alternative_names) if tls.validation else {}),
        **_alpn(listener),
    }
    required = tls.mode == "STRICT" if tls.validation else None
    return extension(
        "envoy.transport_sockets.tls",
        DOWNSTREAM_TLS,
        common_tls_context=common,
        require_client_certificate=required,
    )


def policy_for(listener: Listener, policy: ClientTls | None) -> ClientTls | None:
    """Find a caller's policy if it is for a listener: for its port, and enforced unless the listener speaks TLS."""
    if policy is None or (policy.ports and listener.port not in policy.ports):
        return None
    return policy if policy.enforce or speaks_tls(listener) else None


def upstream(given: ClientTls | None, node: VirtualNode, listener: Listener) -> Json | None:
    """Write how a caller speaks TLS to a listener of another node, or that it does not.

    Without a policy for the listener a caller does as the listener does, and checks no certificate of a file or SDS
    (AWS App Mesh User Guide, *Transport Layer Security*).
    """
    policy = policy_for(listener, given)
    if policy is None:
        return _upstream(listener, {}) if speaks_tls(listener) else None
    names = policy.validation.subject_alternative_names
    if not names and node.discovery is not None:
        names = (node.discovery.dns_name,)
    certificate = _certificate(policy.certificate) if policy.certificate else {}
    return _upstream(listener, {**certificate, **_validation(policy.validation, names)})


def uses_sds(tls: ListenerTls | ClientTls) -> bool:
    """Return whether the certificate or the trusted authorities come from a Secret Discovery Service."""
    trust = tls.validation.trust if tls.validation is not None else None
    return isinstance(tls.certificate, SdsCertificate) or isinstance(trust, SdsTrust)


def sds_cluster(socket: str) -> Json:
    """Write the cluster of the Secret Discovery Service at a Unix socket."""
    endpoint = {"endpoint": {"address": {"pipe": {"path": socket}}}}
    return {
        "name": SDS_CLUSTER,
        "type": "STATIC",
        "connect_timeout": "1s",
        **http2_options(),
        "load_assignment": {"cluster_name": SDS_CLUSTER, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _upstream(listener: Listener, context: Json) -> Json:
    return extension("envoy.transport_sockets.tls", UPSTREAM_TLS, common_tls_context={**context, **_alpn(listener)})


def _alpn(listener: Listener) -> Json:
    return {"alpn_protocols": ["h2"]} if listener.protocol in ("http2", "grpc") else {}


def _certificate(certificate: Certificate) -> Json:
    match certificate:
        case FileCertificate(certificate_chain=chain, private_key=key):
            files = {"certificate_chain": {"filename": chain}, "private_key": {"filename": key}}
            return {"tls_certificates": [files]}
        case SdsCertificate(secret_name=name):
            return {"tls_certificate_sds_secret_configs": [_secret(name)]}
    raise AssertionError(certificate)


def _validation(validation: TlsValidation, names: tuple[str, ...]) -> Json:
    matchers = [{"san_type": _san_type(name), "matcher": {"exact": name}} for name in names]
    match validation.trust:
        case FileTrust(certificate_chain=path):
            context = present(trusted_ca={"filename": path}, match_typed_subject_alt_names=matchers or None)
            return {"validation_context": context}
        case SdsTrust(secret_name=name):
            default = present(match_typed_subject_alt_names=matchers or None)
            combined = {"default_validation_context": default, "validation_context_sds_secret_config": _secret(name)}
            return {"combined_validation_context": combined}
    raise AssertionError(validation)


def _san_type(name: str) -> str:
    return "URI" if "://" in name else "DNS"


def _secret(name: str) -> Json:
    service = {"envoy_grpc": {"cluster_name": SDS_CLUSTER}}
    source = {"api_type": "GRPC", "transport_api_version": "V3", "grpc_services": [service]}
    return {"name": name, "sds_config": {"resource_api_version": "V3", "api_config_source": source}}
