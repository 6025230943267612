"""Changes to a running mesh: other weights, other backends."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from color_mesh.model import Mesh, VirtualServiceBackend, WeightedTarget
from color_mesh.model.checks import check_known
from color_mesh.model.errors import problem, refuse


def with_weights(mesh: Mesh, route: str, weights: Mapping[str, int]) -> Mesh:
    """Give a route other targets, each with its weight; those that it had are listed anew or are gone.

    Raises:
        MeshError: When there is no such route, or the mesh cannot be so.
    """
    routes = {each.name: (router, each) for router in mesh.routers for each in router.routes}
    refuse(check_known("set route", "route", route, routes))
    router, changed = routes[route]
    if not weights:
        refuse([problem(f"set route {route}", "names no target", None, "such as green=4,yellow=1")])
    had = {target.virtual_node: target for target in changed.targets}
    port = next((target.port for target in changed.targets), None)
    listening = {node.name for node in mesh.nodes if any(listener.port == port for listener in node.listeners)}
    targets = tuple(
        replace(had[node], weight=weight)
        if node in had
        else WeightedTarget(virtual_node=node, weight=weight, port=port if node in listening else None)
        for node, weight in weights.items()
    )
    others = tuple(replace(changed, targets=targets) if each is changed else each for each in router.routes)
    routers = tuple(replace(router, routes=others) if each is router else each for each in mesh.routers)
    return replace(mesh, routers=routers)


def with_backends(mesh: Mesh, node: str, backends: Sequence[str]) -> Mesh:
    """Give a node other backends: virtual services, by their names or the first labels of these.

    Raises:
        MeshError: When there is no such node or service.
    """
    refuse(check_known("set node", "virtual node", node, [each.name for each in mesh.nodes]))
    labels = {name.split(".")[0]: name for name in mesh.known_services}
    names = [labels.get(each, each) for each in backends]
    known = [*mesh.known_services, *labels]
    refuse(each for name in names for each in check_known("set node", "virtual service", name, known))
    changed = mesh.node(node)
    had = {backend.virtual_service: backend for backend in changed.backends}
    found = tuple(had.get(name) or VirtualServiceBackend(virtual_service=name) for name in dict.fromkeys(names))
    nodes = tuple(replace(each, backends=found) if each is changed else each for each in mesh.nodes)
    return replace(mesh, nodes=nodes)
