"""What TLS may be: every limit, and what is said of certificates and trust that cannot be."""

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
    TlsMode,
)
from color_mesh.model.tls import TLS_MODES, Certificate, ClientCertificate, Trust
from tests.support.builders import certificate, client_tls, gateway, listener_tls, mesh, node, refusal, to, validation

ARN = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/1"
LISTENER = "virtual node 'red' listener 80: "
CALLER = "virtual node 'red': "


def serving(**changes: Any) -> Mesh:
    """A mesh whose one node speaks TLS like this."""
    return mesh(nodes=(node(listeners=(Listener(port=80, tls=listener_tls(**changes)),)),))


def calling(**changes: Any) -> Mesh:
    """A mesh whose one node calls over TLS like this."""
    return mesh(nodes=(node(client_tls=client_tls(**changes)),))


@pytest.mark.parametrize("mode", TLS_MODES)
def test_a_listener_speaks_tls_in_every_mode(mode: TlsMode) -> None:
    assert serving(mode=mode)


def test_an_unknown_mode_is_refused() -> None:
    wrong = "unknown TLS mode, got 'strict' (one of: STRICT, PERMISSIVE, DISABLED)"
    assert refusal(serving, mode="strict") == LISTENER + wrong


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(FileCertificate(certificate_chain="/", private_key="/"), id="file-low"),
        pytest.param(FileCertificate(certificate_chain="/" * 255, private_key="/" * 255), id="file-high"),
        pytest.param(SdsCertificate(secret_name="a"), id="sds-low"),
        pytest.param(SdsCertificate(secret_name="a" * 255), id="sds-high"),
    ],
)
def test_a_certificate_at_its_limits_is_shown_by_listeners_and_callers(shown: ClientCertificate) -> None:
    assert serving(certificate=shown)
    assert calling(certificate=shown)


def test_a_listener_shows_a_certificate_of_acm() -> None:
    assert serving(certificate=AcmCertificate(arn=ARN))


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
def test_a_certificate_that_cannot_be_is_refused(shown: Certificate, wrong: str) -> None:
    assert refusal(serving, certificate=shown) == LISTENER + wrong
    assert refusal(calling, certificate=shown) == CALLER + wrong


@pytest.mark.parametrize("arn", [pytest.param("certificate/1", id="no-arn"), pytest.param(1, id="number")])
def test_a_certificate_of_acm_has_an_arn(arn: Any) -> None:
    wrong = f"certificate is not an ARN, got {arn!r} (such as 'arn:aws:acm:…')"
    assert refusal(serving, certificate=AcmCertificate(arn=arn)) == LISTENER + wrong


def test_a_caller_shows_no_certificate_of_acm() -> None:
    wrong = f"a client certificate cannot come from ACM, got '{ARN}' (a file or SDS)"
    assert refusal(calling, certificate=AcmCertificate(arn=ARN)) == CALLER + wrong


@pytest.mark.parametrize(
    "trust",
    [
        pytest.param(FileTrust(certificate_chain="/"), id="file-low"),
        pytest.param(FileTrust(certificate_chain="/" * 255), id="file-high"),
        pytest.param(SdsTrust(secret_name="a"), id="sds-low"),
        pytest.param(SdsTrust(secret_name="a" * 255), id="sds-high"),
    ],
)
def test_listeners_and_callers_trust_files_and_secrets(trust: Trust) -> None:
    assert serving(validation=validation(trust=trust))
    assert calling(validation=validation(trust=trust))


@pytest.mark.parametrize("count", [pytest.param(1, id="low"), pytest.param(3, id="high")])
def test_a_caller_trusts_authorities_of_acm(count: int) -> None:
    assert calling(validation=validation(trust=AcmTrust(certificate_authority_arns=(ARN,) * count)))


@pytest.mark.parametrize("count", [pytest.param(0, id="low"), pytest.param(4, id="high")])
def test_a_caller_trusts_one_to_three_authorities_of_acm(count: int) -> None:
    trust = AcmTrust(certificate_authority_arns=(ARN,) * count)
    wrong = f"wrong number of certificate authorities, got {count} (1 to 3)"
    assert refusal(calling, validation=validation(trust=trust)) == CALLER + wrong


def test_an_authority_of_acm_has_an_arn() -> None:
    trust = AcmTrust(certificate_authority_arns=(ARN, "ca"))
    wrong = "certificate authority is not an ARN, got 'ca' (such as 'arn:aws:acm:…')"
    assert refusal(calling, validation=validation(trust=trust)) == CALLER + wrong


def test_a_listener_trusts_no_authority_of_acm() -> None:
    trust = AcmTrust(certificate_authority_arns=(ARN,))
    wrong = f"a listener does not support trust in ACM, got ('{ARN}',) (trust a file or an SDS secret)"
    assert refusal(serving, validation=validation(trust=trust)) == LISTENER + wrong


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
def test_trust_that_cannot_be_is_refused(trust: Trust, wrong: str) -> None:
    assert refusal(serving, validation=validation(trust=trust)) == LISTENER + wrong
    assert refusal(calling, validation=validation(trust=trust)) == CALLER + wrong


@pytest.mark.parametrize("length", [pytest.param(1, id="low"), pytest.param(254, id="high")])
def test_an_alternative_name_at_its_limits_is_accepted(length: int) -> None:
    assert serving(validation=validation("a" * length, "b"))
    assert calling(validation=validation("a" * length, "b"))


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
def test_an_alternative_name_that_cannot_be_is_refused(names: tuple[str, ...], wrong: str) -> None:
    assert refusal(serving, validation=validation(*names)) == LISTENER + wrong
    assert refusal(calling, validation=validation(*names)) == CALLER + wrong


@pytest.mark.parametrize(
    "ports", [pytest.param((), id="all"), pytest.param((1,), id="low"), pytest.param((65535, 1), id="high")]
)
def test_a_caller_speaks_tls_to_ports_within_their_limits(ports: tuple[int, ...]) -> None:
    assert calling(ports=ports, enforce=False, certificate=certificate())


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
def test_a_client_policy_that_cannot_be_is_refused(changes: dict[str, Any], wrong: str) -> None:
    policy = client_tls(**changes)
    backend = node(backends=(to("blue.colors.local", client_tls=policy),))
    assert refusal(calling, **changes) == f"virtual node 'red': {wrong}"
    assert refusal(mesh, gateways=(gateway(client_tls=policy),)) == f"virtual gateway 'gateway': {wrong}"
    assert refusal(mesh, nodes=(backend,), external_services=("blue.colors.local",)) == (
        f"virtual node 'red' backend 'blue.colors.local': {wrong}"
    )


def test_a_certificate_of_no_kind_is_refused() -> None:
    wrong = (
        f"{LISTENER}unsupported certificate type, got 'x' (a FileCertificate, an SdsCertificate or an AcmCertificate)"
    )
    assert refusal(serving, certificate="x") == wrong


def test_trust_of_no_kind_is_refused() -> None:
    wrong = f"{LISTENER}unsupported trust type, got 'x' (a FileTrust, an SdsTrust or an AcmTrust)"
    assert refusal(serving, validation=validation(trust="x")) == wrong
