"""Arguments of Terraform's load balancers and target groups that are attributes of Elastic Load Balancing.

A state has all arguments: those with their default are left out.
"""

from collections.abc import Mapping
from typing import Any

from color_mesh.aws_json.resource import Object
from color_mesh.aws_json.terraform_blocks import block

# Terraform Registry, aws_lb and aws_lb_target_group: each argument with its attribute and its default.
_Arguments = Mapping[str, tuple[str, Any]]
_BALANCER: _Arguments = {
    "client_keep_alive": ("client_keep_alive.seconds", 3600),
    "desync_mitigation_mode": ("routing.http.desync_mitigation_mode", "defensive"),
    "dns_record_client_routing_policy": ("dns_record.client_routing_policy", "any_availability_zone"),
    "drop_invalid_header_fields": ("routing.http.drop_invalid_header_fields.enabled", False),
    "enable_cross_zone_load_balancing": ("load_balancing.cross_zone.enabled", False),
    "enable_deletion_protection": ("deletion_protection.enabled", False),
    "enable_http2": ("routing.http2.enabled", True),
    "enable_tls_version_and_cipher_suite_headers": ("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", False),
    "enable_waf_fail_open": ("waf.fail_open.enabled", False),
    "enable_xff_client_port": ("routing.http.xff_client_port.enabled", False),
    "enable_zonal_shift": ("zonal_shift.config.enabled", False),
    "idle_timeout": ("idle_timeout.timeout_seconds", None),
    "preserve_host_header": ("routing.http.preserve_host_header.enabled", False),
    "xff_header_processing_mode": ("routing.http.xff_header_processing.mode", "append"),
}
_GROUP: _Arguments = {
    "connection_termination": ("deregistration_delay.connection_termination.enabled", False),
    "deregistration_delay": ("deregistration_delay.timeout_seconds", None),
    "load_balancing_algorithm_type": ("load_balancing.algorithm.type", "round_robin"),
    "load_balancing_anomaly_mitigation": ("load_balancing.algorithm.anomaly_mitigation", "off"),
    "load_balancing_cross_zone_enabled": ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
    "preserve_client_ip": ("preserve_client_ip.enabled", None),
    "proxy_protocol_v2": ("proxy_protocol_v2.enabled", False),
    "slow_start": ("slow_start.duration_seconds", 0),
}
_STATE: _Arguments = {
    "enable_unhealthy_connection_termination": ("target_health_state.unhealthy.connection_termination.enabled", True),
    "unhealthy_draining_interval": ("target_health_state.unhealthy.draining_interval_seconds", 0),
}
_HEALTH = "target_group_health.{}.minimum_healthy_targets.{}"


def balancer_attributes(values: Object) -> dict[str, Any]:
    """Return the attributes of a load balancer, as a property."""
    logs = {
        f"{kind}.s3.{key}": each
        for kind in ("access_logs", "connection_logs", "health_check_logs")
        if (declared := block(values, kind)).get("enabled")
        for key in ("enabled", "bucket", "prefix")
        if (each := declared.get(key))
    }
    return _property("LoadBalancerAttributes", {**_changed(values, _BALANCER), **logs})


def group_attributes(values: Object) -> dict[str, Any]:
    """Return the attributes of a target group, as a property."""
    attributes = {**_changed(values, _GROUP), **_changed(block(values, "target_health_state"), _STATE)}
    for kind in ("dns_failover", "unhealthy_state_routing"):
        counts: _Arguments = {
            "minimum_healthy_targets_count": (_HEALTH.format(kind, "count"), "1"),
            "minimum_healthy_targets_percentage": (_HEALTH.format(kind, "percentage"), "off"),
        }
        attributes |= _changed(block(block(values, "target_group_health"), kind), counts)
    stickiness = block(values, "stickiness")
    if stickiness.get("enabled"):
        sticky: _Arguments = {
            "enabled": ("stickiness.enabled", None),
            "type": ("stickiness.type", None),
            # Stickiness by the address of the client has no duration, but a state has one.
            **(
                {"cookie_duration": (f"stickiness.{stickiness.get('type')}.duration_seconds", 86400)}
                if str(stickiness.get("type")).endswith("_cookie")
                else {}
            ),
            "cookie_name": ("stickiness.app_cookie.cookie_name", None),
        }
        attributes |= _changed(stickiness, sticky)
    return _property("TargetGroupAttributes", attributes)


def _changed(values: Object, arguments: _Arguments) -> dict[str, Any]:
    """Return the attributes whose arguments do not have their defaults."""
    found = ((name, values.get(key), default) for key, (name, default) in arguments.items())
    return {name: each for name, each, default in found if each not in (None, "") and str(each) != str(default)}


def _property(key: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    listed = [{"Key": name, "Value": _text(each)} for name, each in attributes.items()]
    return {key: listed} if listed else {}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
