"""Stack operations in the order of dependencies, with replacements, as CloudFormation does them.

moto compares templates as text, so a service keeps a task definition that was replaced. It deletes before it creates,
so it does not detect duplicate names. It tries resources in any order until one succeeds.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from graphlib import TopologicalSorter
from typing import Any

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.parsing import ResourceMap

from rehearsal.emulator.apis import client
from rehearsal.emulator.resource_types import Resource

# moto lacks this type. Only the bootstrap template has it, to refuse plain HTTP requests to the bucket.
IGNORED_TYPES = ("AWS::S3::BucketPolicy",)
ANY_REGION = "us-east-1"

_get = ResourceMap.__getitem__
_clean_json = parsing.clean_json
_class_from_type = parsing.resource_class_from_type
_delete_in_moto = parsing.parse_and_delete_resource


def install() -> None:
    """Replace the functions of moto."""
    parsing.clean_json = clean_json
    parsing.resource_class_from_type = supported
    parsing.parse_and_delete_resource = delete_in_moto
    ResourceMap.__getitem__ = get
    ResourceMap.update = update
    ResourceMap.delete = delete


def clean_json(value: Any, resources: Any) -> Any:
    """Resolve functions in a value; moto lacks ``Fn::GetStackOutput``."""
    if isinstance(value, dict) and "Fn::GetStackOutput" in value:
        reference = clean_json(value["Fn::GetStackOutput"], resources)
        (stack,) = client("cloudformation").describe_stacks(StackName=reference["StackName"])["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        return outputs[reference["OutputName"]]
    return _clean_json(value, resources)


def supported(type: str) -> Any:
    """Return moto's class of a type; an unknown type, which moto ignores with a warning, is an error."""
    moto_class = _class_from_type(type)
    if not moto_class and type not in IGNORED_TYPES:
        raise ValueError(f"the emulator lacks {type}")
    return moto_class


def delete_in_moto(name: str, definition: dict[str, Any], account_id: str, region_name: str) -> None:
    """Delete a resource; a type that moto cannot delete, and would ignore, is an error."""
    if hasattr(supported(definition["Type"]).delete_from_cloudformation_json, "__isabstractmethod__"):
        raise NotImplementedError("the emulator cannot delete it")
    _delete_in_moto(name, definition, account_id, region_name)


def get(self: Any, logical_id: str) -> Any:
    """Return a resource; the first call creates it after its dependencies, and records its properties."""
    resource = self._parsed_resources.get(logical_id)
    definition = self._resource_json_map.get(logical_id)
    if resource is not None or definition is None:
        return _get(self, logical_id)
    for dependency in _names(definition.get("DependsOn", [])):
        get(self, dependency)
    with errors_name(logical_id, definition["Type"]):
        resource = _get(self, logical_id)
    if resource is not None:
        resource.applied_properties = resolved(self, definition)
    return resource


def update(self: Any, template: dict[str, Any], parameters: dict[str, Any] | None = None) -> None:
    """Create and update resources in order, then delete replaced and removed ones in the opposite order."""
    old = in_order(self._resource_json_map)
    self._template = template
    self._resource_json_map = template["Resources"]
    self.input_parameters = parameters or self.input_parameters
    for load in (self.load_mapping, self.load_parameters, self.load_conditions):
        load()
    existing = {name: self._parsed_resources[name] for name in old if name in self._parsed_resources}
    obsolete = existing.keys() - template["Resources"].keys()
    obsolete |= {logical_id for logical_id in in_order(template["Resources"]) if change(self, logical_id)}
    for logical_id in reversed(old):
        if logical_id in obsolete:
            remove(self, existing[logical_id])
            if logical_id not in template["Resources"]:
                del self._parsed_resources[logical_id]


def delete(self: Any) -> None:
    """Delete all resources, each before its dependencies."""
    for logical_id in reversed(in_order(self._resource_json_map)):
        resource = self._parsed_resources.get(logical_id)
        if resource is not None and self._resource_json_map[logical_id].get("DeletionPolicy") != "Retain":
            remove(self, resource)
        self._parsed_resources.pop(logical_id, None)


def change(resources: Any, logical_id: str) -> bool:
    """Update a resource to its new definition; return whether it was replaced and the old one must be deleted."""
    resource = resources._parsed_resources.get(logical_id)
    definition = resources._resource_json_map[logical_id]
    if resource is None:
        get(resources, logical_id)
        return False
    properties = resolved(resources, definition)
    if properties == resource.applied_properties:
        return False
    if replaces(definition["Type"], resource.applied_properties, properties):
        del resources._parsed_resources[logical_id]
        get(resources, logical_id)
        return True
    with errors_name(logical_id, definition["Type"]):
        if isinstance(resource, Resource):
            resource.update(properties)
        else:
            _update_in_moto(resources, logical_id, definition)
    resources._parsed_resources[logical_id].applied_properties = properties
    return False


def remove(resources: Any, resource: Any) -> None:
    """Delete a resource; moto needs its type and its old properties."""
    with errors_name(resource.logical_resource_id, resource.cf_resource_type):
        resources._delete_resource(
            resource, {"Type": resource.cf_resource_type, "Properties": resource.applied_properties}
        )


@contextmanager
def errors_name(logical_id: str, type: str) -> Iterator[None]:
    """Add the resource to the message of an error, which the CDK CLI prints."""
    try:
        yield
    except ValidationError:
        raise
    except Exception as error:
        raise ValidationError(message=f"{logical_id} ({type}): {error}") from error


def replaces(type: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return whether a change replaces the resource, from the schema of its type."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(ANY_REGION, type).schema
    paths = [path.removeprefix("/properties/").split("/") for path in schema.get("createOnlyProperties", [])]
    return any(_at(old, path) != _at(new, path) for path in paths)


def resolved(resources: Any, definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of a definition with their references resolved."""
    properties: dict[str, Any] = clean_json(definition.get("Properties", {}), resources)
    return properties


def in_order(definitions: Mapping[str, Any]) -> list[str]:
    """Return logical ids in an order in which each follows its dependencies."""
    return list(
        TopologicalSorter(
            {
                name: sorted({*_names(definition.get("DependsOn", [])), *_references(definition)} & definitions.keys())
                for name, definition in definitions.items()
            }
        ).static_order()
    )


def _references(value: Any) -> set[str]:
    references: set[str] = set()
    if isinstance(value, dict):
        references.update(_names(value.get("Ref", [])), _names(value.get("Fn::GetAtt", []))[:1])
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return references.union(*map(_references, children))


def _names(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _at(value: Any, path: list[str]) -> Any:
    for step in path:
        # Lists are compared as a whole.
        if not isinstance(value, dict):
            break
        value = value.get(step)
    return value


def _update_in_moto(resources: Any, logical_id: str, definition: Any) -> None:
    arguments = (resources, resources._account_id, resources._region_name)
    changed = parsing.parse_and_update_resource(logical_id, definition, *arguments)
    if changed is None:
        raise NotImplementedError(f"the emulator cannot update {definition['Type']}")
    resources._parsed_resources[logical_id] = changed
