"""Values of a Terraform plan that only its application knows, as far as the configuration says what they refer to."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from color_mesh.aws_json.resource import Object

# Resources by address: type and values.
Resources = Mapping[str, tuple[str, Object]]
_REFERENCE = re.compile(r"(aws_[a-z0-9_]+\.[A-Za-z0-9_-]+)(?:\[[^\]]*\])?(?:\.([a-z_]+))?")
_ADDRESS = re.compile(r"((?:module\.[^.\[]+(?:\[[^\]]*\])?\.)*)(?:data\.)?([^.\[]+\.[^.\[]+)(\[.*\])?")
_LISTS = ("security_groups", "subnets")
_MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class _Context:
    """Resources to which those of a module refer.

    Attributes:
        resources: All resources.
        known: Addresses of resources, by themselves and without an index.
        module: Beginning of the addresses in the module of the resource.
        index: Index of the resource.
    """

    resources: Resources
    known: Mapping[str, str]
    module: str
    index: str


def own_id(address: str) -> str:
    """Return the text by which other resources of a plan refer to one whose id is not known yet."""
    return f"terraform:{address}"


def with_references(resources: Resources, configuration: Any) -> dict[str, tuple[str, Object]]:
    """Return resources with the ids, ARNs and names of others that the configuration refers to."""
    root = configuration.get("root_module") if isinstance(configuration, dict) else None
    expressions = dict(_expressions(root, "", 0))
    # The first instance of a resource stands for all, unless there is one with the same index.
    instances = {each.rpartition("[")[0]: each for each in reversed(list(resources)) if each.endswith("]")}
    known = {**instances, **{each: each for each in resources}}
    filled = {}
    for address, (type_name, values) in resources.items():
        match = _ADDRESS.fullmatch(address)
        module, name, index = (match[1], match[2], match[3] or "") if match else ("", address, "")
        declared = expressions.get(re.sub(r"\[[^\]]*\]", "", module) + name, {})
        filled[address] = type_name, _filled(values, declared, _Context(resources, known, module, index), 0)
    return filled


def _expressions(module: Any, path: str, depth: int) -> Iterator[tuple[str, Object]]:
    """Yield the expressions of each resource, by its address without indices."""
    if not isinstance(module, dict) or depth > _MAX_DEPTH:
        return
    resources, calls = module.get("resources"), module.get("module_calls")
    for resource in resources if isinstance(resources, list) else ():
        if isinstance(resource, dict) and isinstance(resource.get("expressions"), dict):
            yield f"{path}{resource.get('type')}.{resource.get('name')}", resource["expressions"]
    for name, call in calls.items() if isinstance(calls, dict) else ():
        inner = call.get("module") if isinstance(call, dict) else None
        yield from _expressions(inner, f"{path}module.{name}.", depth + 1)


def _filled(values: Object, expressions: Any, context: _Context, depth: int) -> Object:
    if not isinstance(expressions, dict) or depth > _MAX_DEPTH:
        return values
    filled = dict(values)
    for key, expression in expressions.items():
        value = filled.get(key)
        if isinstance(expression, list) and isinstance(value, list):
            if len(expression) == len(value):
                filled[key] = [
                    _filled(each, inner, context, depth + 1) if isinstance(each, dict) else each
                    for each, inner in zip(value, expression, strict=True)
                ]
        elif value is None and isinstance(expression, dict) and isinstance(expression.get("references"), list):
            found = [*_targets(key, expression["references"], context)]
            if found:
                filled[key] = found if key in _LISTS else found[0]
    return filled


def _targets(key: str, references: list[Any], context: _Context) -> Iterator[Any]:
    """Yield the values that an attribute refers to, each once."""
    seen = set()
    for reference in references:
        match = _REFERENCE.fullmatch(str(reference))
        if match is None or match[1] in seen:
            continue
        name = f"{context.module}{match[1]}"
        address = context.known.get(f"{name}{context.index}") or context.known.get(name)
        if address is not None:
            seen.add(match[1])
            values = context.resources[address][1]
            known = values.get(match[2]) if match[2] else None
            yield known or (values.get("name") if key.endswith("_name") else own_id(address))
