"""TLS: each limit, and the messages for invalid certificates and trust."""

from typing import Any

import pytest

from color_mesh.model import (
    AcmCertificate,
    AcmTrust,
    FileCertificate,
    FileTrust,
    Listener,
    Mesh,
    SdsCertificate,
    SdsTrust,
    SecretsManagerCertificate,
    SecretsManagerTrust,
    TlsMode,
)
from color_mesh.model.arns import DECLARED_ARN, PLACEHOLDER_ARN
from color_mesh.model.certificates import Certificate, Trust
from color_mesh.model.tls import TLS_MODES
from tests.support.builders import certificate, client_tls, gateway, listener_tls, mesh, node, refusal, to, validation

ARN = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/1"
CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/1"
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/red-a1B2c3"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1"
LISTENER = "virtual node 'red' listener 80: "
CALLER = "virtual node 'red': "


def with_listener_tls(**changes: Any) -> Mesh:
    """Return a mesh with one node whose listener has this TLS."""
    return mesh(nodes=(node(listeners=(Listener(port=80, tls=listener_tls(**changes)),)),))


def with_client_tls(**changes: Any) -> Mesh:
    """Return a mesh with one node that has this client policy."""
    return mesh(nodes=(node(client_tls=client_tls(**changes)),))


@pytest.mark.parametrize("mode", TLS_MODES)
def test_every_tls_mode_is_accepted(mode: TlsMode) -> None:
    assert with_listener_tls(mode=mode)


def test_unknown_tls_mode_is_rejected() -> None:
    wrong = "unknown TLS mode, got 'strict' (one of: STRICT, PERMISSIVE, DISABLED)"
    assert refusal(with_listener_tls, mode="strict") == LISTENER + wrong


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(FileCertificate(certificate_chain="/", private_key="/"), id="file-low"),
        pytest.param(FileCertificate(certificate_chain="/" * 255, private_key="/" * 255), id="file-high"),
        pytest.param(SdsCertificate(secret_name="a"), id="sds-low"),
        pytest.param(SdsCertificate(secret_name="a" * 255), id="sds-high"),
        pytest.param(AcmCertificate(arn=CERTIFICATE), id="acm"),
        pytest.param(AcmCertificate(arn=CERTIFICATE.replace("aws", "aws-us-gov")), id="partition"),
        pytest.param(AcmCertificate(arn=f"{PLACEHOLDER_ARN}stage"), id="placeholder"),
        pytest.param(AcmCertificate(arn=f"{DECLARED_ARN}Certificate"), id="declared"),
        pytest.param(SecretsManagerCertificate(secret_arn=SECRET), id="secrets-manager"),
        pytest.param(SecretsManagerCertificate(secret_arn=SECRET, encryption_key_arn=KEY), id="encryption-key"),
        pytest.param(AcmCertificate(arn="${Token[TOKEN.12]}"), id="token"),
        pytest.param(SecretsManagerCertificate(secret_arn="arn:${Token[AWS.Partition.3]}:secret:red"), id="part"),
    ],
)
def test_certificate_at_its_limits_is_accepted_for_listeners_and_callers(shown: Certificate) -> None:
    assert with_listener_tls(certificate=shown)
    assert with_client_tls(certificate=shown)


@pytest.mark.parametrize(
    ("shown", "wrong"),
    [
        pytest.param(
            FileCertificate(certificate_chain="", private_key="/"),
            "certificate chain has an invalid length, got '0 characters' (1 to 255)",
            id="chain-low",
        ),
        pytest.param(
            FileCertificate(certificate_chain="/" * 256, private_key="/"),
            "certificate chain has an invalid length, got '256 characters' (1 to 255)",
            id="chain-high",
        ),
        pytest.param(
            FileCertificate(certificate_chain="/", private_key=""),
            "private key has an invalid length, got '0 characters' (1 to 255)",
            id="key-low",
        ),
        pytest.param(
            FileCertificate(certificate_chain="/", private_key="/" * 256),
            "private key has an invalid length, got '256 characters' (1 to 255)",
            id="key-high",
        ),
        pytest.param(
            FileCertificate(certificate_chain="/", private_key=None),  # type: ignore[arg-type]
            "private key is not text, got None (a path)",
            id="key-none",
        ),
        pytest.param(
            SdsCertificate(secret_name=""),
            "secret name has an invalid length, got '0 characters' (1 to 255)",
            id="sds-low",
        ),
        pytest.param(
            SdsCertificate(secret_name="a" * 256),
            "secret name has an invalid length, got '256 characters' (1 to 255)",
            id="sds-high",
        ),
    ],
)
def test_invalid_certificate_is_rejected(shown: Certificate, wrong: str) -> None:
    assert refusal(with_listener_tls, certificate=shown) == LISTENER + wrong
    assert refusal(with_client_tls, certificate=shown) == CALLER + wrong


@pytest.mark.parametrize("arn", [pytest.param("certificate/1", id="no-arn"), pytest.param(1, id="number")])
def test_certificate_in_acm_without_an_arn_is_rejected(arn: Any) -> None:
    wrong = f"certificate is not an ARN, got {arn!r} (such as 'arn:aws:acm:…')"
    assert refusal(with_listener_tls, certificate=AcmCertificate(arn=arn)) == LISTENER + wrong


@pytest.mark.parametrize("arn", [f"{ARN}*", "arn:aws:acm:eu-west-1:1:certificate/?", "arn:*"])
def test_arn_with_a_wildcard_is_rejected(arn: str) -> None:
    assert refusal(with_listener_tls, certificate=AcmCertificate(arn=arn)) == (
        f"{LISTENER}certificate has a wildcard, got {arn!r} (the ARN of one resource)"
    )
    trust = AcmTrust(certificate_authority_arns=(arn,))
    assert refusal(with_client_tls, validation=validation(trust=trust)) == (
        f"{CALLER}certificate authority has a wildcard, got {arn!r} (the ARN of one resource)"
    )


@pytest.mark.parametrize("arn", ["arn:aws:acm:a,b", "arn:aws:acm:a b", 'arn:aws:acm:a"b', "arn:a#b", "arn:${Token[a}"])
def test_arn_with_other_characters_is_rejected(arn: str) -> None:
    fix = "letters, digits and ':/_+=.@-' (IAM User Guide, Amazon Resource Names)"
    assert refusal(with_listener_tls, certificate=AcmCertificate(arn=arn)) == (
        f"{LISTENER}certificate has invalid characters, got {arn!r} ({fix})"
    )


def wrong_arn(field: str, arn: str, such_as: str) -> str:
    return f"{field} has the ARN of something else, got {arn!r} (such as 'arn:aws:{such_as}…')"


@pytest.mark.parametrize(
    "arn",
    [
        ARN,
        SECRET,
        "arn:aws:acm:eu-west-1:111122223333:certificate-authority/1",
        "arn:aws:acm:eu-west-1:111122223333:certificate/",
        "arn:aws:acm:eu-west-1::certificate/1",
        "arn:aws:acm::111122223333:certificate/1",
        "arn:amazon:acm:eu-west-1:111122223333:certificate/1",
        "arn:aws:iam::111122223333:server-certificate/1",
        "arn:aws:acm:1",
    ],
)
def test_arn_of_something_else_than_a_certificate_is_rejected(arn: str) -> None:
    wrong = wrong_arn("certificate", arn, "acm:eu-west-1:111122223333:certificate/")
    assert refusal(with_listener_tls, certificate=AcmCertificate(arn=arn)) == LISTENER + wrong
    assert refusal(with_client_tls, certificate=AcmCertificate(arn=arn)) == CALLER + wrong


@pytest.mark.parametrize("arn", [CERTIFICATE, SECRET, "arn:aws:acm-pca:::template/RootCACertificate/V1"])
def test_arn_of_something_else_than_an_authority_is_rejected(arn: str) -> None:
    trust = AcmTrust(certificate_authority_arns=(ARN, arn))
    wrong = wrong_arn("certificate authority", arn, "acm-pca:eu-west-1:111122223333:certificate-authority/")
    assert refusal(with_listener_tls, validation=validation(trust=trust)) == LISTENER + wrong


@pytest.mark.parametrize("arn", [CERTIFICATE, KEY, f"{SECRET}:tls.crt::"])
def test_arn_of_something_else_than_a_secret_is_rejected(arn: str) -> None:
    wrong = wrong_arn("secret", arn, "secretsmanager:eu-west-1:111122223333:secret:")
    certificate = SecretsManagerCertificate(secret_arn=arn, encryption_key_arn=KEY)
    assert refusal(with_listener_tls, certificate=certificate) == LISTENER + wrong
    certificate = SecretsManagerCertificate(secret_arn=SECRET, encryption_key_arn=SECRET)
    wrong = wrong_arn("encryption key of the secret", SECRET, "kms:eu-west-1:111122223333:key/")
    assert refusal(with_listener_tls, certificate=certificate) == LISTENER + wrong


@pytest.mark.parametrize(
    ("arn", "accepted"),
    [
        ("arn:aws:acm:${Token[AWS.Region.1]}:111122223333:certificate/1", True),
        ("arn:${Token[AWS.Partition.1]}:acm:eu-west-1:111122223333:certificate/1", True),
        ("${Token[TOKEN.1]}", True),
        ("arn:aws:acm-pca:${Token[AWS.Region.1]}:111122223333:certificate-authority/1", False),
    ],
)
def test_service_of_an_arn_with_tokens_is_validated_if_it_is_known(arn: str, accepted: bool) -> None:
    if accepted:
        with_listener_tls(certificate=AcmCertificate(arn=arn))
        return
    wrong = wrong_arn("certificate", arn, "acm:eu-west-1:111122223333:certificate/")
    assert refusal(with_listener_tls, certificate=AcmCertificate(arn=arn)) == LISTENER + wrong


@pytest.mark.parametrize("region", ["eu-west-1", "${Token[AWS.Region.1]}"])
def test_alias_of_a_key_is_rejected(region: str) -> None:
    arn = f"arn:aws:kms:{region}:111122223333:alias/shop"
    certificate = SecretsManagerCertificate(secret_arn=SECRET, encryption_key_arn=arn)
    wrong = f"encryption key of the secret is an alias, got '{arn}' (the ARN of its key)"
    assert refusal(with_listener_tls, certificate=certificate) == LISTENER + wrong


@pytest.mark.parametrize("of", [SecretsManagerCertificate, SecretsManagerTrust])
def test_secret_and_its_key_without_an_arn_are_rejected(
    of: type[SecretsManagerCertificate] | type[SecretsManagerTrust],
) -> None:
    shown: Any = of(secret_arn="shop", encryption_key_arn="key")
    of_secret = "secret is not an ARN, got 'shop' (such as 'arn:aws:secretsmanager:…')"
    of_key = "encryption key of the secret is not an ARN, got 'key' (such as 'arn:aws:kms:…')"
    trusts = of is SecretsManagerTrust
    changes = {"validation": validation(trust=shown)} if trusts else {"certificate": shown}
    assert refusal(with_listener_tls, **changes) == f"{LISTENER}{of_secret}\n{LISTENER}{of_key}"
    assert refusal(with_client_tls, **changes) == f"{CALLER}{of_secret}\n{CALLER}{of_key}"


@pytest.mark.parametrize(
    "trust",
    [
        pytest.param(FileTrust(certificate_chain="/"), id="file-low"),
        pytest.param(FileTrust(certificate_chain="/" * 255), id="file-high"),
        pytest.param(SdsTrust(secret_name="a"), id="sds-low"),
        pytest.param(SdsTrust(secret_name="a" * 255), id="sds-high"),
        pytest.param(SecretsManagerTrust(secret_arn=SECRET, encryption_key_arn=KEY), id="secrets-manager"),
    ],
)
def test_trust_in_files_and_secrets_is_accepted_for_listeners_and_callers(trust: Trust) -> None:
    assert with_listener_tls(validation=validation(trust=trust))
    assert with_client_tls(validation=validation(trust=trust))


@pytest.mark.parametrize("count", [pytest.param(1, id="low"), pytest.param(3, id="high")])
def test_callers_and_listeners_may_trust_authorities_in_acm(count: int) -> None:
    trust = AcmTrust(certificate_authority_arns=(ARN,) * count)
    assert with_client_tls(validation=validation(trust=trust))
    assert with_listener_tls(validation=validation(trust=trust))


@pytest.mark.parametrize("count", [pytest.param(0, id="low"), pytest.param(4, id="high")])
def test_wrong_number_of_authorities_in_acm_is_rejected(count: int) -> None:
    trust = AcmTrust(certificate_authority_arns=(ARN,) * count)
    wrong = f"wrong number of certificate authorities, got {count} (1 to 3)"
    assert refusal(with_client_tls, validation=validation(trust=trust)) == CALLER + wrong


def test_authority_in_acm_without_an_arn_is_rejected() -> None:
    trust = AcmTrust(certificate_authority_arns=(ARN, "ca"))
    wrong = "certificate authority is not an ARN, got 'ca' (such as 'arn:aws:acm-pca:…')"
    assert refusal(with_client_tls, validation=validation(trust=trust)) == CALLER + wrong


@pytest.mark.parametrize(
    ("trust", "wrong"),
    [
        pytest.param(
            FileTrust(certificate_chain=""),
            "trusted certificate chain has an invalid length, got '0 characters' (1 to 255)",
            id="file-low",
        ),
        pytest.param(
            FileTrust(certificate_chain="/" * 256),
            "trusted certificate chain has an invalid length, got '256 characters' (1 to 255)",
            id="file-high",
        ),
        pytest.param(
            SdsTrust(secret_name=""),
            "trusted secret name has an invalid length, got '0 characters' (1 to 255)",
            id="sds-low",
        ),
        pytest.param(
            SdsTrust(secret_name="a" * 256),
            "trusted secret name has an invalid length, got '256 characters' (1 to 255)",
            id="sds-high",
        ),
    ],
)
def test_invalid_trust_is_rejected(trust: Trust, wrong: str) -> None:
    assert refusal(with_listener_tls, validation=validation(trust=trust)) == LISTENER + wrong
    assert refusal(with_client_tls, validation=validation(trust=trust)) == CALLER + wrong


@pytest.mark.parametrize("length", [pytest.param(1, id="low"), pytest.param(254, id="high")])
def test_subject_alternative_name_at_its_limits_is_accepted(length: int) -> None:
    assert with_listener_tls(validation=validation("a" * length, "b"))
    assert with_client_tls(validation=validation("a" * length, "b"))


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        pytest.param(
            ("",), "subject alternative name has an invalid length, got '0 characters' (1 to 254)", id="length-low"
        ),
        pytest.param(
            ("a" * 255,),
            "subject alternative name has an invalid length, got '255 characters' (1 to 254)",
            id="length-high",
        ),
        pytest.param((1,), "subject alternative name is not text, got 1 (such as 'red.colors.local')", id="number"),
        pytest.param(
            ("red", "blue", "red"),
            "duplicate subject alternative name, got 'red' (occurs 2 times, must be unique)",
            id="duplicate",
        ),
    ],
)
def test_invalid_subject_alternative_name_is_rejected(names: tuple[str, ...], wrong: str) -> None:
    assert refusal(with_listener_tls, validation=validation(*names)) == LISTENER + wrong
    assert refusal(with_client_tls, validation=validation(*names)) == CALLER + wrong


@pytest.mark.parametrize(
    "ports", [pytest.param((), id="all"), pytest.param((1,), id="low"), pytest.param((65535, 1), id="high")]
)
def test_ports_of_a_client_policy_at_their_limits_are_accepted(ports: tuple[int, ...]) -> None:
    assert with_client_tls(ports=ports, enforce=False, certificate=certificate())


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        pytest.param({"ports": (0,)}, "client policy port out of range, got 0 (1 to 65535)", id="port-low"),
        pytest.param({"ports": (65536,)}, "client policy port out of range, got 65536 (1 to 65535)", id="port-high"),
        pytest.param(
            {"ports": (80, 80)},
            "duplicate client policy port, got '80' (occurs 2 times, must be unique)",
            id="port-duplicate",
        ),
        pytest.param({"enforce": "yes"}, "enforce is not true or false, got 'yes' (True or False)", id="enforce"),
    ],
)
def test_invalid_client_policy_is_rejected(changes: dict[str, Any], wrong: str) -> None:
    policy = client_tls(**changes)
    backend = node(backends=(to("blue.colors.local", client_tls=policy),))
    assert refusal(with_client_tls, **changes) == f"virtual node 'red': {wrong}"
    assert refusal(mesh, gateways=(gateway(client_tls=policy),)) == f"virtual gateway 'gateway': {wrong}"
    assert refusal(mesh, nodes=(backend,), external_services=("blue.colors.local",)) == (
        f"virtual node 'red' backend 'blue.colors.local': {wrong}"
    )


def test_certificate_of_an_unsupported_type_is_rejected() -> None:
    kinds = "an AcmCertificate, a SecretsManagerCertificate, a FileCertificate or an SdsCertificate"
    wrong = f"{LISTENER}unsupported certificate type, got 'x' ({kinds})"
    assert refusal(with_listener_tls, certificate="x") == wrong


def test_trust_of_an_unsupported_type_is_rejected() -> None:
    kinds = "an AcmTrust, a SecretsManagerTrust, a FileTrust or an SdsTrust"
    wrong = f"{LISTENER}unsupported trust type, got 'x' ({kinds})"
    assert refusal(with_listener_tls, validation=validation(trust="x")) == wrong
