"""JSON of the AWS CLI: the input of ``--cli-input-json`` and the output of ``aws appmesh describe-*``."""

from collections.abc import Iterable, Mapping
from typing import Any

from color_mesh.appmesh.fields import Fields, api_spelling
from color_mesh.appmesh.meshes import KINDS, DeclaredResource
from color_mesh.model import CloudMapService
from color_mesh.model.errors import refuse

# In this order: the input for a route has the name of its router too.
_NAMES = ("route", "gatewayRoute", "virtualNode", "virtualService", "virtualRouter", "virtualGateway", "mesh")


def read_manifests(
    documents: Iterable[tuple[str, Mapping[str, Any]]],
) -> tuple[list[DeclaredResource], list[CloudMapService], list[str]]:
    """Read manifests in order: a later manifest of a resource updates an earlier one.

    Other documents are ignored.

    Args:
        documents: File names and documents.

    Returns:
        The App Mesh resources, the Cloud Map services, and notes about assumptions for the user.
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
    cloud_map_services = [
        read_cloud_map_service(Fields(document, name, api_spelling, problems), namespaces[0])
        for name, document in services.values()
    ]
    refuse(problems)
    return list(declared.values()), cloud_map_services, notes


def read_cloud_map_service(fields: Fields, namespace: str) -> CloudMapService:
    """Read a Cloud Map service. The AWS CLI and CloudFormation have the same keys."""
    ttls = fields.required("DnsConfig", _read_ttls)
    return CloudMapService(
        name=fields.text("Name"),
        namespace=namespace,
        description=fields.optional_text("Description"),
        ttl_seconds=next(iter(ttls), 0),
    )


def is_manifest(document: Mapping[str, Any]) -> bool:
    """Return whether a document is an App Mesh resource."""
    return _declared("", document) is not None


def _declared(name: str, document: Mapping[str, Any]) -> DeclaredResource | None:
    kinds = [kind for kind in KINDS if isinstance(document.get(kind), Mapping) and "meshName" in document[kind]]
    if len(kinds) == 1 and "meshName" not in document:
        return _described(name, kinds[0], document[kinds[0]])
    if "meshName" not in document:
        return None
    kind = next(kind for kind in _NAMES if f"{kind}Name" in document)
    return DeclaredResource(kind=kind, place=name, properties=document, spelling=api_spelling)


def _described(name: str, kind: str, description: Mapping[str, Any]) -> DeclaredResource:
    """Return the declared part of a description, without the fields that AWS adds."""
    properties = {key: value for key, value in description.items() if key not in ("metadata", "status")}
    metadata = description.get("metadata")
    owners = metadata if isinstance(metadata, Mapping) else {}
    if owners.get("meshOwner") != owners.get("resourceOwner") and owners.get("meshOwner") is not None:
        properties["meshOwner"] = owners["meshOwner"]
    return DeclaredResource(kind=kind, place=f"{name}.{kind}", properties=properties, spelling=api_spelling)


def _identity(kind: str) -> tuple[str, ...]:
    owners = {"route": "virtualRouterName", "gatewayRoute": "virtualGatewayName"}
    return "meshName", owners.get(kind, "meshName"), f"{kind}Name"


def _read_ttls(fields: Fields) -> tuple[int, ...]:
    fields.ignore("NamespaceId", "RoutingPolicy")
    if not fields.has("DnsRecords"):
        fields.report("DnsRecords", "is missing", "it is required")
    return fields.many("DnsRecords", _read_ttl)


def _read_ttl(fields: Fields) -> int:
    fields.ignore("Type")
    return fields.integer("TTL")
