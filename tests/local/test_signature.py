"""Verification of signatures, of requests that botocore 1.44.5 signed."""

import json
from calendar import timegm
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from color_mesh.local.run.aws.api_error import ApiError
from color_mesh.local.run.aws.credentials import Credentials
from color_mesh.local.run.aws.http_server import HttpRequest
from color_mesh.local.run.aws.signature import verify

REQUESTS = json.loads(Path(__file__).with_name("signed_by_botocore.json").read_text())
NOW = timegm((2026, 11, 27, 12, 0, 0))
CREDENTIALS = Credentials(
    task="t",
    access_key_id="ASIAEXAMPLE000000001",
    secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    token="FwoGZXIvYXdzEXAMPLE==",
    expires=NOW + 60,
)


def signed(name: str = "discover-instances", **headers: str) -> HttpRequest:
    """Return a request; an empty text removes a header."""
    merged = {**REQUESTS[name]["headers"], **{name.replace("_", "-"): value for name, value in headers.items()}}
    return HttpRequest(
        client=IPv4Address("10.0.0.4"),
        method="POST",
        target="/",
        headers={name: (value,) for name, value in merged.items() if value},
        body=REQUESTS[name]["body"].encode(),
    )


def error_of(
    request: HttpRequest, now: float = NOW, credentials: Credentials = CREDENTIALS, region: str = "eu-west-1"
) -> str:
    """Return the error of a request that is refused."""
    known = {credentials.access_key_id: credentials}
    with pytest.raises(ApiError) as refused:
        verify(request, region, "servicediscovery", known.get, now)
    assert refused.value.status == 403
    return refused.value.code


@pytest.mark.parametrize("name", REQUESTS)
def test_request_of_botocore_is_accepted(name: str) -> None:
    known = {CREDENTIALS.access_key_id: CREDENTIALS}
    assert verify(signed(name), "eu-west-1", "servicediscovery", known.get, NOW + 59) is CREDENTIALS


def test_request_without_a_signature_is_refused() -> None:
    assert error_of(signed(authorization="")) == "MissingAuthenticationTokenException"


@pytest.mark.parametrize(
    "headers",
    [{"authorization": "Bearer x"}, {"authorization": "AWS4-HMAC-SHA256 "}, {"x_amz_date": ""}, {"x_amz_date": "now"}],
    ids=["bearer", "empty", "no-date", "no-time"],
)
def test_malformed_signature_is_refused(headers: dict[str, str]) -> None:
    assert error_of(signed(**headers)) == "IncompleteSignatureException"


def test_impossible_time_is_refused() -> None:
    assert error_of(signed(x_amz_date="20261399T999999Z")) == "IncompleteSignatureException"


@pytest.mark.parametrize("token", ["", "FwoGZXIvYXdzEXAMPLE=", "fwoGZXIvYXdzEXAMPLE=="], ids=["none", "part", "case"])
def test_another_session_token_is_refused(token: str) -> None:
    assert error_of(signed(x_amz_security_token=token)) == "UnrecognizedClientException"


def test_unknown_access_key_is_refused() -> None:
    other = replace(CREDENTIALS, access_key_id="ASIAEXAMPLE000000002")
    assert error_of(signed(), credentials=other) == "UnrecognizedClientException"


@pytest.mark.parametrize("seconds", [-301, 301], ids=["early", "late"])
def test_signature_of_another_time_is_refused(seconds: int) -> None:
    credentials = replace(CREDENTIALS, expires=NOW + 1000)
    assert error_of(signed(), now=NOW + seconds, credentials=credentials) == "InvalidSignatureException"


def test_expired_credentials_are_refused() -> None:
    assert error_of(signed(), now=NOW + 60) == "ExpiredTokenException"


@pytest.mark.parametrize(
    "changed",
    [
        replace(signed(), body=b"{}"),
        replace(signed(), method="GET"),
        signed(host="servicediscovery.eu-west-1.amazonaws.com"),
        signed(x_amz_target="Route53AutoNaming_v20170314.RegisterInstance"),
        signed(x_amz_other="unsigned"),
        signed(x_amz_date="20261127T120001Z"),
        signed(content_type="text/plain"),
    ],
    ids=["body", "method", "host", "action", "unsigned-header", "date", "signed-header"],
)
def test_changed_request_is_refused(changed: HttpRequest) -> None:
    assert error_of(changed) == "InvalidSignatureException"


def test_another_secret_or_region_is_refused() -> None:
    other = replace(CREDENTIALS, secret_access_key="x")
    assert error_of(signed(), credentials=other) == "InvalidSignatureException"
    assert error_of(signed(), region="us-east-1") == "InvalidSignatureException"


def test_secrets_are_not_printed() -> None:
    assert CREDENTIALS.secret_access_key not in repr(CREDENTIALS)
    assert CREDENTIALS.token not in repr(CREDENTIALS)
