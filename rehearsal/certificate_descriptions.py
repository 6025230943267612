"""Descriptions of certificates and their authorities by their APIs."""

from typing import Any

from rehearsal.emulated_aws import EmulatedAws
from rehearsal.emulator.certificates import PERMISSION

Description = dict[str, Any]


def _authority(aws: EmulatedAws, arn: str, _: Description) -> Description:
    api = aws.client("acm-pca")
    response = api.describe_certificate_authority(CertificateAuthorityArn=arn)["CertificateAuthority"]
    request = api.get_certificate_authority_csr(CertificateAuthorityArn=arn)["Csr"]
    return {**response, **response["CertificateAuthorityConfiguration"], "CertificateSigningRequest": request}


def _issued(aws: EmulatedAws, arn: str, properties: Description) -> Description:
    authority = properties["CertificateAuthorityArn"]
    response = aws.client("acm-pca").get_certificate(CertificateAuthorityArn=authority, CertificateArn=arn)
    # The API returns the certificate, and not the request.
    return {**properties, **response}


def _activation(aws: EmulatedAws, arn: str, _: Description) -> Description:
    api = aws.client("acm-pca")
    status = api.describe_certificate_authority(CertificateAuthorityArn=arn)["CertificateAuthority"]["Status"]
    certificate = api.get_certificate_authority_certificate(CertificateAuthorityArn=arn)["Certificate"]
    return {"CertificateAuthorityArn": arn, "Status": status, "Certificate": certificate}


def _permission(aws: EmulatedAws, _: str, properties: Description) -> Description:
    authority, principal = properties["CertificateAuthorityArn"], properties["Principal"]
    tags = aws.client("acm-pca").list_tags(CertificateAuthorityArn=authority)["Tags"]
    (actions,) = (tag["Value"].split() for tag in tags if tag["Key"] == f"{PERMISSION}{principal}")
    return {"CertificateAuthorityArn": authority, "Principal": principal, "Actions": actions}


def _certificate(aws: EmulatedAws, arn: str, _: Description) -> Description:
    response: Description = aws.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    return response


CERTIFICATES = {
    "AWS::ACMPCA::Certificate": _issued,
    "AWS::ACMPCA::CertificateAuthority": _authority,
    "AWS::ACMPCA::CertificateAuthorityActivation": _activation,
    "AWS::ACMPCA::Permission": _permission,
    "AWS::CertificateManager::Certificate": _certificate,
}
