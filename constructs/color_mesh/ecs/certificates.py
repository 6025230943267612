"""Certificates of AWS Certificate Manager, authorities of AWS Private CA, and secrets of AWS Secrets Manager."""

from dataclasses import dataclass

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Resource
from color_mesh.ecs.reading import Reader, resource_key


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredCertificate:
    """Certificate of AWS Certificate Manager.

    Attributes:
        key: ARN; the place in the templates if only a deployment knows the ARN.
        names: Domain names.
        authority: Key of the authority of AWS Private CA that issues it; ``None`` for a public certificate.
        exportable: Its private key can be exported (AWS Certificate Manager User Guide, *Exportable public
            certificates*).
    """

    key: str
    names: tuple[str, ...]
    authority: str | None = None
    exportable: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredAuthority:
    """Certificate authority of AWS Private CA.

    Attributes:
        key: ARN; the place in the templates if only a deployment knows the ARN.
        name: Common name; ``None`` without one.
        active: It has a certificate of its own, and so issues certificates.
    """

    key: str
    name: str | None = None
    active: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredSecret:
    """Secret of AWS Secrets Manager.

    Attributes:
        key: ARN; the place in the templates if only a deployment knows the ARN.
        name: Name.
        encryption_key: Key of its KMS key; ``None`` for the key of AWS.
    """

    key: str
    name: str
    encryption_key: str | None = None


def read_certificates(reader: Reader) -> dict[str, DeclaredCertificate]:
    """Read the certificates, by place."""
    return reader.read_all("AWS::CertificateManager::Certificate", _certificate)


def read_authorities(reader: Reader) -> dict[str, DeclaredAuthority]:
    """Read the certificate authorities, by place."""
    kind = "AWS::ACMPCA::CertificateAuthority"
    activations = reader.read_all(f"{kind}Activation", lambda fields, _: fields.value("CertificateAuthorityArn"))
    activated = {resource_key(each) for each in activations.values()}
    return reader.read_all(
        kind,
        lambda fields, resource: DeclaredAuthority(
            key=_key(resource),
            name=_common_name(fields.value("Subject")),
            active=not activated.isdisjoint((_key(resource), resource.place)),
        ),
    )


def read_secrets(reader: Reader) -> dict[str, DeclaredSecret]:
    """Read the secrets, by place."""
    return reader.read_all(
        "AWS::SecretsManager::Secret",
        lambda fields, resource: DeclaredSecret(
            key=_key(resource),
            name=fields.optional_text("Name") or resource.generated_name,
            encryption_key=resource_key(fields.value("KmsKeyId")),
        ),
    )


def _certificate(fields: Fields, resource: Resource) -> DeclaredCertificate:
    authority = resource_key(fields.value("CertificateAuthorityArn"))
    return DeclaredCertificate(
        key=_key(resource),
        names=tuple(dict.fromkeys((fields.text("DomainName"), *fields.texts("SubjectAlternativeNames")))),
        authority=authority,
        exportable=authority is not None or fields.value("CertificateExport") == "ENABLED",
    )


def _common_name(subject: object) -> str | None:
    name = subject.get("CommonName") if isinstance(subject, dict) else None
    return name if isinstance(name, str) else None


def _key(resource: Resource) -> str:
    return resource_key(resource.reference()) or resource.place
