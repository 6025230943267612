"""Certificates of chapter 5: a private certificate authority and a certificate for each node, or given ones."""

from aws_cdk import CrossStackReferences, ReferenceStrength, Stack
from aws_cdk import aws_acmpca as acmpca
from aws_cdk import aws_certificatemanager as acm
from constructs import Construct

from color_mesh import MeshTls, TlsCertificate, TlsTrust
from color_mesh.model.certificates import AcmCertificate
from stacks.settings import Settings

# Of the authority. Certificates of ACM are valid for 13 months, and ACM renews them.
_VALID_YEARS = 10


class Certificates(Construct):
    """TLS of the tutorial's mesh, with certificates in AWS Certificate Manager.

    Attributes:
        tls: TLS of the mesh.
    """

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        arn = settings.certificate_authority_arn
        self._given_certificate = settings.certificate_arn
        self._needs: tuple[Construct, ...] = ()
        if arn is None:
            arn, self._needs = _new_authority(self)
        self._authority = acmpca.CertificateAuthority.from_certificate_authority_arn(self, "TrustedAuthority", arn)
        self.tls = MeshTls(
            trust=TlsTrust.acm([self._authority]),
            certificate_of=self._certificate_of,
            # App Mesh had no client certificates of ACM.
            client_certificates=settings.plane.client_certificates,
        )

    def _certificate_of(self, name: str, dns_name: str) -> AcmCertificate:
        """Return the given certificate, or create one of a node or the gateway."""
        if self._given_certificate is not None:
            return AcmCertificate(arn=self._given_certificate)
        certificate = acm.PrivateCertificate(
            self, name.capitalize(), domain_name=dns_name, certificate_authority=self._authority
        )
        certificate.node.add_dependency(*self._needs)
        _refer_weakly(certificate)
        return TlsCertificate.acm(certificate)


def _new_authority(scope: Construct) -> tuple[str, tuple[Construct, ...]]:
    """Create a root certificate authority; return its ARN, and what certificates need before they are issued."""
    authority = acmpca.CfnCertificateAuthority(
        scope,
        "Authority",
        type="ROOT",
        key_algorithm="EC_prime256v1",
        signing_algorithm="SHA256WITHECDSA",
        subject=acmpca.CfnCertificateAuthority.SubjectProperty(common_name="color-mesh", organization="color-mesh"),
    )
    _refer_weakly(authority)
    certificate = acmpca.CfnCertificate(
        scope,
        "AuthorityCertificate",
        certificate_authority_arn=authority.attr_arn,
        certificate_signing_request=authority.attr_certificate_signing_request,
        signing_algorithm="SHA256WITHECDSA",
        template_arn=Stack.of(scope).format_arn(
            service="acm-pca",
            region="",
            account="",
            resource="template",
            resource_name="RootCACertificate/V1",
        ),
        validity=acmpca.CfnCertificate.ValidityProperty(type="YEARS", value=_VALID_YEARS),
    )
    activation = acmpca.CfnCertificateAuthorityActivation(
        scope,
        "AuthorityActivation",
        certificate_authority_arn=authority.attr_arn,
        certificate=certificate.attr_certificate,
        status="ACTIVE",
    )
    # AWS Private CA User Guide, *Assign certificate renewal permissions to ACM*.
    renewal = acmpca.CfnPermission(
        scope,
        "Renewal",
        actions=["IssueCertificate", "GetCertificate", "ListPermissions"],
        certificate_authority_arn=authority.attr_arn,
        principal="acm.amazonaws.com",
    )
    return authority.attr_arn, (activation, renewal)


def _refer_weakly(construct: Construct) -> None:
    """Let a deployed app return to an earlier chapter: CloudFormation refuses to delete an export that is in use."""
    CrossStackReferences.of(construct).produce(ReferenceStrength.WEAK)
