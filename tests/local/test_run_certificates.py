"""Certificates that a run makes: which names they have, and which authority issues them."""

import json
from pathlib import Path
from typing import Any

from color_mesh.local.plan.certificates import RunCertificates
from color_mesh.local.plan.diagnosis import warnings
from tests.support.local_templates import APP, Change, Resources, planned, resource

PREFIX = "arn:aws:{}:us-east-1:123456789012:"
ACM, SECRET = PREFIX.format("acm") + "certificate/1", PREFIX.format("secretsmanager") + "secret:shop/stock"
AUTHORITY = PREFIX.format("acm-pca") + "certificate-authority/1"


def using(*names: Any) -> Change:
    """Change the Envoy of the template to one whose configuration has the names of secrets."""
    envoy = {
        "Name": "envoy",
        "Image": "envoyproxy/envoy:v1",
        "EntryPoint": ["bash", "-c", "envoy"],
        "Command": [json.dumps({"node": {"id": "mesh/shop/virtualNode/stock"}}), *names],
    }
    return lambda each: each["Task"].update(ContainerDefinitions=[APP, envoy])


def made(tmp_path: Path, change: Change, **more: Resources) -> RunCertificates:
    return planned(tmp_path, change, more).certificates


def test_certificate_of_an_arn_has_the_name_of_the_node_that_uses_it(tmp_path: Path) -> None:
    certificates = made(tmp_path, using(ACM, f"{AUTHORITY},{AUTHORITY}2", f"{SECRET}-AbCdEf#tls.crt"))
    assert {arn: each.names for arn, each in certificates.certificates.items()} == {ACM: ("stock.shop.local",)}
    assert certificates.certificates[ACM].authority is None
    assert certificates.authorities == {AUTHORITY: True, f"{AUTHORITY}2": True}
    assert {arn: each.names for arn, each in certificates.secrets.items()} == {
        f"{SECRET}-AbCdEf": ("stock.shop.local",)
    }


def test_certificate_of_a_mesh_resource_has_the_name_of_its_service_discovery(tmp_path: Path) -> None:
    def encrypt(each: Resources) -> None:
        (listener,) = each["Node"]["Spec"]["Listeners"]
        listener["TLS"] = {"Mode": "STRICT", "Certificate": {"ACM": {"CertificateArn": ACM}}}

    assert made(tmp_path, encrypt).certificates[ACM].names == ("stock.shop.local",)


def test_declared_certificate_has_the_names_and_the_authority_of_the_template(tmp_path: Path) -> None:
    certificate = resource(
        "AWS::CertificateManager::Certificate",
        DomainName="*.Shop.local",
        SubjectAlternativeNames=["stock.shop.local"],
        CertificateAuthorityArn={"Fn::GetAtt": ["Root", "Arn"]},
    )
    subject = {"CommonName": "shop"}
    found = made(
        tmp_path,
        using({"Ref": "Certificate"}, {"Ref": "Root"}),
        Certificate=certificate,
        Root=resource("AWS::ACMPCA::CertificateAuthority", Type="ROOT", Subject=subject),
        Pending=resource("AWS::ACMPCA::CertificateAuthority", Type="ROOT", Subject=subject),
        Active=resource("AWS::ACMPCA::CertificateAuthorityActivation", CertificateAuthorityArn={"Ref": "Root"}),
    )
    ((arn, each),) = found.certificates.items()
    assert arn.startswith(f"{PREFIX.format('acm')}certificate/shop-Certificate-")
    assert each.names == ("*.shop.local", "stock.shop.local")
    assert found.authorities == {each.authority: True, next(a for a in found.authorities if "Pending" in a): False}
    assert found.declared_authorities == found.authorities.keys()


def test_certificate_that_envoy_will_not_get_is_a_warning(tmp_path: Path) -> None:
    def found(*arns: str, statement: Any = None) -> list[str]:
        policies = [{"PolicyDocument": {"Statement": statement}}] if statement else []

        def change(each: Resources) -> None:
            using(*arns)(each)
            each["Role"]["Policies"] = policies

        return [each for each in warnings(planned(tmp_path, change)) if "arn:" in each]

    elsewhere = ACM.replace("us-east-1", "eu-west-1")
    assert found(ACM, elsewhere) == [
        (
            f"stock-svc: acm:ExportCertificate on {ACM}: no policy allows it, got role Role "
            f"(allow acm:ExportCertificate on {ACM})"
        ),
        f"stock-svc: {elsewhere} is not in the region of the stack, us-east-1",
    ]
    assert found(ACM, statement={"Effect": "Allow", "Action": "acm:ExportCertificate", "Resource": ACM}) == []
    assert len(found(f"{SECRET}#tls.crt", AUTHORITY)) == 2


def test_public_certificate_can_be_exported_if_it_is_requested_so(tmp_path: Path) -> None:
    def exportable(**properties: str) -> bool:
        certificate = resource("AWS::CertificateManager::Certificate", DomainName="a.example.com", **properties)
        (each,) = made(tmp_path, using(), Certificate=certificate).certificates.values()
        return each.exportable

    assert not exportable()
    assert exportable(CertificateExport="ENABLED")


def test_secret_is_known_by_its_arn_with_and_without_random_characters_and_by_its_name(tmp_path: Path) -> None:
    key = {"Fn::GetAtt": ["Key", "Arn"]}
    declared = {
        "Key": resource("AWS::KMS::Key"),
        "Secret": resource("AWS::SecretsManager::Secret", Name="shop/other", KmsKeyId=key),
    }
    certificates = made(tmp_path, using(f"{SECRET}#tls.crt", {"Fn::Sub": "${Secret}#ca.crt"}), **declared)
    imported, other = certificates.secrets.values()
    assert imported.arn.startswith(f"{SECRET}-")
    assert [certificates.secret(name) for name in (SECRET, imported.arn, "shop/stock")] == [imported] * 3
    assert certificates.secret("shop/other") == other
    assert other.encryption_key == "shop.template.json: Key"
    # Of the other secret, only the authority is used.
    assert other.names == ()
    assert certificates.named("stock.shop.local") == [imported]
