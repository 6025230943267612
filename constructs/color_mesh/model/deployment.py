"""The words for how a mesh is deployed, which constructs and settings share."""

from typing import Literal, get_args

# App Mesh's Envoy in the public gallery: the same image in every region, pulled without a permission.
DEFAULT_ENVOY_IMAGE = "public.ecr.aws/appmesh/aws-appmesh-envoy:v1.27.0.0-prod"

DataPlaneName = Literal["app-mesh"]
DATA_PLANES: tuple[DataPlaneName, ...] = get_args(DataPlaneName)

Exposure = Literal["load-balancer", "public-ip"]
EXPOSURES: tuple[Exposure, ...] = get_args(Exposure)
