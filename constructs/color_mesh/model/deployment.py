"""Names and defaults of a deployment that the constructs, the app's settings and the migration share."""

from collections.abc import Mapping
from typing import Literal, get_args

DataPlaneName = Literal["app-mesh", "envoy"]
DATA_PLANES: tuple[DataPlaneName, ...] = get_args(DataPlaneName)

ENVOY_IMAGES: Mapping[DataPlaneName, str] = {
    # App Mesh's Envoy image in Amazon ECR Public: the same name in every Region, and no permission is needed.
    "app-mesh": "public.ecr.aws/appmesh/aws-appmesh-envoy:v1.27.0.0-prod",
    # Not the distroless image: health checks and draining need a shell.
    "envoy": ("envoyproxy/envoy:v1.39.3@sha256:dd85940439de19a0b6ae8419610363ea0ad351d9a994ea007161c206ec1e1865"),
}

# AWS Distro for OpenTelemetry.
COLLECTOR_IMAGE = (
    "public.ecr.aws/aws-observability/aws-otel-collector:v0.48.0"
    "@sha256:9b28046359054b414f4ba76056ba4e8cffda2d53fbcee06171d7eeecd71326c3"
)

InterceptionName = Literal["loopback", "transparent"]
INTERCEPTIONS: tuple[InterceptionName, ...] = get_args(InterceptionName)

# Isolation of the nodes of a mesh by security groups.
Isolation = Literal["node", "mesh"]
ISOLATIONS: tuple[Isolation, ...] = get_args(Isolation)

AppAddress = Literal["0.0.0.0", "127.0.0.1"]
APP_ADDRESSES: tuple[AppAddress, ...] = get_args(AppAddress)

# Reach of a gateway. The second and the third are open to the internet.
Exposure = Literal["internal", "internet", "public-ip", "none"]
EXPOSURES: tuple[Exposure, ...] = get_args(Exposure)

# Label, below the domain of the virtual services, of the namespace in which tasks are registered with ``loopback``.
TASKS_LABEL = "tasks"

# Default TTL of the DNS records of a node's tasks. Callers in the mesh ask Cloud Map instead of DNS.
DNS_TTL_SECONDS: Mapping[DataPlaneName, int] = {"app-mesh": 60, "envoy": 5}

# Default of the shortest time between two calls of DiscoverInstances for the same service, and its range. The delay
# that holds up the end of a task is longer than twice this time, and Fargate limits it.
REFRESH_SECONDS, MAX_REFRESH_SECONDS = 10, 50

# Default of the time between two calls of AWS for the same certificate, and its range. ACM allows 5 calls of
# ExportCertificate a second in an account (AWS Certificate Manager User Guide, *Quotas*): 1,000 tasks make 1.7.
CERTIFICATE_REFRESH_SECONDS, MAX_CERTIFICATE_REFRESH_SECONDS = 600, 86_400

# Default CPU units and memory of the Envoy container in a node's task.
ENVOY_CPU, ENVOY_MEMORY_MIB = 128, 384
