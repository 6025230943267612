"""Attributes and blocks of Terraform's resources. A block is a list of objects, also where it occurs once."""

from collections.abc import Mapping
from typing import Any

from color_mesh.aws_json.resource import Object

_UNSET: tuple[Any, ...] = (None, "", [], {})


def block(values: Object, key: str) -> dict[str, Any]:
    """Return the object of a block that occurs once; an empty one without it."""
    return next(iter(blocks(values, key)), {})


def blocks(values: Object, key: str) -> list[dict[str, Any]]:
    """Return the objects of a block."""
    value = values.get(key)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def renamed(values: Object, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the attributes that are set, by their names in CloudFormation or in the AWS CLI."""
    return {name: values[key] for key, name in names.items() if values.get(key) not in _UNSET}


def pairs(
    values: Object, key: str = "tags", name: str = "Tags", inner: tuple[str, str] = ("Key", "Value")
) -> dict[str, Any]:
    """Return an attribute with keys of the user as a list of keys and values; nothing if it is not set."""
    value = values.get(key)
    if not (isinstance(value, dict) and value):
        return {}
    return {name: [{inner[0]: each, inner[1]: value[each]} for each in value]}
