"""Calls of AWS for certificates by App Mesh's Envoys."""

from collections.abc import Iterator

from color_mesh.envoy.aws.certificates import ACM, PRIVATE_CA, CertificateApi
from color_mesh.model import AcmCertificate, AcmTrust, ClientTls, VirtualGateway, VirtualNode


def app_mesh_calls(part: VirtualNode | VirtualGateway) -> Iterator[tuple[CertificateApi, str]]:
    """Yield the APIs that the Envoy of a node or gateway calls, with the ARNs.

    AWS App Mesh User Guide, *Transport Layer Security (TLS)*: Envoy needs ``acm:ExportCertificate`` for certificates of
    listeners, and ``acm-pca:GetCertificateAuthorityCertificate`` for the authorities of client policies.
    """
    for listener in part.listeners:
        if listener.tls is not None and isinstance(listener.tls.certificate, AcmCertificate):
            yield ACM, listener.tls.certificate.arn
    backends = part.backends if isinstance(part, VirtualNode) else ()
    # The policy of a node without backends applies to no connection.
    of_part = [part.client_tls] if backends or isinstance(part, VirtualGateway) else []
    policies: list[ClientTls | None] = [*of_part, *(backend.client_tls for backend in backends)]
    for policy in policies:
        if policy is not None and isinstance(policy.validation.trust, AcmTrust):
            for arn in policy.validation.trust.certificate_authority_arns:
                yield PRIVATE_CA, arn
