"""Changes of a running mesh: weights of a route, backends of a node."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from color_mesh.model import Mesh, Route, VirtualServiceBackend, WeightedTarget
from color_mesh.model.checks import check_known
from color_mesh.model.errors import problem, refuse


def with_weights(mesh: Mesh, route: str, weights: Mapping[str, int]) -> Mesh:
    """Return a mesh in which a route has these targets, by virtual node, and no others.

    Raises:
        MeshError: If the route does not exist, or the mesh is invalid with these targets.
    """
    routes = {each.name: (router, each) for router in mesh.routers for each in router.routes}
    refuse(check_known("set route", "route", route, routes))
    router, changed = routes[route]
    if not weights:
        refuse([problem(f"set route {route}", "has no target", None, "such as green=4,yellow=1")])
    replaced = replace(changed, targets=_targets(mesh, changed, weights))
    new_routes = tuple(replaced if each is changed else each for each in router.routes)
    routers = tuple(replace(router, routes=new_routes) if each is router else each for each in mesh.routers)
    return replace(mesh, routers=routers)


def _targets(mesh: Mesh, route: Route, weights: Mapping[str, int]) -> tuple[WeightedTarget, ...]:
    """Return the targets with their weights; a new target gets the port of the others if its node listens on it."""
    targets = {target.virtual_node: target for target in route.targets}
    port = next((target.port for target in route.targets), None)
    listening = {node.name for node in mesh.nodes if any(listener.port == port for listener in node.listeners)}
    return tuple(
        replace(targets[node], weight=weight)
        if node in targets
        else WeightedTarget(virtual_node=node, weight=weight, port=port if node in listening else None)
        for node, weight in weights.items()
    )


def with_backends(mesh: Mesh, node: str, backends: Sequence[str]) -> Mesh:
    """Return a mesh in which a node has these backends: names of virtual services, or their first labels.

    Raises:
        MeshError: If the node or a virtual service does not exist.
    """
    refuse(check_known("set node", "virtual node", node, [each.name for each in mesh.nodes]))
    labels = {name.split(".")[0]: name for name in mesh.known_services}
    names = [labels.get(each, each) for each in backends]
    known = [*mesh.known_services, *labels]
    refuse(each for name in names for each in check_known("set node", "virtual service", name, known))
    changed = mesh.node(node)
    current = {backend.virtual_service: backend for backend in changed.backends}
    new = tuple(current.get(name) or VirtualServiceBackend(virtual_service=name) for name in dict.fromkeys(names))
    nodes = tuple(replace(each, backends=new) if each is changed else each for each in mesh.nodes)
    return replace(mesh, nodes=nodes)
