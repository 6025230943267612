"""The targets of a running load balancer, as its Envoy sees them."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from color_mesh.ecs.target_groups import TargetGroup
from color_mesh.envoy.typed import Json
from color_mesh.local.run.envoys import admin_interface


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadBalancerTarget:
    """Target of a load balancer.

    Attributes:
        group: Key of its target group.
        address: IPv4 address.
        port: Port.
    """

    group: str
    address: str
    port: int

    @property
    def endpoint(self) -> tuple[str, int]:
        """Address and port."""
        return self.address, self.port


async def target_health(network: str, groups: Mapping[str, TargetGroup]) -> dict[LoadBalancerTarget, str | None]:
    """Return why each target fails its health check, ``None`` for a healthy one; without those not checked yet.

    Args:
        network: Network namespace of the load balancer.
        groups: Its target groups by key.
    """
    health: dict[LoadBalancerTarget, str | None] = {}
    for target, host in await _hosts(network, groups):
        flags = host.get("health_status", {})
        if not flags.get("pending_active_hc"):
            failed = flags.get("failed_active_health_check")
            health[target] = _failure(groups[target.group], target.port) if failed else None
    return health


async def has_requests(network: str, groups: Mapping[str, TargetGroup], address: str) -> bool:
    """Return whether the target with an address has requests that are not complete."""
    return any(
        stat["name"] == "rq_active" and int(stat.get("value", 0))
        for target, host in await _hosts(network, groups)
        for stat in host.get("stats", [])
        if target.address == address
    )


async def _hosts(network: str, groups: Mapping[str, TargetGroup]) -> list[tuple[LoadBalancerTarget, Json]]:
    """Return the hosts of Envoy's clusters; none if Envoy does not answer."""
    hosts = []
    with suppress(OSError, asyncio.TimeoutError):
        response = json.loads(await admin_interface.request(network, "/clusters?format=json"))
        for cluster in response.get("cluster_statuses", []):
            for host in cluster.get("host_statuses", []) if cluster["name"] in groups else ():
                address = host["address"]["socket_address"]
                target = LoadBalancerTarget(
                    group=cluster["name"], address=address["address"], port=address["port_value"]
                )
                hosts.append((target, host))
    return hosts


def _failure(group: TargetGroup, port: int) -> str:
    check = group.health_check
    path = f" {check.path}, {check.codes}" if check.protocol != "TCP" else ""
    return f"fails the health check of {group.name} ({check.protocol} {check.port or port}{path})"
