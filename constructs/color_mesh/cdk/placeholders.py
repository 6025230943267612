"""Placeholders in an Envoy configuration for tokens, which a compressed configuration cannot hold."""

import json
import re
from collections.abc import Sequence

from color_mesh.envoy.typed import Json

# CDK Developer Guide, *Tokens and the AWS CDK*: the text that stands for a value.
_TOKEN = re.compile(r"\$\{Token\[[^]]+\]\}")
_PLACEHOLDER = re.compile(r"@AWS_([0-9]+)@")


def placeholder(number: int) -> str:
    """Return the placeholder of a token, which the run script of Envoy's container replaces."""
    return f"@AWS_{number}@"


def with_placeholders(bootstrap: Json) -> tuple[Json, tuple[str, ...]]:
    """Return a configuration with placeholders, and the tokens for which they stand."""
    text = json.dumps(bootstrap)
    tokens = tuple(dict.fromkeys(_TOKEN.findall(text)))
    for number, token in enumerate(tokens):
        text = text.replace(token, placeholder(number))
    return (json.loads(text) if tokens else bootstrap), tokens


def with_tokens(text: str, tokens: Sequence[str]) -> str:
    """Return text of a configuration with tokens again."""
    return _PLACEHOLDER.sub(lambda match: tokens[int(match[1])], text)
