"""AWS Private CA and AWS Certificate Manager, whose resource types moto's CloudFormation lacks."""

from rehearsal.emulator.apis import Properties, client
from rehearsal.emulator.resource_types import Created, ResourceType

# moto has no permissions of an authority: a tag with the name of the service stands for one.
PERMISSION = "permission:"


def _create_authority(properties: Properties) -> Created:
    api = client("acm-pca")
    configuration = {name: properties[name] for name in ("KeyAlgorithm", "SigningAlgorithm", "Subject")}
    arn = api.create_certificate_authority(
        CertificateAuthorityConfiguration=configuration, CertificateAuthorityType=properties["Type"]
    )["CertificateAuthorityArn"]
    request = api.get_certificate_authority_csr(CertificateAuthorityArn=arn)["Csr"]
    return Created(id=arn, attributes={"Arn": arn, "CertificateSigningRequest": request})


def _delete_authority(arn: str, _: Properties) -> None:
    api = client("acm-pca")
    # AWS Private CA API Reference, *DeleteCertificateAuthority*: an active authority is disabled first.
    api.update_certificate_authority(CertificateAuthorityArn=arn, Status="DISABLED")
    api.delete_certificate_authority(CertificateAuthorityArn=arn)


def _issue(properties: Properties) -> Created:
    api, authority = client("acm-pca"), properties["CertificateAuthorityArn"]
    arn = api.issue_certificate(
        CertificateAuthorityArn=authority,
        Csr=properties["CertificateSigningRequest"].encode(),
        SigningAlgorithm=properties["SigningAlgorithm"],
        TemplateArn=properties["TemplateArn"],
        Validity={**properties["Validity"], "Value": int(properties["Validity"]["Value"])},
    )["CertificateArn"]
    certificate = api.get_certificate(CertificateAuthorityArn=authority, CertificateArn=arn)["Certificate"]
    return Created(id=arn, attributes={"Arn": arn, "Certificate": certificate})


def _activate(properties: Properties) -> Created:
    authority = properties["CertificateAuthorityArn"]
    client("acm-pca").import_certificate_authority_certificate(
        CertificateAuthorityArn=authority, Certificate=properties["Certificate"].encode()
    )
    return Created(id=authority)


def _permit(properties: Properties) -> Created:
    authority, principal = properties["CertificateAuthorityArn"], properties["Principal"]
    client("acm-pca").tag_certificate_authority(
        CertificateAuthorityArn=authority, Tags=[_permission(principal, properties["Actions"])]
    )
    return Created(id=f"{authority}|{principal}")


def _forbid(_: str, properties: Properties) -> None:
    client("acm-pca").untag_certificate_authority(
        CertificateAuthorityArn=properties["CertificateAuthorityArn"],
        Tags=[_permission(properties["Principal"], properties["Actions"])],
    )


def _permission(principal: str, actions: list[str]) -> dict[str, str]:
    return {"Key": f"{PERMISSION}{principal}", "Value": " ".join(actions)}


def _request(properties: Properties) -> Created:
    authority = properties["CertificateAuthorityArn"]
    described = client("acm-pca").describe_certificate_authority(CertificateAuthorityArn=authority)
    # moto issues certificates of every authority.
    if described["CertificateAuthority"]["Status"] != "ACTIVE":
        raise ValueError(f"The authority {authority} is not active")
    arn = client("acm").request_certificate(DomainName=properties["DomainName"], CertificateAuthorityArn=authority)
    return Created(id=arn["CertificateArn"])


RESOURCE_TYPES = (
    ResourceType(name="AWS::ACMPCA::CertificateAuthority", create=_create_authority, delete=_delete_authority),
    # A certificate of an authority is valid until it expires, and the activation ends with the authority.
    ResourceType(name="AWS::ACMPCA::Certificate", create=_issue, delete=lambda _id, _properties: None),
    ResourceType(
        name="AWS::ACMPCA::CertificateAuthorityActivation", create=_activate, delete=lambda _id, _properties: None
    ),
    ResourceType(name="AWS::ACMPCA::Permission", create=_permit, delete=_forbid),
    ResourceType(
        name="AWS::CertificateManager::Certificate",
        create=_request,
        delete=lambda arn, _: client("acm").delete_certificate(CertificateArn=arn),
    ),
)
