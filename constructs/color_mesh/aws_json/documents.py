"""Resources in any document: recorded answers and lists have them at any depth."""

from collections.abc import Iterator
from typing import Any

from color_mesh.aws_json.app_mesh import app_mesh_resources
from color_mesh.aws_json.cloud_map import cloud_map_resources
from color_mesh.aws_json.ecs import CONTAINERS, ecs_resources, is_container, task_definition
from color_mesh.aws_json.load_balancers import load_balancer_resources
from color_mesh.aws_json.resource import Converted, Recognizer, embedded_json
from color_mesh.aws_json.terraform import is_terraform, terraform_resources

_RECOGNIZERS: tuple[Recognizer, ...] = (
    app_mesh_resources,
    ecs_resources,
    cloud_map_resources,
    load_balancer_resources,
)
# Keys of recorded answers whose texts are JSON.
_BODIES = ("body", "string", "text", "stdout", "Body")
_MAX_DEPTH = 100


def resources_of(document: Any, file_name: str) -> list[Converted]:
    """Return the resources in a document of the AWS CLI, or in a state or plan of Terraform; without any, none.

    Args:
        document: Parsed document.
        file_name: File name without its extension, for task definitions without a family.
    """
    if is_terraform(document):
        return terraform_resources(document)
    return list(_found(document, file_name, 0))


def _found(value: Any, file_name: str, depth: int) -> Iterator[Converted]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        if value and all(map(is_container, value)):
            yield task_definition({CONTAINERS: value}, file_name)
            return
        for each in value:
            yield from _found(each, file_name, depth + 1)
    elif isinstance(value, dict) and not _is_of_template(value):
        for recognize in _RECOGNIZERS:
            resources = recognize(value, file_name)
            if resources is not None:
                yield from resources
                return
        for key, each in value.items():
            if not key.startswith("aws:cdk:"):  # The CDK describes constructs in its own files.
                yield from _found(_body(each) if key in _BODIES else each, file_name, depth + 1)


def _is_of_template(value: dict[str, Any]) -> bool:
    """Return whether an object is a resource of a template, in a document that is none."""
    return "Properties" in value and str(value.get("Type")).startswith("AWS::")


def _body(value: Any) -> Any:
    """Return the JSON of a recorded body; another value as it is."""
    return embedded_json(value) or value
