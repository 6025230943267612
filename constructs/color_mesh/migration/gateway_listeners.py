"""Gateways with several listeners: `MeshGateway` has one, so each listener becomes a gateway of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from color_mesh.migration.findings import Finding, changed
from color_mesh.migration.workload import Workload
from color_mesh.model import GatewayRoute, Listener, Mesh, VirtualGateway


def split_gateways(mesh: Mesh) -> tuple[Mesh, Sequence[Finding]]:
    """Return the mesh with a gateway for each listener, which has the routes that the listener takes."""
    findings: list[Finding] = []
    gateways: list[VirtualGateway] = []
    names = {gateway.name for gateway in mesh.gateways}
    for gateway in mesh.gateways:
        for number, listener in enumerate(gateway.listeners):
            several = len(gateway.listeners) > 1
            routes = tuple(each for each in gateway.routes if not several or _accepts(listener, each))
            name = _name(gateway, number, names)
            gateways.append(replace(gateway, name=name, listeners=(listener,), routes=routes))
            if number > 0:
                text = f"becomes the gateway {name!r} with tasks of its own, since MeshGateway has one listener"
                findings.append(changed(f"virtual gateway {gateway.name!r} listener {listener.port}", text))
    return replace(mesh, gateways=tuple(gateways)), findings


def split_workloads(mesh: Mesh, workloads: Sequence[Workload]) -> Iterator[Workload]:
    """Yield workloads, and after that of a gateway one for each of its other listeners.

    Args:
        mesh: Mesh of App Mesh.
        workloads: Workloads.
    """
    names = {gateway.name for gateway in mesh.gateways}
    for workload in workloads:
        yield workload
        gateway = next((each for each in mesh.gateways if each.name == workload.part.name), None)
        if workload.part.kind == "virtualGateway" and gateway is not None:
            for number in range(1, len(gateway.listeners)):
                # The names of the service and of the family are those of the first one.
                yield replace(
                    workload,
                    part=replace(workload.part, name=_name(gateway, number, names)),
                    service=replace(workload.service, declared_name=None),
                    definition=replace(workload.definition, declared_family=None),
                )


def names_of_listeners(mesh: Mesh, name: str) -> dict[int, str]:
    """Return the name of the new gateway for each listener of a gateway of App Mesh, by port."""
    names, gateway = {each.name for each in mesh.gateways}, mesh.gateway(name)
    return {listener.port: _name(gateway, number, names) for number, listener in enumerate(gateway.listeners)}


def _name(gateway: VirtualGateway, number: int, names: set[str]) -> str:
    """Return the name of the gateway for a listener: for the first one, that of the old gateway."""
    name = gateway.name if number == 0 else f"{gateway.name}-{gateway.listeners[number].port}"
    while number > 0 and name in names:
        name += "-listener"
    return name


def _accepts(listener: Listener, route: GatewayRoute) -> bool:
    return route.match.port in (None, listener.port) and route.protocol == listener.protocol
