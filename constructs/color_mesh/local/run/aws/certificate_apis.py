"""The APIs of AWS Certificate Manager, AWS Private CA and AWS Secrets Manager, as far as Envoys call them."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any

from color_mesh.ecs.policy_conditions import RequestContext
from color_mesh.ecs.roles import Decision, Role
from color_mesh.local.plan.assembly import ACCOUNT
from color_mesh.local.plan.authorization import authorize_resource
from color_mesh.local.plan.certificates import complete_arn
from color_mesh.local.run.aws.api_error import ApiError
from color_mesh.local.run.aws.certificate_store import CertificateStore
from color_mesh.local.run.aws.json_api import Api, ApiCall

# ACM API Reference, ExportCertificate.
_MIN_PASSPHRASE, _MAX_PASSPHRASE = 4, 128


def acm_api(store: CertificateStore) -> Api:
    """Return the API of AWS Certificate Manager."""

    def export(call: ApiCall) -> dict[str, Any]:
        return store.export(_arn(call, "CertificateArn"), _passphrase(call))

    return _api("acm", "CertificateManager", "ExportCertificate", lambda call: [_text(call, "CertificateArn")], export)


def private_ca_api(store: CertificateStore) -> Api:
    """Return the API of AWS Private CA."""
    name = "CertificateAuthorityArn"

    def get(call: ApiCall) -> dict[str, Any]:
        return {"Certificate": store.authority_certificate(_arn(call, name))}

    action = "GetCertificateAuthorityCertificate"
    return _api("acm-pca", "ACMPrivateCA", action, lambda call: [_text(call, name)], get)


def secrets_manager_api(store: CertificateStore) -> Api:
    """Return the API of AWS Secrets Manager."""

    def resource(call: ApiCall) -> list[str]:
        identifier = _text(call, "SecretId")
        secret = store.planned().secret(identifier)
        if secret is not None:
            return [secret.arn]
        arn = identifier if ":" in identifier else f"arn:aws:secretsmanager:{call.region}:{ACCOUNT}:secret:{identifier}"
        return [complete_arn(arn), arn]

    def context(call: ApiCall) -> RequestContext:
        return {
            "secretsmanager:secretid": _text(call, "SecretId"),
            "secretsmanager:versionid": None,
            "secretsmanager:versionstage": call.document.get("VersionStage"),
        }

    def get(call: ApiCall) -> dict[str, Any]:
        if call.document.get("VersionStage", "AWSCURRENT") != "AWSCURRENT" or "VersionId" in call.document:
            raise ApiError(400, "ResourceNotFoundException", "only the version AWSCURRENT is emulated")
        identifier = _text(call, "SecretId")
        return store.secret(_arn(call, "SecretId") if ":" in identifier else identifier)

    return _api("secretsmanager", "secretsmanager", "GetSecretValue", resource, get, context)


def _api(
    name: str,
    target_prefix: str,
    action: str,
    resource: Callable[[ApiCall], Sequence[str]],
    answer: Callable[[ApiCall], dict[str, Any]],
    context: Callable[[ApiCall], RequestContext] = lambda _: {},
) -> Api:
    """Return an API with one action.

    Args:
        name: Name in signatures, in the actions of policies, and in the host name.
        target_prefix: First part of the header ``X-Amz-Target``.
        action: The action.
        resource: Returns the ARNs of the resource of a call.
        answer: Returns the answer to a call.
        context: Returns the condition keys of a call. Default: those of all actions.
    """

    def authorized(call: ApiCall, role: Role) -> Decision:
        if call.action != action:
            raise ApiError(400, "UnknownOperationException", f"{call.action} is not emulated")
        return authorize_resource(role, f"{name}:{action}", resource(call), call.region, context(call))

    async def answered(call: ApiCall) -> dict[str, Any]:
        return answer(call)

    return Api(
        signing_name=name,
        target_prefix=target_prefix,
        host_prefix=lambda _: name,
        authorize=authorized,
        answer=answered,
    )


def _text(call: ApiCall, name: str) -> str:
    value = call.document.get(name)
    if not isinstance(value, str) or not value:
        raise ApiError(400, "ValidationException", f"{name} is missing, or is not text")
    return value


def _arn(call: ApiCall, name: str) -> str:
    """Return the ARN in a call. An API knows the resources of its own region."""
    arn = _text(call, name)
    if arn.split(":")[3:4] not in ([call.region], [""]):
        text = f"{arn} is not in {call.region} (if no stack has a region, give it with --set AWS::Region=REGION)"
        raise ApiError(400, "ResourceNotFoundException", text)
    return arn


def _passphrase(call: ApiCall) -> bytes:
    try:
        passphrase = base64.b64decode(_text(call, "Passphrase"), validate=True)
    except binascii.Error:
        raise ApiError(400, "SerializationException", "Passphrase is not base64") from None
    if not _MIN_PASSPHRASE <= len(passphrase) <= _MAX_PASSPHRASE:
        text = f"Passphrase has not from {_MIN_PASSPHRASE} to {_MAX_PASSPHRASE} bytes"
        raise ApiError(400, "ValidationException", text)
    # An application may decrypt the key with a passphrase of text only.
    if not passphrase.isascii() or set(passphrase) & set(b"#$%"):
        raise ApiError(400, "ValidationException", "Passphrase has a character other than ASCII, or #, $ or %")
    return passphrase
