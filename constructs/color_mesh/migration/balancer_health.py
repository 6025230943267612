"""Health checks of target groups: the arguments of the construct."""

from color_mesh.ecs.target_groups import HTTP_PROTOCOLS, TargetGroup, TargetHealthCheck
from color_mesh.migration.placeholders import is_literal
from color_mesh.migration.python import Code, call, member, unless, value

_PROTOCOLS = (*HTTP_PROTOCOLS, "TCP")
_MAX_PATH = 1024


def is_valid(check: TargetHealthCheck, kind: str) -> bool:
    """Return whether the values of a health check are those that Elastic Load Balancing takes.

    Args:
        check: Health check.
        kind: Type of the load balancer: ``application`` or ``network``.
    """
    if kind == "application" and (check.protocol == "TCP" or check.timeout_seconds == check.interval_seconds):
        return False
    # Elastic Load Balancing API Reference, CreateTargetGroup.
    return (
        5 <= check.interval_seconds <= 300
        and 2 <= check.timeout_seconds <= 120
        and check.timeout_seconds <= check.interval_seconds
        and 2 <= check.healthy_threshold <= 10
        and 2 <= check.unhealthy_threshold <= 10
        and check.protocol in _PROTOCOLS
        and check.path.startswith("/")
        and len(check.path) <= _MAX_PATH
        and is_literal(check.path)
        and is_literal(check.codes)
    )


def health_check_arguments(group: TargetGroup, kind: str) -> dict[str, Code]:
    """Render the arguments of a health check that differ from the defaults of Elastic Load Balancing.

    Args:
        group: Target group.
        kind: Type of the load balancer: ``application`` or ``network``.
    """
    check = group.health_check
    if not is_valid(check, kind):
        return {}
    by_http = check.protocol in HTTP_PROTOCOLS
    protocol, codes, timeout = {"application": ("HTTP", "200", 5), "network": ("TCP", "200-399", 6 if by_http else 10)}[
        kind
    ]
    durations = {"interval": (check.interval_seconds, 30), "timeout": (check.timeout_seconds, timeout)}
    grpc = kind == "application" and group.protocol_version == "GRPC"
    return {
        **({} if check.protocol == protocol else {"protocol": member("elbv2.Protocol", check.protocol, _PROTOCOLS)}),
        **(unless("/", path=check.path) if by_http else {}),
        **(unless(codes, healthy_http_codes=check.codes) if by_http and not grpc else {}),
        **{
            name: call("Duration.seconds", value(seconds))
            for name, (seconds, default) in durations.items()
            if seconds != default
        },
        **unless(5, healthy_threshold_count=check.healthy_threshold),
        **unless(2, unhealthy_threshold_count=check.unhealthy_threshold),
    }
