"""TLS with certificates of AWS: which data plane supports which source, and ARNs that the deployment knows."""

from collections.abc import Callable

from aws_cdk import Stack
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_certificatemanager as acm

from color_mesh import (
    AcmCertificate,
    AcmTrust,
    ClientTls,
    ListenerTls,
    MeshGateway,
    MeshNode,
    SecretsManagerCertificate,
    ServiceMesh,
    TlsCertificate,
    TlsTrust,
    TlsValidation,
)
from tests.support.builders import refusal
from tests.support.cloudformation import Template, only

CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/shop"
AUTHORITY = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/shop"
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop-a1B2c3"
TRUST = TlsValidation(trust=AcmTrust(certificate_authority_arns=(AUTHORITY,)))
FIX = "(a file or an SDS secret, or use data_plane='envoy')"


def test_sources_that_app_mesh_did_not_have_are_refused_before_a_construct_exists(
    stack: Stack, guarded_mesh: ServiceMesh
) -> None:
    mutual = ListenerTls(certificate=AcmCertificate(arn=CERTIFICATE), validation=TRUST)
    policy = ClientTls(certificate=SecretsManagerCertificate(secret_arn=SECRET), validation=TRUST)
    of_listener = f"listener 80: App Mesh does not support trust in ACM at listeners, got ('{AUTHORITY}',) {FIX}"
    of_policy = f"App Mesh does not support certificates in Secrets Manager, got '{SECRET}' {FIX}"
    assert refusal(MeshNode, stack, "Cart", mesh=guarded_mesh, name="cart", tls=mutual, client_tls=policy) == (
        f"virtual node 'cart' {of_listener}\nvirtual node 'cart': {of_policy}"
    )
    assert refusal(MeshGateway, stack, "Cart", mesh=guarded_mesh, name="door", port=80, tls=mutual) == (
        f"virtual gateway 'door' {of_listener}"
    )
    assert stack.node.try_find_child("Cart") is None
    stock = MeshNode(stack, "Stock", mesh=guarded_mesh, name="stock")
    cart = MeshNode(stack, "Cart", mesh=guarded_mesh, name="cart")
    assert refusal(cart.connect_to, stock, client_tls=policy) == (
        f"virtual node 'cart' backend 'stock.shop.local': {of_policy}"
    )
    assert guarded_mesh.model.node("cart").backends == ()


def test_app_mesh_gets_certificates_and_authorities_of_the_app(
    stack: Stack, guarded_mesh: ServiceMesh, template: Callable[[], Template]
) -> None:
    authority = acmpca.CfnCertificateAuthority(
        stack, "Authority", key_algorithm="RSA_2048", signing_algorithm="SHA256WITHRSA", subject={}, type="ROOT"
    )
    trusted = acmpca.CertificateAuthority.from_certificate_authority_arn(stack, "Trusted", authority.attr_arn)
    certificate = acm.PrivateCertificate(
        stack, "Certificate", domain_name="cart.shop.local", certificate_authority=trusted
    )
    policy = ClientTls(validation=TlsValidation(trust=TlsTrust.acm([trusted])))
    tls = ListenerTls(certificate=TlsCertificate.acm(certificate))
    MeshNode(stack, "Cart", mesh=guarded_mesh, name="cart", tls=tls, client_tls=policy)
    spec = only(template(), "AWS::AppMesh::VirtualNode")["Spec"]
    (resource,) = spec["Listeners"]
    assert resource["TLS"]["Certificate"]["ACM"]["CertificateArn"] == stack.resolve(certificate.certificate_arn)
    trust = spec["BackendDefaults"]["ClientPolicy"]["TLS"]["Validation"]["Trust"]
    assert trust["ACM"]["CertificateAuthorityArns"] == [stack.resolve(authority.attr_arn)]
