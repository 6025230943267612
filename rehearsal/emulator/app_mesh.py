"""App Mesh, which moto has, but not its CloudFormation."""

from copy import deepcopy

from rehearsal.emulator.apis import Properties, call, known
from rehearsal.emulator.kinds import Kind, Made

# Each is named by its own name and those of what it is in.
NOUNS = ("Mesh", "VirtualNode", "VirtualRouter", "Route", "VirtualService", "VirtualGateway", "GatewayRoute")


def kind_of(noun: str) -> Kind:
    """Make the type of a noun; App Mesh's operations are regular."""

    def create(properties: Properties) -> Made:
        answer = call("appmesh", f"Create{noun}", completed(properties))
        described = answer[noun[0].lower() + noun[1:]]
        names = {key: value for key, value in properties.items() if key.endswith("Name")}
        metadata = described["metadata"]
        return Made(id=metadata["arn"], attributes={**names, "Arn": metadata["arn"], "Uid": metadata["uid"]})

    def update(_: str, properties: Properties) -> None:
        call("appmesh", f"Update{noun}", known("appmesh", f"Update{noun}", completed(properties)))

    def delete(_: str, properties: Properties) -> None:
        call("appmesh", f"Delete{noun}", known("appmesh", f"Delete{noun}", properties))

    name = f"{noun}Name"
    return Kind(type=f"AWS::AppMesh::{noun}", name_property=name, create=create, update=update, delete=delete)


def completed(properties: Properties) -> Properties:
    """Add the one optional field that moto insists on."""
    complete = deepcopy(properties)
    cloud_map = complete["Spec"].get("ServiceDiscovery", {}).get("AWSCloudMap")
    if cloud_map:
        cloud_map.setdefault("Attributes", [])
    return complete


KINDS = tuple(kind_of(noun) for noun in NOUNS)
