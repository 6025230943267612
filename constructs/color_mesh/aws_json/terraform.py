"""Terraform states of version 4, and the output of ``terraform show -json`` for states and plans."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from color_mesh.aws_json.resource import Converted, Object, Secret
from color_mesh.aws_json.terraform_plan import own_id, with_references
from color_mesh.aws_json.terraform_types import CONVERSIONS
from color_mesh.model.errors import problem

_MAX_DEPTH = 50
# Types whose data sources have less than the resources, such as no rules.
_INCOMPLETE_DATA = ("aws_ecs_", "aws_lb", "aws_alb", "aws_security_group")


def is_terraform(document: Any) -> bool:
    """Return whether a document is a state of version 4, or a state or plan as JSON."""
    if not isinstance(document, dict):
        return False
    if document.get("version") == 4 and isinstance(document.get("resources"), list):
        return True
    return "format_version" in document and any(key in document for key in ("values", "planned_values"))


def unread_terraform(document: Any) -> tuple[str, str, str] | None:
    """Return why a state has no resource to read: the problem, the value and the fix; ``None`` if it has some."""
    if not isinstance(document, dict):
        return None
    fix = "`terraform state pull` of Terraform 0.12 or later, or `terraform show -json`"
    version = document.get("version")
    if "terraform_version" in document and version in (1, 2, 3):
        return "is a Terraform state of a version that is not read", str(version), f"version 4: {fix}"
    if is_terraform(document):
        empty = not document.get("resources") and not any(True for _ in _declared(document))
    else:
        empty = "format_version" in document and "terraform_version" in document
    if empty:
        return "is an empty Terraform state", "no resource", f"that of the workspace with the mesh: {fix}"
    return None


def left_out_of_terraform(document: Object) -> Iterator[str]:
    """Yield the problems of resources that a state or plan has and that are left out."""
    for address, type_name, values in _declared(document):
        is_task = type_name == "aws_ecs_task_definition" and not _is_data(address, type_name)
        if is_task and not values.get("container_definitions"):
            subject, fix = f"{address}.container_definitions", "give the state, or a plan of what is deployed"
            yield problem(subject, "is known only after terraform apply", None, fix)


def types_left_out(document: Object) -> set[str]:
    """Return the types of resources that a state or plan has and that are not read."""
    types = {type_name for _, type_name, _ in _declared(document)}
    return {each for each in types if each.startswith("aws_") and each not in CONVERSIONS}


def terraform_resources(document: Object) -> list[Converted]:
    """Return the resources of a state or plan that have a type of CloudFormation."""
    declared = {address: (type_name, values) for address, type_name, values in _declared(document)}
    if "configuration" in document:
        declared = with_references(declared, document["configuration"])
    resources: list[Converted] = []
    for address, (type_name, values) in declared.items():
        convert = CONVERSIONS.get(type_name)
        if convert is not None and not (_is_data(address, type_name) and type_name.startswith(_INCOMPLETE_DATA)):
            found = convert(values, address)
            resources += (replace(each, ids=(*each.ids, own_id(address))) for each in found[:1])
            resources += found[1:]
    return resources


def _declared(document: Object) -> Iterator[tuple[str, str, Object]]:
    """Yield the address, the type and the values of each resource."""
    if "format_version" in document:
        prior = document.get("prior_state")
        # A plan that destroys everything plans nothing.
        known = prior.get("values") if isinstance(prior, dict) else None
        roots = [_root(each) for each in (document.get("values"), document.get("planned_values"), known)]
        yield from _of_module(next(filter(None, roots), None), 0)
        return
    for resource in _objects(document["resources"]):
        for instance in _objects(resource.get("instances")):
            attributes = instance.get("attributes")
            if isinstance(attributes, dict) and "deposed" not in instance:
                secrets = instance.get("sensitive_attributes")
                for path in secrets if isinstance(secrets, list) else ():
                    attributes = _hidden(attributes, _steps(path))
                yield _address(resource, instance.get("index_key")), str(resource.get("type")), attributes


def _is_data(address: str, type_name: str) -> bool:
    return address.rpartition(f"{type_name}.")[0].endswith("data.")


def _root(values: Any) -> Any:
    return values.get("root_module") if isinstance(values, dict) else None


def _of_module(module: Any, depth: int) -> Iterator[tuple[str, str, Object]]:
    if not isinstance(module, dict) or depth > _MAX_DEPTH:
        return
    for resource in _objects(module.get("resources")):
        values = resource.get("values")
        if isinstance(values, dict):
            secret = _with_secrets(values, resource.get("sensitive_values"))
            yield str(resource.get("address")), str(resource.get("type")), secret
    for child in _objects(module.get("child_modules")):
        yield from _of_module(child, depth + 1)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _address(resource: Object, index: Any) -> str:
    parts = (resource.get("module"), "data" if resource.get("mode") == "data" else None)
    address = ".".join(str(each) for each in (*parts, resource.get("type"), resource.get("name")) if each)
    return address if index is None else f"{address}[{json.dumps(index)}]"


def _steps(path: Any) -> list[Any]:
    """Return the keys and indices of a path of ``sensitive_attributes``."""
    return [each.get("value") for each in _objects(path)]


def _hidden(value: Any, steps: list[Any]) -> Any:
    """Return a value whose texts at a path, and below it, are secrets. A path through a set ends at the set."""
    match value, steps:
        case dict(), [str(key), *others]:
            return {name: _hidden(each, others) if name == key else each for name, each in value.items()}
        case list(), [int(index), *others] if index < len(value):
            return [_hidden(each, others) if number == index else each for number, each in enumerate(value)]
    return _secret(value)


def _with_secrets(value: Any, sensitive: Any) -> Any:
    """Return a value whose texts are secrets where ``sensitive_values`` has ``true``."""
    if sensitive is True:
        return _secret(value)
    if isinstance(value, dict) and isinstance(sensitive, Mapping):
        return {key: _with_secrets(each, sensitive.get(key)) for key, each in value.items()}
    if isinstance(value, list) and isinstance(sensitive, list):
        padded = [*sensitive, *[None] * len(value)]
        return [_with_secrets(each, flag) for each, flag in zip(value, padded, strict=False)]
    return value


def _secret(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _secret(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_secret(each) for each in value]
    return Secret(value) if isinstance(value, str) else value
