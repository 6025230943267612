"""Validation of the ARNs of certificates, certificate authorities, secrets and keys."""

import re
from collections.abc import Iterator, Mapping

from color_mesh.model.errors import problem

# Readers of templates have these in place of ARNs that are known after a deployment: of parameters without values, and
# of certificates and authorities that the templates declare.
PLACEHOLDER_ARN, DECLARED_ARN = "arn:aws:placeholder:::", "arn:aws:acm:::declared/"

WILDCARDS = "*?"  # IAM User Guide, Resource: an ARN with one of these stands for many resources.
# Tokens may be a part of an ARN, such as the region of a stack.
TOKEN = "${Token["  # CDK Developer Guide, *Tokens*.
_ARN = re.compile(r"([A-Za-z0-9:/_+=.@-]|\$\{Token\[[A-Za-z0-9._-]+\]\})*")
# Service Authorization Reference, *Resource types*: how the resource of an ARN begins.
_RESOURCES: Mapping[str, tuple[str, ...]] = {
    "acm": ("certificate/",),
    "acm-pca": ("certificate-authority/",),
    "secretsmanager": ("secret:",),
    "kms": ("key/",),
}


def check_arn(subject: str, field: str, value: object, *, service: str) -> Iterator[str]:
    """Validate the ARN of one resource, or a token of the CDK for it, whose ARN is known at deployment only.

    Args:
        subject: Beginning of messages.
        field: Name of the value in messages.
        value: The value.
        service: ``acm`` for a certificate, ``acm-pca`` for a certificate authority, ``secretsmanager`` for a secret,
            ``kms`` for a key.
    """
    if not (isinstance(value, str) and value.startswith(("arn:", TOKEN))):
        yield problem(subject, f"{field} is not an ARN", value, f"such as 'arn:aws:{service}:…'")
    elif set(value) & set(WILDCARDS):
        yield problem(subject, f"{field} has a wildcard", value, "the ARN of one resource")
    elif value.startswith("arn:") and not _ARN.fullmatch(value):
        fix = "letters, digits and ':/_+=.@-' (IAM User Guide, Amazon Resource Names)"
        yield problem(subject, f"{field} has invalid characters", value, fix)
    elif service == "kms" and ":alias/" in value:
        # AWS KMS Developer Guide, *Specifying KMS keys in IAM policy statements*: an alias ARN allows no decryption.
        yield problem(subject, f"{field} is an alias", value, "the ARN of its key")
    elif not value.startswith((PLACEHOLDER_ARN, DECLARED_ARN)) and not _is_of(value, service):
        fix = f"such as 'arn:aws:{service}:eu-west-1:111122223333:{_RESOURCES[service][0]}…'"
        yield problem(subject, f"{field} has the ARN of something else", value, fix)


def _is_of(arn: str, service: str) -> bool:
    """Return whether an ARN is one of a service. Of one with tokens, the service is known if it is before them."""
    if TOKEN in arn:
        return arn.partition(TOKEN)[0].split(":")[2:-1][:1] in ([], [service])
    shape = rf"arn:aws(-[a-z]+)*:{service}:[a-z0-9-]+:[0-9]+:({'|'.join(_RESOURCES[service])})[^:]+"
    return re.fullmatch(shape, arn) is not None
