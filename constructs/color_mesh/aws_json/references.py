"""References of resources in place of ids and ARNs, and parameters in place of secrets."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from color_mesh.aws_json.resource import APP_MESH, Converted, Secret

TASK_DEFINITION = "AWS::ECS::TaskDefinition"
_REVISION = re.compile(r"(?:arn:[^:]*:ecs:[^:]*:[^:]*:task-definition/)?([^:/]+)(?::[0-9]+)?")


def references_of(resources: Mapping[str, tuple[Path, Converted]]) -> dict[str, str]:
    """Return the logical ids of the resources by their ids and ARNs; App Mesh has names in place of both."""
    references = {
        each: key
        for key, (_, resource) in resources.items()
        if not resource.type.startswith(APP_MESH)
        for each in resource.ids
    }
    # A service may name the family, or a revision that is not at hand.
    families = {
        f"family {each.properties['Family']}": key
        for key, (_, each) in resources.items()
        if each.type == TASK_DEFINITION
    }
    return references | families


def resolved(
    value: Any, logical_id: str, references: Mapping[str, str], secrets: dict[str, str], name: str = ""
) -> Any:
    """Return a value with references in place of ids and ARNs, and with parameters in place of secrets.

    Args:
        value: Value of a property.
        logical_id: Logical id of the resource.
        references: Logical ids by ids and ARNs.
        secrets: Values of parameters, to which those of secrets are added.
        name: Name of the property, or of the variable of which it is the value. Default: the value is that of all
            properties.
    """
    if isinstance(value, dict):
        named = value.get("Name")
        return {
            key: each
            if key.endswith("PolicyDocument")
            else resolved(
                each, logical_id, references, secrets, named if key == "Value" and isinstance(named, str) else key
            )
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [resolved(each, logical_id, references, secrets, name) for each in value]
    if isinstance(value, Secret):
        parameter = _parameter(f"{logical_id}.{name}", secrets)
        secrets[parameter] = str(value)
        return {"Ref": parameter}
    if not isinstance(value, str):
        return value
    found = next((references[each] for each in _names(value, name) if each in references), None)
    return value if found is None else {"Ref": found}


def _parameter(name: str, known: Collection[str]) -> str:
    """Return the name of a new parameter: messages have it in place of the value."""
    parameter, number = name, len(known)
    while parameter in known:
        number += 1
        parameter = f"{name} {number}"
    return parameter


def _names(value: str, property_name: str) -> Iterator[str]:
    """Yield the keys of a text in the table of references."""
    yield value
    if value.startswith("arn:") and ":servicediscovery:" in value:
        yield value.rpartition("/")[2]
    if property_name == "TaskDefinition" and (revision := _REVISION.fullmatch(value)):
        yield f"family {revision[1]}"
