"""The Lua filters that ask AWS for certificates, in LuaJIT."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from lupa.luajit21 import LuaRuntime

from color_mesh.envoy.aws.certificates import ACM, CERTIFICATE_APIS, PRIVATE_CA, SECRETS_MANAGER, CertificateApi
from color_mesh.envoy.aws.lua import lua_filter, lua_source
from tests.support.lua_stream import STREAM

NAME = "arn:aws:acm:eu-west-1:1:certificate/red"
_KEY = ec.generate_private_key(ec.SECP256R1())
NOW = datetime.fromtimestamp(1_800_000_000, timezone.utc)


def pem(name: str = "red", end: datetime = NOW + timedelta(days=1)) -> str:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, _KEY.public_key(), 7, NOW - timedelta(days=900), end)
    return builder.sign(_KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


RED, BLUE = pem("red"), pem("blue")


class Call:
    """One request of Envoy."""

    def __init__(self, stream: Any, name: str, version: str) -> None:
        self._stream = stream
        asked = {"node": {"id": 'a"b'}, "resource_names": [name], "version_info": version}
        answer, body, target = stream[b"ask"](json.dumps(asked).encode())
        self.answered = None if answer is None else int(answer)
        self.request: Any = None if answer else json.loads(body)
        self.target = target and target.decode()

    def reply(self, value: Any, status: int = 200) -> tuple[int, Any]:
        """Answer as AWS, and return the status and the body for Envoy."""
        text = value if isinstance(value, bytes) else json.dumps(value).encode()
        new_status, body = self._stream[b"answer"](str(status).encode(), text)
        return int(new_status), json.loads(body) if new_status == b"200" else None

    @property
    def log(self) -> str:
        return str(self._stream[b"log"]().decode())


class Filter:
    """A filter in LuaJIT. It calls again 600 s after an answer, and 10 s after a failure."""

    def __init__(self, api: CertificateApi) -> None:
        self._lua = LuaRuntime(encoding=None)
        self._lua.globals()[b"encode_base64"] = base64.b64encode
        filter_config = lua_filter(api.source, REFRESH_SECONDS=600, RETRY_SECONDS=10)
        source = filter_config["typed_config"]["default_source_code"]["inline_string"]
        self._module = self._lua.execute((source + STREAM).encode())

    def ask(self, name: str, version: str = "") -> Call:
        return Call(self._module[b"stream"](b"secrets"), name, version)

    def sleep(self, seconds: int) -> None:
        self._module[b"sleep"](seconds)

    def end_of(self, text: str) -> str:
        body = "".join(text.splitlines()[1:-1])
        return str(self._module[b"end_of"](body.encode()).decode())


def exported(certificate: str, **more: str) -> Mapping[str, str]:
    return {"Certificate": certificate, "PrivateKey": "KEY", **more}


def secret_in(answer: tuple[int, Any], name: str) -> Any:
    status, body = answer
    assert status == 200
    (resource,) = body["resources"]
    assert resource["name"] == name
    return resource


def test_certificate_of_acm_comes_with_the_passphrase_of_its_call() -> None:
    acm = Filter(ACM)
    call = acm.ask(NAME)
    assert call.target == "CertificateManager.ExportCertificate"
    passphrase = base64.b64decode(call.request["Passphrase"]).decode()
    assert call.request == {"CertificateArn": NAME, "Passphrase": base64.b64encode(passphrase.encode()).decode()}
    assert len(base64.b64decode(passphrase)) == 32
    resource = secret_in(call.reply(exported(RED, CertificateChain=BLUE)), NAME)
    assert resource["tls_certificate"] == {
        "certificate_chain": {"inline_string": f"{RED}\n{BLUE}"},
        "private_key": {"inline_string": "KEY"},
        "password": {"inline_string": passphrase},
    }
    assert call.log == ""


def test_filter_answers_by_itself_until_the_interval_is_over() -> None:
    acm = Filter(ACM)
    acm.ask(NAME).reply(exported(RED))
    acm.sleep(599)
    assert acm.ask(NAME, "1").answered == 304
    acm.sleep(1)
    assert acm.ask(NAME, "1").reply(exported(RED)) == (304, None)
    acm.sleep(600)
    _, body = acm.ask(NAME, "1").reply(exported(BLUE))
    assert body["version_info"] == "2"


def test_certificate_that_envoy_refused_is_sent_again_and_logged() -> None:
    acm = Filter(ACM)
    acm.ask(NAME).reply(exported(RED))
    acm.sleep(600)
    call = acm.ask(NAME)
    assert call.log == f"ACM ExportCertificate of {NAME}: " + (
        "Envoy refuses the certificate, or its private key is another one's"
    )
    assert call.reply(exported(RED))[0] == 200


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        (400, {"__type": "a.b#AccessDeniedException", "Message": "no"}, "400 AccessDeniedException: no"),
        (500, b"<html>", "500, without a reason in JSON"),
        (200, b"{", "200, but not valid JSON at byte 2"),
        (200, [], "200, but the answer is missing or has the wrong type"),
        (200, {"PrivateKey": "KEY"}, "200, but Certificate is missing or no text"),
        (200, {"Certificate": RED, "PrivateKey": 1}, "200, but PrivateKey is missing or no text"),
        (200, exported("PEM"), "200, but there is no certificate in PEM"),
        (200, exported(RED.replace("M", "A")), "200, but a certificate is not valid"),
        (200, exported(RED, CertificateChain=1), "200, but CertificateChain is missing or no text"),  # type: ignore[arg-type]
    ],
)
def test_failure_is_logged_once_a_minute_and_the_call_repeated_soon(status: int, answer: Any, reason: str) -> None:
    acm = Filter(ACM)
    call = acm.ask(NAME)
    new_status, _ = call.reply(answer, status)
    assert new_status == (status if status != 200 else 502)
    assert call.log == f"ACM ExportCertificate of {NAME}: {reason}; the task waits for the first answer"
    acm.sleep(9)
    assert acm.ask(NAME).answered == 304
    acm.sleep(1)
    again = acm.ask(NAME)
    again.reply(answer, status)
    assert again.log == ""
    acm.sleep(60)
    acm.ask(NAME).reply(exported(RED))
    acm.sleep(600)
    last = acm.ask(NAME, "1")
    last.reply(answer, status)
    assert last.log == (
        f"ACM ExportCertificate of {NAME}: {reason}; what was known before stays in force "
        "(1 more since the last such line)"
    )


def test_call_without_an_answer_is_logged() -> None:
    acm = Filter(ACM)
    acm.ask(NAME)
    acm.sleep(10)
    assert acm.ask(NAME).log == (
        f"ACM ExportCertificate of {NAME}: no answer: no connection, a timeout, or a connection that ended; "
        "the task waits for the first answer"
    )


def test_expired_certificate_is_logged_with_its_name() -> None:
    acm = Filter(ACM)
    acm.ask(NAME).reply(exported(pem(end=NOW + timedelta(seconds=30))))
    acm.sleep(30)
    assert acm.ask(NAME, "1").log == ""
    acm.sleep(1)
    assert acm.ask(NAME, "1").log == (
        f"ACM ExportCertificate of {NAME}: the certificate expired at 2027-01-15T08:00:30Z"
    )
    acm.sleep(600)
    call = acm.ask(NAME, "1")
    assert "the certificate expired" in call.log
    call.reply(exported(pem(end=NOW)))
    assert acm.ask(NAME, "2").log == ""


AUTHORITIES = tuple(f"arn:aws:acm-pca:eu-west-1:1:certificate-authority/{name}" for name in "abc")


def trusted(answer: tuple[int, Any]) -> Sequence[str]:
    (resource,) = answer[1]["resources"]
    text = resource["validation_context"]["trusted_ca"]["inline_string"]
    return [f"{each}-----END CERTIFICATE-----\n" for each in text.split("-----END CERTIFICATE-----\n\n")[:-1]]


def test_several_authorities_are_asked_for_one_after_the_other() -> None:
    authority = Filter(PRIVATE_CA)
    name, certificates = ",".join(AUTHORITIES), [pem(each) for each in "abc"]
    for index, arn in enumerate(AUTHORITIES):
        call = authority.ask(name)
        assert call.target == "ACMPrivateCA.GetCertificateAuthorityCertificate"
        assert call.request == {"CertificateAuthorityArn": arn}
        answer = call.reply({"Certificate": certificates[index], "CertificateChain": RED})
        assert answer[0] == (200 if index == 2 else 304)
    assert trusted(answer) == certificates
    assert authority.ask(name, "1").answered == 304
    authority.sleep(600)
    assert trusted(authority.ask(name, "1").reply({"Certificate": BLUE})) == [BLUE, *certificates[1:]]
    assert [authority.ask(name, "2").reply({"Certificate": each}) for each in certificates[1:]] == [(304, None)] * 2
    assert authority.ask(name, "2").answered == 304


def test_authority_that_fails_holds_up_the_first_answer_only() -> None:
    authority = Filter(PRIVATE_CA)
    name = ",".join(AUTHORITIES[:2])
    authority.ask(name).reply({"__type": "AccessDeniedException"}, 400)
    assert authority.ask(name).reply({"Certificate": BLUE}) == (304, None)
    authority.sleep(9)
    assert authority.ask(name).answered == 304
    authority.sleep(1)
    assert trusted(authority.ask(name).reply({"Certificate": RED})) == [RED, BLUE]


@pytest.mark.parametrize("failing", range(3))
def test_authority_that_fails_is_asked_again_soon_and_the_others_are_not(failing: int) -> None:
    authority = Filter(PRIVATE_CA)
    name, arn = ",".join(AUTHORITIES), AUTHORITIES[failing]
    for _ in AUTHORITIES:
        authority.ask(name).reply({"Certificate": BLUE})
    authority.sleep(600)
    for _ in AUTHORITIES:
        call = authority.ask(name, "1")
        denied = call.request["CertificateAuthorityArn"] == arn
        call.reply({"__type": "AccessDeniedException"} if denied else {"Certificate": BLUE}, 400 if denied else 200)
    for _ in range(30):
        assert authority.ask(name, "1").answered == 304
        authority.sleep(10)
        again = authority.ask(name, "1")
        assert again.request == {"CertificateAuthorityArn": arn}
        again.reply({"__type": "AccessDeniedException"}, 400)
    authority.sleep(10)
    assert RED in trusted(authority.ask(name, "1").reply({"Certificate": RED}))
    authority.sleep(10)
    assert authority.ask(name, "2").answered == 304


SECRET = "arn:aws:secretsmanager:eu-west-1:1:secret:shop-a1B2c3"


def value(**changes: Any) -> Mapping[str, str]:
    content = {"tls.crt": RED, "tls.key": "KEY", "ca.crt": BLUE, **changes}
    return {"SecretString": json.dumps(content), "VersionId": "v1"}


def test_secret_has_a_certificate_and_authorities() -> None:
    secrets = Filter(SECRETS_MANAGER)
    call = secrets.ask(f"{SECRET}#tls.crt")
    assert (call.target, call.request) == ("secretsmanager.GetSecretValue", {"SecretId": SECRET})
    resource = secret_in(call.reply(value()), f"{SECRET}#tls.crt")
    assert resource["tls_certificate"] == {
        "certificate_chain": {"inline_string": RED},
        "private_key": {"inline_string": "KEY"},
    }
    call = secrets.ask(f"{SECRET}#ca.crt")
    assert call.request == {"SecretId": SECRET}
    resource = secret_in(call.reply(value()), f"{SECRET}#ca.crt")
    assert resource["validation_context"] == {"trusted_ca": {"inline_string": BLUE}}


def test_new_version_of_a_secret_with_another_key_is_sent() -> None:
    secrets, name = Filter(SECRETS_MANAGER), f"{SECRET}#tls.crt"
    secrets.ask(name).reply(value())
    secrets.sleep(600)
    assert secrets.ask(name, "1").reply({**value(**{"tls.key": "OTHER"}), "VersionId": "v2"})[0] == 200


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"SecretBinary": "AA=="}, "SecretString is missing or no text"),
        ({"SecretString": "KEY"}, "JSON in SecretString is missing or has the wrong type"),
        ({"SecretString": "[]"}, "JSON in SecretString is missing or has the wrong type"),
        ({"SecretString": "{}"}, "tls.crt is missing or no text"),
        (value(**{"tls.key": None}), "tls.key is missing or no text"),
    ],
)
def test_secret_without_a_certificate_is_refused_without_its_value(answer: Mapping[str, str], reason: str) -> None:
    call = Filter(SECRETS_MANAGER).ask(f"{SECRET}#tls.crt")
    assert call.reply(answer)[0] == 502
    assert call.log == f"Secrets Manager GetSecretValue of {SECRET}: 200, but {reason}; " + (
        "the task waits for the first answer"
    )


@given(
    end=st.datetimes(datetime(2026, 1, 1), datetime(2199, 1, 1)).map(lambda each: each.replace(microsecond=0)),
    name=st.text("abcdefgh", min_size=1, max_size=60),
)
def test_end_of_a_certificate_is_that_of_the_library(end: datetime, name: str) -> None:
    assert _END.end_of(pem(name, end.replace(tzinfo=timezone.utc))) == end.strftime("%Y%m%d%H%M%SZ")


@given(st.binary(max_size=200))
def test_nonsense_in_place_of_a_certificate_is_refused(content: bytes) -> None:
    nonsense = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(content).decode()}\n-----END CERTIFICATE-----\n"
    status, _ = Filter(PRIVATE_CA).ask(AUTHORITIES[0]).reply({"Certificate": nonsense})
    assert status == 502


_END = Filter(ACM)


@pytest.mark.parametrize("api", CERTIFICATE_APIS, ids=lambda api: api.service)
def test_source_has_no_comments_and_is_short(api: CertificateApi) -> None:
    source = lua_source(api.source)
    assert "-- include" not in source
    assert len(source) < 13_000
