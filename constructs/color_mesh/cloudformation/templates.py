"""The resources of templates, and what their properties are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from color_mesh.cloudformation.evaluate import Evaluator
from color_mesh.cloudformation.functions import FUNCTIONS
from color_mesh.cloudformation.references import REFERENCES
from color_mesh.cloudformation.stack import NESTED, Stack, stacks_of, with_nested
from color_mesh.cloudformation.values import NO_VALUE, Unknown
from color_mesh.model.errors import problem, refuse


@dataclass(frozen=True, slots=True)
class Resource:
    """Hold a resource of a stack; its properties are worked out when they are asked for.

    Attributes:
        logical_id: Its name in the template.
        type: Its type, such as ``AWS::AppMesh::Mesh``.
        metadata: Its metadata, as it is written.
    """

    logical_id: str
    type: str
    metadata: Mapping[str, Any]
    _stack: Stack = field(repr=False)
    _evaluator: Evaluator = field(repr=False, compare=False)

    @property
    def place(self) -> str:
        """Where it stands, as messages name it."""
        return f"{self._stack.path.name}: {self.logical_id}"

    @property
    def generated_name(self) -> str:
        """A name like those that CloudFormation gives what has none of its own."""
        return f"{self._stack.name}-{self.logical_id}"

    def properties(self) -> dict[str, Any]:
        """Work out all its properties. What only a deployment knows is an `Attribute`.

        Raises:
            MeshError: With everything that cannot be worked out.
        """
        found = self._evaluated(self._declared(), self.place)
        return found if isinstance(found, dict) else {}

    def lenient_properties(self) -> dict[str, Any]:
        """Work out all its properties; in the place of what cannot be worked out is `Unresolved`."""
        value = self._evaluator.lenient_value(self._stack, self._declared(), self.place)
        found = _attributes(value, self._evaluator)
        return found if isinstance(found, dict) else {}

    def property(self, *path: str) -> Any:
        """Work out one property, by the keys that lead to it; ``None`` when it is not there."""
        value: Any = self._declared()
        for depth, key in enumerate(path):
            value = self._evaluated(value[key], ".".join((self.place, *path[: depth + 1]))) if key in value else None
            if not isinstance(value, dict) and depth < len(path) - 1:
                return None
        return value

    def _declared(self) -> Any:
        return self._stack.section("Resources")[self.logical_id].get("Properties", {})

    def _evaluated(self, value: Any, place: str) -> Any:
        found = self._evaluator.value(self._stack, value, place)
        return None if found is NO_VALUE else _attributes(found, self._evaluator)


@dataclass(frozen=True, slots=True)
class Attribute:
    """Stand for what only a deployment knows.

    Attributes:
        resource: The resource whose attribute it is.
        name: The attribute's name; ``Ref`` for what a reference to the resource gives.
    """

    resource: Resource
    name: str


@dataclass(frozen=True, slots=True)
class Templates:
    """Hold templates that were read together, so that they may refer to each other.

    Attributes:
        notes: What is to be said about how they were read.
    """

    notes: tuple[str, ...]
    _stacks: tuple[Stack, ...]
    _evaluator: Evaluator = field(repr=False, compare=False)

    def with_pseudo_parameters(self, values: Mapping[str, str]) -> "Templates":
        """Return the same templates with values for pseudo parameters that neither a stack nor the user gives."""
        return replace(self, _evaluator=self._evaluator.with_pseudo_parameters(values))

    @property
    def types(self) -> frozenset[str]:
        """The types of all resources."""
        return frozenset(each["Type"] for stack in self._stacks for each in stack.section("Resources").values())

    def resources(self, *types: str) -> tuple[Resource, ...]:
        """Find the resources of these types, in the order of the templates, without those whose condition is false.

        Raises:
            MeshError: When a condition cannot be worked out.
        """
        found = []
        for stack in self._stacks:
            for logical_id, declared in stack.section("Resources").items():
                if declared["Type"] in types and self._evaluator.is_deployed(stack, logical_id):
                    found.append(_resource(stack, logical_id, self._evaluator))
        return tuple(found)


def read_templates(
    paths: Sequence[Path],
    values: Mapping[str, str],
    known_attributes: Mapping[tuple[str, str], str],
) -> Templates:
    """Read templates, folders of templates and cloud assemblies.

    Args:
        paths: Where they are.
        values: Values of parameters, pseudo parameters (``AWS::Region``) and attributes (``Balancer.DNSName``).
        known_attributes: Attributes, by type and name, that are a property of the resource: a resource without the
            property gets a generated name.

    Raises:
        MeshError: When one cannot be read, or a value is for nothing in them.
    """
    roots = {stack.path.resolve(): stack for path in paths for stack in stacks_of(path)}
    nested = {each.path.resolve() for root in roots.values() for each in with_nested(root)[1:]}
    # A template that another one nests is that stack, not one more.
    stacks = tuple(each for path, root in roots.items() if path not in nested for each in with_nested(root))
    refuse(_unused(values, stacks))
    missing = [
        f"{stack.path.name}: the template of nested stack {logical_id} was not found"
        for stack in stacks
        for logical_id, resource in stack.section("Resources").items()
        if resource["Type"] == NESTED and logical_id not in stack.children
    ]
    return Templates(tuple(missing), stacks, Evaluator(stacks, values, known_attributes, {**REFERENCES, **FUNCTIONS}))


def _unused(values: Mapping[str, str], stacks: Sequence[Stack]) -> list[str]:
    parameters = {name for stack in stacks if stack.parent is None for name in stack.section("Parameters")}
    resources = {logical_id for stack in stacks for logical_id in stack.section("Resources")}
    return [
        problem(f"value of {name!r}", "matches nothing in the templates", name, f"parameters: {_listed(parameters)}")
        for name in values
        if name not in parameters
        and not name.startswith("AWS::")
        and not ("." in name and name.split(".")[0] in resources)
    ]


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _resource(stack: Stack, logical_id: str, evaluator: Evaluator) -> Resource:
    declared = stack.section("Resources")[logical_id]
    return Resource(logical_id, declared["Type"], declared.get("Metadata", {}), stack, evaluator)


def _attributes(value: Any, evaluator: Evaluator) -> Any:
    """Give callers resources to follow in place of what the evaluator knows them by."""
    if isinstance(value, Unknown):
        return Attribute(_resource(value.stack, value.logical_id, evaluator), value.attribute)
    if isinstance(value, dict):
        return {key: _attributes(each, evaluator) for key, each in value.items()}
    return [_attributes(each, evaluator) for each in value] if isinstance(value, list) else value
