"""Parity: every property of the published schemas is compiled or rejected with a message, never ignored."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from color_mesh.appmesh.declared import DeclaredResource
from color_mesh.appmesh.meshes import read_meshes
from color_mesh.cli.commands.parity import parity_page
from color_mesh.envoy import (
    CloudMapEndpoints,
    FileEndpoints,
    Instance,
    Loopback,
    Transparent,
    configure,
    endpoints,
)
from color_mesh.envoy.parity import ROWS, paths, rows_by_path
from color_mesh.envoy.placement import Endpoints, Interception
from color_mesh.model import (
    AcmCertificate,
    AcmTrust,
    Mesh,
    MeshError,
    SdsCertificate,
    SdsTrust,
    VirtualGateway,
    VirtualNode,
)
from tests.support.envoy import parts
from tests.support.full_mesh import declared_resources, full_mesh
from tests.support.gold import compare_with_gold

TYPES = ("Mesh", "VirtualNode", "VirtualService", "VirtualRouter", "Route", "VirtualGateway", "GatewayRoute")
SECRET = SdsCertificate(secret_name="spiffe://red")
ACM_CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/0"
ACM_AUTHORITY = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/0"
SAMPLES = (
    full_mesh(),
    full_mesh(
        certificate=SECRET,
        client_certificate=SECRET,
        listener_trust=SdsTrust(secret_name="spiffe://all"),
        client_trust=SdsTrust(secret_name="spiffe://all"),
        attributes=(("family", "blue"),),
    ),
    full_mesh(certificate=AcmCertificate(arn=ACM_CERTIFICATE)),
    full_mesh(client_trust=AcmTrust(certificate_authority_arns=(ACM_AUTHORITY,))),
)
PLACEMENTS: tuple[tuple[Interception, Endpoints], ...] = (
    (Transparent(), CloudMapEndpoints()),
    (Transparent(), FileEndpoints(directory="/watched")),
    (Loopback(), CloudMapEndpoints()),
)
INSTANCES = (
    Instance(port=80, ipv4="10.0.0.1", ipv6="fd00::1", attributes={"family": "blue"}),
    Instance(port=80, ipv4="10.0.0.2", attributes={"family": "bluex"}),
    Instance(port=80, ipv4="10.0.0.3", attributes={"familyx": "blue"}),
)
# Other valid values of properties that do not accept any value.
OTHERS: dict[str, list[Any]] = {
    "DefaultPrefix": ["ENABLED"],
    "DefaultTargetHostname": ["ENABLED"],
    "GrpcRetryEvents[]": ["unavailable"],
    "HttpRetryEvents[]": ["stream-error"],
    "IpPreference": ["IPv6_PREFERRED"],
    "MeshName": ["others"],
    "MeshOwner": ["444455556666"],
    "Method": ["PUT"],
    "Mode": ["PERMISSIVE"],
    "Ports[]": [8082],
    "Protocol": ["http", "http2", "tcp"],
    "ResponseType": ["ENDPOINTS"],
    "Scheme": ["https"],
    "TcpRetryEvents[]": [],
    "Type": ["DROP_ALL"],
    "Unit": ["ms", "s"],
    "VirtualGatewayName": ["spare", "renamed"],
    "VirtualNode": ["third"],
    "VirtualNodeName": ["plain", "target", "renamed"],
    "VirtualRouterName": ["spare"],
    "VirtualServiceName": ["spare.colors.local", "other.colors.local"],
}


def schema_paths() -> Iterator[str]:
    """Return the paths of all properties in the published schemas."""
    # It takes long to import, and each process of the tests imports all test modules.
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    for name in TYPES:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", f"AWS::AppMesh::{name}").schema
        read_only = {path.removeprefix("/properties/") for path in schema["readOnlyProperties"]}
        for key, value in schema["properties"].items():
            if key not in read_only:
                yield from _schema_leaves(schema, value, f"{name}.{key}")


def _schema_leaves(schema: dict[str, Any], value: dict[str, Any], path: str) -> Iterator[str]:
    value = schema["definitions"][value["$ref"].split("/")[-1]] if "$ref" in value else value
    if value.get("properties"):
        for key, each in value["properties"].items():
            yield from _schema_leaves(schema, each, f"{path}.{key}")
    elif "items" in value:
        yield from _schema_leaves(schema, value["items"], f"{path}[]")
    else:
        yield path


def leaves(value: Any, path: str, at: tuple[Any, ...] = ()) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield the path of each value in a resource's properties, and the keys and indexes that lead to it."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, f"{path}.{key}", (*at, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from leaves(each, f"{path}[]", (*at, index))
    else:
        yield path, at


@cache
def places(sample: int) -> dict[str, list[tuple[int, tuple[Any, ...]]]]:
    """Return, for each path in a sample, the resources with it, and the keys and indexes of the value."""
    by_path: dict[str, list[tuple[int, tuple[Any, ...]]]] = {}
    for index, resource in enumerate(declared_resources(SAMPLES[sample])):
        name = resource.kind[0].upper() + resource.kind[1:]
        for path, at in leaves(resource.properties, name):
            by_path.setdefault(path, []).append((index, at))
    return by_path


def compiled(mesh: Mesh, first: type[VirtualNode | VirtualGateway] = VirtualNode) -> Iterator[Any]:
    """Yield the compiled configurations of a mesh, those of one kind of part first, without unsupported ones."""
    for part in sorted(parts(mesh), key=lambda part: not isinstance(part, first)):
        for interception, of_endpoints in PLACEMENTS:
            try:
                configuration = configure(
                    mesh, part, interception=interception, endpoints=of_endpoints, sds_socket="/sds.sock"
                )
            except MeshError:
                continue
            endpoint_documents = [endpoints(mesh, target, INSTANCES) for target in configuration.targets.values()]
            yield configuration.bootstrap, configuration.files, endpoint_documents


@cache
def compiled_sample(sample: int) -> list[Any]:
    return list(compiled(SAMPLES[sample]))


def changed(sample: int, index: int, at: tuple[Any, ...]) -> Iterator[Mesh]:
    """Yield the valid meshes of a sample with another value at one place, or at all places with the same value."""
    declared = declared_resources(SAMPLES[sample])
    old = at_place(declared[index].properties, at)
    for value in others(old, at):
        everywhere = [replace(resource, properties=renamed(resource.properties, old, value)) for resource in declared]
        for altered in (with_value(declared, index, at, value), everywhere):
            try:
                yield from read_meshes(altered)[0]
            except MeshError:
                continue


def with_value(declared: list[DeclaredResource], index: int, at: tuple[Any, ...], value: Any) -> list[DeclaredResource]:
    """Return the resources with another value at one place."""
    properties = copy.deepcopy(dict(declared[index].properties))
    at_place(properties, at[:-1])[at[-1]] = value
    altered = list(declared)
    altered[index] = replace(declared[index], properties=properties)
    return altered


def at_place(value: Any, at: tuple[Any, ...]) -> Any:
    for key in at:
        value = value[key]
    return value


def renamed(value: Any, old: Any, new: Any) -> Any:
    """Return a value with all occurrences of a value replaced."""
    if isinstance(value, dict):
        return {key: renamed(each, old, new) for key, each in value.items()}
    if isinstance(value, list):
        return [renamed(each, old, new) for each in value]
    return new if value == old and type(value) is type(old) else value


def others(value: Any, at: tuple[Any, ...]) -> list[Any]:
    """Return other values for one place."""
    name = f"{at[-2]}[]" if isinstance(at[-1], int) else at[-1]
    if name in OTHERS:
        return OTHERS[name]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1, value + 10]
    return [f"{value}x", f"x{value}"]


def changes(path: str) -> bool:
    """Return whether another value of a property changes a configuration."""
    # Where the change most likely is.
    first = VirtualGateway if path.startswith(("VirtualGateway", "GatewayRoute")) else VirtualNode
    return any(
        any(configuration not in compiled_sample(sample) for configuration in compiled(mesh, first))
        for sample in range(len(SAMPLES))
        for index, at in places(sample).get(path, [])
        for mesh in changed(sample, index, at)
    )


def test_table_has_exactly_the_properties_of_the_published_schemas() -> None:
    listed = [path for row in ROWS for path in paths(row.properties)]
    assert sorted(listed) == sorted(set(schema_paths()))


# Message for properties for which every other value is invalid: references, and the port of a health check.
FIXED = {
    "TcpRetryEvents[]": "unknown TCP retry event",
    "HealthCheck.Port": "health check port is not the listener's port",
    "VirtualRouter.VirtualRouterName": "unknown virtual router",
}


@pytest.mark.parametrize(
    "path",
    [path for path, row in sorted(rows_by_path().items()) if row.envoy and not path.endswith(tuple(FIXED))],
)
def test_compiled_property_affects_the_configuration(path: str) -> None:
    assert changes(path)


@pytest.mark.parametrize("path", [path for path, row in sorted(rows_by_path().items()) if path.endswith(tuple(FIXED))])
def test_property_with_a_fixed_value_is_rejected_with_another(path: str) -> None:
    wrong = next(message for end, message in FIXED.items() if path.endswith(end))
    sample, (index, at) = next((sample, places(sample)[path][0]) for sample in range(2) if path in places(sample))
    declared = declared_resources(SAMPLES[sample])
    value = 9999 if path.endswith("Port") else "other"
    with pytest.raises(MeshError, match=wrong):
        read_meshes(with_value(declared, index, at, value))


def test_page_of_the_documentation_is_up_to_date(root: Path, request: pytest.FixtureRequest) -> None:
    compare_with_gold(root / "docs" / "parity.md", parity_page(), request)
