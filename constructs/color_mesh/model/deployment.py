"""The words for how a mesh is deployed, which constructs and settings share."""

from collections.abc import Mapping
from typing import Literal, get_args

DataPlaneName = Literal["app-mesh", "envoy"]
DATA_PLANES: tuple[DataPlaneName, ...] = get_args(DataPlaneName)

ENVOY_IMAGES: Mapping[DataPlaneName, str] = {
    # App Mesh's Envoy in the public gallery: the same image in every region, pulled without a permission.
    "app-mesh": "public.ecr.aws/appmesh/aws-appmesh-envoy:v1.27.0.0-prod",
    # Not the distroless one: health checks and draining take its shell.
    "envoy": "envoyproxy/envoy:v1.40.0",
}

InterceptionName = Literal["loopback", "transparent"]
INTERCEPTIONS: tuple[InterceptionName, ...] = get_args(InterceptionName)

AppAddress = Literal["0.0.0.0", "127.0.0.1"]
APP_ADDRESSES: tuple[AppAddress, ...] = get_args(AppAddress)

Exposure = Literal["load-balancer", "public-ip"]
EXPOSURES: tuple[Exposure, ...] = get_args(Exposure)

# With ``loopback``, tasks are found in a namespace of this label below the domain of the services.
TASKS_LABEL = "tasks"

# How long resolvers keep where a node's tasks are, unless the node says otherwise. App Mesh asked Cloud Map itself;
# Envoys ask DNS, where it adds to how long the last callers of a task take to go elsewhere.
DNS_TTL_SECONDS: Mapping[DataPlaneName, int] = {"app-mesh": 60, "envoy": 5}

# What Envoy gets of a node's task, unless its implementation says otherwise.
ENVOY_CPU, ENVOY_MEMORY_MIB = 128, 384
