"""Dependencies between the resources of a template, as CloudFormation follows them at a deployment."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

# A variable of Fn::Sub, up to its attribute or its end. Names cannot have other characters, so each is read once.
_VARIABLE = re.compile(r"\$\{([A-Za-z0-9:]+)[.}]")


def dependencies(resources: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the resources that each resource of a template depends on, each with the property that refers to it.

    Both values of a condition count, since it is not evaluated here.

    Args:
        resources: Resources of a template, by their logical ids.
    """
    return {logical_id: _dependencies(resource, resources) for logical_id, resource in resources.items()}


def _dependencies(resource: Any, known: Mapping[str, Any]) -> dict[str, str]:
    depends_on = resource.get("DependsOn", [])
    found = {
        name: "DependsOn"
        for name in ([depends_on] if isinstance(depends_on, str) else depends_on)
        if isinstance(name, str) and name in known
    }
    for name, path in references(resource.get("Properties", {}), ""):
        if name in known:
            found.setdefault(name, path)
    return found


def references(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the names that a value refers to, each with the property that does."""
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from references(each, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, each in value.items():
            match key, each:
                case "Ref", str():
                    yield each, path
                case "Fn::GetAtt", [str(name), *_]:
                    yield name, path
                case "Fn::GetAtt", str():
                    yield each.partition(".")[0], path
                case "Fn::Sub", str():
                    yield from ((name, path) for name in _VARIABLE.findall(each))
                case "Fn::Sub", [str(text), dict(variables), *_]:
                    yield from ((name, path) for name in _VARIABLE.findall(text) if name not in variables)
                    yield from references(variables, path)
                case _:
                    yield from references(each, path if key.startswith("Fn::") else f"{path}.{key}".lstrip("."))
