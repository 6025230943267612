"""Certificates of AWS Certificate Manager."""

from color_mesh.appmesh.fields import Fields
from color_mesh.cloudformation import Resource
from color_mesh.ecs.reading import Reader


def read_certificates(reader: Reader) -> dict[str, tuple[str, ...]]:
    """Read the domain names of the certificates, by place."""
    return reader.read_all("AWS::CertificateManager::Certificate", _domain_names)


def _domain_names(fields: Fields, _: Resource) -> tuple[str, ...]:
    return tuple(dict.fromkeys((fields.text("DomainName"), *fields.texts("SubjectAlternativeNames"))))
