"""From the resources of a mesh, wherever they were found, to the mesh."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from color_mesh.appmesh.fields import Fields, Spelling
from color_mesh.appmesh.resources import (
    read_mesh,
    read_pair,
    read_virtual_gateway,
    read_virtual_node,
    read_virtual_router,
    read_virtual_service,
)
from color_mesh.appmesh.routes import read_gateway_route, read_route
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
from color_mesh.model.errors import problem, refuse

# Each kind of resource, in the API's words. Owners come before the routes that they own.
KINDS = ("mesh", "virtualNode", "virtualService", "virtualRouter", "virtualGateway", "route", "gatewayRoute")


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredResource:
    """Define a resource of a mesh as it was found.

    Attributes:
        kind: One of `KINDS`.
        place: Where it was found, as messages name it.
        properties: What is declared of it.
        spelling: How their keys are spelled.
        generated_name: The name it gets when it has none of its own.
        external_services: For a mesh, names of virtual services that are declared somewhere else.
    """

    kind: str
    place: str
    properties: Mapping[str, Any]
    spelling: Spelling
    generated_name: str | None = None
    external_services: tuple[str, ...] = ()

    @property
    def mesh_name(self) -> str:
        """The name of the mesh that it belongs to."""
        return str(self.properties.get(self.spelling("meshName")) or self.generated_name)


@dataclass(slots=True)
class _Draft:
    """Hold the parts of a mesh while its resources are read."""

    declared: bool = False
    owners: dict[str, None] = field(default_factory=dict)
    own: dict[str, Any] = field(default_factory=dict)
    nodes: list[VirtualNode] = field(default_factory=list)
    services: list[VirtualService] = field(default_factory=list)
    routers: list[VirtualRouter] = field(default_factory=list)
    gateways: list[VirtualGateway] = field(default_factory=list)
    routes: list[tuple[str, Route]] = field(default_factory=list)
    gateway_routes: list[tuple[str, GatewayRoute]] = field(default_factory=list)


def read_meshes(
    resources: Iterable[DeclaredResource], cloud_map_services: Sequence[CloudMapService] = ()
) -> tuple[tuple[Mesh, ...], tuple[str, ...]]:
    """Read the meshes that resources declare, and what is to be said about how they were read.

    Raises:
        MeshError: With every problem of the resources; without any, with every problem of the meshes.
    """
    problems: list[str] = []
    drafts: dict[str, _Draft] = {}
    for resource in sorted(resources, key=lambda resource: KINDS.index(resource.kind)):
        _read(resource, drafts, problems)
    refuse(problems)
    notes = [
        f"mesh {name!r} is declared in none of the sources: taken with App Mesh's defaults, DROP_ALL among them"
        for name, draft in drafts.items()
        if not draft.declared
    ]
    for draft in drafts.values():
        notes += _take_as_external(draft)
    alone = len(drafts) == 1
    meshes = []
    for name, draft in drafts.items():
        try:
            services = tuple(each for each in cloud_map_services if alone or _refers(draft, each))
            meshes.append(_mesh(name, draft, services))
        except MeshError as error:
            problems += error.problems
    refuse(problems)
    return tuple(meshes), tuple(notes)


def _take_as_external(draft: _Draft) -> Iterator[str]:
    """Take services that are called and not declared for declared somewhere else, as App Mesh let them be."""
    known = {*draft.own.get("external_services", ()), *(service.name for service in draft.services)}
    called = (
        *(backend.virtual_service for node in draft.nodes for backend in node.backends),
        *(route.virtual_service for _, route in draft.gateway_routes),
    )
    for name in dict.fromkeys(name for name in called if name not in known):
        draft.own["external_services"] = (*draft.own.get("external_services", ()), name)
        yield f"virtual service {name!r} is declared in none of the sources: nothing but its name is known"


def _read(resource: DeclaredResource, drafts: dict[str, _Draft], problems: list[str]) -> None:
    at = Fields(resource.properties, resource.place, resource.spelling, problems)
    at.ignore("clientToken")
    kind = resource.kind
    name = at.optional_text(f"{kind}Name") or resource.generated_name or at.text(f"{kind}Name")
    mesh_name = name if kind == "mesh" else at.text("meshName")
    draft = drafts.setdefault(mesh_name, _Draft())
    owner = at.optional_text("meshOwner")
    if owner is not None:
        draft.owners[owner] = None
    tags = at.many("tags", read_pair)
    match kind:
        case "mesh":
            if draft.declared:
                at.report("meshName", "is declared twice", "declare each mesh once")
            draft.declared = True
            egress_filter, preference = at.optional("spec", read_mesh) or ("DROP_ALL", None)
            draft.own = {
                "egress_filter": egress_filter,
                "ip_preference": preference,
                "tags": tags,
                "external_services": resource.external_services,
            }
        case "virtualNode":
            draft.nodes.append(at.required("spec", lambda spec: read_virtual_node(spec, name, tags)))
        case "virtualService":
            draft.services.append(at.required("spec", lambda spec: read_virtual_service(spec, name, tags)))
        case "virtualRouter":
            listeners = at.required("spec", read_virtual_router)
            draft.routers.append(VirtualRouter(name=name, listeners=listeners, tags=tags))
        case "virtualGateway":
            draft.gateways.append(at.required("spec", lambda spec: read_virtual_gateway(spec, name, tags)))
        case "route":
            route = at.required("spec", lambda spec: read_route(spec, name, tags))
            draft.routes.append((at.text("virtualRouterName"), route))
        case "gatewayRoute":
            gateway_route = at.required("spec", lambda spec: read_gateway_route(spec, name, tags))
            draft.gateway_routes.append((at.text("virtualGatewayName"), gateway_route))
    at.close()


def _refers(draft: _Draft, service: CloudMapService) -> bool:
    discovered = {node.discovery.dns_name for node in draft.nodes if node.discovery is not None}
    return service.dns_name in discovered or any(service.dns_name == each.name for each in draft.services)


def _mesh(name: str, draft: _Draft, cloud_map_services: tuple[CloudMapService, ...]) -> Mesh:
    subject = f"mesh {name!r}"
    problems = []
    if len(draft.owners) > 1:
        problems.append(problem(subject, "has several owners", tuple(draft.owners), "one account owns a mesh"))
    for kind, routes, owners in (
        ("virtual router", draft.routes, {router.name for router in draft.routers}),
        ("virtual gateway", draft.gateway_routes, {gateway.name for gateway in draft.gateways}),
    ):
        for owner, route in routes:
            if owner not in owners:
                fix = f"known: {', '.join(sorted(owners)) or 'none'}"
                problems.append(problem(f"route {route.name!r}", f"unknown {kind}", owner, fix))
    refuse(problems)
    return Mesh(
        name=name,
        owner=next(iter(draft.owners), None),
        **draft.own,
        cloud_map_services=cloud_map_services,
        nodes=tuple(draft.nodes),
        services=tuple(draft.services),
        routers=tuple(
            replace(router, routes=tuple(route for owner, route in draft.routes if owner == router.name))
            for router in draft.routers
        ),
        gateways=tuple(
            replace(gateway, routes=tuple(route for owner, route in draft.gateway_routes if owner == gateway.name))
            for gateway in draft.gateways
        ),
    )
