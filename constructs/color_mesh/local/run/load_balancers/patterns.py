"""Patterns of conditions as regular expressions, and ranges of addresses (API Reference, *RuleCondition*)."""

import re
from ipaddress import ip_network

from color_mesh.envoy.typed import Json


def host_regex(pattern: str) -> str:
    """Return the expression of a hostname pattern. It has no port, and clients add theirs unless it is the default."""
    return f"(?i){_wildcards(pattern, '[^:]')}(:[0-9]+)?"


def path_regex(pattern: str) -> str:
    """Return the expression of a path pattern."""
    return _wildcards(pattern, ".")


def value_regex(pattern: str) -> str:
    """Return the expression of a pattern of header values."""
    return f"(?i){_wildcards(pattern, '.')}"


def contained_regex(expression: str) -> str:
    """Return an expression of texts that contain what a regular expression of a condition matches."""
    return f"(?s:.*?)(?:{expression})(?s:.*)"


def host_regex_of(expression: str) -> str:
    """Return an expression of hostnames, with or without a port, that a regular expression of a condition matches."""
    if expression.endswith("$") and not expression.endswith("\\$"):
        expression = f"(?:{expression[:-1]})(?::[0-9]+)?$"
    return f"(?i){contained_regex(expression)}"


def query_regex(key: str | None, value: str) -> str:
    """Return the expression of a path whose query has a pair of a key and a value, or a value."""
    name = "[^&=]*=|" if key is None else f"{_wildcards(key, '[^&=]')}="
    return f"(?i)[^?]*[?](.*&)?({name}){_wildcards(value, '[^&]')}(&.*)?"


def address_range(cidr: str) -> Json:
    """Render a range of addresses."""
    network = ip_network(cidr, strict=False)
    return {"address_prefix": str(network.network_address), "prefix_len": network.prefixlen}


def _wildcards(pattern: str, character: str) -> str:
    """Return the expression of a pattern with ``*``, ``?``, and a backslash before one of these that is meant itself.

    Args:
        pattern: The pattern.
        character: Expression of a character that a wildcard stands for.
    """
    wildcards = {"*": f"{character}*", "?": character}
    tokens = re.findall(r"\\[*?\\]|.", pattern, re.DOTALL)
    return "".join(wildcards.get(token) or re.escape(token[-1]) for token in tokens)
