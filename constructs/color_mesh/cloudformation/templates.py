"""Resources of templates, with their evaluated properties."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from color_mesh.cloudformation.dependencies import dependencies
from color_mesh.cloudformation.evaluate import Evaluator
from color_mesh.cloudformation.stack import Stack
from color_mesh.cloudformation.values import NO_VALUE, Unknown


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of a stack, whose properties are evaluated when they are read.

    Attributes:
        logical_id: Logical id.
        type: Resource type, such as ``AWS::AppMesh::Mesh``.
        metadata: Metadata, not evaluated.
    """

    logical_id: str
    type: str
    metadata: Mapping[str, Any]
    _stack: Stack = field(repr=False)
    _evaluator: Evaluator = field(repr=False, compare=False)

    @property
    def place(self) -> str:
        """Place of the resource in error messages."""
        return self._stack.place(self.logical_id)

    @property
    def generated_name(self) -> str:
        """Name like those that CloudFormation generates for resources without a name."""
        return f"{self._stack.name}-{self.logical_id}"

    def reference(self) -> Any:
        """Return the value of a ``Ref`` to the resource: text, or an `Attribute` that only a deployment knows."""
        return self._evaluated({"Ref": self.logical_id}, self.place)

    @property
    def depends_on(self) -> tuple[str, ...]:
        """Places of the resources that ``DependsOn`` names: they are created, and stable, before this one changes."""
        declared = self._stack.section("Resources")[self.logical_id].get("DependsOn", [])
        names = declared if isinstance(declared, list) else [declared]
        return tuple(self._stack.place(each) for each in names)

    def properties(self) -> dict[str, Any]:
        """Evaluate all properties. A value that only a deployment knows is an `Attribute`.

        Raises:
            MeshError: With every value that cannot be evaluated.
        """
        properties = self._evaluated(self._declared(), self.place)
        return properties if isinstance(properties, dict) else {}

    def lenient_properties(self) -> dict[str, Any]:
        """Evaluate all properties, with `Unresolved` in place of each value that cannot be evaluated."""
        value = self._evaluator.lenient_value(self._stack, self._declared(), self.place)
        properties = _with_attributes(value, self._evaluator)
        return properties if isinstance(properties, dict) else {}

    def property(self, *path: str) -> Any:
        """Evaluate one property, given by its path of keys; ``None`` if it is not declared."""
        value: Any = self._declared()
        for depth, key in enumerate(path):
            value = self._evaluated(value[key], ".".join((self.place, *path[: depth + 1]))) if key in value else None
            if not isinstance(value, dict) and depth < len(path) - 1:
                return None
        return value

    def _declared(self) -> Any:
        return self._stack.section("Resources")[self.logical_id].get("Properties", {})

    def _evaluated(self, value: Any, place: str) -> Any:
        result = self._evaluator.value(self._stack, value, place)
        return None if result is NO_VALUE else _with_attributes(result, self._evaluator)


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute that only a deployment knows.

    Attributes:
        resource: Resource of the attribute.
        name: Name of the attribute; ``Ref`` for the value of a ``Ref`` to the resource.
    """

    resource: Resource
    name: str

    def __repr__(self) -> str:
        return f"{self.resource.logical_id}.{self.name}"


@dataclass(frozen=True, slots=True)
class Templates:
    """Templates that may refer to each other.

    Attributes:
        notes: Notes about missing templates for the user.
    """

    notes: tuple[str, ...]
    _stacks: tuple[Stack, ...]
    _evaluator: Evaluator = field(repr=False, compare=False)

    def with_pseudo_parameters(self, values: Mapping[str, str]) -> "Templates":
        """Return the same templates with values for pseudo parameters that neither a stack nor the user gives."""
        return replace(self, _evaluator=self._evaluator.with_pseudo_parameters(values))

    def without_secrets(self) -> "Templates":
        """Return the same templates with a text in place of the value of each parameter with ``NoEcho``."""
        return replace(self, _evaluator=self._evaluator.without_secrets())

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Messages about the missing values of the properties that were evaluated, for which there are placeholders."""
        return tuple(f"a placeholder stands for what has no value: {each}" for each in self._evaluator.placeholders)

    @property
    def secret_parameters(self) -> frozenset[str]:
        """Names of the parameters with ``NoEcho``."""
        return frozenset(
            name for stack in self._stacks for name in stack.section("Parameters") if stack.is_secret(name)
        )

    @property
    def secrets(self) -> frozenset[str]:
        """Values of parameters with ``NoEcho``, given by the user."""
        return frozenset(self._evaluator.secrets())

    @property
    def regions(self) -> dict[str, str]:
        """Regions of the resources, which are those of their stacks, by place.

        Raises:
            MeshError: If one is known only at deployment.
        """
        reference = {"Ref": "AWS::Region"}
        regions = {
            each: self._evaluator.text(each, reference, f"{each.path.name}: AWS::Region") for each in self._stacks
        }
        return {stack.place(name): regions[stack] for stack in self._stacks for name in stack.section("Resources")}

    @property
    def types(self) -> frozenset[str]:
        """Types of all resources."""
        return frozenset(each["Type"] for stack in self._stacks for each in stack.section("Resources").values())

    def resources(self, *types: str) -> tuple[Resource, ...]:
        """Return the resources of these types, in the order of the templates, without those with a false condition.

        Raises:
            MeshError: If a condition cannot be evaluated.
        """
        return tuple(
            _resource(stack, logical_id, self._evaluator)
            for stack in self._stacks
            for logical_id, declared in stack.section("Resources").items()
            if declared["Type"] in types and self._evaluator.is_deployed(stack, logical_id)
        )

    def dependencies(self) -> dict[str, dict[str, str]]:
        """Return the resources that each resource depends on, each with the property that refers to it, by places."""
        return {
            stack.place(logical_id): {stack.place(name): path for name, path in found.items()}
            for stack in self._stacks
            for logical_id, found in dependencies(stack.section("Resources")).items()
        }


def _resource(stack: Stack, logical_id: str, evaluator: Evaluator) -> Resource:
    declared = stack.section("Resources")[logical_id]
    return Resource(logical_id, declared["Type"], declared.get("Metadata", {}), stack, evaluator)


def _with_attributes(value: Any, evaluator: Evaluator) -> Any:
    """Replace each `Unknown` of the evaluator by an `Attribute` of a resource."""
    if isinstance(value, Unknown):
        return Attribute(_resource(value.stack, value.logical_id, evaluator), value.attribute)
    if isinstance(value, dict):
        return {key: _with_attributes(each, evaluator) for key, each in value.items()}
    return [_with_attributes(each, evaluator) for each in value] if isinstance(value, list) else value
