"""Stacks as CloudFormation works on them: in order of dependencies, with replacements, and to the end.

moto compares templates as text, so a service misses that its task definition was replaced; it deletes before it
creates, so names that clash go unnoticed; and it tries in any order until something works.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from graphlib import TopologicalSorter
from typing import Any

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.parsing import ResourceMap, clean_json

from rehearsal.emulator.kinds import Resource

# moto has no such type, and only the bootstrap template does: it makes the bucket refuse plain HTTP.
LEFT_OUT = ("AWS::S3::BucketPolicy",)
ANY_REGION = "us-east-1"

_get = ResourceMap.__getitem__
_class_from_type = parsing.resource_class_from_type
_delete_in_moto = parsing.parse_and_delete_resource


def install() -> None:
    """Put these in moto's place."""
    parsing.resource_class_from_type = supported
    parsing.parse_and_delete_resource = delete_in_moto
    ResourceMap.__getitem__ = get
    ResourceMap.update = update
    ResourceMap.delete = delete


def supported(type: str) -> Any:
    """Refuse a type that moto only warns about."""
    found = _class_from_type(type)
    if not found and type not in LEFT_OUT:
        raise ValueError(f"the emulator has no {type}")
    return found


def delete_in_moto(name: str, definition: dict[str, Any], account_id: str, region_name: str) -> None:
    """Refuse to leave what moto cannot delete, and would pass over."""
    if hasattr(supported(definition["Type"]).delete_from_cloudformation_json, "__isabstractmethod__"):
        raise NotImplementedError("the emulator cannot delete it")
    _delete_in_moto(name, definition, account_id, region_name)


def get(self: Any, logical_id: str) -> Any:
    """Create a resource when it is first asked for, after what it depends on, and remember its properties."""
    made = self._parsed_resources.get(logical_id)
    definition = self._resource_json_map.get(logical_id)
    if made is not None or definition is None:
        return _get(self, logical_id)
    for dependency in _names(definition.get("DependsOn", [])):
        get(self, dependency)
    with naming(logical_id, definition["Type"]):
        made = _get(self, logical_id)
    if made is not None:
        made.applied_properties = resolved(self, definition)
    return made


def update(self: Any, template: dict[str, Any], parameters: dict[str, Any] | None = None) -> None:
    """Create and change in order, then delete what was replaced or removed, the other way round."""
    old = in_order(self._resource_json_map)
    self._template = template
    self._resource_json_map = template["Resources"]
    self.input_parameters = parameters or self.input_parameters
    for load in (self.load_mapping, self.load_parameters, self.load_conditions):
        load()
    made = {name: self._parsed_resources[name] for name in old if name in self._parsed_resources}
    gone = made.keys() - template["Resources"].keys()
    gone |= {logical_id for logical_id in in_order(template["Resources"]) if change(self, logical_id)}
    for logical_id in reversed(old):
        if logical_id in gone:
            remove(self, made[logical_id])
            if logical_id not in template["Resources"]:
                del self._parsed_resources[logical_id]


def delete(self: Any) -> None:
    """Delete everything, each resource before what it depends on."""
    for logical_id in reversed(in_order(self._resource_json_map)):
        made = self._parsed_resources.get(logical_id)
        if made is not None and self._resource_json_map[logical_id].get("DeletionPolicy") != "Retain":
            remove(self, made)
        self._parsed_resources.pop(logical_id, None)


def change(resources: Any, logical_id: str) -> bool:
    """Bring a resource to its new definition; say whether it was replaced, and the old one is to be deleted."""
    made = resources._parsed_resources.get(logical_id)
    definition = resources._resource_json_map[logical_id]
    if made is None:
        get(resources, logical_id)
        return False
    properties = resolved(resources, definition)
    if properties == made.applied_properties:
        return False
    if replaces(definition["Type"], made.applied_properties, properties):
        del resources._parsed_resources[logical_id]
        get(resources, logical_id)
        return True
    with naming(logical_id, definition["Type"]):
        if isinstance(made, Resource):
            made.update(properties)
        else:
            _update_in_moto(resources, logical_id, definition)
    resources._parsed_resources[logical_id].applied_properties = properties
    return False


def remove(resources: Any, made: Any) -> None:
    """Delete what was made; moto looks its type up by the old properties."""
    with naming(made.logical_resource_id, made.cf_resource_type):
        resources._delete_resource(made, {"Type": made.cf_resource_type, "Properties": made.applied_properties})


@contextmanager
def naming(logical_id: str, type: str) -> Iterator[None]:
    """Name the resource in whatever goes wrong with it, so that the CDK CLI can say so."""
    try:
        yield
    except ValidationError:
        raise
    except Exception as error:
        raise ValidationError(message=f"{logical_id} ({type}): {error}") from error


def replaces(type: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Ask the type's schema whether the change needs a new resource."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(ANY_REGION, type).schema
    paths = [path.removeprefix("/properties/").split("/") for path in schema.get("createOnlyProperties", [])]
    return any(_at(old, path) != _at(new, path) for path in paths)


def resolved(resources: Any, definition: Mapping[str, Any]) -> dict[str, Any]:
    """Resolve a definition's properties."""
    properties: dict[str, Any] = clean_json(definition.get("Properties", {}), resources)
    return properties


def in_order(definitions: Mapping[str, Any]) -> list[str]:
    """Order resources so that each comes after what it depends on."""
    return list(
        TopologicalSorter(
            {
                name: sorted({*_names(definition.get("DependsOn", [])), *_references(definition)} & definitions.keys())
                for name, definition in definitions.items()
            }
        ).static_order()
    )


def _references(value: Any) -> set[str]:
    found: set[str] = set()
    if isinstance(value, dict):
        found.update(_names(value.get("Ref", [])), _names(value.get("Fn::GetAtt", []))[:1])
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return found.union(*map(_references, children))


def _names(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _at(value: Any, path: list[str]) -> Any:
    for step in path:
        # What is in a list is compared as the whole list.
        if not isinstance(value, dict):
            break
        value = value.get(step)
    return value


def _update_in_moto(resources: Any, logical_id: str, definition: Any) -> None:
    arguments = (resources, resources._account_id, resources._region_name)
    changed = parsing.parse_and_update_resource(logical_id, definition, *arguments)
    if changed is None:
        raise NotImplementedError(f"the emulator updates no {definition['Type']}")
    resources._parsed_resources[logical_id] = changed
