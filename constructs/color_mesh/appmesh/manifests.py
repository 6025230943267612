"""Reading the JSON that the AWS CLI takes (``--cli-input-json``), and that ``aws appmesh describe-*`` gives."""

from collections.abc import Iterable, Mapping
from typing import Any

from color_mesh.appmesh.fields import Fields, api_spelling
from color_mesh.appmesh.meshes import KINDS, DeclaredResource
from color_mesh.model import CloudMapService
from color_mesh.model.errors import refuse

# In this order: a route names its router too.
_NAMES = ("route", "gatewayRoute", "virtualNode", "virtualService", "virtualRouter", "virtualGateway", "mesh")


def read_manifests(
    documents: Iterable[tuple[str, Mapping[str, Any]]],
) -> tuple[list[DeclaredResource], list[CloudMapService], list[str]]:
    """Read manifests by their names, in the order given: a later one of a resource updates an earlier one.

    Whatever declares no part of a mesh is passed over.

    Returns:
        The resources of meshes, the Cloud Map services, and what is to be said about how they were read.
    """
    declared: dict[tuple[str, ...], DeclaredResource] = {}
    namespaces: list[str] = []
    services: dict[str, tuple[str, Mapping[str, Any]]] = {}
    notes = []
    for name, document in documents:
        resource = _declared(name, document)
        if resource is not None:
            key = (resource.kind, *(str(resource.properties.get(each)) for each in _identity(resource.kind)))
            if key in declared:
                notes.append(f"{name} updates what {declared[key].place.removesuffix(':')} declares")
            declared[key] = resource
        elif "Vpc" in document and "Name" in document and "CidrBlock" not in document:
            namespaces.append(str(document["Name"]))
        elif "DnsConfig" in document and "Name" in document:
            services[str(document["Name"])] = name, document
    if services and len(namespaces) != 1:
        notes.append(f"Cloud Map services left out, because {len(namespaces)} namespaces are declared, not one")
        services = {}
    problems: list[str] = []
    found = [
        read_cloud_map_service(Fields(document, name, api_spelling, problems), namespaces[0])
        for name, document in services.values()
    ]
    refuse(problems)
    return list(declared.values()), found, notes


def read_cloud_map_service(at: Fields, namespace: str) -> CloudMapService:
    """Read a Cloud Map service, which the AWS CLI and CloudFormation spell alike."""
    times_to_live = at.required("DnsConfig", _read_times_to_live)
    return CloudMapService(
        name=at.text("Name"),
        namespace=namespace,
        description=at.optional_text("Description"),
        ttl_seconds=next(iter(times_to_live), 0),
    )


def is_manifest(document: Mapping[str, Any]) -> bool:
    """Tell whether a document declares a part of a mesh."""
    return _declared("", document) is not None


def _declared(name: str, document: Mapping[str, Any]) -> DeclaredResource | None:
    described = [kind for kind in KINDS if isinstance(document.get(kind), Mapping) and "meshName" in document[kind]]
    if len(described) == 1 and "meshName" not in document:
        return _described(name, described[0], document[described[0]])
    if "meshName" not in document:
        return None
    kind = next(kind for kind in _NAMES if f"{kind}Name" in document)
    return DeclaredResource(kind=kind, place=name, properties=document, spelling=api_spelling)


def _described(name: str, kind: str, description: Mapping[str, Any]) -> DeclaredResource:
    """Take what was declared from a description, without what AWS added to it."""
    properties = {key: value for key, value in description.items() if key not in ("metadata", "status")}
    metadata = description.get("metadata")
    owners = metadata if isinstance(metadata, Mapping) else {}
    if owners.get("meshOwner") != owners.get("resourceOwner") and owners.get("meshOwner") is not None:
        properties["meshOwner"] = owners["meshOwner"]
    return DeclaredResource(kind=kind, place=f"{name}.{kind}", properties=properties, spelling=api_spelling)


def _identity(kind: str) -> tuple[str, ...]:
    owners = {"route": "virtualRouterName", "gatewayRoute": "virtualGatewayName"}
    return "meshName", owners.get(kind, "meshName"), f"{kind}Name"


def _read_times_to_live(at: Fields) -> tuple[int, ...]:
    at.ignore("NamespaceId", "RoutingPolicy")
    if not at.has("DnsRecords"):
        at.report("DnsRecords", "is missing", "it is required")
    return at.many("DnsRecords", _read_time_to_live)


def _read_time_to_live(at: Fields) -> int:
    at.ignore("Type")
    return at.integer("TTL")
