"""The template of all resources in some documents, which refer to each other by ids, ARNs and names."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from color_mesh.aws_json import cloud_map, load_balancers
from color_mesh.aws_json.documents import resources_of
from color_mesh.aws_json.references import references_of, resolved
from color_mesh.aws_json.resource import APP_MESH, Converted
from color_mesh.aws_json.terraform import is_terraform, left_out_of_terraform, types_left_out
from color_mesh.model.errors import listed

MESH = "mesh"  # Name of a mesh that no document names.
_REGIONAL_ARN = re.compile(r"arn:[^:]*:[^:]*:([a-z0-9-]+):([0-9]{12}):")


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """Resources of documents of the AWS CLI and of Terraform.

    Attributes:
        template: Template of the resources.
        files: File of each resource, by logical id.
        secrets: Values of the parameters of the template, which have ``NoEcho``.
        pseudo: Region and account, if an ARN has them.
        notes: Notes for the user.
        left_out: Problems of resources that are left out.
        understood: Files that declare a resource.
    """

    template: Mapping[str, Any]
    files: Mapping[str, Path] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    pseudo: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    understood: frozenset[Path] = frozenset()


def convert(documents: Iterable[tuple[Path, Any]], meshes: Iterable[str] = ()) -> Conversion:
    """Return the resources of documents: a later document of a resource updates an earlier one.

    Args:
        documents: Files, each with its document. Documents without a resource are left out.
        meshes: Names of meshes that are declared elsewhere. Default: none.
    """
    documents = [*documents]
    found = [(path, each) for path, document in documents for each in resources_of(document, path.name.split(".")[0])]
    notes = [*_terraform_notes(documents), *_attribute_notes(documents, found)]
    mesh = _mesh_name(found, meshes)
    named = [(path, _with_mesh(each, mesh, notes, path)) for path, each in found]
    merged = _merged([(path, each) for path, each in named if each is not None], notes)
    resources = _with_listeners(_with_namespaces(merged, notes), notes)
    references = references_of(resources)
    secrets: dict[str, str] = {}
    declared = {
        logical_id: {"Type": each.type, "Properties": resolved(each.properties, logical_id, references, secrets)}
        for logical_id, (_, each) in resources.items()
    }
    return Conversion(
        template={"Resources": declared, "Parameters": {name: {"NoEcho": True} for name in secrets}},
        files={logical_id: path for logical_id, (path, _) in resources.items()},
        secrets=secrets,
        pseudo=_pseudo(each for _, each in resources.values()),
        notes=tuple(notes),
        left_out=tuple(
            f"{path.name}: {text}"
            for path, document in documents
            if is_terraform(document)
            for text in left_out_of_terraform(document)
        ),
        understood=frozenset(path for path, _ in found),
    )


def _terraform_notes(documents: Iterable[tuple[Path, Any]]) -> Iterator[str]:
    for path, document in documents:
        types = types_left_out(document) if is_terraform(document) else ()
        if types:
            yield f"{path.name}: resources of these types are not read: {', '.join(sorted(types))}"


def _attribute_notes(documents: Iterable[tuple[Path, Any]], found: Iterable[tuple[Path, Converted]]) -> Iterator[str]:
    states = {path for path, document in documents if is_terraform(document)}
    kinds = (load_balancers.TYPE.format("LoadBalancer"), load_balancers.TYPE.format("TargetGroup"))
    files = dict.fromkeys(path.name for path, each in found if each.type in kinds and path not in states)
    if files:
        text = "attributes of load balancers and target groups, such as stickiness, are not read"
        yield f"{listed(files)}: {text}: the output of describe-...-attributes does not name their owner"


_Resources = dict[str, tuple[Path, Converted]]


def _mesh_name(found: list[tuple[Path, Converted]], meshes: Iterable[str]) -> str | None:
    """Return the only mesh that has a name somewhere, or a name if none has; ``None`` if there are several."""
    names = {*meshes, *(str(each.properties["MeshName"]) for _, each in found if "MeshName" in each.properties)}
    return MESH if not names else names.pop() if len(names) == 1 else None


def _with_mesh(resource: Converted, mesh: str | None, notes: list[str], path: Path) -> Converted | None:
    """Return a resource with the name of its mesh, which may have been given as an option of the command."""
    if not resource.type.startswith(APP_MESH) or "MeshName" in resource.properties:
        return resource
    if mesh is None:
        notes.append(f"{path.name}: left out, because {resource.label} has no meshName and there are several meshes")
        return None
    note = f"documents without a meshName are read as parts of mesh {mesh!r}"
    notes += [note] if note not in notes else []
    return replace(resource, properties={"MeshName": mesh, **resource.properties}, key=(mesh, *resource.key[1:]))


def _merged(found: list[tuple[Path, Converted]], notes: list[str]) -> _Resources:
    """Return the resources by logical id, of those with the same names the last one."""
    by_key: dict[tuple[str, ...], tuple[Path, Converted]] = {}
    updates: list[tuple[str, str]] = []
    for path, resource in found:
        key = _known_key(resource, by_key)
        if key in by_key:
            earlier, other = by_key[key]
            updates.append((path.name, earlier.name))
            resource = replace(resource, ids=(*resource.ids, *other.ids))
        by_key[key] = path, resource
    if len(updates) == 1:
        ((later_file, earlier_file),) = updates
        notes.append(f"{later_file} updates what {earlier_file} declares")
    elif updates:
        files = dict(updates)
        notes.append(f"{len(updates)} resources are declared again by later files, which count: {listed(files)}")
    resources: _Resources = {}
    counts: dict[str, int] = {}
    for path, resource in by_key.values():
        counts[resource.label] = count = counts.get(resource.label, 0) + 1
        resources[resource.label if count == 1 else f"{resource.label} {count}"] = path, resource
    return resources


def _known_key(resource: Converted, known: Collection[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the key of a resource: for a namespace without an id, or beside such a one, that of the same name."""
    key = (resource.type, *resource.key)
    if key in known or resource.type not in cloud_map.NAMESPACES.values():
        return key
    same_name = [each for each in known if each[:-1] == key[:-1] and "" in (each[-1], key[-1])]
    return same_name[0] if len(same_name) == 1 else key


def _with_namespaces(resources: _Resources, notes: list[str]) -> _Resources:
    """Return resources whose Cloud Map services refer to the only namespace, if they name none that is known."""
    namespaces = {key: each for key, (_, each) in resources.items() if each.type in cloud_map.NAMESPACES.values()}
    known = {each for namespace in namespaces.values() for each in namespace.ids}
    result = dict(resources)
    left_out = False
    for key, (path, resource) in resources.items():
        named = resource.properties.get("NamespaceId")
        if resource.type != cloud_map.SERVICE or (isinstance(named, str) and named in known):
            continue
        if len(namespaces) == 1 and (named is None or not known):
            properties = {**resource.properties, "NamespaceId": {"Ref": next(iter(namespaces))}}
            result[key] = path, replace(resource, properties=properties)
        else:
            left_out = True
    if left_out and len(namespaces) != 1:
        notes.append(f"Cloud Map services left out, because {len(namespaces)} namespaces are declared, not one")
    return result


def _with_listeners(resources: _Resources, notes: list[str]) -> _Resources:
    """Return resources whose routers of the preview have the listeners of the nodes that they lead to."""
    result = dict(resources)
    parts = [each for _, each in resources.values()]
    for key, (path, router) in resources.items():
        spec = router.properties.get("Spec")
        if router.type != f"{APP_MESH}VirtualRouter" or not isinstance(spec, dict) or spec.get("Listeners"):
            continue
        names = _targets(parts, router.properties.get("VirtualRouterName"))
        listeners = [
            {"PortMapping": listener["PortMapping"]}
            for node in parts
            if node.type == f"{APP_MESH}VirtualNode" and node.properties.get("VirtualNodeName") in names
            for listener in _objects(node.properties.get("Spec"), "Listeners")
            if "PortMapping" in listener
        ]
        if listeners:
            properties = {**router.properties, "Spec": {**spec, "Listeners": listeners[:1]}}
            result[key] = path, replace(router, properties=properties)
            notes.append(f"{path.name}: {router.label} has no listeners: it gets the listener of its targets")
    return result


def _targets(parts: Iterable[Converted], router: Any) -> list[Any]:
    """Return the names of the nodes that the routes of a router lead to."""
    routes = [
        each.properties.get("Spec")
        for each in parts
        if each.type == f"{APP_MESH}Route" and each.properties.get("VirtualRouterName") == router
    ]
    actions = [rule.get("Action") for spec in routes if isinstance(spec, dict) for rule in _values(spec)]
    return [target.get("VirtualNode") for action in actions for target in _objects(action, "WeightedTargets")]


def _values(value: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in value.values() if isinstance(each, dict)]


def _objects(value: Any, key: str) -> list[dict[str, Any]]:
    items = value.get(key) if isinstance(value, dict) else None
    return [each for each in items if isinstance(each, dict)] if isinstance(items, list) else []


def _pseudo(resources: Iterable[Converted]) -> dict[str, str]:
    for resource in resources:
        for each in resource.ids:
            if match := _REGIONAL_ARN.match(each):
                return {"AWS::Region": match[1], "AWS::AccountId": match[2]}
    return {}
