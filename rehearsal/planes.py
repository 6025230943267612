"""The data planes that are rehearsed."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Plane:
    """Define what is particular to a data plane.

    Attributes:
        name: The setting ``color-mesh:dataPlane``.
        weights_change: What ``cdk diff`` tells of resources when weights change.
        weights_replace: The types of those that are replaced, and not updated in place.
    """

    name: str
    weights_change: frozenset[str]
    weights_replace: frozenset[str]


# Envoys are configured by their command, so that new weights are a new task definition of whoever routes.
PLANES = (
    Plane(name="app-mesh", weights_change=frozenset({"[~] AWS::AppMesh::Route"}), weights_replace=frozenset()),
    Plane(
        name="envoy",
        weights_change=frozenset({"[~] AWS::ECS::TaskDefinition"}),
        weights_replace=frozenset({"AWS::ECS::TaskDefinition"}),
    ),
)
# What is rehearsed is the default, then each of these, and the default again after each.
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "default": {},
    "weights": {"weights": "green=1,yellow=1"},
    "chapter-3": {"chapter": "3"},
    "public-ip": {"gateway": "public-ip"},
}
