"""A mesh as tables, and the table writer that every command uses."""

from collections.abc import Iterable, Iterator, Sequence

from color_mesh.model import Listener, Mesh, Route, VirtualGateway, VirtualNode, VirtualRouter, VirtualService
from color_mesh.model.errors import printable, shortened
from color_mesh.model.match import match_text
from color_mesh.model.route import AnyRoute

MAX_WIDTH = 200  # Of a column.
MAX_CELL = 2000  # Characters.


def mesh_table(mesh: Mesh) -> str:
    """Render a mesh as tables of its virtual nodes, services, routers and gateways; empty tables are left out."""
    egress = "backends only" if mesh.egress_filter == "DROP_ALL" else "anywhere"
    parts = [
        f"mesh {mesh.name} (egress {mesh.egress_filter}: {egress})",
        table(("virtual node", "listeners", "DNS name", "backends"), map(_node, mesh.nodes)),
        table(("virtual service", "provider"), [*map(_service, mesh.services), *_external_services(mesh)]),
        table(("virtual router", "listeners", "route", "priority", "match", "targets"), _routers(mesh.routers)),
        table(
            ("virtual gateway", "listeners", "route", "priority", "match", "virtual service"), _gateways(mesh.gateways)
        ),
    ]
    return "\n\n".join(part for part in parts if part)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Render rows below headings and a rule; nothing when there are no rows."""
    cells = [headings, *([*map(_cell, row)] for row in rows)]
    if len(cells) == 1:
        return ""
    rule = ["-" * width for width in _widths(cells)]
    return columns([headings, rule, *cells[1:]])


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Render rows of cells as left-aligned columns, two spaces apart; a row is one line, whatever its cells contain."""
    cells = [[*map(_cell, row)] for row in rows]
    widths = _widths(cells)
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def _cell(text: str) -> str:
    return printable(shortened(text, MAX_CELL))


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the widths of columns; longer cells reach into the next one, so that no cell is padded to them."""
    return [min(max(map(len, column)), MAX_WIDTH) for column in zip(*rows, strict=True)]


def _node(node: VirtualNode) -> tuple[str, ...]:
    dns_name = node.discovery.dns_name if node.discovery is not None else "-"
    backends = ", ".join(backend.virtual_service for backend in node.backends)
    return node.name, _listeners(node.listeners), dns_name, backends or "-"


def _service(service: VirtualService) -> tuple[str, ...]:
    if service.virtual_node is not None:
        return service.name, f"virtual node {service.virtual_node}"
    if service.virtual_router is not None:
        return service.name, f"virtual router {service.virtual_router}"
    return service.name, "none"


def _external_services(mesh: Mesh) -> Iterator[tuple[str, ...]]:
    for name in mesh.external_services:
        yield name, "declared elsewhere"


def _routers(routers: Iterable[VirtualRouter]) -> Iterator[tuple[str, ...]]:
    for router in routers:
        yield from _owned(router, [(route, _targets(route)) for route in router.routes])


def _gateways(gateways: Iterable[VirtualGateway]) -> Iterator[tuple[str, ...]]:
    for gateway in gateways:
        yield from _owned(gateway, [(route, route.virtual_service) for route in gateway.routes])


def _owned(owner: VirtualRouter | VirtualGateway, routes: Sequence[tuple[AnyRoute, str]]) -> Iterator[tuple[str, ...]]:
    """Yield one row per route; only the first row names the owner and its listeners."""
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
