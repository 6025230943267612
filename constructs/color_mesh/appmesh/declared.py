"""App Mesh resources as they are declared in a source."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from color_mesh.aws_json.app_mesh import cloudformation_spelling


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredResource:
    """An App Mesh resource as it is declared in a source.

    Attributes:
        kind: Kind of the resource, one of `KINDS`.
        place: Place of the declaration in error messages.
        properties: Properties of the resource, in the spelling of CloudFormation.
        generated_name: Name of the resource if ``properties`` have none.
        external_services: For a mesh, names of virtual services that are declared elsewhere.
    """

    kind: str
    place: str
    properties: Mapping[str, Any]
    generated_name: str | None = None
    external_services: tuple[str, ...] = ()

    def get(self, key: str) -> Any:
        """Return a property by its key in the API; ``None`` without it."""
        return self.properties.get(cloudformation_spelling(key))

    @property
    def mesh_name(self) -> str:
        """Name of the resource's mesh."""
        return str(self.get("meshName") or self.generated_name)
