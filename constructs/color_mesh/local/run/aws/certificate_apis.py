"""The APIs of AWS Certificate Manager, AWS Private CA and AWS Secrets Manager, as far as Envoys call them."""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from color_mesh.ecs.roles import Decision, Role
from color_mesh.local.plan.certificate_calls import ACTIONS, authorize_certificate
from color_mesh.local.run.aws.api_error import ApiError
from color_mesh.local.run.aws.certificate_store import CertificateStore
from color_mesh.local.run.aws.json_api import Api, ApiCall

# ACM API Reference, ExportCertificate.
_MIN_PASSPHRASE, _MAX_PASSPHRASE = 4, 128


def acm_api(store: CertificateStore) -> Api:
    """Return the API of AWS Certificate Manager."""

    def export(call: ApiCall, arn: str) -> dict[str, Any]:
        return store.export(arn, _passphrase(call))

    return _api(store, "acm", "CertificateManager", "CertificateArn", export)


def private_ca_api(store: CertificateStore) -> Api:
    """Return the API of AWS Private CA."""

    def get(_: ApiCall, arn: str) -> dict[str, Any]:
        return {"Certificate": store.authority_certificate(arn)}

    return _api(store, "acm-pca", "ACMPrivateCA", "CertificateAuthorityArn", get)


def secrets_manager_api(store: CertificateStore) -> Api:
    """Return the API of AWS Secrets Manager."""

    def get(call: ApiCall, identifier: str) -> dict[str, Any]:
        if call.document.get("VersionStage", "AWSCURRENT") != "AWSCURRENT" or "VersionId" in call.document:
            raise ApiError(400, "ResourceNotFoundException", "only the version AWSCURRENT is emulated")
        return store.secret(identifier)

    return _api(store, "secretsmanager", "secretsmanager", "SecretId", get)


def _api(
    store: CertificateStore,
    name: str,
    target_prefix: str,
    parameter: str,
    answer: Callable[[ApiCall, str], dict[str, Any]],
) -> Api:
    """Return an API with one action.

    Args:
        store: Certificates, authorities and secrets.
        name: Name in signatures, in the actions of policies, and in the host name.
        target_prefix: First part of the header ``X-Amz-Target``.
        parameter: Parameter with the ARN of the resource, or with the name of a secret.
        answer: Returns the answer to a call about this resource.
    """

    def authorized(call: ApiCall, role: Role) -> Decision:
        if call.action != ACTIONS[name]:
            raise ApiError(400, "UnknownOperationException", f"{call.action} is not emulated")
        return authorize_certificate(role, name, _text(call, parameter), store.planned(), call.region)

    async def answered(call: ApiCall) -> dict[str, Any]:
        return answer(call, _resource(call, parameter))

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


def _resource(call: ApiCall, name: str) -> str:
    """Return the ARN or name in a call. An API knows the resources of its own region."""
    identifier = _text(call, name)
    if ":" in identifier and identifier.split(":")[3:4] != [call.region]:
        text = f"{identifier} is not in {call.region} (if no stack has a region, give it with --set AWS::Region=REGION)"
        raise ApiError(400, "ResourceNotFoundException", text)
    return identifier


def _passphrase(call: ApiCall) -> bytes:
    try:
        passphrase = base64.b64decode(_text(call, "Passphrase"), validate=True)
    except binascii.Error:
        raise ApiError(400, "SerializationException", "Passphrase is not base64") from None
    if not _MIN_PASSPHRASE <= len(passphrase) <= _MAX_PASSPHRASE:
        text = f"Passphrase has not from {_MIN_PASSPHRASE} to {_MAX_PASSPHRASE} bytes"
        raise ApiError(400, "ValidationException", text)
    if not passphrase.isascii() or set(passphrase) & set(b"#$%"):
        raise ApiError(400, "ValidationException", "Passphrase has a character other than ASCII, or #, $ or %")
    return passphrase
