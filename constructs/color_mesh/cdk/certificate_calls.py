"""Calls of AWS for certificates by the Envoys of a mesh: their permissions."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from color_mesh.cdk.synthesis import at_synthesis
from color_mesh.envoy.aws.certificates import SECRETS_MANAGER, CertificateApi
from color_mesh.model import SecretsManagerCertificate, SecretsManagerTrust, VirtualGateway, VirtualNode
from color_mesh.model.certificates import Certificate, Trust
from color_mesh.model.tls import sources

# AWS Secrets Manager User Guide, *What's in a Secrets Manager secret?*: an ARN ends with six random characters. A token
# is the complete ARN, unless it is the name in one.
_COMPLETE = re.compile(r".*-[A-Za-z0-9]{6}|\$\{Token\[[^]]+\]\}")


def allow_certificates(
    role: iam.IRole,
    calls: Callable[[], Iterable[tuple[CertificateApi, str]]],
    parts: Callable[[], Sequence[VirtualNode | VirtualGateway]] = lambda: (),
) -> None:
    """Let a task role get the certificates that its Envoy asks for, which are known at synthesis only.

    Args:
        role: The task role.
        calls: Returns the APIs that the Envoy calls, with the ARNs.
        parts: Returns the nodes and gateways with secrets, as their own Envoys know them. Default: none.
    """
    at_synthesis(role, lambda: _allow(role, calls(), parts()))


def _allow(
    role: iam.IRole, calls: Iterable[tuple[CertificateApi, str]], parts: Sequence[VirtualNode | VirtualGateway]
) -> None:
    arns: dict[CertificateApi, list[str]] = {}
    for api, arn in dict.fromkeys(calls):
        arns.setdefault(api, []).append(arn)
    for api, called in arns.items():
        resources = [_resource(arn) for arn in called] if api is SECRETS_MANAGER else called
        role.add_to_principal_policy(iam.PolicyStatement(actions=[api.action], resources=resources))
    keys = dict(_encryption_keys(parts))
    used = dict.fromkeys(keys[arn] for arn in arns.get(SECRETS_MANAGER, []) if arn in keys)
    if used:
        # AWS Secrets Manager User Guide, *Secret encryption and decryption*: permissions for the KMS key.
        via = {"kms:ViaService": f"secretsmanager.{Stack.of(role).region}.amazonaws.com"}
        role.add_to_principal_policy(
            iam.PolicyStatement(actions=["kms:Decrypt"], resources=[*used], conditions={"StringEquals": via})
        )


def _resource(secret_arn: str) -> str:
    return secret_arn if _COMPLETE.fullmatch(secret_arn) else f"{secret_arn}-??????"


def sources_of(parts: Sequence[VirtualNode | VirtualGateway]) -> Iterator[Certificate | Trust]:
    """Yield the certificates and the trusted authorities of nodes and gateways."""
    listeners = [listener.tls for part in parts for listener in part.listeners]
    policies = [part.client_tls for part in parts]
    policies += [backend.client_tls for part in parts if isinstance(part, VirtualNode) for backend in part.backends]
    yield from sources((*listeners, *policies))


def _encryption_keys(parts: Sequence[VirtualNode | VirtualGateway]) -> Iterator[tuple[str, str]]:
    """Yield the ARNs of the secrets whose KMS key is one of the customer, and of the keys."""
    for source in sources_of(parts):
        if isinstance(source, SecretsManagerCertificate | SecretsManagerTrust) and source.encryption_key_arn:
            yield source.secret_arn, source.encryption_key_arn
