"""Calls of the emulated APIs with the property names of CloudFormation."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from botocore import xform_name

Properties = dict[str, Any]

# Properties whose API parameter has another name, not only another case.
RENAMED = {"clustersettings": "settings", "proxyconfigurationproperties": "properties"}


@cache
def client(service: str) -> Any:
    """Return the client of a service; endpoint, region and credentials come from the environment."""
    return boto3.client(service)


def call(service: str, operation: str, properties: Mapping[str, Any]) -> Any:
    """Call an operation with CloudFormation's properties; a property without a parameter is an error."""
    api = client(service)
    shape = api.meta.service_model.operation_model(operation).input_shape
    return getattr(api, xform_name(operation))(**spelled(shape, properties))


def known(service: str, operation: str, properties: Mapping[str, Any]) -> Properties:
    """Return the properties that an operation accepts."""
    members = _members(client(service).meta.service_model.operation_model(operation).input_shape)
    return {name: value for name, value in properties.items() if _folded(name) in members}


def spelled(shape: Any, value: Any) -> Any:
    """Return a property's value with the names and types of an API shape."""
    if shape.type_name == "structure":
        members = _members(shape)
        unknown = [name for name in value if _folded(name) not in members]
        if unknown:
            raise ValueError(f"{shape.name}: unknown property {', '.join(unknown)} (known: {', '.join(shape.members)})")
        pairs = ((members[_folded(name)], part) for name, part in value.items())
        return {name: spelled(shape.members[name], part) for name, part in pairs}
    if shape.type_name == "list":
        return [spelled(shape.member, part) for part in value]
    if shape.type_name == "map":
        return {name: spelled(shape.value, part) for name, part in value.items()}
    # CloudFormation converts between numbers and strings.
    if shape.type_name == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return int(value) if shape.type_name in ("integer", "long") else value


def _members(shape: Any) -> dict[str, str]:
    return {name.lower(): name for name in shape.members}


def _folded(name: str) -> str:
    return RENAMED.get(name.lower(), name.lower())
