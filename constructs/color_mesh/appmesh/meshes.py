"""Meshes, assembled from App Mesh resources of any source."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from dataclasses import fields as dataclass_fields
from typing import Any, TypeVar

from color_mesh.appmesh.declared import DeclaredResource
from color_mesh.appmesh.fields import Fields
from color_mesh.appmesh.lenient import lenient_mesh
from color_mesh.appmesh.resources import (
    read_mesh,
    read_pair,
    read_virtual_gateway,
    read_virtual_node,
    read_virtual_router,
    read_virtual_service,
)
from color_mesh.appmesh.routes import read_gateway_route, read_route
from color_mesh.aws_json.app_mesh import KINDS, cloudformation_spelling
from color_mesh.model import (
    CloudMapService,
    GatewayRoute,
    Mesh,
    MeshError,
    Route,
    VirtualGateway,
    VirtualNode,
    VirtualRouter,
    VirtualService,
)
from color_mesh.model.errors import add_problems, listed, problem, refuse
from color_mesh.model.index import MeshParts
from color_mesh.model.mesh import is_account

T = TypeVar("T")


@dataclass(slots=True)
class _Draft:
    """Parts of a mesh that have been read so far."""

    declared: bool = False
    owners: dict[str, None] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    nodes: list[VirtualNode] = field(default_factory=list)
    services: list[VirtualService] = field(default_factory=list)
    routers: list[VirtualRouter] = field(default_factory=list)
    gateways: list[VirtualGateway] = field(default_factory=list)
    routes: list[tuple[str, Route]] = field(default_factory=list)
    gateway_routes: list[tuple[str, GatewayRoute]] = field(default_factory=list)

    def add(self, other: "_Draft") -> None:
        """Add the parts of another draft."""
        self.declared |= other.declared
        self.owners |= other.owners
        self.properties |= other.properties
        self.nodes += other.nodes
        self.services += other.services
        self.routers += other.routers
        self.gateways += other.gateways
        self.routes += other.routes
        self.gateway_routes += other.gateway_routes


def read_meshes(
    resources: Iterable[DeclaredResource],
    cloud_map_services: Sequence[CloudMapService] = (),
    left_out: list[str] | None = None,
) -> tuple[tuple[Mesh, ...], tuple[str, ...]]:
    """Read the meshes that resources declare.

    Args:
        resources: Resources.
        cloud_map_services: Cloud Map services.
        left_out: List to which messages are added about parts that cannot be read or are not valid and are left out,
            and about unknown properties. A mesh that cannot be read or is not valid is left out with all its
            parts. Default: they are problems.

    Returns:
        The meshes, and notes about assumptions for the user.

    Raises:
        MeshError: With all problems of the resources or, without any, all problems of the meshes; with ``left_out``,
            if no part of a mesh can be read.
    """
    problems: list[str] = []
    drafts: dict[str, _Draft] = {}
    unreadable_meshes: set[str] = set()
    all_readable = not left_out
    for resource in sorted(resources, key=lambda resource: KINDS.index(resource.kind)):
        of_resource: list[str] = []
        mesh_name, addition = _read(resource, of_resource, left_out)
        if addition.declared and mesh_name in drafts:
            _report_second_mesh(resource, mesh_name, problems, left_out)
        if not of_resource:
            drafts.setdefault(mesh_name, _Draft()).add(addition)
        else:
            add_problems(problems if left_out is None else left_out, of_resource)
            all_readable = False
        if of_resource and resource.kind == "mesh":
            unreadable_meshes.add(mesh_name)
    refuse(problems)
    drafts = {name: draft for name, draft in drafts.items() if name not in unreadable_meshes}
    notes = [
        f"mesh {name!r} is not declared in the sources: read with App Mesh's defaults, such as DROP_ALL"
        for name, draft in drafts.items()
        if not draft.declared
    ]
    for draft in drafts.values():
        notes += _add_external_services(draft)
    single_mesh = len(drafts) == 1
    meshes = []
    for name, draft in drafts.items():
        try:
            services = tuple(each for each in cloud_map_services if single_mesh or _refers(draft, each))
            meshes.append(_mesh(name, draft, services, left_out))
        except MeshError as error:
            add_problems(problems if left_out is None else left_out, error.problems)
            all_readable = False
    refuse(problems)
    if not all_readable and not any((*mesh.nodes, *mesh.services, *mesh.routers, *mesh.gateways) for mesh in meshes):
        refuse(left_out or ())
    return tuple(meshes), tuple(notes)


def _add_external_services(draft: _Draft) -> Iterator[str]:
    """Add virtual services that are referred to but not declared, which App Mesh allows, as external services."""
    known = {*draft.properties.get("external_services", ()), *(service.name for service in draft.services)}
    references = (
        *(backend.virtual_service for node in draft.nodes for backend in node.backends),
        *(route.virtual_service for _, route in draft.gateway_routes),
    )
    unknown = tuple(dict.fromkeys(name for name in references if name not in known))
    if unknown:
        draft.properties["external_services"] = (*draft.properties.get("external_services", ()), *unknown)
    for name in unknown:
        yield f"virtual service {name!r} is not declared in the sources: only its name is known"


def _read(resource: DeclaredResource, problems: list[str], unknown: list[str] | None) -> tuple[str, _Draft]:
    """Return the name of a resource's mesh, and a draft with what the resource adds to it."""
    fields = Fields(resource.properties, resource.place, cloudformation_spelling, problems, unknown=unknown)
    fields.ignore("clientToken")
    kind = resource.kind
    name = fields.optional_text(f"{kind}Name") or resource.generated_name or fields.text(f"{kind}Name")
    mesh_name = name if kind == "mesh" else fields.text("meshName")
    draft = _Draft()
    owner = fields.optional_text("meshOwner")
    if owner is not None:
        draft.owners[owner] = None
    tags = fields.many("tags", read_pair)
    match kind:
        case "mesh":
            draft.declared = True
            egress_filter, preference = fields.optional("spec", read_mesh) or ("DROP_ALL", None)
            draft.properties = {
                "egress_filter": egress_filter,
                "ip_preference": preference,
                "tags": tags,
                "external_services": resource.external_services,
            }
        case "virtualNode":
            draft.nodes.append(fields.required("spec", lambda spec: read_virtual_node(spec, name, tags)))
        case "virtualService":
            draft.services.append(fields.required("spec", lambda spec: read_virtual_service(spec, name, tags)))
        case "virtualRouter":
            listeners = fields.required("spec", read_virtual_router)
            draft.routers.append(VirtualRouter(name=name, listeners=listeners, tags=tags))
        case "virtualGateway":
            draft.gateways.append(fields.required("spec", lambda spec: read_virtual_gateway(spec, name, tags)))
        case "route":
            route = fields.required("spec", lambda spec: read_route(spec, name, tags))
            draft.routes.append((fields.text("virtualRouterName"), route))
        case "gatewayRoute":
            gateway_route = fields.required("spec", lambda spec: read_gateway_route(spec, name, tags))
            draft.gateway_routes.append((fields.text("virtualGatewayName"), gateway_route))
    fields.close()
    return mesh_name, draft


def _report_second_mesh(resource: DeclaredResource, name: str, problems: list[str], left_out: list[str] | None) -> None:
    if left_out is None:
        key = f"{resource.place}.{cloudformation_spelling('meshName')}"
        add_problems(problems, [problem(key, "is declared twice", name, "declare each mesh once")])
    else:
        fix = "the last one counts: remove one"
        add_problems(left_out, [problem(f"mesh {name!r}", "is declared twice", name, fix)])


def _refers(draft: _Draft, service: CloudMapService) -> bool:
    node_names = {node.discovery.dns_name for node in draft.nodes if node.discovery is not None}
    return service.dns_name in node_names or any(service.dns_name == each.name for each in draft.services)


def _mesh(
    name: str, draft: _Draft, cloud_map_services: tuple[CloudMapService, ...], left_out: list[str] | None
) -> Mesh:
    subject = f"mesh {name!r}"
    problems: list[str] = []
    if len(draft.owners) > 1:
        text = problem(subject, "has several owners", tuple(draft.owners), "one account owns a mesh")
        add_problems(problems if left_out is None else left_out, [text])
    # The owner of one resource that is not valid is not that of the mesh.
    owner_id = next((each for each in draft.owners if is_account(each)), next(iter(draft.owners), None))
    for kind, routes, owners in (
        ("virtual router", draft.routes, {router.name for router in draft.routers}),
        ("virtual gateway", draft.gateway_routes, {gateway.name for gateway in draft.gateways}),
    ):
        for owner, route in routes:
            if owner not in owners:
                fix = f"known: {listed(owners)}"
                unowned = [problem(f"route {route.name!r}", f"unknown {kind}", owner, fix)]
                add_problems(problems if left_out is None else left_out, unowned)
    refuse(problems)
    routes_of, gateway_routes_of = _by_owner(draft.routes), _by_owner(draft.gateway_routes)
    properties = dict(draft.properties)
    parts = MeshParts(
        cloud_map_services=cloud_map_services,
        nodes=tuple(draft.nodes),
        services=tuple(draft.services),
        external_services=properties.pop("external_services", ()),
        routers=tuple(replace(router, routes=tuple(routes_of.get(router.name, ()))) for router in draft.routers),
        gateways=tuple(
            replace(gateway, routes=tuple(gateway_routes_of.get(gateway.name, ()))) for gateway in draft.gateways
        ),
    )

    def build(of_mesh: MeshParts) -> Mesh:
        declared = {each.name: getattr(of_mesh, each.name) for each in dataclass_fields(of_mesh)}
        return Mesh(name=name, owner=owner_id, **properties, **declared)

    if left_out is None:
        return build(parts)
    mesh, messages = lenient_mesh(build, parts)
    left_out += messages
    return mesh


def _by_owner(routes: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    owned: dict[str, list[T]] = {}
    for owner, route in routes:
        owned.setdefault(owner, []).append(route)
    return owned
