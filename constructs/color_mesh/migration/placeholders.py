"""Placeholders for the account and the region where neither a stack nor the user gives them."""

import re
from collections.abc import Iterator, Mapping

from color_mesh.cloudformation import hidden_parameters, set_option
from color_mesh.migration.python import Code, value
from color_mesh.model.errors import problem

PLACEHOLDERS: Mapping[str, str] = {"AWS::AccountId": "$AWS-ACCOUNT-ID$", "AWS::Region": "$AWS-REGION$"}
_ATTRIBUTES = {"AWS::AccountId": "self.account", "AWS::Region": "self.region"}
# Text that a deployment replaces by a value. CDK Developer Guide, *Tokens*; CloudFormation User Guide, *Get values
# stored in other services using dynamic references*. In an f-string the braces are doubled.
DEPLOYMENT_TEXT = re.compile(r"[$#]\{+Token\[[^'\"\\\n]{0,100}|\{\{resolve:[^'\"\\\n}]{0,300}(?:}})?")
_ECR_IMAGE = re.compile(r"([^.]+)\.dkr\.ecr\.([^.]+)\.amazonaws\.com(?:\.cn)?/([a-z0-9._/-]+)(?:[:@](.+))?")


def stack_text(text: str) -> Code:
    """Render text with the account and the region of the stack in place of the placeholders."""
    if not any(each in text for each in PLACEHOLDERS.values()):
        return value(text)
    for name, placeholder in PLACEHOLDERS.items():
        if text == placeholder:
            return Code(_ATTRIBUTES[name])
    literal: str = value(text.replace("{", "{{").replace("}", "}}"))
    for name, placeholder in PLACEHOLDERS.items():
        literal = literal.replace(placeholder, f"{{{_ATTRIBUTES[name]}}}")
    return Code(f"f{literal}")


def own_repository(image: str) -> tuple[str, str] | None:
    """Return repository and tag of an image in the ECR registry of the stack's account and region."""
    parts = _ECR_IMAGE.fullmatch(image)
    if parts is None or {parts[1], parts[2]} != {*PLACEHOLDERS.values()}:
        return None
    return parts[3], parts[4] or "latest"


def without_placeholders(text: str) -> str:
    """Return text without the placeholders."""
    for placeholder in PLACEHOLDERS.values():
        text = text.replace(placeholder, "")
    return text


def is_literal(text: str) -> bool:
    """Return whether a text is the same in every deployment, and no parameter with ``NoEcho`` is in it."""
    return without_placeholders(text) == text and not hidden_parameters(text) and not DEPLOYMENT_TEXT.search(text)


def readable(text: str) -> str:
    """Return text with the names of the pseudo parameters in place of their placeholders."""
    for name, placeholder in PLACEHOLDERS.items():
        text = text.replace(placeholder, f"<{name}>")
    return text


def check_placeholders(subject: str, texts: Mapping[str, str | None]) -> Iterator[str]:
    """Validate that texts, by the property that has them, depend on no placeholder."""
    for property_name, text in texts.items():
        for name, placeholder in PLACEHOLDERS.items():
            if text is not None and placeholder in text:
                wrong = f"{property_name} depends on {name}, which is known only at deployment"
                yield problem(subject, wrong, readable(text), set_option(name))
