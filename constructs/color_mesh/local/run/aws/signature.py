"""Verification of signatures (AWS IAM User Guide, *AWS Signature Version 4 for API requests*)."""

import hashlib
import hmac
import re
from calendar import timegm
from collections.abc import Callable
from time import strptime

from color_mesh.local.run.aws.api_error import ApiError
from color_mesh.local.run.aws.credentials import Credentials
from color_mesh.local.run.aws.http_server import HttpRequest

_ALGORITHM = "AWS4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    rf"{_ALGORITHM} +Credential=(?P<key>[^/, ]+)/(?P<scope>[^, ]+), *SignedHeaders=(?P<headers>[^, ]+), *"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_MAX_SKEW_SECONDS = 300


def verify(
    request: HttpRequest, region: str, service: str, look_up: Callable[[str], Credentials | None], now: float
) -> Credentials:
    """Verify the signature of a request, and return the credentials with which it is signed.

    Args:
        request: The request.
        region: Region of the API.
        service: Signing name of the API.
        look_up: Returns the credentials with an access key id.
        now: Time in seconds since 1970.

    Raises:
        ApiError: With the error that AWS answers (AWS Cloud Map API Reference, *Common Errors*).
    """
    authorization = request.header("authorization")
    if authorization is None:
        raise ApiError(403, "MissingAuthenticationTokenException", "the request is not signed")
    match = _AUTHORIZATION.fullmatch(authorization)
    date = request.header("x-amz-date") or ""
    if match is None or not re.fullmatch(r"[0-9]{8}T[0-9]{6}Z", date):
        raise ApiError(403, "IncompleteSignatureException", "the header Authorization or X-Amz-Date is malformed")
    credentials = look_up(match["key"])
    # A session token belongs to temporary credentials: neither is valid without the other.
    token = request.header("x-amz-security-token") or ""
    if credentials is None or not hmac.compare_digest(token.encode(), credentials.token.encode()):
        raise ApiError(403, "UnrecognizedClientException", "the security token included in the request is invalid")
    _check_time(date, now, credentials)
    scope = f"{date[:8]}/{region}/{service}/aws4_request"
    if match["scope"] != scope:
        raise ApiError(403, "InvalidSignatureException", f"the credential scope is {match['scope']}, and not {scope}")
    signed = match["headers"].split(";")
    unsigned = [name for name in request.headers if name == "host" or name.startswith("x-amz-") if name not in signed]
    if unsigned:
        raise ApiError(403, "InvalidSignatureException", f"headers that must be signed are not: {', '.join(unsigned)}")
    text = "\n".join((_ALGORITHM, date, scope, _digest(_canonical(request, signed))))
    expected = hmac.new(signing_key(credentials.secret_access_key, scope), text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, match["signature"]):
        raise ApiError(403, "InvalidSignatureException", "the signature does not match the request")
    return credentials


def _check_time(date: str, now: float, credentials: Credentials) -> None:
    try:
        signed_at = timegm(strptime(date, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise ApiError(403, "IncompleteSignatureException", f"X-Amz-Date is no time: {date}") from None
    if abs(now - signed_at) > _MAX_SKEW_SECONDS:
        raise ApiError(403, "InvalidSignatureException", f"signature expired: {date} is not the current time")
    if now >= credentials.expires:
        raise ApiError(403, "ExpiredTokenException", "the security token included in the request is expired")


def signing_key(secret: str, scope: str) -> bytes:
    """Return the key that is derived from a secret access key for a credential scope."""
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _canonical(request: HttpRequest, signed: list[str]) -> str:
    """Render a request to ``/``, without a query, as it is signed."""
    headers = (
        f"{name}:{','.join(' '.join(value.split()) for value in request.headers.get(name, ()))}\n" for name in signed
    )
    return "\n".join(
        (
            request.method,
            request.target,
            "",
            "".join(headers),
            ";".join(signed),
            # Only Amazon S3 accepts unsigned bodies, or the digest that the client states.
            hashlib.sha256(request.body).hexdigest(),
        )
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
