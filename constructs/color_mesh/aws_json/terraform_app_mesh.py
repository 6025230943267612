"""Resources of Terraform's types ``aws_appmesh_...``, whose attributes are those of the App Mesh API in snake case.

A block that occurs once is a list of one object. What is not set is empty, or 0.
"""

from typing import Any

from color_mesh.aws_json.app_mesh import app_mesh_resources
from color_mesh.aws_json.resource import Converted, Object, pascal

TYPES = {
    "aws_appmesh_mesh": "mesh",
    "aws_appmesh_virtual_node": "virtualNode",
    "aws_appmesh_virtual_service": "virtualService",
    "aws_appmesh_virtual_router": "virtualRouter",
    "aws_appmesh_virtual_gateway": "virtualGateway",
    "aws_appmesh_route": "route",
    "aws_appmesh_gateway_route": "gatewayRoute",
}
# Blocks that may occur several times, and their keys in the API.
_REPEATED = {
    "backend": "backends",
    "header": "headers",
    "json": "json",
    "listener": "listeners",
    "metadata": "metadata",
    "query_parameter": "queryParameters",
    "weighted_target": "weightedTargets",
}
_ZERO_IS_UNSET = ("max_pending_requests", "port", "priority")
# Blocks that mean nothing without their attributes.
_EMPTY_IS_UNSET = ("egress_filter", "format", "service_discovery")


def app_mesh_conversion(kind: str, values: Object, address: str) -> list[Converted]:
    """Return a resource, by its kind in the App Mesh API, and the services of a router of the preview."""
    declared: dict[str, Any] = {f"{kind}Name": values.get("name"), "spec": _block(values.get("spec")) or {}}
    for key in ("mesh_name", "virtual_router_name", "virtual_gateway_name"):
        if values.get(key):
            declared[camel(key)] = values[key]
    owner, account = values.get("mesh_owner"), values.get("resource_owner")
    if owner and owner != account:
        declared["meshOwner"] = owner
    tags = values.get("tags")
    if isinstance(tags, dict) and tags:
        declared["tags"] = [{"key": key, "value": each} for key, each in tags.items()]
    return app_mesh_resources({**declared, "metadata": {"arn": values.get("arn")}}, address, label=address) or []


def camel(key: str) -> str:
    """Return a key in snake case in the spelling of the API."""
    first, *others = key.split("_")
    return first + "".join(map(pascal, others))


def _block(value: Any) -> Any:
    """Return the object of a block that occurs once."""
    if isinstance(value, list):
        value = value[0] if value else None
        return {} if value is None else _object(value)
    return _object(value)


def _object(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        _REPEATED.get(key, camel(key)): converted
        for key, each in value.items()
        if (converted := _attribute(key, each)) is not None
    }


def _attribute(key: str, value: Any) -> Any:
    """Return the value of an attribute or block in the form of the API; ``None`` if it is not set."""
    if value in (None, "", [], {}) or (key in _ZERO_IS_UNSET and value == 0):
        return None
    if key == "attributes" and isinstance(value, dict):
        return [{"key": name, "value": each} for name, each in value.items()]
    if isinstance(value, list) and any(each is None or isinstance(each, dict) for each in value):
        if key in _REPEATED:
            return [_object(each) for each in value if each is not None]
        block = _block(value)
        return None if block == {} and key in _EMPTY_IS_UNSET else block
    return _object(value)
