"""A template with a node and a gateway, and its migration, for tests that change what runs them."""

import json
from pathlib import Path
from typing import Any

from color_mesh.appmesh.source import read_source
from color_mesh.migration import Migration, migrate
from tests.support.local_templates import resource

ARN = "arn:aws:appmesh:eu-west-1:111122223333:mesh/colors/virtualNode/red"
APP = {"Name": "app", "Image": "example/red:1", "PortMappings": [{"ContainerPort": 80}]}
ENVOY = {"Name": "envoy", "Image": "aws-appmesh-envoy", "Environment": [{"Name": "APPMESH_RESOURCE_ARN", "Value": ARN}]}
SPEC = {
    "Listeners": [{"PortMapping": {"Port": 80, "Protocol": "http"}}],
    "ServiceDiscovery": {"AWSCloudMap": {"NamespaceName": "colors.local", "ServiceName": "red"}},
}
GATEWAY_SPEC = {"Listeners": [{"PortMapping": {"Port": 8080, "Protocol": "http"}}]}


def migrated(tmp_path: Path, resources: dict[str, Any], **values: str) -> Migration:
    """Return the migration of a template with the node red, the gateway front and other resources."""
    mesh = {
        "Red": resource("AWS::AppMesh::VirtualNode", MeshName="colors", VirtualNodeName="red", Spec=SPEC),
        "Front": resource(
            "AWS::AppMesh::VirtualGateway", MeshName="colors", VirtualGatewayName="front", Spec=GATEWAY_SPEC
        ),
    }
    file = tmp_path / "t.json"
    file.write_text(json.dumps({"Resources": {**mesh, **resources}}))
    source = read_source([file], values)
    return migrate(source, source.meshes[0])


def running(task: dict[str, Any], service: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a task definition, by default with the application and Envoy, and the service that runs it."""
    return {
        "Task": resource("AWS::ECS::TaskDefinition", **{"ContainerDefinitions": [APP, ENVOY], **task}),
        "Service": resource("AWS::ECS::Service", TaskDefinition={"Ref": "Task"}, **(service or {})),
    }
