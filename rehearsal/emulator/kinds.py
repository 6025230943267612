"""Types of resources that CloudFormation makes through their service's API, as moto's CloudFormation asks for them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.cloudformation import parsing

from rehearsal.emulator.apis import Properties


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What a template gets for a resource: ``Ref`` and ``Fn::GetAtt``."""

    id: str
    attributes: Mapping[str, str] = field(default_factory=dict)


class Resource:
    """Define a resource as moto keeps it in a stack."""

    def __init__(self, kind: "Kind", made: Made, properties: Properties) -> None:
        self.kind = kind
        self.physical_resource_id = made.id
        self.attributes = made.attributes
        self.properties = properties

    def get_cfn_attribute(self, name: str) -> str:
        """Answer ``Fn::GetAtt``."""
        if name not in self.attributes:
            raise ValueError(f"{self.kind.type}: no attribute {name} (known: {', '.join(self.attributes)})")
        return self.attributes[name]

    def is_created(self) -> bool:
        """Say that nothing is waited for."""
        return True

    def update(self, properties: Properties) -> None:
        """Change it in place."""
        if not self.kind.update:
            raise NotImplementedError(f"the emulator updates no {self.kind.type}")
        self.kind.update(self.physical_resource_id, properties)
        self.properties = properties

    def delete(self, account_id: str, region_name: str) -> None:
        """Remove it."""
        self.kind.delete(self.physical_resource_id, self.properties)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """How one type of resource is created, updated and deleted; without ``update``, every change replaces it.

    ``name_property`` gets CloudFormation's generated name when the template names nothing.
    """

    type: str
    create: Callable[[Properties], Made]
    delete: Callable[[str, Properties], object]
    update: Callable[[str, Properties], object] | None = None
    name_property: str | None = None

    def create_from_cloudformation_json(
        self, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: object
    ) -> Resource:
        """Create a resource for moto."""
        properties = dict(cloudformation_json["Properties"])
        if self.name_property:
            properties.setdefault(self.name_property, resource_name)
        return Resource(self, self.create(properties), properties)

    def has_cfn_attr(self, attr: str) -> bool:
        """Leave the question for the resource, which knows."""
        return True


def register(kinds: Mapping[str, Kind]) -> None:
    """Give moto's CloudFormation these types, instead of its own of the same names."""
    parsing.get_model_map().update(kinds)
    parsing.get_name_type_map().update({name: kind.name_property for name, kind in kinds.items()})
