"""Addresses and host names of the APIs that tasks call (AWS General Reference, *Service endpoints and quotas*)."""

from ipaddress import IPv4Address

from color_mesh.local.plan.network import API_ADDRESSES, API_PORT
from color_mesh.local.run.aws.apis import ACM, CLOUD_MAP, PRIVATE_CA, SECRETS_MANAGER
from color_mesh.local.run.aws.cloud_map_api import HOST_PREFIXES

TELEMETRY = "telemetry"
# First parts of the host names of each API, before the region.
_HOST_PREFIXES = {
    CLOUD_MAP: HOST_PREFIXES,
    TELEMETRY: ("xray", "monitoring"),
    ACM: ("acm",),
    PRIVATE_CA: ("acm-pca",),
    SECRETS_MANAGER: ("secretsmanager",),
}
# Each API has its own address, so that it can refuse connections alone.
ENDPOINTS: dict[str, tuple[IPv4Address, int]] = {
    name: (address, API_PORT) for name, address in zip(_HOST_PREFIXES, API_ADDRESSES, strict=False)
}


def host_names(api: str, regions: tuple[str, ...]) -> tuple[str, ...]:
    """Return the host names of an API."""
    return tuple(f"{prefix}.{each}.amazonaws.com" for each in regions for prefix in _HOST_PREFIXES[api])
