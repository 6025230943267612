"""Weights of routes in Cloud Map: a service for each router, an instance for each route, an attribute for each target.

Envoys read them there, and operators change them there, without a deployment.
"""

from hashlib import sha256

from color_mesh.model.route import Route, WeightedTarget

# AWS Cloud Map API Reference, *CreateService* and *RegisterInstance*.
_MAX_LABEL_LENGTH = 63
_MAX_INSTANCE_ID_LENGTH = 64


def weights_service(router: str) -> str:
    """Return the name of the Cloud Map service with the weights of a router.

    The dot keeps it apart from the services of nodes, whose names have none.
    """
    return f"{_shortened(router, _MAX_LABEL_LENGTH)}.weights"


def weights_instance(route: str) -> str:
    """Return the id of the instance that has the weights of a route."""
    return _shortened(route, _MAX_INSTANCE_ID_LENGTH)


def weight_attribute(route: Route, target: WeightedTarget) -> str:
    """Return the name of the attribute that has the weight of a target.

    It is the name of the node, with the port if the route has several listeners of the node as targets.
    """
    nodes = [each.virtual_node for each in route.targets]
    return target.virtual_node if nodes.count(target.virtual_node) == 1 else f"{target.virtual_node}:{target.port}"


def _shortened(name: str, max_length: int) -> str:
    """Return a name as Cloud Map accepts it: not too long, without a hyphen at its ends."""
    if len(name) <= max_length and name == name.strip("-"):
        return name
    return f"{name[: max_length - 18]}-{sha256(name.encode()).hexdigest()[:16]}".lstrip("-")
