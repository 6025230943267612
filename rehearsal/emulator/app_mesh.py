"""App Mesh resource types, which moto's CloudFormation lacks."""

from copy import deepcopy

from rehearsal.emulator.apis import Properties, call, known
from rehearsal.emulator.resource_types import Created, ResourceType

# The identifier of a resource is its own name and the names of its parents.
NOUNS = ("Mesh", "VirtualNode", "VirtualRouter", "Route", "VirtualService", "VirtualGateway", "GatewayRoute")


def resource_type(noun: str) -> ResourceType:
    """Return the resource type of a noun, from which App Mesh builds the names of its operations."""

    def create(properties: Properties) -> Created:
        response = call("appmesh", f"Create{noun}", completed(properties))
        description = response[noun[0].lower() + noun[1:]]
        names = {key: value for key, value in properties.items() if key.endswith("Name")}
        metadata = description["metadata"]
        return Created(id=metadata["arn"], attributes={**names, "Arn": metadata["arn"], "Uid": metadata["uid"]})

    def update(_: str, properties: Properties) -> None:
        call("appmesh", f"Update{noun}", known("appmesh", f"Update{noun}", completed(properties)))

    def delete(_: str, properties: Properties) -> None:
        call("appmesh", f"Delete{noun}", known("appmesh", f"Delete{noun}", properties))

    name = f"{noun}Name"
    return ResourceType(name=f"AWS::AppMesh::{noun}", name_property=name, create=create, update=update, delete=delete)


def completed(properties: Properties) -> Properties:
    """Add an optional field that moto requires."""
    complete = deepcopy(properties)
    cloud_map = complete["Spec"].get("ServiceDiscovery", {}).get("AWSCloudMap")
    if cloud_map:
        cloud_map.setdefault("Attributes", [])
    return complete


RESOURCE_TYPES = tuple(resource_type(noun) for noun in NOUNS)
