"""Data planes and settings of the rehearsal."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Plane:
    """Expected changes of a data plane.

    Attributes:
        name: The setting ``color-mesh:dataPlane``.
        weights_change: Changes that ``cdk diff`` lists for new weights.
        weights_replace: Types of the resources that new weights replace.
        refuses: Invalid settings are deployed, too. The app refuses them in the same way with every data plane.
    """

    name: str
    weights_change: frozenset[str]
    weights_replace: frozenset[str]
    refuses: bool = False


# Without App Mesh the weights are attributes of an instance in Cloud Map.
PLANES = (
    Plane(name="app-mesh", weights_change=frozenset({"[~] AWS::AppMesh::Route"}), weights_replace=frozenset()),
    Plane(
        name="envoy",
        weights_change=frozenset({"[~] AWS::ServiceDiscovery::Instance"}),
        weights_replace=frozenset(),
        refuses=True,
    ),
)
# The rehearsal deploys the default, then one setting after the other, and the default again.
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "default": {},
    "weights": {"weights": "green=1,yellow=1"},
    "chapter-3": {"chapter": "3"},
    "chapter-5": {"chapter": "5"},
    "chapter-6": {"chapter": "6"},
    "public-ip": {"gateway": "public-ip"},
}
