"""Meshes, read from templates, and from what is read as templates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from color_mesh.appmesh.declared import DeclaredResource
from color_mesh.appmesh.fields import Fields, api_spelling
from color_mesh.appmesh.meshes import read_meshes
from color_mesh.appmesh.template import EXTERNAL_SERVICES
from color_mesh.aws_json.app_mesh import KINDS, cloudformation_spelling
from color_mesh.cloudformation import (
    Attribute,
    Files,
    Resource,
    Templates,
    read_templates,
    set_option,
)
from color_mesh.cloudformation.values import Unresolved
from color_mesh.model import CloudMapService, Mesh, MeshError
from color_mesh.model.arns import DECLARED_ARN
from color_mesh.model.errors import add_problems, listed, problem, refuse

_TYPES = {f"AWS::AppMesh::{cloudformation_spelling(kind)}": kind for kind in KINDS}
_SERVICE = "AWS::ServiceDiscovery::Service"
_ACM = ("AWS::CertificateManager::", "AWS::ACMPCA::")
_NAMESPACES = tuple(f"AWS::ServiceDiscovery::{kind}Namespace" for kind in ("PrivateDns", "PublicDns", "Http"))
# Attributes that repeat a property are known before deployment.
KNOWN_ATTRIBUTES = {
    **{
        (name, cloudformation_spelling(f"{kind}Name")): cloudformation_spelling(f"{kind}Name")
        for name, kind in _TYPES.items()
    },
    (_SERVICE, "Name"): "Name",
    ("AWS::EC2::VPC", "CidrBlock"): "CidrBlock",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The content of the sources.

    Attributes:
        templates: Templates among the sources.
        meshes: Meshes.
        resources: App Mesh resources of the meshes.
        notes: Notes about assumptions for the user.
        left_out: Messages about parts that cannot be read or are not valid and are left out, and about unknown
            properties.
    """

    templates: Templates
    meshes: tuple[Mesh, ...] = ()
    resources: tuple[DeclaredResource, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def read_source(paths: Sequence[Path], values: Mapping[str, str] | None = None) -> Source:
    """Read the meshes that are declared at some paths.

    Args:
        paths: Cloud assemblies, templates, JSON of the AWS CLI or of Terraform, and folders of them.
        values: Values of parameters, pseudo parameters and attributes that the templates do not define.

    Raises:
        MeshError: With all problems, or if there is no mesh.
    """
    files = Files()
    templates = read_templates(paths, values=values or {}, known_attributes=KNOWN_ATTRIBUTES, files=files)
    # Whatever is read from here is printed or written.
    templates = templates.without_secrets()
    left_out: list[str] = []
    declared = _resources(templates, left_out)
    services = _cloud_map_services(templates, left_out)
    if not declared:
        refuse(dict.fromkeys(left_out))
        subject = ", ".join(map(str, paths))
        fix = "add a template, or JSON of the AWS CLI or Terraform, that declares one"
        raise MeshError([problem(subject, "declares no mesh", "no App Mesh resource", fix)])
    meshes, more_notes = read_meshes(declared, services, left_out)
    return Source(
        meshes=meshes,
        resources=tuple(declared),
        templates=templates,
        notes=(*templates.notes, *files.notes, *more_notes),
        # What has no value may be needed in several places.
        left_out=tuple(dict.fromkeys((*files.left_out, *left_out))),
    )


def read_declared_meshes(templates: Templates) -> Source:
    """Read the meshes that templates declare, if any.

    Raises:
        MeshError: With all problems, if no mesh can be read.
    """
    left_out: list[str] = []
    declared = _resources(templates, left_out)
    services = _cloud_map_services(templates, left_out)
    if not declared:
        refuse(dict.fromkeys(left_out))
    meshes, notes = read_meshes(declared, services, left_out)
    return Source(meshes=meshes, resources=tuple(declared), templates=templates, notes=notes, left_out=tuple(left_out))


def _resources(templates: Templates, left_out: list[str]) -> list[DeclaredResource]:
    """Return the App Mesh resources that templates declare, and add the problems of those that cannot be read.

    Raises:
        MeshError: If a mesh cannot be read: every other part of it depends on its settings.
    """
    unknown = {each for each in templates.types if each.startswith("AWS::AppMesh::") and each not in _TYPES}
    left_out += (
        problem(resource.place, "unknown resource type", resource.type, f"known: {listed(_TYPES)}")
        for resource in templates.resources(*unknown)
    )
    declared = []
    of_meshes: list[str] = []
    for resource in templates.resources(*_TYPES):
        try:
            declared.append(_declared(resource))
        except MeshError as error:
            add_problems(of_meshes if _TYPES[resource.type] == "mesh" else left_out, error.problems)
    refuse(dict.fromkeys((*of_meshes, *left_out) if of_meshes else ()))
    return declared


def _declared(resource: Resource) -> DeclaredResource:
    problems: list[str] = []
    external = Fields(resource.metadata, f"{resource.place}.Metadata", api_spelling, problems).texts(EXTERNAL_SERVICES)
    refuse(problems)
    return DeclaredResource(
        kind=_TYPES[resource.type],
        place=resource.place,
        properties=dict(_literals(resource)),
        generated_name=resource.generated_name,
        external_services=external,
    )


def _literals(resource: Resource) -> Iterator[tuple[str, Any]]:
    """Return the properties of a resource, which must all be known before deployment, except labels."""
    properties = _with_arns(resource.lenient_properties())
    refuse(dict.fromkeys(_unknown(resource.place, properties)))
    yield from properties.items()


def _with_arns(value: Any, key: str = "") -> Any:
    """Return a value with placeholders for the ARNs of certificates and authorities that the templates declare.

    No other part of the mesh depends on such an ARN. Envoy asks ACM for it: a configuration with one is not complete.
    """
    if isinstance(value, Attribute) and key in ("CertificateArn", "CertificateAuthorityArns"):
        return f"{DECLARED_ARN}{value.resource.logical_id}" if value.resource.type.startswith(_ACM) else value
    if isinstance(value, dict):
        return {name: _with_arns(each, name) for name, each in value.items()}
    return [_with_arns(each, key) for each in value] if isinstance(value, list) else value


def _unknown(place: str, value: Any) -> Iterator[str]:
    if isinstance(value, Unresolved):
        yield from value.problems
    elif isinstance(value, Attribute):
        name = f"{value.resource.logical_id}.{value.name}"
        fix = f"give it with {set_option(name)}"
        yield problem(place, "is known only at deployment", name, fix)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _unknown(f"{place}.{key}", each)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _unknown(f"{place}[{index}]", each)


def _cloud_map_services(templates: Templates, left_out: list[str]) -> list[CloudMapService]:
    """Read the Cloud Map services with DNS records, in namespaces that the templates declare.

    The problems of those that cannot be read are added to ``left_out``.
    """
    services: list[CloudMapService] = []
    for resource in templates.resources(_SERVICE):
        problems: list[str] = []
        try:
            of_resource = _cloud_map_service(resource, problems)
            services += () if problems else of_resource
        except MeshError as error:
            problems += error.problems
        add_problems(left_out, problems)
    return services


def _cloud_map_service(resource: Resource, problems: list[str]) -> list[CloudMapService]:
    records = resource.property("DnsConfig", "DnsRecords")
    namespace = resource.property("NamespaceId") or resource.property("DnsConfig", "NamespaceId")
    if not (records and isinstance(namespace, Attribute) and namespace.resource.type in _NAMESPACES):
        return []
    declared = {
        "Name": resource.property("Name") or resource.generated_name,
        "DnsConfig": {"DnsRecords": records},
        "Description": resource.property("Description"),
    }
    properties = {key: value for key, value in declared.items() if value is not None}
    namespace_properties = {"Name": namespace.resource.property("Name")}
    refuse([*_unknown(resource.place, properties), *_unknown(namespace.resource.place, namespace_properties)])
    name = Fields(namespace_properties, namespace.resource.place, api_spelling, problems).text("Name")
    fields = Fields(properties, resource.place, api_spelling, problems)
    ttls = fields.required("DnsConfig", lambda dns: dns.many("DnsRecords", _ttl))
    return [
        CloudMapService(
            name=fields.text("Name"),
            namespace=name,
            description=fields.optional_text("Description"),
            ttl_seconds=next(iter(ttls), 0),
        )
    ]


def _ttl(fields: Fields) -> int:
    fields.ignore("Type")
    return fields.integer("TTL")
