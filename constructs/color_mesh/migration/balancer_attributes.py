"""Attributes of load balancers and target groups: those that become arguments, and those that are lost."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeAlias

from color_mesh.migration.findings import Finding, lost
from color_mesh.migration.python import Code, call, value
from color_mesh.model.checks import is_number

_Argument: TypeAlias = "tuple[str, Callable[[str], Code | None]]"


def _flag(text: str) -> Code | None:
    return value(text == "true") if text in ("true", "false") else None


def _seconds(low: int, high: int) -> Callable[[str], Code | None]:
    def render(text: str) -> Code | None:
        in_range = is_number(text) and low <= int(text) <= high
        return call("Duration.seconds", value(int(text))) if in_range else None

    return render


# Elastic Load Balancing API Reference, LoadBalancerAttribute and TargetGroupAttribute: the limits.
_DELAY = ("deregistration_delay", _seconds(0, 3600))
# Attributes of load balancers by their type, and of target groups, each with the argument of the construct.
BALANCER_ATTRIBUTES: Mapping[str, Mapping[str, _Argument]] = {
    "application": {
        "deletion_protection.enabled": ("deletion_protection", _flag),
        "idle_timeout.timeout_seconds": ("idle_timeout", _seconds(1, 4000)),
        "routing.http.drop_invalid_header_fields.enabled": ("drop_invalid_header_fields", _flag),
        "routing.http.preserve_host_header.enabled": ("preserve_host_header", _flag),
        "routing.http2.enabled": ("http2_enabled", _flag),
    },
    "network": {
        "deletion_protection.enabled": ("deletion_protection", _flag),
        "load_balancing.cross_zone.enabled": ("cross_zone_enabled", _flag),
    },
}
GROUP_ATTRIBUTES: Mapping[str, Mapping[str, _Argument]] = {
    "application": {"deregistration_delay.timeout_seconds": _DELAY},
    "network": {
        "deregistration_delay.timeout_seconds": _DELAY,
        "preserve_client_ip.enabled": ("preserve_client_ip", _flag),
    },
}
# Attributes that have an effect only with the attribute ``enabled`` beside them.
_SWITCHED = ("access_logs.s3", "connection_logs.s3", "health_check_logs.s3", "stickiness")
# Values that are no loss, of attributes for which it is not `_OFF`: the defaults, on the same pages.
_OFF = ("", "false", "off")
BALANCER_DEFAULTS: Mapping[str, Collection[str]] = {
    "client_keep_alive.seconds": ("3600",),
    "dns_record.client_routing_policy": ("any_availability_zone",),
    "idle_timeout.timeout_seconds": ("60",),
    # The new load balancer has no IPv6 addresses.
    "ipv6.deny_all_igw_traffic": ("true", "false"),
    # An application load balancer always balances so.
    "load_balancing.cross_zone.enabled": ("true", "false"),
    "routing.http.desync_mitigation_mode": ("defensive",),
    "routing.http.xff_header_processing.mode": ("append",),
    "routing.http2.enabled": ("true",),
    "secondary_ips.auto_assigned.per_subnet": ("0",),
}
GROUP_DEFAULTS: Mapping[str, Collection[str]] = {
    "load_balancing.algorithm.type": ("round_robin",),
    "load_balancing.cross_zone.enabled": ("use_load_balancer_configuration",),
    "slow_start.duration_seconds": ("0",),
    "target_group_health.dns_failover.minimum_healthy_targets.count": ("1", "off"),
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": ("1",),
    "target_health_state.unhealthy.connection_termination.enabled": ("true",),
    "target_health_state.unhealthy.draining_interval_seconds": ("0",),
}


def attribute_arguments(attributes: Mapping[str, str], known: Mapping[str, _Argument]) -> dict[str, Code]:
    """Render the arguments for attributes."""
    rendered = {known[key][0]: known[key][1](text) for key, text in attributes.items() if key in known}
    return {name: code for name, code in rendered.items() if code is not None}


def attribute_findings(
    place: str,
    attributes: Mapping[str, str],
    known: Mapping[str, _Argument],
    defaults: Mapping[str, Collection[str]],
) -> Iterator[Finding]:
    """Yield the attributes that are not migrated. Those that change nothing are no loss."""
    idle = tuple(f"{each}." for each in _SWITCHED if attributes.get(f"{each}.enabled") != "true")
    for key, text in attributes.items():
        has_effect = text not in defaults.get(key, _OFF) and not key.startswith(idle)
        if known[key][1](text) is None if key in known else has_effect:
            yield lost(place, f"the attribute {key} with the value {text!r}: add it with set_attribute(...)")
