"""Retries and timeout of the callers of a node that has no router of the user."""

from collections.abc import Sequence

from constructs import Construct

from color_mesh.cdk.data_plane import MeshResources, OwnedRoute
from color_mesh.cdk.mesh import ServiceMesh
from color_mesh.model import (
    Listener,
    RetryPolicy,
    Route,
    RouteMatch,
    Timeout,
    VirtualRouter,
    WeightedTarget,
)
from color_mesh.model.match import with_default_prefix


def router_with_policy(
    name: str,
    *,
    node: str,
    listeners: Sequence[Listener],
    retry_policy: RetryPolicy | None,
    timeout: Timeout | None,
) -> VirtualRouter | None:
    """Return a router that sends all requests to one node, since App Mesh has these policies on routes only.

    Args:
        name: Name of the router.
        node: Name of the node.
        listeners: Listeners of the node.
        retry_policy: Retry policy of all routes.
        timeout: Timeout of all routes.

    Returns:
        The router. ``None``: there is no policy, so that the node itself may provide the service.
    """
    if retry_policy is None and timeout is None:
        return None
    several = len(listeners) > 1
    return VirtualRouter(
        name=name,
        listeners=tuple(Listener(port=each.port, protocol=each.protocol) for each in listeners),
        routes=tuple(
            Route(
                name=f"{name}-{each.port}" if several else name,
                protocol=each.protocol,
                match=with_default_prefix(RouteMatch(port=each.port if several else None), each.protocol),
                retry_policy=retry_policy,
                timeout=timeout,
                targets=(WeightedTarget(virtual_node=node, weight=1, port=each.port),),
            )
            for each in listeners
        ),
    )


def declare_router(scope: Construct, mesh: ServiceMesh, router: VirtualRouter) -> MeshResources:
    """Create the resources that declare a router and its routes."""
    resources = {**mesh.data_plane.declare(scope, router)}
    for route in router.routes:
        id = "Route" if len(router.routes) == 1 else f"Route{route.match.port}"
        resources |= mesh.data_plane.declare(scope, OwnedRoute(id=id, owner=router.name, route=route))
    return resources
