"""The words for how a mesh is deployed, which constructs and settings share."""

from typing import Literal, get_args

DataPlaneName = Literal["app-mesh"]
DATA_PLANES: tuple[DataPlaneName, ...] = get_args(DataPlaneName)

Exposure = Literal["load-balancer", "public-ip"]
EXPOSURES: tuple[Exposure, ...] = get_args(Exposure)
