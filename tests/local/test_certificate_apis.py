"""The APIs of ACM, AWS Private CA and Secrets Manager: answers, errors, and permissions of roles."""

import asyncio
import base64
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from color_mesh.authority import create_authority
from color_mesh.ecs.roles import Role, statements
from color_mesh.local.plan.certificates import RunCertificate, RunCertificates
from color_mesh.local.run.aws.api_error import ApiError
from color_mesh.local.run.aws.certificate_apis import acm_api, private_ca_api, secrets_manager_api
from color_mesh.local.run.aws.certificate_store import CertificateStore
from color_mesh.local.run.aws.json_api import Api, ApiCall
from color_mesh.model import MeshError

PREFIX = "arn:aws:{}:eu-west-1:111122223333:"
ACM, AUTHORITIES = PREFIX.format("acm") + "certificate/", PREFIX.format("acm-pca") + "certificate-authority/"
SECRET = PREFIX.format("secretsmanager") + "secret:shop/stock-AbCdEf"
GREEN, PUBLIC, EARLY = f"{ACM}green", f"{ACM}public", f"{ACM}early"
OWN, IMPORTED, PENDING = f"{AUTHORITIES}own", f"{AUTHORITIES}imported", f"{AUTHORITIES}pending"
PASSPHRASE = "c2VjcmV0"
PLANNED = RunCertificates(
    certificates={
        GREEN: RunCertificate(arn=GREEN, names=("green.shop.local",), authority=OWN),
        PUBLIC: RunCertificate(arn=PUBLIC, names=("shop.example.com",), exportable=False),
        EARLY: RunCertificate(arn=EARLY, names=("early.shop.local",), authority=PENDING),
    },
    secrets={SECRET: RunCertificate(arn=SECRET, names=("stock.shop.local",), name="shop/stock", encryption_key="Key")},
    authorities={OWN: True, IMPORTED: True, PENDING: False},
    declared_authorities=frozenset((OWN, PENDING)),
)


class Apis:
    def __init__(self, planned: RunCertificates = PLANNED) -> None:
        self.planned = planned
        self.root = create_authority("run", timedelta(days=1))
        self.store = CertificateStore(self.root, lambda: self.planned)

    def export(self, arn: str = GREEN, passphrase: Any = PASSPHRASE) -> Any:
        return answer(acm_api(self.store), "ExportCertificate", CertificateArn=arn, Passphrase=passphrase)

    def authority(self, arn: str) -> str:
        api, action = private_ca_api(self.store), "GetCertificateAuthorityCertificate"
        return str(answer(api, action, CertificateAuthorityArn=arn)["Certificate"])

    def secret(self, identifier: str, **more: str) -> Any:
        return answer(secrets_manager_api(self.store), "GetSecretValue", SecretId=identifier, **more)


@pytest.fixture
def apis() -> Apis:
    return Apis()


def answer(api: Api, action: str, **document: Any) -> dict[str, Any]:
    return asyncio.run(_answer(api, ApiCall(action=action, document=document, region="eu-west-1")))


async def _answer(api: Api, call: ApiCall) -> dict[str, Any]:
    return await api.answer(call)


def denial(api: Api, action: str, role: Role, **document: Any) -> str | None:
    return api.authorize(ApiCall(action=action, document=document, region="eu-west-1"), role).denial


def role(*allowed: tuple[str, str]) -> Role:
    document = {"Statement": [{"Effect": "Allow", "Action": each, "Resource": arn} for each, arn in allowed]}
    return Role(name="GreenRole", statements=statements(document))


def certificate(text: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(text.encode())


def test_exported_key_is_encrypted_and_that_of_the_certificate(apis: Apis) -> None:
    exported = apis.export()
    assert exported["PrivateKey"].startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    key = load_pem_private_key(exported["PrivateKey"].encode(), base64.b64decode(PASSPHRASE))
    own = certificate(exported["Certificate"])
    assert key.public_key() == own.public_key()
    names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["green.shop.local"]
    own.verify_directly_issued_by(certificate(apis.authority(OWN)))
    assert exported["CertificateChain"] == apis.authority(OWN)


def test_certificate_stays_the_same_until_it_is_renewed_or_has_other_names(apis: Apis) -> None:
    first = apis.export()["Certificate"]
    assert apis.export()["Certificate"] == first
    (renewed,) = apis.store.renew("green.shop.local", 30)
    second = apis.export()["Certificate"]
    assert (renewed["arn"], renewed["names"]) == (GREEN, "green.shop.local")
    assert second != first
    other = RunCertificate(arn=GREEN, names=("other.shop.local",), authority=OWN)
    apis.planned = RunCertificates(certificates={GREEN: other}, authorities={OWN: True})
    assert apis.export()["Certificate"] not in (first, second)


def test_certificate_can_be_replaced_by_an_expired_one(apis: Apis) -> None:
    apis.store.renew(GREEN, 0)
    assert certificate(apis.export()["Certificate"]).not_valid_after_utc <= datetime.now(timezone.utc)


def test_all_certificates_are_renewed_without_a_name() -> None:
    planned = RunCertificates(certificates={GREEN: PLANNED.certificates[GREEN]}, secrets=PLANNED.secrets)
    assert [each["arn"] for each in Apis(planned).store.renew(None, 1)] == [GREEN, SECRET]


def test_unknown_name_is_refused(apis: Apis) -> None:
    with pytest.raises(
        MeshError, match=r"renew: unknown certificate, got 'gren\.shop\.local' \(known: .*green\.shop\.local"
    ):
        apis.store.renew("gren.shop.local", 1)


def test_authority_that_no_template_declares_is_that_of_the_run(apis: Apis) -> None:
    assert apis.authority(IMPORTED) == apis.root.certificate
    assert apis.authority(OWN) != apis.root.certificate


def test_secret_has_the_certificate_the_key_and_the_authority(apis: Apis) -> None:
    first = apis.secret(SECRET)
    value = json.loads(first["SecretString"])
    certificate(value["tls.crt"]).verify_directly_issued_by(certificate(value["ca.crt"]))
    key = load_pem_private_key(value["tls.key"].encode(), None)
    assert key.public_key() == certificate(value["tls.crt"]).public_key()
    assert (first["ARN"], first["Name"]) == (SECRET, "shop/stock")
    assert apis.secret("shop/stock") == apis.secret(SECRET[:-7]) == first
    apis.store.renew("shop/stock", 1)
    assert apis.secret(SECRET)["VersionId"] != first["VersionId"]


def test_secret_of_which_only_the_authority_is_used_has_no_certificate() -> None:
    apis = Apis(RunCertificates(secrets={SECRET: RunCertificate(arn=SECRET, names=(), name="shop/ca")}))
    first = apis.secret("shop/ca")
    assert json.loads(first["SecretString"]) == {"ca.crt": apis.root.certificate}
    assert apis.secret("shop/ca") == first
    assert apis.store.renew(None, 1) == []


@pytest.mark.parametrize(
    ("call", "error"),
    [
        pytest.param(lambda apis: apis.export(f"{ACM}other"), "ResourceNotFoundException", id="unknown-certificate"),
        pytest.param(lambda apis: apis.export("arn:aws:acm:us-east-1:1:x"), "ResourceNotFoundException", id="region"),
        pytest.param(lambda apis: apis.export("x"), "ResourceNotFoundException", id="no-arn"),
        pytest.param(lambda apis: apis.export(PUBLIC), "ValidationException", id="not-exportable"),
        pytest.param(lambda apis: apis.export(EARLY), "RequestInProgressException", id="pending-authority-issues"),
        pytest.param(lambda apis: apis.export(passphrase=None), "ValidationException", id="no-passphrase"),
        pytest.param(lambda apis: apis.export(passphrase=7), "ValidationException", id="passphrase-is-no-text"),
        pytest.param(lambda apis: apis.export(passphrase="a b"), "SerializationException", id="not-base64"),
        pytest.param(lambda apis: apis.export(passphrase="YWJj"), "ValidationException", id="passphrase-of-3-bytes"),
        pytest.param(
            lambda apis: apis.export(passphrase="YWJjJA=="), "ValidationException", id="passphrase-has-dollar"
        ),
        pytest.param(lambda apis: apis.authority(PENDING), "InvalidStateException", id="pending-authority"),
        pytest.param(
            lambda apis: apis.authority(f"{AUTHORITIES}x"), "ResourceNotFoundException", id="unknown-authority"
        ),
        pytest.param(lambda apis: apis.secret("other"), "ResourceNotFoundException", id="unknown-secret"),
        pytest.param(
            lambda apis: apis.secret(SECRET, VersionStage="AWSPREVIOUS"), "ResourceNotFoundException", id="version"
        ),
    ],
)
def test_wrong_call_has_the_error_of_aws(apis: Apis, call: Any, error: str) -> None:
    with pytest.raises(ApiError) as refused:
        call(apis)
    assert (refused.value.code, refused.value.status) == (error, 400)


def test_certificate_without_a_dns_name_is_not_issued() -> None:
    planned = RunCertificates(certificates={GREEN: RunCertificate(arn=GREEN, names=())})
    with pytest.raises(ApiError, match="RequestInProgressException"):
        Apis(planned).export()


def test_missing_permission_is_named_with_the_resource(apis: Apis) -> None:
    other = role(("acm:ExportCertificate", f"{ACM}red"))
    assert denial(acm_api(apis.store), "ExportCertificate", other, CertificateArn=GREEN) == (
        f"acm:ExportCertificate on {GREEN}: no policy allows it, got role GreenRole "
        f"(allow acm:ExportCertificate on {GREEN})"
    )
    allowed = role(("acm:ExportCertificate", GREEN))
    assert denial(acm_api(apis.store), "ExportCertificate", allowed, CertificateArn=GREEN) is None


def test_other_actions_are_not_emulated(apis: Apis) -> None:
    with pytest.raises(ApiError, match="UnknownOperationException: DeleteSecret is not emulated"):
        denial(secrets_manager_api(apis.store), "DeleteSecret", role(("*", "*")), SecretId=SECRET)


def test_secret_takes_permission_of_the_secret_and_of_its_key(apis: Apis) -> None:
    def decided(secret: str, key: str, identifier: str) -> str | None:
        given = role(("secretsmanager:GetSecretValue", secret), ("kms:Decrypt", key))
        return denial(secrets_manager_api(apis.store), "GetSecretValue", given, SecretId=identifier)

    partial = f"{SECRET[:-7]}-??????"
    assert [decided(each, "Key", "shop/stock") for each in (SECRET, partial)] == [None, None]
    assert decided(SECRET[:-7], "Key", "shop/stock") is not None
    assert str(decided(SECRET, "Other", SECRET)).startswith("kms:Decrypt on Key: no policy allows it")
