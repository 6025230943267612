"""Envoy resources of one part of a configuration, such as the ingress of a node."""

from dataclasses import dataclass

from color_mesh.envoy.services import LiveWeight, Target
from color_mesh.envoy.typed import Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """Envoy resources.

    Attributes:
        listeners: Listeners.
        routes: Route configurations of the HTTP listeners.
        clusters: Clusters, except those of ``targets``.
        targets: Listeners of other nodes, of which each needs a cluster.
        weights: Weights that are in Cloud Map.
    """

    listeners: tuple[Json, ...] = ()
    routes: tuple[Json, ...] = ()
    clusters: tuple[Json, ...] = ()
    targets: tuple[Target, ...] = ()
    weights: tuple[LiveWeight, ...] = ()

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(
            listeners=(*self.listeners, *other.listeners),
            routes=(*self.routes, *other.routes),
            clusters=(*self.clusters, *other.clusters),
            targets=(*self.targets, *other.targets),
            weights=(*self.weights, *other.weights),
        )
