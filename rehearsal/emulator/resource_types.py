"""Resource types for moto's CloudFormation that create their resources with the API of their service."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.cloudformation import parsing

from rehearsal.emulator.apis import Properties


@dataclass(frozen=True, kw_only=True, slots=True)
class Created:
    """Values that a created resource returns.

    Attributes:
        id: Physical id, the value of ``Ref``.
        attributes: Values of ``Fn::GetAtt``.
    """

    id: str
    attributes: Mapping[str, str] = field(default_factory=dict)


class Resource:
    """Resource of a stack, with the interface that moto calls."""

    def __init__(self, type: "ResourceType", created: Created, properties: Properties) -> None:
        self.resource_type = type
        self.physical_resource_id = created.id
        self.attributes = created.attributes
        self.properties = properties

    def get_cfn_attribute(self, name: str) -> str:
        """Return the value of ``Fn::GetAtt``."""
        if name not in self.attributes:
            raise ValueError(f"{self.resource_type.name}: no attribute {name} (known: {', '.join(self.attributes)})")
        return self.attributes[name]

    def is_created(self) -> bool:
        """Return that the resource is complete."""
        return True

    def update(self, properties: Properties) -> None:
        """Update the resource in place."""
        if not self.resource_type.update:
            raise NotImplementedError(f"the emulator cannot update {self.resource_type.name}")
        self.resource_type.update(self.physical_resource_id, properties)
        self.properties = properties

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the resource."""
        self.resource_type.delete(self.physical_resource_id, self.properties)


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceType:
    """Resource type.

    Attributes:
        name: Name of the type, such as ``AWS::EC2::VPC``.
        create: Creates a resource from its properties.
        delete: Deletes a resource by its physical id and properties.
        update: Updates a resource in place. ``None``: every change replaces the resource.
        name_property: Property that has CloudFormation's generated name by default. ``None``: none has.
    """

    name: str
    create: Callable[[Properties], Created]
    delete: Callable[[str, Properties], object]
    update: Callable[[str, Properties], object] | None = None
    name_property: str | None = None

    def create_from_cloudformation_json(
        self, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: object
    ) -> Resource:
        """Create a resource, called by moto."""
        properties = dict(cloudformation_json["Properties"])
        if self.name_property:
            properties.setdefault(self.name_property, resource_name)
        return Resource(self, self.create(properties), properties)

    def has_cfn_attr(self, attr: str) -> bool:
        """Return ``True``: `Resource.get_cfn_attribute` validates the name."""
        return True


def register(types: Mapping[str, ResourceType]) -> None:
    """Register types in moto's CloudFormation; they replace its own types of the same names."""
    parsing.get_model_map().update(types)
    parsing.get_name_type_map().update({name: each.name_property for name, each in types.items()})
