"""Settings of the tutorial's stacks that depend on the data plane."""

from collections.abc import Mapping
from dataclasses import dataclass

from color_mesh.model import Telemetry
from color_mesh.model.deployment import DataPlaneName


@dataclass(frozen=True, kw_only=True, slots=True)
class Plane:
    """Settings of the tutorial's stacks for one data plane.

    Attributes:
        namespace_name: Name of the Cloud Map namespace in which tasks are registered.
        shared_group: One security group for all tasks, as in the tutorial. Without it each node has its own, which
            admits only the node's callers.
        telemetry: Telemetry of chapter 6.
        client_certificates: Client certificates in chapter 5.
    """

    namespace_name: str
    shared_group: bool
    telemetry: Telemetry
    client_certificates: bool


# The readers of the tutorial send a few requests by hand, and want to see them.
_SAMPLING_PERCENT = 100
PLANES: Mapping[DataPlaneName, Plane] = {
    "app-mesh": Plane(
        namespace_name="colors.local",
        shared_group=True,
        telemetry=Telemetry(collector="sidecar", sampling_percent=_SAMPLING_PERCENT),
        client_certificates=False,
    ),
    "envoy": Plane(
        namespace_name="tasks.colors.local",
        shared_group=False,
        telemetry=Telemetry(sampling_percent=_SAMPLING_PERCENT),
        client_certificates=True,
    ),
}
