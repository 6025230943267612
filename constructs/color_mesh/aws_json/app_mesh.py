"""App Mesh resources in the JSON of the AWS CLI.

These are the input of ``create-...`` and ``update-...``, the output of ``describe-...``, and the form of the preview of
App Mesh, in which a router had the names of its services.
"""

from functools import cache
from typing import Any

from color_mesh.aws_json.resource import Converted, Object, label_of, texts

_CLOUDFORMATION = {
    "acm": "ACM",
    "awsCloudMap": "AWSCloudMap",
    "dns": "DNS",
    "grpc": "GRPC",
    "http": "HTTP",
    "http2": "HTTP2",
    "sds": "SDS",
    "tcp": "TCP",
    "tls": "TLS",
}
# Kinds of resources as in the names of the API's parameters. Routers and gateways precede their routes.
KINDS = ("mesh", "virtualNode", "virtualService", "virtualRouter", "virtualGateway", "route", "gatewayRoute")
# In this order: the input for a route has the name of its router too.
_NAMES = ("route", "gatewayRoute", "virtualNode", "virtualService", "virtualRouter", "virtualGateway", "mesh")
_OWNERS = {"route": "virtualRouterName", "gatewayRoute": "virtualGatewayName"}


@cache
def cloudformation_spelling(key: str) -> str:
    """Return a key of the App Mesh API in the spelling of CloudFormation."""
    return _CLOUDFORMATION.get(key) or key[0].upper() + key[1:]


def app_mesh_resources(value: Object, file_name: str, label: str | None = None) -> list[Converted] | None:
    """Return the App Mesh resource that an object declares, and the services of a router of the preview."""
    kind = next((each for each in _NAMES if f"{each}Name" in value), None)
    if kind is None or not _is_declaration(value):
        return None
    status, metadata = value.get("status"), value.get("metadata")
    if isinstance(status, dict) and status.get("status") == "DELETED":
        return []
    properties = {key: each for key, each in value.items() if key not in ("metadata", "status")}
    metadata = metadata if isinstance(metadata, dict) else {}
    if metadata.get("meshOwner") not in (None, metadata.get("resourceOwner")):
        properties["meshOwner"] = metadata["meshOwner"]
    resources = [_resource(kind, properties, texts(metadata.get("arn")), label)]
    spec = properties.get("spec")
    if kind == "virtualRouter" and isinstance(spec, dict) and isinstance(spec.get("serviceNames"), list):
        resources += (_service_of_router(properties, name) for name in spec["serviceNames"])
    return resources


def _resource(kind: str, properties: Object, ids: tuple[str, ...] = (), label: str | None = None) -> Converted:
    name = properties.get(f"{kind}Name")
    spec = properties.get("spec")
    if isinstance(spec, dict):
        properties = {**properties, "spec": _current(kind, spec)}
    owner = str(properties.get(_OWNERS.get(kind, "meshName")))
    path = f"{label_of(_OWNERS[kind].removesuffix('Name'), owner)}/{kind}" if kind in _OWNERS else kind
    return Converted(
        type=f"AWS::AppMesh::{cloudformation_spelling(kind)}",
        label=label or label_of(path, name),
        properties=_spelled(dict(properties)),
        key=(str(properties.get("meshName")), owner, str(name)),
        ids=ids,
    )


def _is_declaration(value: Object) -> bool:
    """Return whether an object is a resource, and not an item of a list, or a part that names one."""
    if "spec" in value:
        return True
    return "meshName" in value and "arn" not in value


def _service_of_router(properties: Object, name: Any) -> Converted:
    router = {"virtualRouter": {"virtualRouterName": properties["virtualRouterName"]}}
    mesh = {"meshName": properties["meshName"]} if "meshName" in properties else {}
    return _resource("virtualService", {**mesh, "virtualServiceName": name, "spec": {"provider": router}})


def _current(kind: str, spec: Object) -> dict[str, Any]:
    """Return a spec of the preview in the present form: other specs stay as they are."""
    current = dict(spec)
    if kind == "virtualRouter":
        current.pop("serviceNames", None)
    if kind == "virtualNode":
        backends = current.get("backends")
        if isinstance(backends, list):
            current["backends"] = [
                {"virtualService": {"virtualServiceName": each}} if isinstance(each, str) else each for each in backends
            ]
        match current.get("serviceDiscovery"):
            case {"dns": {"serviceName": hostname, **others}} if "hostname" not in others:
                current["serviceDiscovery"] = {"dns": {**others, "hostname": hostname}}
    return current


def _spelled(value: Any) -> Any:
    if isinstance(value, dict):
        return {cloudformation_spelling(key): _spelled(each) for key, each in value.items() if key}
    return [_spelled(each) for each in value] if isinstance(value, list) else value
