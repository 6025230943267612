"""Reading of resources: the values, every problem, and the properties that a caller does not use."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from color_mesh.appmesh.fields import Fields, api_spelling
from color_mesh.cloudformation import Attribute, Resource, Templates, set_option
from color_mesh.model import MeshError

T = TypeVar("T")
PropertyPath: TypeAlias = tuple[str | int, ...]
# Resource types and the properties of each that a caller uses.
UsedProperties: TypeAlias = Mapping[str, Collection[str]]
EVERY_PROPERTY = ("*",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """Reference to an attribute that only a deployment knows, or text that depends on one or on a dynamic reference.

    Attributes:
        resource_type: Type of the resource; empty if there is other text.
        name: Logical id of the resource and name of the attribute, such as ``Database.Endpoint.Port``, or text with a
            dynamic reference, such as ``{{resolve:ssm:/color}}``.
    """

    resource_type: str
    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def is_dynamic(self) -> bool:
        """The name has a dynamic reference of CloudFormation, for which no option gives the value."""
        return "{{resolve:" in self.name

    @property
    def fix(self) -> str:
        """Way to give the value."""
        return "write the value itself" if self.is_dynamic else f"add {set_option(self.name)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceProblem:
    """Problem of a resource.

    Attributes:
        resource_type: Type of the resource.
        place: Place of the resource in the templates.
        text: Message.
    """

    resource_type: str
    place: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UnusedProperty:
    """Property that a template declares and the caller of `read_declarations` does not use.

    Attributes:
        resource_type: Type of the resource.
        place: Place of the resource in the templates.
        path: Names of properties and indices of lists, from the resource to the property.
    """

    resource_type: str
    place: str
    path: PropertyPath

    @property
    def name(self) -> str:
        """Path without indices, such as ``ContainerDefinitions.Ulimits``."""
        return _name(self.path)


class Reader:
    """Reader of the resources of templates, which collects problems and unused properties.

    Args:
        templates: Templates that declare the resources.
        used: Resource types and properties that the caller uses. Others are not read: they are no source of problems.

    Attributes:
        problems: Problems of the resources.
        unused: Properties outside of ``used``.
    """

    def __init__(self, templates: Templates, used: UsedProperties) -> None:
        self.problems: list[ResourceProblem] = []
        self.unused: list[UnusedProperty] = []
        self._templates = templates
        self._used = used

    def resources(self, *types: str) -> tuple[Resource, ...]:
        """Return the resources of these types, except types that the caller does not use."""
        return self._templates.resources(*(each for each in types if each in self._used))

    def read_all(self, resource_type: str, read: Callable[[Fields, Resource], T]) -> dict[str, T]:
        """Read every resource of a type, by place; resources without readable properties are left out."""
        values = {}
        for resource in self.resources(resource_type):
            problems: list[str] = []
            try:
                properties = self._used_properties(resource)
                values[resource.place] = read(
                    Fields(properties, resource.place, api_spelling, problems, report_unknown=False), resource
                )
            except MeshError as error:
                problems += error.problems
            self.report(resource_type, resource.place, problems)
        return values

    def properties(self, resource: Resource) -> dict[str, Any]:
        """Return the properties of a resource as they are; none if one of them cannot be resolved."""
        try:
            return resource.properties()
        except MeshError as error:
            self.report(resource.type, resource.place, error.problems)
            return {}

    def report(self, resource_type: str, place: str, problems: Iterable[str]) -> None:
        """Add problems of a resource."""
        self.problems += (ResourceProblem(resource_type=resource_type, place=place, text=text) for text in problems)

    def _used_properties(self, resource: Resource) -> Any:
        properties = resource.lenient_properties()
        used = self._used[resource.type]
        if used == EVERY_PROPERTY:
            return properties
        unused: list[PropertyPath] = []
        selected = _select(properties, used, (), unused)
        self.unused += (UnusedProperty(resource_type=resource.type, place=resource.place, path=path) for path in unused)
        return selected


def _select(value: Any, used: Collection[str], path: PropertyPath, unused: list[PropertyPath]) -> Any:
    """Return the used properties of an object, and add the paths of the others to ``unused``."""
    if isinstance(value, list):
        return [_select(each, used, (*path, index), unused) for index, each in enumerate(value)]
    if not isinstance(value, dict):
        return value
    selected, own = {}, []
    for key, each in value.items():
        name = _name((*path, key))
        if name in used:
            selected[key] = each
        elif any(other.startswith(f"{name}.") for other in used):
            selected[key] = _select(each, used, (*path, key), unused)
        elif each not in ({}, []):
            own.append((*path, key))
    unused += own
    return selected


def _name(path: PropertyPath) -> str:
    return ".".join(part for part in path if isinstance(part, str))


def path_text(path: Sequence[str | int]) -> str:
    """Return a path as text, such as ``MountPoints[0].ReadOnly``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def resource_key(value: Any) -> str | None:
    """Return the key of the resource that a value refers to: its place, or the id of one that no template declares."""
    return value.resource.place if isinstance(value, Attribute) else value if isinstance(value, str) else None


def resource_keys(values: Any) -> tuple[str, ...]:
    """Return the keys of the resources that a list refers to."""
    keys = [resource_key(value) for value in values] if isinstance(values, list) else []
    return tuple(key for key in keys if key is not None)


def read_attributes(fields: Fields, key: str) -> dict[str, str]:
    """Read a list of keys and values as a mapping."""
    return dict(fields.many(key, lambda each: (each.text("Key"), each.optional_text("Value") or "")))


def reference(attribute: Attribute) -> Reference:
    """Return an attribute as a value that does not hold its resource."""
    resource = attribute.resource
    return Reference(resource_type=resource.type, name=f"{resource.logical_id}.{attribute.name}")


def text_or_reference(fields: Fields, key: str) -> str | Reference:
    """Read a string that may be known only at deployment."""
    name = fields.deployment_name(key)
    if name is not None:
        return Reference(resource_type="", name=name)
    value: Any = fields.value(key)
    return reference(value) if isinstance(value, Attribute) else fields.optional_text(key) or ""


def read_tags(fields: Fields) -> tuple[tuple[str, str | Reference], ...]:
    """Read the tags of a resource."""
    return fields.many("Tags", lambda each: (each.text("Key"), text_or_reference(each, "Value")))
