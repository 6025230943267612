"""A mesh, and what becomes of it, as text for people."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from color_mesh.appmesh.declared import Declared
from color_mesh.appmesh.fields import cloudformation_spelling
from color_mesh.envoy.parity import ROWS, table
from color_mesh.local.plan.assembly import Plan
from color_mesh.local.plan.diagnosis import warnings
from color_mesh.model import Listener, Mesh, Route, VirtualGateway, VirtualNode, VirtualRouter, VirtualService
from color_mesh.model.match import match_text
from color_mesh.model.route import AnyRoute


def mesh_table(mesh: Mesh) -> str:
    """Write a mesh as tables: its nodes, services, routers and gateways, as far as it has any."""
    egress = "backends only" if mesh.egress_filter == "DROP_ALL" else "anywhere"
    parts = [
        f"mesh {mesh.name} (egress {mesh.egress_filter}: {egress})",
        _table(("virtual node", "listens on", "found at", "may call"), map(_node, mesh.nodes)),
        _table(("virtual service", "provided by"), [*map(_service, mesh.services), *_external(mesh)]),
        _table(("virtual router", "listens on", "route", "priority", "match", "targets"), _routers(mesh.routers)),
        _table(
            ("virtual gateway", "listens on", "route", "priority", "match", "virtual service"), _gateways(mesh.gateways)
        ),
    ]
    return "\n\n".join(part for part in parts if part)


def plan_table(plan: Plan) -> str:
    """Write what would run on this machine, and what of it would not work."""
    services = (
        (
            service.name,
            str(service.desired_count),
            plan.task(service).definition.family,
            ", ".join(f"{each.name} ({each.image})" for each in plan.task(service).definition.containers),
            ", ".join(plan.discovery[each.registry].dns_name for each in service.discovery) or "-",
        )
        for service in plan.services.values()
    )
    balancers = (
        (balancer.name, str(listener.port), plan.target_groups[listener.target_group].name)
        for balancer in plan.load_balancers.values()
        for listener in balancer.listeners
        if listener.target_group is not None
    )
    parts = [
        _table(("service", "tasks", "task definition", "containers", "registered in"), services),
        _table(("load balancer", "port", "target group"), balancers),
        "\n".join(f"warning: {each}" for each in warnings(plan)),
        f"not emulated: {'; '.join(plan.not_emulated)}",
    ]
    return "\n\n".join(part for part in parts if part)


def parity_table(resources: Sequence[Declared]) -> str:
    """Write what each property of resources becomes in Envoy's configuration, or why it is refused."""
    rows = [
        (resource.place, path.split(".", 1)[1], _shortened(value), _outcome(path))
        for resource in resources
        for path, value in _leaves(resource)
    ]
    return _table(("resource", "property", "value", "in Envoy"), rows)


def parity_page() -> str:
    """Write the page of the documentation that says what becomes of every property."""
    rows = "\n".join(
        f"| {_escaped(row.properties)} | {_escaped(row.becomes or '–')} | {_escaped(row.refused or '–')} |"
        for row in ROWS
    )
    return _PAGE.format(count=len(table()), rows=rows)


_PAGE = """# What becomes of each App Mesh property

Every property of the seven `AWS::AppMesh` resource types ({count} of them), what it becomes in Envoy's configuration,
and when it is refused. Braces hold alternatives. `color-mesh parity SOURCE` prints this for the properties of a
template. `make gold` writes this page from the table that the compiler's tests walk.

| property | becomes | refused |
| --- | --- | --- |
{rows}
"""


def _table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [headings, *rows]
    if len(lines) == 1:
        return ""
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    rule = tuple("-" * width for width in widths)
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (lines[0], rule, *lines[1:])
    )


def _node(node: VirtualNode) -> tuple[str, ...]:
    found = node.discovery.dns_name if node.discovery is not None else "-"
    called = ", ".join(backend.virtual_service for backend in node.backends)
    return node.name, _listeners(node.listeners), found, called or "-"


def _service(service: VirtualService) -> tuple[str, ...]:
    if service.virtual_node is not None:
        return service.name, f"virtual node {service.virtual_node}"
    if service.virtual_router is not None:
        return service.name, f"virtual router {service.virtual_router}"
    return service.name, "nothing"


def _external(mesh: Mesh) -> Iterator[tuple[str, ...]]:
    for name in mesh.external_services:
        yield name, "declared somewhere else"


def _routers(routers: Iterable[VirtualRouter]) -> Iterator[tuple[str, ...]]:
    for router in routers:
        yield from _owned(router, [(route, _targets(route)) for route in router.routes])


def _gateways(gateways: Iterable[VirtualGateway]) -> Iterator[tuple[str, ...]]:
    for gateway in gateways:
        yield from _owned(gateway, [(route, route.virtual_service) for route in gateway.routes])


def _owned(owner: VirtualRouter | VirtualGateway, routes: Sequence[tuple[AnyRoute, str]]) -> Iterator[tuple[str, ...]]:
    """Write an owner's routes; its name stands before the first one only."""
    name, listeners = owner.name, _listeners(owner.listeners)
    if not routes:
        yield name, listeners, "-", "-", "-", "-"
    for route, target in routes:
        priority = "-" if route.priority is None else str(route.priority)
        yield name, listeners, route.name, priority, match_text(route.match), target
        name = listeners = ""


def _targets(route: Route) -> str:
    return ", ".join(f"{target.virtual_node} {target.weight}" for target in route.targets)


def _listeners(listeners: Iterable[Listener]) -> str:
    return ", ".join(f"{listener.protocol}/{listener.port}" for listener in listeners) or "-"


def _leaves(resource: Declared) -> Iterator[tuple[str, Any]]:
    """Find the properties of a resource that have values, by their paths in CloudFormation."""
    kind = cloudformation_spelling(resource.kind)

    def walk(path: str, value: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(value, dict):
            for key, each in value.items():
                yield from walk(f"{path}.{cloudformation_spelling(key)}", each)
        elif isinstance(value, list):
            for each in value:
                yield from walk(f"{path}[]", each)
        else:
            yield path, value

    for path, value in walk(kind, resource.properties):
        if path in table():
            yield path, value


def _outcome(path: str) -> str:
    row = table()[path]
    refused = f"refused {row.refused}" if row.becomes and row.refused else row.refused and f"refused: {row.refused}"
    return "; ".join(part for part in (row.becomes, refused) if part)


def _shortened(value: Any) -> str:
    text = str(value).replace("\n", "\\n")
    return text if len(text) <= 40 else f"{text[:37]}..."


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
