"""What one side of an Envoy is made of."""

from dataclasses import dataclass

from color_mesh.envoy.services import Target
from color_mesh.envoy.typed import Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """Hold the parts of a configuration.

    Attributes:
        listeners: What Envoy listens on.
        routes: The routes of its HTTP listeners.
        clusters: What it connects to, beside ``targets``.
        targets: The listeners of other nodes that it connects to.
    """

    listeners: tuple[Json, ...] = ()
    routes: tuple[Json, ...] = ()
    clusters: tuple[Json, ...] = ()
    targets: tuple[Target, ...] = ()

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(
            listeners=(*self.listeners, *other.listeners),
            routes=(*self.routes, *other.routes),
            clusters=(*self.clusters, *other.clusters),
            targets=(*self.targets, *other.targets),
        )
